import { applyEdits, areApart, compose, type Edit, EditError, type FileEdit } from './edit.ts';
import { resolve } from 'node:path';
import { broughtFile } from './brought.ts';
import type { Configs } from './config.ts';
import type { Disk } from './disk.ts';
import { fixedParent } from './facts/built-upon.ts';
import { judge } from './facts/keep-away/index.ts';
import type { Judgement } from './facts/judgement.ts';
import { historyOf } from './facts/history.ts';
import { serviceAgain } from './facts/services/target.ts';
import { effectiveUser, isRoot } from './facts/user.ts';
import type { ImageSource } from './images/lookup.ts';
import { type FileError, link, type Project, type SourceFile, stageLabel, type Target } from './project.ts';
import type { Finding, Transform, TransformOptions } from './transform.ts';

export interface RewriteOptions extends TransformOptions {
  configs: Configs;
  /** Whom to ask about images that neither the configuration nor the catalogue knows. */
  source?: ImageSource | undefined;
  /** The transforms to run, phase by phase. */
  phases: readonly (readonly Transform[])[];
  /** Whether to apply unsafe fixes too. */
  unsafe: boolean;
  /** Targets whose fixes are to be left out. */
  without?: readonly LeftOut[] | undefined;
}

/** A target that is not to be fixed in this run. */
export interface LeftOut {
  path: string;
  /** The stage's name, else its index. */
  stage: string;
  why: string;
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
  /** The original of the file that it is in. */
  original: string;
}

export interface Rewritten {
  /** The project as it was read. */
  project: Project;
  /** The project as the changes make it, read afresh. */
  last: Project;
  judgements: Map<Target, Judgement>;
  settled: Settled[];
  /** By path, for changed files only. */
  changes: Map<string, Change>;
  errors: FileError[];
}

export interface Change {
  /** The file as it was read. */
  file: SourceFile;
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
  const inVain = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const result = run(files, disk, options, new Map([...inVain, ...dropped]));
    const more = madeInVain(result, options);
    for (const key of more) inVain.set(key, ROOT_STAYS);
    if (more.length > 0) continue;
    const failures = check(result, files, disk, options, inVain);
    if (failures.size === 0) return result;
    for (const [key, why] of failures) dropped.set(key, why);
  }
  throw new Error('the fixes of this project keep failing their checks');
}

function run(files: readonly SourceFile[], disk: Disk, options: RewriteOptions, dropped: ReadonlyMap<string, string>, project = link(files, disk, options.configs, options.source)): Rewritten {
  const sources = new Sources(files, disk);
  const settled: Settled[] = [];
  let current = project;

  for (const phase of options.phases) {
    const inPhase: Settled[] = [];
    const found = phase.flatMap((transform) => [...transform.apply({ project: current, options })].map((finding) => ({ finding, transform })));
    // What others build on is settled before them, in whatever file it stands.
    found.sort((one, other) => depthOf(one.finding.needs) - depthOf(other.finding.needs));
    for (const { finding, transform } of found) inPhase.push(settle(finding, transform, options, dropped, sources, inPhase));
    allOrNone(inPhase);
    settled.push(...inPhase);
    if (sources.apply(inPhase)) current = link(sources.files(), sources.disk(), options.configs, options.source);
  }

  const judgements = new Map(project.targets.map((target) => [target, judge(asDecided(target, settled, current))]));
  return { project, last: current, judgements, settled, changes: sources.changes, errors: project.errors };
}

/** Why a fix is left out that only clears the way for others. */
export const ROOT_STAYS = 'the port stays as it is: root is not taken away in this run, and a high port alone buys nothing';

/** The fixes that clear the way for others of which none was made, by key. Where no transform that was asked for takes root away, the way is all that was asked for. */
function madeInVain({ settled, last }: Rewritten, { phases }: RewriteOptions): string[] {
  if (!phases.flat().some(({ setsUser }) => setsUser)) return [];
  return settled.flatMap(({ finding, transform, status }) => {
    const { clearsWayFor } = finding;
    return status !== 'applied' || !clearsWayFor || clearsWayFor.some((target) => isOffRoot(sameIn(last, target))) ? [] : [keyOf(transform, finding.target)];
  });
}

/** Whether a target, or one of the services that run it, starts as somebody else than root. */
function isOffRoot(target: Target | undefined): boolean {
  if (!target) return false;
  return effectiveUser(target).kind === 'nonroot' || target.services.some(({ service: { user } }) => user !== undefined && !isRoot(user));
}

/** A target as its USER was decided on, what earlier phases had done to it included; else as it is in the end. */
function asDecided(target: Target, settled: readonly Settled[], last: Project): Target {
  const decided = settled.find(({ finding }) => finding.user !== undefined && isSameTarget(finding.target, target));
  // One that takes over what it builds on was decided on along with that.
  if (!decided && fixedParent(target)) return target;
  return decided?.finding.target ?? last.targets.find((one) => isSameTarget(one, target)) ?? target;
}

