import { posix } from 'node:path';
import type { Dockerfile, Instruction } from '../dockerfile/parse.ts';
import type { Comment } from '../dockerfile/scan.ts';
import { isPackageOf } from '../programs/lookup.ts';
import type { Program } from '../programs/types.ts';
import type { Target } from '../project.ts';
import type { Account } from './account.ts';
import { madeAccounts } from './accounts.ts';
import { commandsOf, mentions, unwrap } from './commands.ts';
import { type Copy, copiesOf } from './copies.ts';
import { commentsByLine } from './comments.ts';
import { type History, historyOf, type Step } from './history.ts';
import { managesPackages, packagesOfStep } from './installs.ts';
import { isRoot } from './user.ts';

/** Where new lines go: an offset at a line's start or a line's end, and how they are set off. */
export interface Place {
  offset: number;
  /** The end of what goes: a continuation that dangles at the end of the file. */
  until?: number;
  /** Whether new lines go above the line that starts here, else below the one that ends here. */
  above: boolean;
  /** Whether a blank line sets off what stands before it. */
  spaced: boolean;
}

/** Instructions after which USER must stand: what they do needs root or says where the account works. */
const WORK = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR', 'VOLUME']);

/**
 * RULES F: right before the start command and the comments attached to it, if nothing that needs
 * root stands behind; else at the end of the stage.
 */
export function userPlace(target: Target): Place {
  const { dockerfile } = target.unit;
  const { instructions } = target.stage;
  const lastWork = instructions.findLastIndex(({ keyword }) => WORK.has(keyword));
  const start = instructions.findIndex(({ keyword }) => keyword === 'CMD' || keyword === 'ENTRYPOINT');
  if (start > lastWork) return above(dockerfile, instructions[start]!);
  return below(dockerfile, instructions.at(-1) ?? target.stage.from);
}

/**
 * The `USER root` that ends the chain, if it is the target's own and nothing after it needs root.
 * @param forRoot whether something new has to be done by root right before it
 */
export function replaceableUser(target: Target, forRoot = false): Instruction | undefined {
  const { user, steps } = historyOf(target.stage, target.unit);
  const step = user && steps.find(({ instruction }) => instruction === user.instruction);
  if (forRoot && step && !worksAsRoot(step)) return undefined;
  const { instructions } = target.stage;
  const index = user ? instructions.indexOf(user.instruction) : -1;
  if (index < 0 || user!.value === undefined || !isRoot(user!.value)) return undefined;
  return instructions.slice(index + 1).some(({ keyword }) => WORK.has(keyword)) ? undefined : user!.instruction;
}

/** RULES E2: the account's RUN, behind the last package step and before the application is copied, while root is at work. */
export function accountPlace(target: Target): Place {
  const { dockerfile } = target.unit;
  const history = historyOf(target.stage, target.unit);
  const steps = history.steps.filter(({ stage }) => stage === target.stage);
  const copy = steps.findIndex(({ instruction: { keyword } }) => keyword === 'COPY' || keyword === 'ADD');
  const head = copy < 0 ? steps.filter(({ instruction }) => instruction.keyword === 'RUN') : steps.slice(0, copy);
  const untried = untriedShell(target);
  const book = copiesOf(history).findLast((one) => one.step.stage === target.stage && bringsAccounts(one) && worksAsRoot(one.step));
  if (book) return below(dockerfile, book.step.instruction);
  const lastPackages = head.findLast((step) => (managesPackages(step) || removesAccounts(step)) && worksAsRoot(step));
  if (lastPackages) return below(dockerfile, lastPackages.instruction);
  const first = steps.find((step) => (WORK_BEFORE.has(step.instruction.keyword) || step.instruction === untried) && worksAsRoot(step));
  if (!first) return userPlace(target);
  return above(dockerfile, first.instruction);
}

/** Where what packages of these programs bring can be changed: where the account goes, or behind the last step that installs one. */
export function packagePlace(target: Target, programs: readonly Program[]): Place {
  const place = accountPlace(target);
  const steps = historyOf(target.stage, target.unit).steps.filter(({ stage }) => stage === target.stage);
  const last = steps.findLast((step) => packagesOfStep(step).some(({ name }) => programs.some((program) => isPackageOf(program, name))));
  return last && last.instruction.end > place.offset ? below(target.unit.dockerfile, last.instruction) : place;
}

/** `COPY passwd group /etc/`: what is made before it is lost. */
function bringsAccounts({ destination, sources }: Copy): boolean {
  return destination === '/etc/passwd' || (destination === '/etc' && sources.some((source) => source !== undefined && posix.basename(source) === 'passwd'));
}

