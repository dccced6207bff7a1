import { basename, resolve } from 'node:path';
import { type Config, ConfigError, Configs, isIgnored } from './config.ts';
import { Disk } from './disk.ts';
import { discover, type Discovered, kindOf } from './discover.ts';
import { RULES } from './facts/judgement.ts';
import { bringsAny } from './facts/brings.ts';
import { groupsOf, type SourceFile } from './project.ts';
import { buildReport, type ReportPart, reportPart } from './report/build.ts';
import { unifiedDiff } from './report/diff.ts';
import type { Report } from './report/report.ts';
import { nearest } from './nearest.ts';
import { type Change, rewrite, type RewriteOptions } from './rewrite.ts';
import { phases, transforms } from '../transforms/index.ts';
import { writeFiles } from './write.ts';

export type { Edit } from './edit.ts';
export type { Reason, Rule, Verdict } from './facts/judgement.ts';
export type { FileReport, FindingReport, Report, ServiceReport, Summary, TargetReport } from './report/report.ts';
export type { Safety, Transform } from './transform.ts';
export { RULES, transforms };

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
  /** A configuration file for everything, instead of those that lie beside the files. */
  config?: string | undefined;
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

/**
 * Finds what runs as root under the paths and makes the change that ends it.
 * @param paths files and directories
 * @returns the report, the diff, and the changed texts; with `write` the files are written too
 * @throws UsageError for options that make no sense. What is wrong with a file is in the report.
 */
export function unroot(paths: readonly string[], options: Options = {}): Result {
  const cwd = options.cwd ?? process.cwd();
  return finish(discover(paths, cwd), options);
}

/** The same for a text that lies in no file: `path` says what it is and where it would lie. */
export function unrootText(path: string, text: string, options: Options = {}): Result {
  const cwd = options.cwd ?? process.cwd();
  const file: SourceFile = { path, absolute: `${cwd}/${path}`, kind: kindOf(path) ?? 'dockerfile', text, root: cwd };
  return finish({ files: [file], errors: [], left: [] }, { ...options, write: false });
}

