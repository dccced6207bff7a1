import { basename, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { lineAt } from '../compose/yaml.ts';
import { type Config, Configs, isIgnored, nameIn } from '../config.ts';
import { isWithin } from '../image-paths.ts';
import { VERIFY_DEFAULTS, type VerifyTarget } from '../settings-verify.ts';
import { decode, Disk } from '../disk.ts';
import { discover, kindOf, repositoriesOf } from '../discover.ts';
import { builtFor } from '../facts/services/target.ts';
import type { Stage } from '../dockerfile/parse.ts';
import { parseReference } from '../images/reference.ts';
import { type LeftOut, type Options, type Result, transforms, unroot } from '../index.ts';
import { groupsOf, imageKey, link, type LinkedService, type Project, type SourceFile, stageLabel, type Target, type Unit } from '../project.ts';
import type { TargetReport } from '../report/report.ts';
import type { BuildPlan, BuildSecrets, ReadyImage } from './build.ts';
import { PLAIN, type RunSettings } from './container.ts';
import type { Overlay } from './context.ts';
import { Revision } from './git.ts';
import { buildInputs, filled, settingsOf } from './service.ts';
import type { Ask } from './talk.ts';

export interface PlanOptions extends Pick<Options, 'cwd' | 'unsafe' | 'only' | 'skip' | 'user' | 'sysctl' | 'config' | 'without' | 'resolve' | 'engine'> {
  /** A git revision: what changed since is verified, against what it was then. */
  base?: string | undefined;
}

export interface Plan {
  subjects: Subject[];
  /** Targets that are to be verified and can't be built, with why. */
  unbuildable: Unbuildable[];
  /** Targets that are left, with why. */
  left: { path: string; stage: string; why: string }[];
  /** Files that could not be read or parsed. */
  errors: { path: string; message: string }[];
  /** What whole trees hold instead of what lies on disk, Dockerfiles and compose files too. */
  trees: { before: Overlay; after: Overlay };
  /** What `unroot` would do. */
  result: Result;
}

export interface Unbuildable {
  path: string;
  /** The stage's name, else its index. */
  stage: string;
  line: number;
  /** The targets and services whose fixes change it. */
  fixed: FixedTarget[];
  why: string;
}

/** Something by whose fix a target or service changes: itself, what it builds on, or what it shares text with. */
export type FixedTarget = Pick<LeftOut, 'path' | 'stage'>;

/** A target to be built and run before and after, as one of the services that run it. */
export interface Subject {
  path: string;
  absolute: string;
  /** The stage's name, else its index. */
  stage: string;
  line: number;
  /** The stage's name, where it has one. */
  stageName: string | undefined;
  /** The targets and services whose fixes change it. */
  fixed: FixedTarget[];
  /** The compose service whose settings it runs with. */
  service: string | undefined;
  /** The same as it was read, in what is to be; also where the service itself is what is verified. */
  linked: LinkedService | undefined;
  before: Side;
  after: Side;
  asks: Ask[];
  prints: string | undefined;
  needless: string[];
  /** Seconds for the program to become ready; undefined for the usual. */
  seconds: number | undefined;
  egress: boolean;
  /** What of its service is not made. */
  notes: string[];
  config: Config | undefined;
  root: string;
}

/** One of the two. */
export interface Side {
  build: BuildPlan | ReadyImage;
  /** What the context holds instead of what lies on disk. */
  overlay: Overlay;
  /** Images of this repository that it is built on, by reference as written: to be built first. */
  needs: { reference: string; build: BuildPlan }[];
  settings: RunSettings;
}

/**
 * What is to be verified: the targets that unroot would change, or those that changed since a revision.
 * @throws GitError for a revision that is not there, UsageError for options that make no sense
 */
export function plan(paths: readonly string[], options: PlanOptions): Plan {
  const cwd = options.cwd ?? process.cwd();
  const result = unroot(paths, { ...options, write: false });
  const found = discover(paths, cwd);
  const planner = new Planner(cwd, repositoriesOf(found.files), options, result);
  const { disk } = planner;
  for (const group of groupsOf(found.files, disk)) planner.group(group);
  const errors = result.report.files.flatMap(({ path, error }) => (error === undefined ? [] : [{ path, message: error }]));
  return { subjects: planner.subjects, unbuildable: planner.unbuildable, left: planner.left, errors, trees: planner.trees(), result };
}

class Planner {
  readonly subjects: Subject[] = [];
  readonly unbuildable: Unbuildable[] = [];
  readonly left: Plan['left'] = [];
  readonly disk: Disk;
  private readonly configs: Configs;
  private readonly cwd: string;
  private readonly result: Result;
  private readonly revision: Revision | undefined;

  constructor(cwd: string, repositories: readonly string[], options: PlanOptions, result: Result) {
    this.cwd = cwd;
    this.disk = new Disk(cwd, repositories);
    this.result = result;
    this.configs = new Configs(new Disk(cwd), transforms.map(({ name }) => name), options.config === undefined ? undefined : resolve(cwd, options.config));
    this.revision = options.base === undefined ? undefined : new Revision(cwd, options.base);
  }

  group(all: readonly SourceFile[]): void {
    // A configuration that is wrong is told by the report, as an error of all these files.
    if (all.some(({ path }) => this.result.report.files.some((file) => file.path === path && file.status === 'error'))) return;
    const group = all.filter(({ absolute }) => !isIgnored(this.configs.for(absolute), absolute));
    const before = link(group.flatMap((file) => this.atBase(file) ?? []), this.disk, this.configs);
    const after = link(group.map((file) => ({ ...file, text: this.result.changes.get(file.path)?.after ?? file.text })), this.diskAfter(), this.configs);
    for (const target of after.targets) this.target(target, before);
    for (const service of after.services) this.service(service, before, after);
  }

  /** A service of a ready-made image that is run in another way than it was. */
  private service(is: LinkedService, before: Project, after: Project): void {
    const { path, file, service, source } = is;
    const config = after.configFor(file.absolute);
    const was = before.services.find((one) => one.path === path && one.source.name === source.name && one.base?.path === is.base?.path);
    if (!was || service.build || service.image === undefined || builtFor(is, after) || is.overlays.length > 0) return;
    const root = after.files.get(file.absolute)?.root ?? this.cwd;
    const own: VerifyTarget = config?.verify.targets[`${nameIn(config, file.absolute)}:${source.name}`] ?? {};
    const notes: string[] = [];
    const [first, second] = [was, is].map((one, index) => this.readySide(one, root, own, notes, index === 0, config)) as [Side, Side];
    const isSame = isDeepStrictEqual([first.build, first.settings], [second.build, second.settings]) && !second.settings.mounts.some(({ source: at }) => at !== undefined && [...first.overlay, ...second.overlay].some(([changed]) => isWithin(changed, at)));
    if (isSame) return;
    const verify = config?.verify ?? VERIFY_DEFAULTS;
    const place = { path, absolute: file.absolute, stage: source.name, line: lineAt(file.text, source.key.start), stageName: source.name, service: undefined, linked: is };
    this.subjects.push({ ...place, ...asked(own), fixed: this.fixesOf(is), before: first, after: second, egress: verify.network, notes, config, root });
  }

  private readySide(linked: LinkedService, root: string, own: VerifyTarget, notes: string[], isBefore: boolean, config: Config | undefined): Side {
    const from = settingsOf(linked, root);
    for (const note of from.notes) if (!notes.includes(note)) notes.push(note);
    const settings = { ...from.settings, env: { ...from.settings.env, ...own.env }, command: own.command ?? from.settings.command };
    return { build: { image: filled(linked.service.image!), bases: config?.verify.bases ?? {} }, overlay: this.overlayOf(isBefore), needs: [], settings };
  }

  /** The fixes that change a service of a ready-made image: its own, or those of files that it shares with others. */
  private fixesOf({ path, source }: LinkedService): FixedTarget[] {
    const pending = this.result.report.findings.filter(({ status }) => status === 'pending');
    const own = pending.filter((one) => one.path === path && one.service === source.name);
    return own.length > 0 ? own : pending.filter(({ files }) => files.includes(path));
  }

  trees(): Plan['trees'] {
    const before = new Map([...(this.revision?.changed() ?? [])].map(([path, how]) => [path, how === 'added' ? undefined : this.revision!.read(path)]));
    const after = new Map([...this.result.changes.values()].map(({ file, after: text }) => [file.absolute, Buffer.from(text)]));
    return { before, after };
  }

  private diskAfter(): Disk {
    const brought = [...this.result.changes.values()].filter(({ file }) => file.kind === 'brought');
    return this.disk.with(new Map(brought.map(({ file, after }) => [this.disk.real(file.absolute)!, after])));
  }

  /** A file as it was; undefined where it was not there. */
  private atBase(file: SourceFile): SourceFile | undefined {
    if (!this.revision) return file;
    const bytes = this.revision.read(file.absolute);
    const decoded = bytes && decode(bytes);
    return decoded && 'text' in decoded ? { ...file, text: decoded.text } : undefined;
  }

  private target(after: Target, old: Project): void {
    const before = counterpart(after, old);
    const { path } = after.unit.file;
    const stage = stageLabel(before ?? after);
    if (!this.isChanged(after, before)) return;
    const why = this.whyLeft(after, before);
    if (why !== undefined) {
      this.left.push({ path, stage, why });
      return;
    }
    if (!before || after.unit.context === undefined) {
      const missing = before ? 'no directory at or above it has what it copies: its build context is out of sight' : 'its stage can be found in only one of the two files';
      this.unbuildable.push({ path, stage, line: (before ?? after).stage.from.line, fixed: [this.fixedOf(after, before)], why: missing });
      return;
    }
    for (const pair of servicePairs(before, after)) this.subject(before, after, pair);
  }

  /** unroot's own word on a target. Its report names stages as they are on disk: before the change, after a revision. */
  private reportOf(after: Target, before: Target | undefined): TargetReport | undefined {
    const own = this.result.report.targets.filter(({ path }) => path === after.unit.file.path);
    const labels = [before, after].flatMap((target) => (target ? stageLabel(target) : []));
    if (this.revision) labels.reverse();
    return labels.flatMap((label) => own.find(({ stage }) => stage === label) ?? [])[0] ?? (own.length === 1 ? own[0] : undefined);
  }

  /** Whether unroot would change it, or it changed since the revision. */
  private isChanged(after: Target, before: Target | undefined): boolean {
    return this.isPending(after, before) || (this.revision !== undefined && this.hasChanged(after, before));
  }

  /** Whether a fix is pending: its own, or that of what it builds on. */
  private isPending(after: Target, before: Target | undefined): boolean {
    const fixed = this.fixedOf(after, before);
    return this.result.report.findings.some(({ path, stage, status }) => path === fixed.path && stage === fixed.stage && status === 'pending');
  }

  private fixedOf(after: Target, before: Target | undefined): FixedTarget {
    const { path, stage } = this.reportOf(after, before) ?? { path: after.unit.file.path, stage: stageLabel(after) };
    return this.reportOf(after, before)?.fixedWith ?? { path, stage };
  }

  /** Why a target that changed is not verified; undefined where it is. */
  private whyLeft(after: Target, before: Target | undefined): string | undefined {
    if (!this.revision) return undefined;
    const report = this.reportOf(after, before);
    if (!this.isPending(after, before) && report !== undefined && report.verdict !== 'nonroot') return `unroot leaves it as root: ${report.reasons[0] ? `${report.reasons[0].rule}: ${report.reasons[0].message}` : report.verdict}`;
    return before ? undefined : `it was not there at ${String(this.revision)}; there is nothing to compare it with`;
  }

  /** Whether anything that it is built from or run by differs from the revision. */
  private hasChanged({ unit, services }: Target, before: Target | undefined): boolean {
    if (!before) return true;
    const changed = [...this.revision!.changed().keys()];
    const own = new Set([unit.file.absolute, ...services.map(({ path }) => resolve(this.cwd, path))]);
    return changed.some((path) => own.has(path) || (kindOf(basename(path)) === undefined && unit.context !== undefined && !relative(unit.context, path).startsWith('..')));
  }

  private subject(before: Target, after: Target, { was, is }: ServicePair): void {
    const { unit } = after;
    const stage = stageLabel(before);
    const own = targetSettings(unit.config, unit.file.absolute, before);
    const verify = unit.config?.verify ?? VERIFY_DEFAULTS;
    const notes: string[] = [];
    const side = (target: Target, service: LinkedService | undefined): Side => {
      const from = service ? settingsOf(service, unit.file.root) : { settings: PLAIN, notes: [] };
      for (const note of from.notes) if (!notes.includes(note)) notes.push(note);
      const settings = { ...from.settings, env: { ...from.settings.env, ...own.env }, command: own.command ?? from.settings.command };
      return { build: this.buildOf(target.unit, target.stage, service), overlay: this.overlayOf(target === before), needs: needsOf(target.unit, (other, its) => this.buildOf(other, its, undefined)), settings };
    };
    this.subjects.push({
      path: unit.file.path,
      absolute: unit.file.absolute,
      stage,
      line: before.stage.from.line,
      stageName: before.stage.name,
      fixed: [this.fixedOf(after, before)],
      service: is?.service.name,
      before: side(before, was),
      after: side(after, is),
      linked: is,
      ...asked(own),
      egress: verify.network,
      notes,
      config: unit.config,
      root: unit.file.root,
    });
  }

  private buildOf(unit: Unit, stage: Stage, service: LinkedService | undefined): BuildPlan {
    const { config, file } = unit;
    const verify = config?.verify ?? VERIFY_DEFAULTS;
    const given = service ? buildInputs(service) : { args: {}, secrets: {}, contexts: {} };
    return {
      context: unit.context ?? file.root,
      path: file.absolute,
      text: unit.inline ? unit.dockerfile.text : file.text,
      stage: stage === unit.dockerfile.stages.at(-1) ? undefined : (stage.name ?? String(stage.index)),
      args: { ...given.args, ...verify.args },
      secrets: { ...given.secrets, ...secretsIn(config) },
      contexts: given.contexts,
      bases: verify.bases,
      network: verify.buildNetwork,
      seconds: verify.buildSeconds,
    };
  }

  /** What contexts hold instead of what lies on disk. Dockerfiles and compose files go in by themselves. */
  private overlayOf(isBefore: boolean): Overlay {
    const overlay = new Map<string, Buffer | undefined>();
    if (isBefore && this.revision) {
      for (const [path, how] of this.revision.changed()) if (kindOf(basename(path)) === undefined) overlay.set(path, how === 'added' ? undefined : this.revision.read(path));
    }
    if (isBefore) return overlay;
    for (const { file, after } of this.result.changes.values()) if (file.kind === 'brought') overlay.set(file.absolute, Buffer.from(after));
    return overlay;
  }
}

/** Build secrets of a configuration. */
export function secretsIn(config: Config | undefined): BuildSecrets {
  return Object.fromEntries(Object.entries(config?.verify.secrets ?? {}).map(([id, path]) => [id, { file: resolve(config!.directory, path) }]));
}

/** The same target in the other text: by its stage's name, else as the last stage or by its base. */
function counterpart(target: Target, project: Project): Target | undefined {
  const candidates = project.targets.filter(({ unit }) => unit.file.path === target.unit.file.path);
  if (target.stage.name !== undefined) return candidates.find(({ stage }) => stage.name === target.stage.name);
  const isLast = ({ unit, stage }: Target) => stage === unit.dockerfile.stages.at(-1);
  if (isLast(target)) return candidates.find(isLast);
  return candidates.find(({ stage }) => stage.name === undefined && stage.from.logical === target.stage.from.logical);
}

interface ServicePair {
  was: LinkedService | undefined;
  is: LinkedService | undefined;
}

/** A target runs once for each service that runs it in a way of its own; as it is where no service does. */
function servicePairs(before: Target, after: Target): ServicePair[] {
  const pairs = new Map<string, ServicePair>();
  for (const is of after.services) {
    const was = before.services.find(({ path, service }) => path === is.path && service.name === is.service.name) ?? is;
    const { command, entrypoint, user, mounts } = is.service;
    const key = JSON.stringify([command, entrypoint, user, mounts.map(({ type, target }) => [type, target])]);
    if (!pairs.has(key)) pairs.set(key, { was, is });
  }
  return pairs.size === 0 ? [{ was: undefined, is: undefined }] : [...pairs.values()];
}

function asked({ asks = [], prints, needless = [], seconds }: VerifyTarget): Pick<Subject, 'asks' | 'prints' | 'needless' | 'seconds'> {
  return { asks, prints, needless, seconds };
}

/** What the configuration says of a target: of its Dockerfile, and over that of its stage. */
function targetSettings(config: Config | undefined, dockerfile: string, target: Target): VerifyTarget {
  if (!config) return {};
  const name = nameIn(config, dockerfile);
  return { ...config.verify.targets[name], ...config.verify.targets[`${name}:${stageLabel(target)}`] };
}

/** Images that a Dockerfile names in FROM and that another one here builds, the deepest first. */
function needsOf(unit: Unit, build: (unit: Unit, stage: Stage) => BuildPlan, seen: readonly Unit[] = []): Side['needs'] {
  const needs: Side['needs'] = [];
  for (const { base } of unit.dockerfile.stages) {
    const reference = parseReference(base);
    const built = reference && unit.images.get(imageKey(reference));
    if (!built || built.unit === unit || seen.includes(built.unit)) continue;
    needs.push(...needsOf(built.unit, build, [...seen, unit]), { reference: base, build: build(built.unit, built.stage) });
  }
  return needs;
}