/** The files of a run with what the phases have made of them so far. */
class Sources {
  readonly changes = new Map<string, Change>();
  private readonly byPath: Map<string, SourceFile>;
  private readonly given: readonly SourceFile[];
  private readonly original: Disk;

  constructor(given: readonly SourceFile[], disk: Disk) {
    this.given = given;
    this.original = disk;
    this.byPath = new Map(given.map((file) => [file.path, file]));
  }

  /** A file as it was read: one that was given, or one that those bring in. */
  at(path: string, near: SourceFile): SourceFile {
    const known = this.byPath.get(path);
    if (known) return known;
    const brought = broughtFile(resolve(this.original.cwd, path), near.root, this.original);
    if ('why' in brought) throw new EditError(`${path} is not to be changed: ${brought.why}`);
    this.byPath.set(path, brought.file);
    return brought.file;
  }

  /** The given files as they now are. */
  files(): SourceFile[] {
    return this.given.map((file) => {
      const change = this.changes.get(file.path);
      return change ? { ...file, text: change.after } : file;
    });
  }

  /** The disk with the brought files as they now are. */
  disk(): Disk {
    return diskAfter(this.changes, this.original);
  }

  /** Makes a phase's edits; answers whether there were any. */
  apply(inPhase: readonly Settled[]): boolean {
    const byPath = new Map<string, Edit[]>();
    for (const { finding, status } of inPhase) {
      if (status !== 'applied') continue;
      for (const { path, ...edit } of finding.edits) {
        this.at(path, finding.target.unit.file);
        const made = byPath.get(path) ?? [];
        const isShared = finding.together?.length && made.some((one) => isSameEdit(one, edit));
        if (!isShared) byPath.set(path, [...made, edit]);
      }
    }
    for (const [path, edits] of byPath) {
      const file = this.byPath.get(path)!;
      const change = this.changes.get(path);
      const composed = compose(change?.edits ?? [], edits, file.text.length);
      this.changes.set(path, { file, before: file.text, after: applyEdits(change?.after ?? file.text, edits), edits: composed });
    }
    return byPath.size > 0;
  }
}

/** How many targets that are fixed stand between a target and its base, itself included. */
function depthOf(target: Target | undefined): number {
  return target ? 1 + depthOf(fixedParent(target)) : 0;
}

/** What becomes of a finding under the flags. */
function settle(finding: Finding, transform: Transform, options: RewriteOptions, dropped: ReadonlyMap<string, string>, sources: Sources, before: readonly Settled[]): Settled {
  const edits = sources.changes.get(finding.path)?.edits ?? [];
  const original = sources.at(finding.path, finding.target.unit.file).text;
  const place = { start: originalOffset(edits, finding.start), end: originalOffset(edits, finding.end), original };
  const base = { finding, transform, ...place, skipped: undefined };
  if (finding.safety === 'manual' || finding.edits.length === 0) return { ...base, status: 'manual' };
  const failed = dropped.get(keyOf(transform, finding.target));
  if (failed !== undefined) return { ...base, status: 'skipped', skipped: failed };
  if (finding.safety === 'unsafe' && !options.unsafe) return { ...base, status: 'skipped', skipped: 'unsafe; --unsafe applies it' };
  const left = options.without?.find(({ path, stage }) => path === finding.target.unit.file.path && stage === stageLabel(finding.target));
  if (left) return { ...base, status: 'skipped', skipped: left.why };
  if (finding.needs && !before.some((other) => other.finding.target === finding.needs && other.status === 'applied')) return { ...base, status: 'skipped', skipped: 'what it builds on is not fixed' };
  const rival = before.find((other) => other.status === 'applied' && !areFixesApart(ownEdits(finding, other.finding), other.finding.edits));
  if (rival) return { ...base, status: 'skipped', skipped: `its edits overlap those of ${rival.transform.name}; this is a bug of unroot` };
  return { ...base, status: 'applied' };
}

/** Fixes that change something together are all made, or none of them is. */
function allOrNone(inPhase: Settled[]): void {
  for (;;) {
    const index = inPhase.findIndex((one) => one.status === 'applied' && missingFor(one, inPhase));
    if (index < 0) return;
    const one = inPhase[index]!;
    inPhase[index] = { ...one, status: 'skipped', skipped: `it changes what ${nameOf(missingFor(one, inPhase)!)} starts too, and that is not fixed` };
  }
}

/** A target that would have to be fixed along and is not. */
function missingFor({ finding, transform }: Settled, inPhase: readonly Settled[]): Target | undefined {
  return finding.together?.find((target) => !inPhase.some((other) => other.transform === transform && other.finding.target === target && other.status === 'applied'));
}

function nameOf({ unit, stage }: Target): string {
  return `${unit.file.path}${stage.name === undefined ? '' : ` (${stage.name})`}`;
}

