import { applyEdits, areApart, compose, type Edit, type FileEdit } from './edit.ts';
import type { Configs } from './config.ts';
import type { Disk } from './disk.ts';
import { fixedParent } from './facts/built-upon.ts';
import { judge } from './facts/keep-away/index.ts';
import type { Judgement } from './facts/judgement.ts';
import { effectiveUser } from './facts/user.ts';
import { type FileError, link, type Project, type SourceFile, stageLabel, type Target } from './project.ts';
import type { Finding, Transform, TransformOptions } from './transform.ts';

export interface RewriteOptions extends TransformOptions {
  configs: Configs;
  /** The transforms to run, phase by phase. */
  phases: readonly (readonly Transform[])[];
  /** Whether to apply unsafe fixes too. */
  unsafe: boolean;
}

/** A finding and what became of it. */
export interface Settled {
  finding: Finding;
  transform: Transform;
  status: 'applied' | 'skipped' | 'manual';
  /** Why it was skipped. */
  skipped: string | undefined;
  /** Its place in the original. */
  start: number;
  end: number;
}

export interface Rewritten {
  /** The project as it was read. */
  project: Project;
  judgements: Map<Target, Judgement>;
  settled: Settled[];
  /** By path, for changed files only. */
  changes: Map<string, Change>;
  errors: FileError[];
}

export interface Change {
  before: string;
  after: string;
  /** Against `before`. */
  edits: Edit[];
}

/** More rounds than any project needs: each drops at least one fix that failed a check. */
const MAX_ROUNDS = 50;

/**
 * Runs the phases over the files and checks the result (DESIGN 6). A fix that fails a check is
 * dropped in all its files, with what was built on it, and the run is repeated without it.
 */
export function rewrite(files: readonly SourceFile[], disk: Disk, options: RewriteOptions): Rewritten {
  const dropped = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const result = run(files, disk, options, dropped);
    const failures = check(result, files, disk, options);
    if (failures.size === 0) return result;
    for (const [key, why] of failures) dropped.set(key, why);
  }
  throw new Error('the fixes of this project keep failing their checks');
}

function run(files: readonly SourceFile[], disk: Disk, options: RewriteOptions, dropped: ReadonlyMap<string, string>): Rewritten {
  const project = link(files, disk, options.configs);
  const settled: Settled[] = [];
  const changes = new Map<string, Change>();
  let current = project;
  let currentFiles = files;

  for (const phase of options.phases) {
    const inPhase: Settled[] = [];
    const found = phase.flatMap((transform) => [...transform.apply({ project: current, options })].map((finding) => ({ finding, transform })));
    // What others build on is settled before them, in whatever file it stands.
    found.sort((one, other) => depthOf(one.finding.needs) - depthOf(other.finding.needs));
    for (const { finding, transform } of found) inPhase.push(settle(finding, transform, options, dropped, changes, inPhase));
    settled.push(...inPhase);
    const changed = applyPhase(inPhase, currentFiles, changes);
    if (changed.size === 0) continue;
    currentFiles = currentFiles.map((file) => (changed.has(file.path) ? { ...file, text: changes.get(file.path)!.after } : file));
    current = link(currentFiles, disk, options.configs);
  }

  const judgements = new Map(project.targets.map((target) => [target, judge(target)]));
  return { project, judgements, settled, changes, errors: project.errors };
}

/** How many targets that are fixed stand between a target and its base, itself included. */
function depthOf(target: Target | undefined): number {
  return target ? 1 + depthOf(fixedParent(target)) : 0;
}

/** What becomes of a finding under the flags. */
function settle(finding: Finding, transform: Transform, options: RewriteOptions, dropped: ReadonlyMap<string, string>, changes: ReadonlyMap<string, Change>, before: readonly Settled[]): Settled {
  const edits = changes.get(finding.path)?.edits ?? [];
  const place = { start: originalOffset(edits, finding.start), end: originalOffset(edits, finding.end) };
  const base = { finding, transform, ...place, skipped: undefined };
  if (finding.safety === 'manual' || finding.edits.length === 0) return { ...base, status: 'manual' };
  const failed = dropped.get(keyOf(transform, finding.target));
  if (failed !== undefined) return { ...base, status: 'skipped', skipped: failed };
  if (finding.safety === 'unsafe' && !options.unsafe) return { ...base, status: 'skipped', skipped: 'unsafe; --unsafe applies it' };
  if (finding.needs && !before.some((other) => other.finding.target === finding.needs && other.status === 'applied')) return { ...base, status: 'skipped', skipped: 'what it builds on is not fixed' };
  const rival = before.find((other) => other.status === 'applied' && !areFixesApart(finding.edits, other.finding.edits));
  if (rival) return { ...base, status: 'skipped', skipped: `its edits overlap those of ${rival.transform.name}; this is a bug of unroot` };
  return { ...base, status: 'applied' };
}

