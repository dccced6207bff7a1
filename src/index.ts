import { resolve } from 'node:path';
import { type Config, ConfigError, Configs, isIgnored } from './config.ts';
import { Disk } from './disk.ts';
import { discover, type Discovered, kindNamed, repositoriesOf } from './discover.ts';
import { RULES } from './facts/judgement.ts';
import { bringsAny } from './facts/brings.ts';
import { groupsOf, type SourceFile } from './project.ts';
import { buildReport, type FixSet, type ReportPart, reportPart } from './report/build.ts';
import { unifiedDiff } from './report/diff.ts';
import type { Report } from './report/report.ts';
import { WrittenReport } from './report/written.ts';
import { Resolver } from './images/resolve/resolver.ts';
import { nearest } from './nearest.ts';
import { type Change, type LeftOut, rewrite, type RewriteOptions } from './rewrite.ts';
import { USER_PATTERN } from './settings.ts';
import { phases, transforms } from '../transforms/index.ts';
import { type FileWrite, writeFiles } from './write.ts';

export type { Edit } from './edit.ts';
export type { Reason, Rule, Verdict } from './facts/judgement.ts';
export type { Use } from './facts/services/uses.ts';
export type { FileReport, FindingReport, Note, Report, ServiceReport, Summary, TargetReport } from './report/report.ts';
export type { LeftOut } from './rewrite.ts';
export type { Safety, Transform } from './transform.ts';
export { ConfigError, RULES, transforms };

export interface Options {
  /** What paths are relative to; the process's own directory by default. */
  cwd?: string | undefined;
  /** Write the change. */
  write?: boolean | undefined;
  /** Apply unsafe fixes too. */
  unsafe?: boolean | undefined;
  /** Names of transforms to run, or to leave out. */
  only?: readonly string[] | undefined;
  skip?: readonly string[] | undefined;
  /** The account to run as: a name, `uid`, or `uid:gid`. */
  user?: string | undefined;
  /** Have services that are taken off root and still listen below 1024 say the sysctl that lets them. */
  sysctl?: boolean | undefined;
  /** A configuration file for everything, instead of those that lie beside the files. */
  config?: string | undefined;
  /** Targets whose fixes are to be left out, and why. */
  without?: readonly LeftOut[] | undefined;
  /** Ask a container engine about images that neither the configuration nor the catalogue knows. Nothing of them is run. */
  resolve?: boolean | undefined;
  /** The engine's command: a name on the PATH, or a path; `docker` by default. */
  engine?: string | undefined;
}

export interface Result {
  report: Report;
  /** The change as a unified diff with paths relative to `cwd`; empty where nothing changes. */
  diff: string;
  /** The text of changed files, by path. */
  changes: Map<string, Change>;
}

/** What a caller asked for makes no sense: an unknown transform, a bad user. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** How far a run is. */
export interface Progress {
  /** Deciding about a file, or writing one. */
  phase: 'decide' | 'write';
  done: number;
  total: number;
}

/**
 * Finds what runs as root under the paths and makes the change that ends it.
 * @param paths files and directories
 * @returns the report, the diff, and the changed texts; with `write` the files are written too
 * @throws UsageError for options that make no sense, ConfigError for a `config` that is wrong. What is wrong with a file is in the report.
 */
export function unroot(paths: readonly string[], options: Options = {}): Result {
  return toTheEnd(unrootSteps(paths, options));
}

/**
 * The same step by step, for whoever shows how far it is or wants to stop: between two steps every
 * file is either as it was or written in full. After `next('stop')` nothing more is written; the
 * result says what was.
 */
export function* unrootSteps(paths: readonly string[], options: Options = {}): Generator<Progress, Result, 'stop' | undefined> {
  return yield* run(discover(paths, options.cwd ?? process.cwd()), options);
}

/** The same for a text that lies in no file: `path` says what it is and where it would lie. */
export function unrootText(path: string, text: string, options: Options = {}): Result {
  const cwd = options.cwd ?? process.cwd();
  const file: SourceFile = { path, absolute: resolve(cwd, path), kind: kindNamed(path), text, root: cwd };
  return toTheEnd(run({ files: [file], errors: [], left: [] }, { ...options, write: false }));
}

function toTheEnd(steps: Generator<Progress, Result, undefined>): Result {
  for (;;) {
    const step = steps.next(undefined);
    if (step.done) return step.value;
  }
}

function* run(found: Discovered, options: Options): Generator<Progress, Result, 'stop' | undefined> {
  const cwd = resolve(options.cwd ?? '.');
  const disk = new Disk(cwd, repositoriesOf(found.files));
  const names = transforms.map(({ name }) => name);
  chosenPhases(options, names);
  checkedUser(options.user);
  const configs = new Configs(new Disk(cwd), names, options.config === undefined ? undefined : resolve(cwd, options.config));
  const resolver = options.resolve ? new Resolver(options.engine ?? 'docker') : undefined;
  const decided = yield* decideAll(groupsOf(found.files, disk), { disk, configs, names, resolver }, options);
  resolver?.close();
  const changes = new Map(decided.flatMap(({ changes: own }) => [...own]));
  const report = buildReport(decided.map(({ part }) => part), found, resolver?.notes());
  if (options.write) yield* write(decided.flatMap(({ part }) => part.sets), changes, report);
  return { report, diff: diffOf(changes), changes };
}