/** The edits of a fix without those that it makes together with another. */
function ownEdits({ edits, together, target }: Finding, other: Finding): readonly FileEdit[] {
  if (!together?.includes(other.target) && !other.together?.includes(target)) return edits;
  return edits.filter((edit) => !holdsEdit(other, edit));
}

function holdsEdit({ edits }: Finding, wanted: FileEdit): boolean {
  return edits.some((edit) => edit.path === wanted.path && isSameEdit(edit, wanted));
}

function isSameEdit(one: Edit, other: Edit): boolean {
  return one.start === other.start && one.end === other.end && one.text === other.text;
}

/** What a fix is known by from round to round. */
function keyOf(transform: Transform, target: Target): string {
  return `${transform.name}\n${target.unit.file.path}\n${stageLabel(target)}`;
}

function areFixesApart(some: readonly FileEdit[], others: readonly FileEdit[]): boolean {
  return some.every((edit) => areApart([edit], others.filter(({ path }) => path === edit.path)));
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
function check(result: Rewritten, files: readonly SourceFile[], disk: Disk, options: RewriteOptions, inVain: ReadonlyMap<string, string>): Map<string, string> {
  const failures = new Map<string, string>();
  if (result.changes.size === 0) return failures;
  for (const [path, { before, after, edits }] of result.changes) {
    if (applyEdits(before, edits) !== after || before === after) failAll(result, path, 'its edits do not make the text that was checked', failures);
  }
  for (const { path, line, message } of result.last.errors) {
    if (result.changes.has(path)) failAll(result, path, `the result does not parse (line ${line}: ${message})`, failures);
  }
  for (const settled of result.settled) checkIntention(settled, result.last, failures);
  if (failures.size === 0) checkSecondRun(result, files, disk, options, inVain, failures);
  return failures;
}

/** The disk as it is once the brought files are written. */
function diskAfter(changes: ReadonlyMap<string, Change>, disk: Disk): Disk {
  const brought = [...changes.values()].filter(({ file }) => file.kind === 'brought');
  return brought.length > 0 ? disk.with(new Map(brought.map(({ file, after }) => [disk.real(file.absolute)!, after]))) : disk;
}

function failAll(result: Rewritten, path: string, why: string, failures: Map<string, string>): void {
  for (const { finding, transform, status } of result.settled) {
    if (status === 'applied' && finding.edits.some((edit) => edit.path === path)) failures.set(keyOf(transform, finding.target), dropText(why));
  }
}

function dropText(why: string): string {
  return `dropped by a check of its own: ${why}; this is a bug of unroot`;
}

/** The result says what the fix intended: the target's effective user is the account, and what else the fix asks for. */
function checkIntention({ finding, transform, status }: Settled, again: Project, failures: Map<string, string>): void {
  if (status !== 'applied') return;
  const target = sameIn(again, finding.target);
  const wrong = target ? (wrongUser(finding, target) ?? finding.verify?.(target)) : 'the target would be gone';
  if (wrong !== undefined) failures.set(keyOf(transform, finding.target), dropText(wrong));
}

function wrongUser({ user: intended }: Finding, target: Target): string | undefined {
  // A service's may rest on variables of compose; its transform looks at what is written.
  if (target.standsFor) return undefined;
  // A variable of the base (`$APP_UID`) has no value that we know, and one of the file may get another; then what is written decides.
  const { kind, text } = effectiveUser(target);
  const instruction = historyOf(target.stage, target.unit).user?.instruction;
  const written = kind !== 'root' && instruction?.args === intended ? intended : text;
  return intended === undefined || written === intended ? undefined : `USER would be ${written}, not ${intended}`;
}

/** A target as another reading has it; undefined where it is gone. */
function sameIn(project: Project, target: Target): Target | undefined {
  const { standsFor } = target;
  return standsFor ? serviceAgain(standsFor, project) : project.targets.find((one) => isSameTarget(one, target));
}

/** Whether two targets, read at different times, are the same one. */
function isSameTarget(one: Target, other: Target): boolean {
  return one.unit.file.path === other.unit.file.path && one.unit.inline?.service === other.unit.inline?.service && one.stage.name === other.stage.name && one.stage.from.logical === other.stage.from.logical;
}

/** A second run changes nothing. */
function checkSecondRun(result: Rewritten, files: readonly SourceFile[], disk: Disk, options: RewriteOptions, inVain: ReadonlyMap<string, string>, failures: Map<string, string>): void {
  const changed = files.map((file) => ({ ...file, text: result.changes.get(file.path)?.after ?? file.text }));
  const second = run(changed, diskAfter(result.changes, disk), options, inVain, result.last);
  for (const { finding, transform, status } of second.settled) {
    if (status !== 'applied') continue;
    const first = result.settled.find((one) => one.transform === transform && one.finding.target.unit.file.path === finding.target.unit.file.path && one.status === 'applied');
    if (first) failures.set(keyOf(first.transform, first.finding.target), dropText('a second run would change the file again'));
  }
}