function finish(found: Discovered, options: Options): Result {
  const disk = new Disk(resolve(options.cwd ?? '.'));
  const configs = new Configs(disk, options.config && resolve(options.cwd ?? '.', options.config));
  chosenPhases(options);
  const decided = decideAll(groupsOf(found.files, disk), disk, configs, options);
  const changes = new Map(decided.flatMap(({ changes: own }) => [...own]));
  const report = buildReport(decided.map(({ part }) => part), found);
  if (options.write) writeChanges(changes, report);
  return { report, diff: diffOf(changes), changes };
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
function decideAll(groups: SourceFile[][], disk: Disk, configs: Configs, options: Options): Decided[] {
  const waiting = [...groups];
  let decided: Decided[] = [];
  for (let group = waiting.shift(); group; group = waiting.shift()) {
    const one = decide(group, disk, configs, options);
    const brought = [...one.changes.values()].flatMap(({ file }) => (file.kind === 'brought' ? [file.absolute] : []));
    const others = brought.length === 0 ? [] : [...decided.map((other) => other.group), ...waiting].filter((other) => bringsAny(other, brought, disk, configs));
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

function decide(group: SourceFile[], disk: Disk, configs: Configs, options: Options): Decided {
  const config = configOf(group, configs);
  if ('error' in config) return { group, part: config.error, changes: new Map() };
  const kept = group.filter(({ absolute }) => !isIgnored(config.config, absolute));
  const result = rewrite(kept, disk, { ...settingsOf(options, config.config), configs });
  return { group, part: reportPart(result, kept), changes: result.changes };
}

/** The configuration of a group: that of its Dockerfile. One that is wrong is the group's error. */
function configOf(group: readonly SourceFile[], configs: Configs): { config: Config | undefined } | { error: ReportPart } {
  const leading = group.find(({ kind }) => kind === 'dockerfile') ?? group[0]!;
  try {
    return { config: configs.for(leading.absolute) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = `${basename(error.file)}${error.line > 0 ? `:${error.line}` : ''}: ${error.message}`;
    return { error: { targets: [], findings: [], files: group.map(({ path }) => ({ path, status: 'error', error: message, errorLine: 0, edits: [] })) } };
  }
}

/** What was asked for on the command line comes before the configuration. */
function settingsOf(options: Options, config: Config | undefined): Omit<RewriteOptions, 'configs'> {
  const only = options.only?.length ? options.only : config?.only;
  return {
    phases: chosenPhases({ only, skip: [...(options.skip ?? []), ...(config?.skip ?? [])] }),
    unsafe: options.unsafe ?? config?.safety === 'unsafe',
    user: checkedUser(options.user ?? config?.user),
  };
}

function chosenPhases({ only, skip }: Options) {
  const names = transforms.map(({ name }) => name);
  for (const name of [...(only ?? []), ...(skip ?? [])]) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    throw new UsageError(`there is no transform ${name}; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`);
  }
  return phases.map((phase) => phase.filter(({ name }) => (only === undefined || only.length === 0 || only.includes(name)) && !skip?.includes(name)));
}

/** A user to run as: a name or numbers, and not root. */
function checkedUser(user: string | undefined): string | undefined {
  if (user === undefined) return undefined;
  if (!/^([a-z_][a-z0-9_-]*|\d+)(:([a-z_][a-z0-9_-]*|\d+))?$/i.test(user)) throw new UsageError(`--user takes a name, a uid, or uid:gid, not ${JSON.stringify(user)}`);
  if (/^(root|0+)(:|$)/.test(user)) throw new UsageError('--user root is what unroot takes away');
  return user;
}

function diffOf(changes: ReadonlyMap<string, Change>): string {
  return [...changes].sort(([one], [other]) => (one < other ? -1 : 1)).map(([path, { before, after }]) => unifiedDiff(path, before, after)).join('');
}

/** Writes what is pending: files that a fix changes together are written together or not at all. */
function writeChanges(changes: ReadonlyMap<string, Change>, report: Report): void {
  for (const paths of writtenTogether([...changes.keys()], report)) {
    const errors = writeFiles(paths.map((path) => ({ path, absolute: changes.get(path)!.file.absolute, before: changes.get(path)!.before, after: changes.get(path)!.after })));
    for (const error of errors) {
      Object.assign(report.files.find((one) => one.path === error.path)!, { status: 'error', error: error.message, errorLine: error.line });
      report.summary.errors += 1;
    }
    if (errors.length > 0) continue;
    for (const finding of report.findings) {
      if (finding.status !== 'pending' || !finding.files.some((path) => paths.includes(path))) continue;
      finding.status = 'applied';
      report.summary.fixes.pending -= 1;
      report.summary.fixes.applied += 1;
    }
    for (const path of paths) markFixed(report, path);
  }
}

/** The changed files in sets: two are in the same set where a fix changes both. */
function writtenTogether(paths: readonly string[], { findings }: Report): string[][] {
  let sets = paths.map((path) => [path]);
  for (const { status, files } of findings) {
    if (status !== 'pending' || files.length < 2) continue;
    const joined = sets.filter((set) => set.some((path) => files.includes(path)));
    sets = [...sets.filter((set) => !joined.includes(set)), joined.flat()];
  }
  return sets;
}

function setsUser(name: string): boolean {
  return transforms.some((transform) => transform.name === name && transform.setsUser);
}

function markFixed(report: Report, path: string): void {
  for (const target of report.targets) {
    const fixed = target.fixedWith ?? target;
    const isApplied = report.findings.some((finding) => finding.path === path && finding.stage === fixed.stage && finding.status === 'applied' && setsUser(finding.transform));
    if (fixed.path !== path || target.verdict !== 'fixable' || !isApplied) continue;
    target.verdict = 'fixed';
    report.summary.verdicts.fixable = (report.summary.verdicts.fixable ?? 1) - 1;
    report.summary.verdicts.fixed = (report.summary.verdicts.fixed ?? 0) + 1;
  }
}