/** What deciding asks. */
interface Surroundings {
  disk: Disk;
  configs: Configs;
  /** Of all transforms. */
  names: readonly string[];
  resolver: Resolver | undefined;
}

/** What was decided of a group of files. */
interface Decided {
  group: SourceFile[];
  part: ReportPart;
  changes: Map<string, Change>;
}

/**
 * Decides group by group. Where a fix changes a file that another group brings in too, the two belong
 * together, and are decided again as one.
 */
function* decideAll(groups: SourceFile[][], around: Surroundings, options: Options): Generator<Progress, Decided[], unknown> {
  const waiting = [...groups];
  let decided: Decided[] = [];
  for (let group = waiting.shift(); group; group = waiting.shift()) {
    yield { phase: 'decide', done: decided.length, total: decided.length + 1 + waiting.length };
    const one = decide(group, around, options);
    const brought = [...one.changes.values()].flatMap(({ file }) => (file.kind === 'brought' ? [file.absolute] : []));
    const others = brought.length === 0 ? [] : [...decided.map((other) => other.group), ...waiting].filter((other) => bringsAny(other, brought, around.disk, around.configs));
    if (others.length === 0) {
      decided.push(one);
      continue;
    }
    decided = decided.filter((other) => !others.includes(other.group));
    for (const other of others) if (waiting.includes(other)) waiting.splice(waiting.indexOf(other), 1);
    waiting.unshift([...group, ...others.flat()]);
  }
  return decided;
}

function decide(group: SourceFile[], { disk, configs, names, resolver }: Surroundings, options: Options): Decided {
  const config = configOf(group, configs);
  if (config instanceof ConfigError) return { group, part: leftPart(group, config), changes: new Map() };
  const kept = group.filter(({ absolute }) => !isIgnored(config, absolute));
  const result = rewrite(kept, disk, { ...settingsOf(options, config, names), configs, source: resolver });
  return { group, part: reportPart(result, kept, names), changes: result.changes };
}

/** The configuration of a group: that of its first Dockerfile, once those of all its files were read. */
function configOf(group: readonly SourceFile[], configs: Configs): Config | undefined | ConfigError {
  try {
    for (const { absolute } of group) configs.for(absolute);
    return configs.for((group.find(({ kind }) => kind === 'dockerfile') ?? group[0]!).absolute);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Files that were left because their configuration is wrong. */
function leftPart(group: readonly SourceFile[], { message }: ConfigError): ReportPart {
  return { targets: [], services: [], findings: [], sets: [], files: group.map(({ path }) => ({ path, status: 'error', error: message, errorLine: 0, edits: [], notes: [] })) };
}

/** What was asked for on the command line comes before the configuration. */
function settingsOf(options: Options, config: Config | undefined, names: readonly string[]): Omit<RewriteOptions, 'configs'> {
  const only = options.only?.length ? options.only : config?.only;
  return {
    phases: chosenPhases({ only, skip: [...(options.skip ?? []), ...(config?.skip ?? [])] }, names),
    unsafe: options.unsafe ?? config?.safety === 'unsafe',
    user: checkedUser(options.user ?? config?.user),
    ports: config?.ports,
    sysctl: options.sysctl ?? config?.sysctl,
    without: options.without,
  };
}

function chosenPhases({ only, skip }: Options, names: readonly string[]) {
  for (const name of [...(only ?? []), ...(skip ?? [])]) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    throw new UsageError(`there is no transform ${name}; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`);
  }
  return phases.map((phase) => phase.filter(({ name }) => (only === undefined || only.length === 0 || only.includes(name)) && !skip?.includes(name)));
}

/** A user to run as: a name or numbers, and not root. */
function checkedUser(user: string | undefined): string | undefined {
  if (user === undefined || new RegExp(USER_PATTERN).test(user)) return user;
  if (/^(root|0+)(:|$)/.test(user)) throw new UsageError('--user root is what unroot takes away; name another account');
  throw new UsageError(`--user takes a name, a uid, or uid:gid, not ${JSON.stringify(user)}`);
}

function diffOf(changes: ReadonlyMap<string, Change>): string {
  return [...changes].sort(([one], [other]) => (one < other ? -1 : 1)).map(([path, { before, after }]) => unifiedDiff(path, before, after)).join('');
}

/** Writes what is pending, set by set. */
function* write(sets: readonly FixSet[], changes: ReadonlyMap<string, Change>, report: Report): Generator<Progress, void, 'stop' | undefined> {
  const written = new WrittenReport(report);
  for (const [done, set] of sets.entries()) {
    if ((yield { phase: 'write', done, total: sets.length }) === 'stop') return;
    const error = writeFiles(set.paths.flatMap((path) => fileWrite(path, changes.get(path))));
    if (error) written.failed(set, error);
    else written.succeeded(set);
  }
}

function fileWrite(path: string, change: Change | undefined): FileWrite[] {
  return change ? [{ path, absolute: change.file.absolute, before: change.before, after: change.after }] : [];
}
