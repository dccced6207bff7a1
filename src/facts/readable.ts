import { join, posix } from 'node:path';
import type { Disk } from '../disk.ts';
import type { FileEdit } from '../edit.ts';
import { sourceOffset } from '../dockerfile/parse.ts';
import type { Target } from '../project.ts';
import { resolvePath, type ShellWord } from '../shell/read.ts';
import type { Account } from './account.ts';
import { closedTomcat } from './closed-tomcat.ts';
import { commandsOf, mentions, operands, option, unwrap } from './commands.ts';
import { type Copy, copiesOf, type CopiedFile, lacksSource, originOf } from './copies.ts';
import { type History, historyOf, type Step } from './history.ts';
import type { Reason } from './judgement.ts';
import { candidatePaths, startOf } from './start.ts';

/** What makes files readable, and start scripts executable, for others than root (RULES E5). */
export interface Readable {
  edits: FileEdit[];
  doubts: Reason[];
}

/** What an account needs so that it can run what is started and read what is copied. */
export function readableFor(target: Target, account: Pick<Account, 'owner'>): Readable {
  const history = historyOf(target.stage, target.unit);
  const started = startedFiles(target);
  const result: Readable = { edits: [], doubts: [] };
  for (const file of started) openStarted(file, target, history, result);
  for (const path of [...startOf(target).unseen, ...programsBesideUnseen(target, history)]) openUnseen(path, target, history, result);
  for (const copy of copiesOf(history)) {
    if (copy.from === undefined) giveClosedFiles(copy, target, account, started, result);
    giveHiddenKey(copy, target, account, result);
  }
  const tomcat = closedTomcat(target)?.edit;
  if (tomcat) result.edits.push(tomcat);
  result.doubts.push(...closedPaths(target, account, started, history));
  return result;
}

