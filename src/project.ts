import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Builder, buildersUnder } from './builders/read.ts';
import { readComposeFile } from './compose/file.ts';
import type { Service } from './compose/read.ts';
import { offsetsOf } from './compose/scalars.ts';
import { type ComposeService, includedBy, type ReadStacks, readStacks, type StackError } from './compose/stack.ts';
import { type Config, type Configs, namedFor } from './config.ts';
import { whyLeft } from './discover.ts';
import type { Disk } from './disk.ts';
import { type Dockerfile, parseDockerfile, type Stage } from './dockerfile/parse.ts';
import { type ImageSource, lookUp } from './images/lookup.ts';
import { parseReference, type Reference } from './images/reference.ts';
import { memo } from './memo.ts';
import { imageNames, namesOfImage, ownName } from './names.ts';

/** A file that unroot was given, or that one of those brings in, as it stands in the current phase. */
export interface SourceFile {
  /** As the user sees it: relative to the working directory, with forward slashes. */
  path: string;
  absolute: string;
  /** `brought`: read through the disk; here only because a fix changes it. */
  kind: 'dockerfile' | 'compose' | 'brought';
  text: string;
  /** Where a build context may lie at the most: the repository or folder that was given. */
  root: string;
}

/** What belongs together: Dockerfiles, the services that build them, the targets that somebody runs. */
export interface Project {
  disk: Disk;
  units: Unit[];
  targets: Target[];
  /** All compose services, those that build nothing here included. */
  services: LinkedService[];
  /** The files, by absolute path. */
  files: ReadonlyMap<string, SourceFile>;
  /** The configuration that holds for a file, by its absolute path. */
  configFor: (path: string) => Config | undefined;
  /** The images that this repository builds, by name. */
  images: ReadonlyMap<string, BuiltImage>;
  /** Whom to ask about an image that neither the configuration nor the catalogue knows. */
  source: ImageSource | undefined;
  /** Files that could not be parsed. */
  errors: FileError[];
  /** What compose files include that is not in sight. */
  unseen: FileError[];
}

export interface FileError {
  path: string;
  /** From 1; 0 where it is the whole file. */
  line: number;
  message: string;
}

/** A Dockerfile with its surroundings. */
export interface Unit {
  file: SourceFile;
  dockerfile: Dockerfile;
  /** The directory of its build context; undefined where none could be found that has what it copies. */
  context: string | undefined;
  /** The compose services that build it. */
  services: LinkedService[];
  /** What else in the repository builds it. */
  builders: Builder[];
  config: Config | undefined;
  /** Whom to ask about an image that neither the configuration nor the catalogue knows. */
  source: ImageSource | undefined;
  /** The images that this repository builds, by name: a FROM may name one. Shared by all units of a project but those with names of their own. */
  images: ReadonlyMap<string, BuiltImage>;
  /** Images that the builds give names of their own (`additional_contexts`): what a FROM then means; undefined for what is no image. */
  aliases?: ReadonlyMap<string, string | undefined>;
  /** Where the Dockerfile stands in a compose file (`dockerfile_inline`): all else of that is blank in its text. */
  inline?: { service: string; indent: string };
}

/** A stage of this repository that is an image of its own. */
export interface BuiltImage {
  unit: Unit;
  stage: Stage;
}

/** A compose service as its stack gives it: with what it extends and what it is laid over. */
export type LinkedService = ComposeService;

/** A stage that somebody runs. */
export interface Target {
  unit: Unit;
  stage: Stage;
  services: LinkedService[];
  /** Services of ready-made images that bear a name of what the Dockerfile builds, or are the only ones beside it: probably this one. */
  probable: LinkedService[];
  disk: Disk;
  project: Project;
  /** The compose service of a ready-made image that it stands for; undefined for a stage of a Dockerfile. */
  standsFor?: LinkedService;
}