/** What a fix is known by from round to round. */
function keyOf(transform: Transform, target: Target): string {
  return `${transform.name}\n${target.unit.file.path}\n${stageLabel(target)}`;
}

function areFixesApart(some: readonly FileEdit[], others: readonly FileEdit[]): boolean {
  return some.every((edit) => areApart([edit], others.filter(({ path }) => path === edit.path)));
}

/** Makes a phase's edits; answers which files changed. */
function applyPhase(inPhase: readonly Settled[], files: readonly SourceFile[], changes: Map<string, Change>): Set<string> {
  const byPath = new Map<string, Edit[]>();
  for (const { finding, status } of inPhase) {
    if (status !== 'applied') continue;
    for (const { path, ...edit } of finding.edits) byPath.set(path, [...(byPath.get(path) ?? []), edit]);
  }
  for (const [path, edits] of byPath) {
    const file = files.find((one) => one.path === path)!;
    const before = changes.get(path)?.before ?? file.text;
    const composed = compose(changes.get(path)?.edits ?? [], edits, before.length);
    changes.set(path, { before, after: applyEdits(file.text, edits), edits: composed });
  }
  return new Set(byPath.keys());
}

/** Where an offset into an edited text lies in the original; inside new text, where that was put. */
function originalOffset(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { start, end, text } of edits) {
    if (start + shift > offset) break;
    if (offset < start + shift + text.length) return start;
    shift += text.length - (end - start);
  }
  return offset - shift;
}

/** The fixes that fail a check, by key, with what went wrong. */
function check(result: Rewritten, files: readonly SourceFile[], disk: Disk, options: RewriteOptions): Map<string, string> {
  const failures = new Map<string, string>();
  if (result.changes.size === 0) return failures;
  for (const [path, { before, after, edits }] of result.changes) {
    if (applyEdits(before, edits) !== after || before === after) failAll(result, path, 'its edits do not make the text that was checked', failures);
  }
  const changedFiles = files.map((file) => (result.changes.has(file.path) ? { ...file, text: result.changes.get(file.path)!.after } : file));
  const again = link(changedFiles, disk, options.configs);
  for (const { path, line, message } of again.errors) {
    if (result.changes.has(path)) failAll(result, path, `the result does not parse (line ${line}: ${message})`, failures);
  }
  for (const settled of result.settled) checkIntention(settled, again, failures);
  if (failures.size === 0) checkSecondRun(result, changedFiles, disk, options, failures);
  return failures;
}

function failAll(result: Rewritten, path: string, why: string, failures: Map<string, string>): void {
  for (const { finding, transform, status } of result.settled) {
    if (status === 'applied' && finding.edits.some((edit) => edit.path === path)) failures.set(keyOf(transform, finding.target), dropText(why));
  }
}

function dropText(why: string): string {
  return `dropped by a check of its own: ${why}; this is a bug of unroot`;
}

/** The result says what the fix intended: the target's effective user is the account. */
function checkIntention({ finding, transform, status }: Settled, again: Project, failures: Map<string, string>): void {
  if (status !== 'applied' || finding.user === undefined) return;
  const { unit, stage } = finding.target;
  const target = again.targets.find((one) => one.unit.file.path === unit.file.path && sameStage(one, stage.name, stage.from.logical));
  const user = target && effectiveUser(target);
  // A variable of the base (`$APP_UID`) has no value that we know; then what is written decides.
  const written = user?.kind === 'unknown' ? user.text : user?.text;
  if (written !== finding.user) failures.set(keyOf(transform, finding.target), dropText(`USER would be ${written ?? 'gone'}, not ${finding.user}`));
}

function sameStage(target: Target, name: string | undefined, from: string): boolean {
  return target.stage.name === name && target.stage.from.logical === from;
}

/** A second run changes nothing. */
function checkSecondRun(result: Rewritten, files: readonly SourceFile[], disk: Disk, options: RewriteOptions, failures: Map<string, string>): void {
  const second = run(files, disk, options, new Map());
  for (const { finding, transform, status } of second.settled) {
    if (status !== 'applied') continue;
    const first = result.settled.find((one) => one.transform === transform && one.finding.target.unit.file.path === finding.target.unit.file.path && one.status === 'applied');
    if (first) failures.set(keyOf(first.transform, first.finding.target), dropText('a second run would change the file again'));
  }
}