/** What a RUN closes to others where the target works, lives or what its start command names lies, and that is not the account's. */
function closedPaths(target: Target, { owner }: Pick<Account, 'owner'>, scripts: readonly StartedFile[], history: History): Reason[] {
  const started = startOf(target).commands.flatMap(({ words, command }) => words.map(({ value }) => (value?.includes('/') ? resolvePath(command.cwd ?? history.cwd, value) : undefined)));
  const home = history.variables('HOME') ?? undefined;
  const needed = [history.cwd, home, ...started].filter((path) => path !== undefined);
  const closed = new Map<string, Reason>();
  for (const step of history.steps) {
    if (!mentions(step, /chmod|mkdir|install|chown/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      if (name === 'find' && !words.some(({ value }) => value === 'chmod')) continue;
      const paths = operands(words, MODE_OPTION).flatMap(({ value }) => resolvePath(command.cwd, value) ?? []);
      const mode = name === 'chmod' ? operands(words)[0]?.value : name === 'mkdir' || name === 'install' ? option(words, 'm', 'mode')?.value : undefined;
      const isOwner = name === 'chown' && operands(words)[0]?.value?.split(':')[0] === owner.split(':')[0];
      for (const path of paths) {
        const holds = path === history.cwd || (home !== undefined && (path === home || posix.dirname(path) === home)) || needed.some((one) => one.startsWith(`${path}/`));
        // `find … -exec chmod` opens what it finds.
        if (isOwner || name === 'find' || (mode !== undefined && opens(mode, holds))) closed.delete(path);
        else if (isNumeric(mode) && (holds || needed.includes(path)) && !scripts.some((script) => script.path === path))
          closed.set(path, { rule: 'closed-file', message: `${path} is closed to others than root: a RUN gives it the mode ${mode}`, line: step.instruction.line, advice: 'give it the mode 0755, or to the account' });
      }
    }
  }
  return [...closed.values()];
}

const MODE_OPTION = /^(-m|--mode)$/;

interface StartedFile {
  /** In the image. */
  path: string;
  file: CopiedFile;
  /** Whether it is executed itself, so that it needs the x bit. */
  executed: boolean;
}

/** Scripts and programs that are started and that a COPY brings. */
function startedFiles(target: Target): StartedFile[] {
  const { scripts, commands } = startOf(target);
  const found = scripts.flatMap(({ path, file, executed }): StartedFile[] => (file ? [{ path, file, executed }] : []));
  const history = historyOf(target.stage, target.unit);
  for (const { words, payload } of commands) {
    const path = resolvePath(history.cwd, words[0]?.value);
    const file = payload && path !== undefined ? originOf(target, path) : undefined;
    if (file && file !== 'elsewhere' && !found.some((one) => one.path === path)) found.push({ path: path!, file, executed: true });
  }
  return found;
}

/** Root executes what has any x bit; others need theirs. The mode is changed where it is given, or given where it is missing. */
function openStarted(started: StartedFile, target: Target, history: History, { edits, doubts }: Readable): void {
  const { path, file, executed } = started;
  const chmods = chmodsOf(path, history);
  const last = chmods.at(-1);
  if (last) {
    if (opens(last.mode.value, executed)) return;
    if (isNumeric(last.mode.value)) {
      const at = last.step.stage === target.stage ? placeOf(last.mode, last.step) : undefined;
      if (at !== undefined) edits.push({ path: target.unit.file.path, start: at, end: at + last.mode.text.length, text: '755' });
      else doubts.push(closed(path, `a RUN gives it the mode ${last.mode.text}`));
      return;
    }
    // `u+x` adds to the mode that the COPY gives: that one is opened.
  }
  const { copy } = file;
  const isHere = copy.step.stage === target.stage && copy.step.unit === target.unit;
  if (copy.chmod !== undefined) {
    if (opens(copy.chmod, executed)) return;
    const at = isHere && isNumeric(copy.chmod) ? chmodPlace(copy) : undefined;
    if (at) edits.push({ path: target.unit.file.path, ...at, text: '0755' });
    else doubts.push(closed(path, `COPY gives it the mode ${copy.chmod}`));
    return;
  }
  if (file.mode === undefined || !(last !== undefined || isClosed(file.mode, executed))) return;
  if (isHere && isSingle(copy, target)) edits.push(newFlag(copy, target, '--chmod=0755 '));
  else doubts.push({ rule: 'write-sign', message: `${path} is closed to others than root, and it is copied along with others`, advice: `chmod a+rx ${file.source}` });
}

/** Programs that are copied to where a start script out of sight calls them. */
function programsBesideUnseen(target: Target, history: History): string[] {
  if (startOf(target).unseen.length === 0) return [];
  return copiesOf(history).flatMap(({ destination, intoDirectory }) => (destination !== undefined && !intoDirectory && /\/s?bin\/[^/]+$/.test(destination) ? [destination] : []));
}

/** `chmod u+x` shows that a start script out of sight has no x bit for others: the RUN gives it one. */
function openUnseen(written: string, target: Target, history: History, { edits, doubts }: Readable): void {
  const [path, last] = candidatePaths(written, history.cwd).map((one) => [one, chmodsOf(one, history).at(-1)] as const).find(([, chmod]) => chmod) ?? [];
  if (!last || opens(last.mode.value, true) || edits.some(({ start }) => start === placeOf(last.mode, last.step))) return;
  const at = last.step.stage === target.stage && last.step.unit === target.unit ? placeOf(last.mode, last.step) : undefined;
  if (at === undefined) doubts.push(closed(path!, `a RUN gives it the mode ${last.mode.text}`));
  else edits.push({ path: target.unit.file.path, start: at, end: at + last.mode.text.length, text: isNumeric(last.mode.value) ? '755' : 'a+rx' });
}

function closed(path: string, why: string): Reason {
  return { rule: 'closed-file', message: `${path} is closed to others than root: ${why}`, advice: 'give it the mode 0755' };
}

/** A file that root can use and others can't. */
function isClosed(mode: number, executed: boolean): boolean {
  const needed = executed ? 0o005 : 0o004;
  return (mode & needed) !== needed && (!executed || (mode & 0o111) !== 0);
}

export interface Chmod {
  mode: ShellWord;
  step: Step;
}

/** The `chmod`s of the chain that name a file or a directory above it. */
export function chmodsOf(path: string, history: History): Chmod[] {
  return history.steps.flatMap((step) => {
    if (!mentions(step, 'chmod')) return [];
    return commandsOf(step).flatMap((command) => {
      const { name, words } = unwrap(command);
      if (name !== 'chmod') return [];
      const [mode, ...paths] = operands(words);
      return mode && paths.some(({ value }) => isUnder(path, resolvePath(command.cwd, value))) ? [{ mode, step }] : [];
    });
  });
}

function isUnder(path: string, directory: string | undefined): boolean {
  return directory !== undefined && (path === directory || path.startsWith(`${directory.replace(/\/\*.*$/, '')}/`));
}

function isNumeric(mode: string | undefined): boolean {
  return mode !== undefined && /^0?[0-7]{3,4}$/.test(mode);
}

/** Whether a mode lets others read a file, and execute it where it must be. */
export function opens(mode: string | undefined, executed: boolean): boolean {
  if (mode === undefined) return true; // a variable: whoever sets it knows
  if (isNumeric(mode)) return (Number.parseInt(mode, 8) & (executed ? 0o005 : 0o004)) === (executed ? 0o005 : 0o004);
  return mode.split(',').some((one) => /^([a-z]*[ao][a-z]*)?[+=].*[xX]/.test(one) || (!executed && /^([a-z]*[ao][a-z]*)?[+=].*r/.test(one)));
}

/** Where a word of a RUN's shell form stands in the file; undefined in a heredoc and in exec form. */
function placeOf(word: ShellWord, { instruction }: Step): number | undefined {
  if (instruction.json || instruction.heredocs.length > 0 || instruction.args.slice(word.pos, word.end) !== word.text) return undefined;
  return sourceOffset(instruction, instruction.argsAt + word.pos);
}

/** The value of a COPY's `--chmod`. */
function chmodPlace({ chmod, step }: Copy): { start: number; end: number } | undefined {
  const { instruction } = step;
  const at = instruction.logical.indexOf(`--chmod=${chmod}`);
  if (at < 0) return undefined;
  const start = sourceOffset(instruction, at + '--chmod='.length);
  return { start, end: start + chmod!.length };
}

/** Whether a COPY brings exactly one file, by its name. */
function isSingle(copy: Copy, target: Target): boolean {
  const { sources, from, step } = copy;
  if (sources.length !== 1 || from !== undefined || step.unit.context === undefined || sources[0] === undefined) return false;
  return target.disk.stat(join(step.unit.context, sources[0]))?.kind === 'file';
}

function newFlag({ step }: Copy, target: Target, flag: string): FileEdit {
  const at = sourceOffset(step.instruction, step.instruction.rest);
  return { path: target.unit.file.path, start: at, end: at, text: flag };
}

/**
 * Files that only their owner may read: the account can't. One that is copied alone changes hands,
 * and is never widened; Git does not keep such a mode, so elsewhere it may be another.
 */
function giveClosedFiles(copy: Copy, target: Target, { owner }: Pick<Account, 'owner'>, started: readonly StartedFile[], { edits, doubts }: Readable): void {
  if (copy.chmod !== undefined || copy.chown !== undefined || target.unit.context === undefined) return;
  const isStarted = (source: string) => started.some(({ file }) => file.copy === copy && file.source === source);
  const all = copy.sources.flatMap((source) => (source === undefined ? [] : closedUnder(target.disk, target.unit.context!, source, MAX_LOOKED_AT))).filter((source) => !isStarted(source));
  if (all.length === 0) return;
  const [first] = all as [string, ...string[]];
  const others = all.length > 1 ? ` and ${all.length - 1} more` : '';
  doubts.push({ rule: 'closed-file', message: `${first}${others} can be read by its owner alone, a mode that git does not keep`, advice: `give it to the account: COPY --chown=${owner} ${first} …` });
  if (all.length === 1 && isSingle(copy, target) && copy.step.stage === target.stage) edits.push(newFlag(copy, target, `--chown=${owner} `));
}

/** A private key out of sight is closed to others, as tools make it: one that is copied alone changes hands whatever its mode. */
function giveHiddenKey(copy: Copy, target: Target, { owner }: Pick<Account, 'owner'>, { edits, doubts }: Readable): void {
  const key = copy.from === undefined && copy.chmod === undefined && copy.chown === undefined ? copy.sources.find((source) => source !== undefined && KEY.test(source)) : undefined;
  if (key === undefined || !lacksSource(target, copy)) return;
  if (copy.sources.length === 1 && copy.step.stage === target.stage && /^\d/.test(owner)) edits.push(newFlag(copy, target, `--chown=${owner} `));
  else doubts.push({ rule: 'closed-file', message: `${key} is not in sight, and a private key is closed to others than its owner`, line: copy.step.instruction.line, advice: `give it to the account: COPY --chown=${owner} ${key} …` });
}

const KEY = /\.(key|p12|pfx|jks|keystore)$|key\.pem$|(^|\/)id_(rsa|dsa|ecdsa|ed25519)$/;

/** Enough to see a key among the sources of a service; a large tree is not walked through. */
const MAX_LOOKED_AT = 500;
const SKIPPED = /^(node_modules|\.git|vendor|venv|\.venv|target|dist)$/;

/**
 * The files at or under a path that others than their owner can not read, relative to the folder that the path is seen from.
 * @param most how many files and folders are looked at
 */
export function closedUnder(disk: Disk, folder: string, source: string, most: number): string[] {
  const found: string[] = [];
  const waiting = [posix.join('.', source)];
  for (let looked = 0; looked < most; looked += 1) {
    const path = waiting.shift();
    if (path === undefined) break;
    const entry = disk.stat(join(folder, path));
    if (entry?.kind === 'directory') waiting.push(...disk.list(join(folder, path)).filter((name) => !SKIPPED.test(name)).map((name) => posix.join(path, name)));
    else if (entry && (entry.mode & 0o004) === 0) found.push(path);
  }
  return found;
}