/**
 * Files that have nothing to do with each other, apart: each group is decided for itself, and what
 * was found out of it can go when it is done. A Dockerfile goes with the compose files that build it
 * or run its image, and with the Dockerfiles that build on it; compose files with those that they
 * include, extend, or are laid over. Compose files that others include come along under any name.
 */
export function groupsOf(found: readonly SourceFile[], disk: Disk): SourceFile[][] {
  const files = [...found, ...includedFiles(found, disk)];
  const groupOf = new Map<SourceFile, SourceFile[]>(files.map((file) => [file, [file]]));
  const dockerfiles = files.filter(({ kind }) => kind === 'dockerfile');
  const byPath = new Map(dockerfiles.map((file) => [file.absolute, file]));
  const byName = new Map<string, SourceFile[]>();
  for (const file of dockerfiles) for (const name of imageNames(file.absolute, file.root, buildersFor(file, disk), disk)) addTo(byName, name, file);
  const named = new Map<string, SourceFile>();
  const builds = new Map<string, SourceFile>();
  const pushed = new Map<string, SourceFile>();
  const besides = new Map<string, SourceFile[]>();
  for (const file of dockerfiles) addTo(besides, dirname(file.absolute), file);
  const composeFiles = new Map(files.filter(({ kind }) => kind === 'compose').map((file) => [file.absolute, file]));
  for (const { file: own, stack, service } of readAhead(files, disk)) {
    const file = composeFiles.get(own.absolute)!;
    for (const { absolute } of stack.files) mergeGroups(groupOf, file, composeFiles.get(absolute)!);
    const built = service.build && byPath.get(builtFrom(service.build));
    if (built) mergeGroups(groupOf, file, built);
    if (built && service.image) named.set(service.image, built);
    // A stack file beside it may run by name what it builds.
    const place = `${dirname(own.absolute)}\n${service.name}`;
    const twin = built ? pushed.get(place) : service.build ? undefined : builds.get(place);
    if (twin) mergeGroups(groupOf, file, twin);
    else if (built) builds.set(place, file);
    else if (!service.build && ownName(service.image) !== undefined) pushed.set(place, file);
    for (const name of service.build ? [] : namesOfImage(service.image, file.root, disk)) for (const probable of byName.get(name) ?? []) mergeGroups(groupOf, file, probable);
    for (const beside of isOwnImage(service) ? (besides.get(dirname(own.absolute)) ?? []) : []) mergeGroups(groupOf, file, beside);
  }
  for (const file of dockerfiles) for (const { tags } of buildersFor(file, disk)) for (const tag of tags) named.set(tag, file);
  for (const [name, built] of named) {
    const repo = name.replace(/[:@][^/]*$/, '');
    for (const file of repo.length > 1 ? dockerfiles : []) if (file !== built && file.text.includes(repo)) mergeGroups(groupOf, file, built);
  }
  return [...new Set(groupOf.values())];
}

/** The compose files that these include, one by way of another, but those that are somebody else's or that git ignores. */
function includedFiles(files: readonly SourceFile[], disk: Disk): SourceFile[] {
  const known = new Set(files.map(({ absolute }) => disk.real(absolute)));
  const included: SourceFile[] = [];
  const waiting = files.filter(({ kind }) => kind === 'compose');
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    for (const absolute of includedIn(file, disk)) {
      const text = disk.read(absolute);
      if (text === undefined || known.has(disk.real(absolute)) || whyLeft(absolute, file.root) !== undefined) continue;
      known.add(disk.real(absolute));
      const found: SourceFile = { path: disk.display(absolute), absolute, kind: 'compose', text, root: file.root };
      included.push(found);
      waiting.push(found);
    }
  }
  return included;
}

function includedIn(file: SourceFile, disk: Disk): string[] {
  if (!file.text.includes('include')) return [];
  const read = attempt(file.path, [], () => composeFileIn(file));
  return read ? includedBy(read, (path) => disk.read(path)) : [];
}