/** A SHELL of the target under which no RUN has been tried: it may name what the image does not have. */
export function untriedShell({ stage: { instructions } }: Target): Instruction | undefined {
  const at = instructions.findLastIndex(({ keyword }) => keyword === 'SHELL');
  return at < 0 || instructions.slice(at).some(({ keyword, json }) => keyword === 'RUN' && json === undefined) ? undefined : instructions[at];
}

function removesAccounts(step: Step): boolean {
  return mentions(step, /userdel|deluser/) && commandsOf(step).some((command) => /^(userdel|deluser)$/.test(unwrap(command).name ?? ''));
}

/** What the account may stand before. WORKDIR and the rest stay at the head. */
const WORK_BEFORE = new Set(['RUN', 'COPY', 'ADD', 'VOLUME', 'CMD', 'ENTRYPOINT']);

function worksAsRoot({ user }: Step): boolean {
  return user === undefined || (user.value !== undefined && isRoot(user.value));
}

/**
 * Where directories are made and owned: before the first VOLUME that holds one, if the account is
 * known there, else where USER goes.
 */
export function ownershipPlace(target: Target, paths: readonly string[], account: Account): Place {
  const history: History = historyOf(target.stage, target.unit);
  const volume = history.volumes.find(
    ({ path, instruction }) => path !== undefined && target.stage.instructions.includes(instruction) && paths.some((owned) => owned === path || owned.startsWith(`${path}/`) || path.startsWith(`${owned}/`)),
  );
  if (volume && isKnownAt(account, volume.instruction, history)) return above(target.unit.dockerfile, volume.instruction);
  const place = userPlace(target);
  const shell = untriedShell(target);
  const isLast = shell && !target.stage.instructions.some(({ keyword, start }) => WORK.has(keyword) && start > shell.start);
  return isLast && shell.start < place.offset ? above(target.unit.dockerfile, shell) : place;
}

/** Whether chown knows an account at an instruction: a number it always does, a name once it is made. */
function isKnownAt({ uid, name }: Account, instruction: Instruction, history: History): boolean {
  const made = uid === undefined ? madeAccounts(history).find((one) => one.name === name)?.step : undefined;
  return made === undefined || history.steps.indexOf(made) < history.steps.findIndex((step) => step.instruction === instruction);
}

/** Above an instruction and the comment lines that belong to it. */
export function above(dockerfile: Dockerfile, instruction: Instruction): Place {
  let line = instruction.line;
  for (let comment = commentAt(dockerfile, line - 1); comment && !isMarker(comment); comment = commentAt(dockerfile, line - 1)) line -= 1;
  const offset = lineStart(dockerfile.text, instruction.start, instruction.line - line);
  return { offset, above: true, spaced: isBlankBefore(dockerfile.text, offset) };
}

/** Below an instruction's last line. */
export function below(dockerfile: Dockerfile, instruction: Instruction): Place {
  const { text } = dockerfile;
  const newline = text.indexOf('\n', instruction.end);
  const rest = newline < 0 ? '' : text.slice(newline + 1);
  const dangling = danglingAt(dockerfile, instruction);
  if (dangling !== undefined) return { offset: dangling, until: instruction.end, above: false, spaced: false };
  return { offset: instruction.end, above: false, spaced: /^[ \t]*\r?(\n|$)/.test(rest) && rest !== '' };
}

/** Where an instruction's text ends before an escape that continues nothing, since the file ends; undefined for none. */
function danglingAt({ text, escape }: Dockerfile, { end, heredocs }: Instruction): number | undefined {
  const upTo = text.slice(0, end).trimEnd();
  if (heredocs.length > 0 || !upTo.endsWith(escape) || upTo.endsWith(escape + escape) || text.slice(end).trim() !== '') return undefined;
  return upTo.slice(0, -1).trimEnd().length;
}

/** The whole-line comment on a line, if there is one. */
function commentAt(dockerfile: Dockerfile, line: number): Comment | undefined {
  const comment = commentsByLine(dockerfile).get(line);
  return comment?.inside ? undefined : comment;
}

/** The opening or closing line of a region that some tool or person keeps. */
function isMarker({ text }: Comment): boolean {
  return /^(#?(end)?region\b|[-=<>{}*#]{3,}|(begin|end|start)\b.*\b(section|region|block|config|managed|generated)|.*(>>>|<<<|\{\{\{|\}\}\}))/i.test(text);
}

/** The start of the line `up` lines above the one that holds `offset`. */
function lineStart(text: string, offset: number, up: number): number {
  let start = text.lastIndexOf('\n', offset - 1) + 1;
  for (let step = 0; step < up; step += 1) start = text.lastIndexOf('\n', start - 2) + 1;
  return start;
}

function isBlankBefore(text: string, offset: number): boolean {
  return /(^|\n)[ \t]*\r?\n$/.test(text.slice(Math.max(0, offset - 200), offset));
}
