import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { readServices, type Service } from './compose/read.ts';
import { type Config, type Configs, namedFor } from './config.ts';
import type { Disk } from './disk.ts';
import { type Dockerfile, parseDockerfile, type Stage } from './dockerfile/parse.ts';

/** A file that unroot was given, as it stands in the current phase. */
export interface SourceFile {
  /** As the user sees it: relative to the working directory, with forward slashes. */
  path: string;
  absolute: string;
  kind: 'dockerfile' | 'compose';
  text: string;
  /** Where a build context may lie at the most: the repository or folder that was given. */
  root: string;
}

/** What belongs together: Dockerfiles, the services that build them, the targets that somebody runs. */
export interface Project {
  disk: Disk;
  units: Unit[];
  targets: Target[];
  /** Files that could not be parsed. */
  errors: FileError[];
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
  config: Config | undefined;
}

export interface LinkedService {
  service: Service;
  path: string;
  /** The directory of the compose file. */
  directory: string;
}

/** A stage that somebody runs. */
export interface Target {
  unit: Unit;
  stage: Stage;
  services: LinkedService[];
  disk: Disk;
}

/**
 * Files that have nothing to do with each other, apart: each group is decided for itself, and what
 * was found out of it can go when it is done. A Dockerfile goes with the compose files that build it.
 */
export function groupsOf(files: readonly SourceFile[]): SourceFile[][] {
  const dockerfiles = new Map(files.filter(({ kind }) => kind === 'dockerfile').map((file) => [file.absolute, file]));
  const groupOf = new Map<SourceFile, SourceFile[]>(files.map((file) => [file, [file]]));
  for (const { path, directory, service } of linkedServices(files, [])) {
    const compose = files.find((file) => file.kind === 'compose' && file.path === path)!;
    const dockerfile = service.build && dockerfiles.get(builtFrom(service.build, directory));
    if (dockerfile) mergeGroups(groupOf, compose, dockerfile);
  }
  return [...new Set(groupOf.values())];
}

function mergeGroups(groupOf: Map<SourceFile, SourceFile[]>, one: SourceFile, other: SourceFile): void {
  const [kept, moved] = [groupOf.get(one)!, groupOf.get(other)!];
  if (kept === moved) return;
  kept.push(...moved);
  for (const file of moved) groupOf.set(file, kept);
}

/** Parses the files and joins what belongs together. A file that can't be parsed becomes an error, the others go on. */
export function link(files: readonly SourceFile[], disk: Disk, configs: Configs): Project {
  const errors: FileError[] = [];
  const services = linkedServices(files, errors);
  const units: Unit[] = [];
  for (const file of files) {
    if (file.kind !== 'dockerfile') continue;
    const dockerfile = attempt(file.path, errors, () => parseDockerfile(file.text));
    if (!dockerfile) continue;
    const builders = services.filter((linked) => builds(linked, file.absolute));
    units.push({ file, dockerfile, context: contextOf(file, dockerfile, builders, disk), services: builders, config: configs.for(file.absolute) });
  }
  return { disk, units, targets: units.flatMap((unit) => targetsOf(unit, disk)), errors };
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

function linkedServices(files: readonly SourceFile[], errors: FileError[]): LinkedService[] {
  return files
    .filter((file) => file.kind === 'compose')
    .flatMap((file) =>
      (attempt(file.path, errors, () => readServices(file.text)) ?? []).map((service) => ({
        service,
        path: file.path,
        directory: dirname(file.absolute),
      })),
    );
}

function builds({ service, directory }: LinkedService, dockerfile: string): boolean {
  return service.build !== undefined && builtFrom(service.build, directory) === dockerfile;
}

/** The Dockerfile that a service is built from. */
function builtFrom(build: NonNullable<Service['build']>, directory: string): string {
  return resolve(directory, build.context, build.dockerfile ?? 'Dockerfile');
}

/**
 * The build context: what compose says, else the nearest directory at or above the Dockerfile that
 * has everything the Dockerfile copies.
 */
function contextOf(file: SourceFile, dockerfile: Dockerfile, builders: LinkedService[], disk: Disk): string | undefined {
  const named = builders.map(({ service, directory }) => resolve(directory, service.build!.context)).find((path) => disk.stat(path)?.kind === 'directory');
  if (named) return named;
  const sources = copiedSources(dockerfile);
  const candidates = directoriesUpTo(dirname(file.absolute), file.root);
  if (sources.length === 0) return candidates[0];
  return candidates.find((directory) => sources.every((source) => disk.stat(join(directory, source)) !== undefined));
}

/** What COPY and ADD take from the context by a plain name. */
function copiedSources(dockerfile: Dockerfile): string[] {
  const sources: string[] = [];
  for (const { keyword, flags, json, args, heredocs } of dockerfile.instructions) {
    if ((keyword !== 'COPY' && keyword !== 'ADD') || heredocs.length > 0 || flags.some((flag) => flag.name === 'from')) continue;
    const words = json ?? args.split(/\s+/);
    sources.push(...words.slice(0, -1).filter((word) => !/[*?[$]|^\w+:\/\/|^git@/.test(word)));
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
function targetsOf(unit: Unit, disk: Disk): Target[] {
  const { stages } = unit.dockerfile;
  const wanted = new Map<Stage, LinkedService[]>();
  for (const linked of unit.services) {
    const name = linked.service.build!.target;
    const stage = name === undefined || name === '' ? stages.at(-1)! : stageNamed(stages, name);
    if (stage) wanted.set(stage, [...(wanted.get(stage) ?? []), linked]);
  }
  for (const name of namedFor(unit.config, unit.config?.targets, unit.file.absolute)) {
    const stage = stageNamed(stages, name);
    if (stage && !wanted.has(stage)) wanted.set(stage, []);
  }
  if (wanted.size === 0) wanted.set(stages.at(-1)!, []);
  return stages.filter((stage) => wanted.has(stage)).map((stage) => ({ unit, stage, services: wanted.get(stage)!, disk }));
}

/** The stage that a name or number means, seen from `before` (stages from there on don't exist yet). */
export function stageNamed(stages: readonly Stage[], name: string, before = stages.length): Stage | undefined {
  const earlier = stages.slice(0, before);
  const lower = name.toLowerCase();
  return earlier.findLast((stage) => stage.name === lower) ?? (/^\d+$/.test(name) ? earlier[Number(name)] : undefined);
}

/** The name by which reports call a target's stage. */
export function stageLabel(target: Target): string {
  return target.stage.name ?? String(target.stage.index);
}