/** Adds to the files under a key. There may be thousands of one folder, so that no list is copied. */
function addTo(files: Map<string, SourceFile[]>, key: string, file: SourceFile): void {
  const known = files.get(key);
  if (known) known.push(file);
  else files.set(key, [file]);
}

/** What beside compose builds a Dockerfile. */
function buildersFor({ absolute, root }: SourceFile, disk: Disk): Builder[] {
  return buildersUnder(disk, root).filter(({ dockerfiles }) => dockerfiles.includes(absolute));
}

/** Whether a service runs an image that it does not build and that nobody else's is known to be. */
function isOwnImage({ build, image }: Service): boolean {
  const reference = build || ownName(image) === undefined ? undefined : parseReference(image!);
  return reference !== undefined && lookUp(reference) === undefined;
}

function mergeGroups(groupOf: Map<SourceFile, SourceFile[]>, one: SourceFile, other: SourceFile): void {
  const [kept, moved] = [groupOf.get(one)!, groupOf.get(other)!];
  if (kept === moved) return;
  kept.push(...moved);
  for (const file of moved) groupOf.set(file, kept);
}

/**
 * Parses the files and joins what belongs together. A file that can't be parsed becomes an error, the others go on.
 * @param source whom to ask about images that neither the configuration nor the catalogue knows; nobody by default
 */
export function link(files: readonly SourceFile[], disk: Disk, configs: Configs, source?: ImageSource): Project {
  const errors: FileError[] = [];
  const { services, unseen } = linkedServices(files, disk, errors);
  const images = new Map<string, BuiltImage>();
  const units: Unit[] = [];
  for (const file of files) {
    if (file.kind !== 'dockerfile') continue;
    const dockerfile = attempt(file.path, errors, () => parseDockerfile(file.text));
    if (!dockerfile) continue;
    const own = services.filter((linked) => builds(linked, file.absolute));
    const builders = buildersFor(file, disk);
    units.push({ file, dockerfile, context: contextOf(file, dockerfile, own, disk), services: own, builders, config: configs.for(file.absolute), source, images });
  }
  const byPath = new Map(files.map((file) => [file.absolute, file]));
  for (const own of inlineBuilds(services)) {
    const unit = inlineUnit(own, byPath.get(own[0]!.file.absolute)!, { disk, configs, source, images, errors });
    if (unit) units.push(unit);
  }
  const project: Project = { disk, units, targets: [], services, files: byPath, configFor: (path) => configs.for(path), images, source, errors, unseen };
  for (const unit of units) nameImages(unit, images);
  for (const unit of units) nameContexts(unit, units);
  project.targets.push(...units.flatMap((unit) => targetsOf(unit, services, project)));
  return project;
}

/** Services by the Dockerfile that stands in their own file: those that share one by an anchor or `extends` together. */
function inlineBuilds(services: readonly LinkedService[]): LinkedService[][] {
  const byPlace = new Map<string, LinkedService[]>();
  for (const linked of services) {
    const found = linked.service.build?.inline;
    if (!found || found.place.file.path === undefined || found.place.file !== linked.file) continue;
    const key = `${found.place.file.absolute}\n${found.place.start}`;
    byPlace.set(key, [...(byPlace.get(key) ?? []), linked]);
  }
  return [...byPlace.values()];
}

/**
 * A Dockerfile that stands in a compose file, at its own offsets. Undefined for one that is not written letter by
 * letter, or that has variables of compose: what is built is then another text.
 */
function inlineUnit(own: LinkedService[], file: SourceFile, { disk, configs, source, images, errors }: { disk: Disk; configs: Configs; source: ImageSource | undefined; images: Map<string, BuiltImage>; errors: FileError[] }): Unit | undefined {
  const [{ service, source: named }] = own as [LinkedService];
  const { node } = service.build!.inline!;
  const offsets = node.kind === 'scalar' && node.style === 'literal' && !node.value.includes('$') ? offsetsOf(file.text, node) : undefined;
  if (!offsets || offsets.length < 2) return undefined;
  const kept = new Set(offsets.slice(0, -1));
  const text = file.text.split('').map((character, at) => (kept.has(at) || character === '\n' || character === '\r' ? character : ' ')).join('');
  const dockerfile = attempt(file.path, errors, () => parseDockerfile(text));
  if (!dockerfile) return undefined;
  const first = offsets[0]!;
  const indent = file.text.slice(file.text.lastIndexOf('\n', first - 1) + 1, first);
  return { file, dockerfile, context: contextOf(file, dockerfile, own, disk), services: own, builders: [], config: configs.for(file.absolute), source, images, inline: { service: named.name, indent } };
}

