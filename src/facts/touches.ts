import { posix } from 'node:path';
import { resolvePath, type ShellCommand } from '../shell/read.ts';
import { commandsOf, hasFlag, unwrap } from './commands.ts';
import type { History, Step } from './history.ts';
import { memo } from './memo.ts';

/**
 * Whether anything but owners and modes happens at or below a directory from the step on that makes
 * it: a command names it or something in it, or works there.
 */
export function isTouchedAfter(path: string, madeIn: Step, madeBy: ShellCommand, history: History): boolean {
  const { places, unclear, order } = touchesOf(history);
  const counts = ({ by, at }: Touch) => at >= order.get(madeIn)! && by !== madeBy && by !== madeIn;
  if (places.get(path)?.some(counts)) return true;
  for (const [text, touches] of unclear) if (touches.some(counts) && text.includes(path)) return true;
  return false;
}

/** A step or command that may put something somewhere. */
interface Touch {
  by: Step | ShellCommand;
  /** Where its step stands. */
  at: number;
}

/** All that may put something somewhere, looked up once: a file may make thousands of directories. */
interface Touches {
  /** By directory, for everything at or below it: the last few touches. */
  places: Map<string, Touch[]>;
  /** By a word whose value is not known. */
  unclear: Map<string, Touch[]>;
  order: Map<Step, number>;
}

/** Who asks leaves out a step and a command, so that of three touches one is left. */
const TOUCHES_KEPT = 3;

const touchesOf = memo((history: History): Touches => {
  const touches: Touches = { places: new Map(), unclear: new Map(), order: new Map(history.steps.map((step, at) => [step, at])) };
  history.steps.forEach((step, at) => {
    if (step.instruction.keyword === 'RUN' && step.cwd !== undefined) note(touches.places, step.cwd, { by: step, at });
    for (const command of commandsOf(step)) noteTouches(command, at, touches);
  });
  return touches;
});

const HARMLESS = new Set(['mkdir', 'chown', 'chmod', 'chgrp', 'ls', 'test', '[', 'echo', 'stat', 'rmdir']);

function noteTouches(command: ShellCommand, at: number, { places, unclear }: Touches): void {
  const touch = { by: command, at };
  const { name, words } = unwrap(command);
  const targets = command.redirects.map(({ target }) => target);
  const isHarmless = name === 'install' ? hasFlag(words, 'd', 'directory') : name !== undefined && HARMLESS.has(name);
  const paths = isHarmless ? targets.map(({ value }) => resolvePath(command.cwd, value)) : pathsIn(command);
  for (const path of paths) for (const place of ancestorsOf(path)) note(places, place, touch);
  if (isHarmless) return;
  for (const { value, text } of [...words.slice(1), ...targets]) if (value === undefined) note(unclear, text, touch);
  if (command.cwd !== undefined && name !== 'cd') note(places, command.cwd, touch);
}

/** A path and the directories above it. */
function ancestorsOf(path: string | undefined): string[] {
  const all: string[] = [];
  for (let one = path ?? '/'; one !== '/'; one = posix.dirname(one)) all.push(one);
  return all;
}

function note(into: Map<string, Touch[]>, key: string, touch: Touch): void {
  const known = into.get(key);
  if (!known) into.set(key, [touch]);
  else if (known.at(-1)!.by !== touch.by) {
    known.push(touch);
    if (known.length > TOUCHES_KEPT) known.shift();
  }
}

/** The paths that a command's arguments and redirections may mean, seen from where it runs. */
export const pathsIn = memo((command: ShellCommand): string[] => {
  const words = [...unwrap(command).words.slice(1), ...command.redirects.map(({ target }) => target)];
  return words.flatMap(({ value }) => resolvePath(command.cwd, pathIn(value)) ?? []);
});

/** The path in a word such as `--prefix=/opt/x`. */
export function pathIn(value: string | undefined): string | undefined {
  return value === undefined ? undefined : value.replace(/^(--?[\w-]+=|-[A-Za-z](?=\/))/, '');
}