/** The names that all services give a build's further contexts: images, and what other services build. */
function nameContexts(unit: Unit, units: readonly Unit[]): void {
  const [first, ...others] = unit.services;
  const contexts = (first?.service.build?.additionalContexts ?? []).filter(({ name, value }) => others.every(({ service }) => service.build?.additionalContexts.some((one) => one.name === name && one.value === value)));
  if (contexts.length === 0) return;
  const aliases = new Map<string, string | undefined>();
  const images = new Map(unit.images);
  for (const { name, value } of contexts) {
    const service = /^service:(.+)$/.exec(value ?? '')?.[1];
    const builder = service === undefined ? undefined : units.find(({ services }) => services.some((one) => one.stack === first!.stack && one.source.name === service));
    const stage = builder && stageOf(builder.dockerfile.stages, builder.services.find((one) => one.source.name === service)!.service.build!.target);
    const reference = parseReference(name);
    if (builder && stage && reference) images.set(imageKey(reference), { unit: builder, stage });
    else aliases.set(name, /^docker-image:\/\/(.+)$/.exec(value ?? '')?.[1]);
  }
  Object.assign(unit, { aliases, images });
}

/** Enters the names that builders give a Dockerfile's images. */
function nameImages(unit: Unit, images: Map<string, BuiltImage>): void {
  const { stages } = unit.dockerfile;
  const enter = (name: string, target: string | undefined) => {
    const reference = parseReference(name);
    const stage = target === undefined || target === '' ? stages.at(-1)! : stageNamed(stages, target);
    if (reference && stage) images.set(imageKey(reference), { unit, stage });
  };
  for (const { tags, target } of unit.builders) for (const tag of tags) enter(tag, target);
  for (const { service } of unit.services) if (service.image) enter(service.image, service.build!.target);
}

/** What an image is known by among those built here. */
export function imageKey({ repo, tag }: Reference): string {
  return `${repo}:${tag ?? 'latest'}`;
}

function attempt<T>(path: string, errors: FileError[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error && 'line' in error && typeof error.line === 'number')) throw error;
    errors.push({ path, line: error.line, message: error.message });
    return undefined;
  }
}

function linkedServices(files: readonly SourceFile[], disk: Disk, errors: FileError[]): Pick<Project, 'services' | 'unseen'> {
  const sources = files.filter(({ kind }) => kind === 'compose');
  const composeFiles = sources.flatMap((file) => attempt(file.path, errors, () => composeFileIn(file)) ?? []);
  const stacks = takeAhead(sources, disk) ?? readStacks(composeFiles, (path) => disk.read(path));
  const placed = ({ file, line, message }: StackError): FileError => ({ path: file.path!, line, message });
  errors.push(...stacks.errors.map(placed));
  return { services: stacks.services, unseen: stacks.unseen.map(placed) };
}

interface Ahead {
  disk: Disk;
  /** By the file that they stand in. */
  services: Map<string, LinkedService[]>;
  errors: StackError[];
  unseen: StackError[];
}

/** Services that were read to find out what belongs together. They serve the first link of a group; facts are kept with them. */
const ahead = new WeakMap<SourceFile, Ahead>();

function readAhead(files: readonly SourceFile[], disk: Disk): LinkedService[] {
  const sources = files.filter(({ kind }) => kind === 'compose');
  const { services, errors, unseen } = readStacks(sources.flatMap((file) => attempt(file.path, [], () => composeFileIn(file)) ?? []), (path) => disk.read(path));
  const byFile = new Map<string, LinkedService[]>(sources.map(({ absolute }) => [absolute, []]));
  for (const linked of services) byFile.get(linked.file.absolute)?.push(linked);
  for (const file of sources) ahead.set(file, { disk, services: byFile, errors, unseen });
  return services;
}

/** What was read ahead of these files, where it is of them alone and of the same disk. */
function takeAhead(files: readonly SourceFile[], disk: Disk): ReadStacks | undefined {
  const found = files.map((file) => ahead.get(file));
  for (const file of files) ahead.delete(file);
  const [read] = found;
  if (!read || read.disk !== disk || found.some((one) => one?.services !== read.services)) return undefined;
  const paths = new Set(files.map(({ absolute }) => absolute));
  const services = files.flatMap(({ absolute }) => read.services.get(absolute)!);
  if (services.some(({ stack }) => stack.files.some(({ absolute }) => !paths.has(absolute)))) return undefined;
  const ofThese = ({ file }: StackError) => paths.has(file.absolute);
  return { services, errors: read.errors.filter(ofThese), unseen: read.unseen.filter(ofThese) };
}

const composeFileIn = memo((file: SourceFile) => readComposeFile(file.path, file.absolute, file.text));

function builds({ service }: LinkedService, dockerfile: string): boolean {
  return service.build !== undefined && service.build.inline === undefined && builtFrom(service.build) === dockerfile;
}

/** The Dockerfile that a service is built from. */
function builtFrom({ directory, context, dockerfile }: NonNullable<Service['build']>): string {
  return resolve(directory, context, dockerfile ?? 'Dockerfile');
}

/**
 * The build context: what compose says, else the nearest directory at or above the Dockerfile that
 * has everything the Dockerfile copies.
 */
function contextOf(file: SourceFile, dockerfile: Dockerfile, builders: LinkedService[], disk: Disk): string | undefined {
  const named = builders.map(({ service }) => resolve(service.build!.directory, service.build!.context)).find((path) => disk.stat(path)?.kind === 'directory');
  if (named) return named;
  const sources = copiedSources(dockerfile);
  const candidates = directoriesUpTo(dirname(file.absolute), file.root);
  if (sources.length === 0) return candidates[0];
  const has = (directory: string, names: readonly string[]) => names.every((name) => disk.stat(join(directory, name)) !== undefined);
  const folders = patternFolders(dockerfile);
  return candidates.find((directory) => has(directory, [...sources, ...folders])) ?? candidates.find((directory) => has(directory, sources));
}

/** What COPY and ADD take from the context by a plain name. */
function copiedSources(dockerfile: Dockerfile): string[] {
  return sourceWords(dockerfile).filter((word) => !/[*?[$]|^\w+:\/\/|^git@/.test(word));
}

/** The folders that they take by a pattern from: `src` of `src/*.csproj`. What a build makes there may be missing, and the folder with it. */
function patternFolders(dockerfile: Dockerfile): string[] {
  return sourceWords(dockerfile).flatMap((word) => (/^[^$:]*$/.test(word) ? (/^([^*?[]+)\/[^*?[/]*[*?[]/.exec(word)?.[1] ?? []) : []));
}

function sourceWords(dockerfile: Dockerfile): string[] {
  const sources: string[] = [];
  for (const { keyword, flags, json, args, heredocs } of dockerfile.instructions) {
    if ((keyword !== 'COPY' && keyword !== 'ADD') || heredocs.length > 0 || flags.some((flag) => flag.name === 'from')) continue;
    const words = json ?? args.split(/\s+/);
    sources.push(...words.slice(0, -1));
  }
  return sources;
}

function directoriesUpTo(from: string, root: string): string[] {
  const directories = [from];
  while (directories.at(-1) !== root && isInside(directories.at(-1)!, root)) directories.push(dirname(directories.at(-1)!));
  return directories;
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/** The stages that somebody runs: those that a builder in sight names, and the last unless every one names another. */
function targetsOf(unit: Unit, services: readonly LinkedService[], project: Project): Target[] {
  const { stages } = unit.dockerfile;
  const wanted = new Map<Stage, LinkedService[]>();
  for (const linked of unit.services) {
    const stage = stageOf(stages, linked.service.build!.target);
    if (stage) wanted.set(stage, [...(wanted.get(stage) ?? []), linked]);
  }
  const named = [...unit.builders.map(({ target }) => target), ...namedFor(unit.config, unit.config?.targets, unit.file.absolute)];
  for (const name of named) {
    const stage = stageOf(stages, name);
    if (stage && !wanted.has(stage) && !isForTests(stage)) wanted.set(stage, []);
  }
  if (wanted.size === 0) wanted.set(stages.at(-1)!, []);
  const probable = probablyBuilt(unit, services, project);
  return stages
    .filter((stage) => wanted.has(stage))
    .map((stage) => ({ unit, stage, services: wanted.get(stage)!, probable, disk: project.disk, project }));
}

/** The services that probably run what a Dockerfile builds. */
function probablyBuilt(unit: Unit, services: readonly LinkedService[], { disk }: Project): LinkedService[] {
  const { absolute, root } = unit.file;
  const names = imageNames(absolute, root, unit.builders, disk);
  const named = services.filter(({ service }) => service.build === undefined && namesOfImage(service.image, root, disk).some((name) => names.includes(name)));
  return named.length > 0 || unit.services.length > 0 ? named : onlyOneBeside(unit, services);
}

/** The services of the compose files beside a Dockerfile that all run the only image there that nobody else's is known to be, and publish what it exposes. */
function onlyOneBeside({ file, dockerfile }: Unit, services: readonly LinkedService[]): LinkedService[] {
  const directory = dirname(file.absolute);
  const beside = services.filter((linked) => dirname(linked.file.absolute) === directory);
  const own = beside.filter(({ service }) => isOwnImage(service));
  if (beside.some(({ service }) => service.build) || new Set(own.map(({ service }) => parseReference(service.image!)!.repo)).size !== 1) return [];
  const exposed = dockerfile.instructions.flatMap(({ keyword, args }) => (keyword === 'EXPOSE' ? args.split(/\s+/).map((port) => Number.parseInt(port, 10)) : []));
  return own.filter(({ service }) => service.ports.some(({ target }) => target !== undefined && exposed.includes(target)));
}

function stageOf(stages: readonly Stage[], name: string | undefined): Stage | undefined {
  return name === undefined || name === '' ? stages.at(-1)! : stageNamed(stages, name);
}

/** A script that builds a stage for tests or checks does not say that nobody runs the last one. */
function isForTests({ name }: Stage): boolean {
  return name !== undefined && /test|lint|check|builder?$|^ci$|format|deps|coverage/.test(name);
}

/** The stage that a name or number means, seen from `before` (stages from there on don't exist yet). */
export function stageNamed(stages: readonly Stage[], name: string, before = stages.length): Stage | undefined {
  const named = stagesByName(stages).get(name.toLowerCase())?.findLast(({ index }) => index < before);
  return named ?? (/^\d+$/.test(name) && Number(name) < before ? stages[Number(name)] : undefined);
}

const stagesByName = memo((stages: readonly Stage[]) => {
  const byName = new Map<string, Stage[]>();
  for (const stage of stages) {
    if (stage.name === undefined) continue;
    const known = byName.get(stage.name);
    if (known) known.push(stage);
    else byName.set(stage.name, [stage]);
  }
  return byName;
});

/** The name by which reports call a target's stage. */
export function stageLabel({ unit, stage }: Target): string {
  const own = stage.name ?? String(stage.index);
  if (!unit.inline) return own;
  return stage === unit.dockerfile.stages.at(-1) ? unit.inline.service : `${unit.inline.service}:${own}`;
}
