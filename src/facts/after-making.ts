import { posix } from 'node:path';
import { resolvePath, type ShellCommand } from '../shell/read.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from './commands.ts';
import type { History, Step } from './history.ts';

/**
 * Whether an `rm` behind what makes a path takes it away again, or what is above it.
 * @param madeBy the command of the step; undefined for a COPY or ADD
 */
export function isTakenAway(path: string, madeIn: Step, madeBy: ShellCommand | undefined, history: History): boolean {
  const from = history.steps.indexOf(madeIn);
  return history.steps.slice(from).some((step) => {
    if (!mentions(step, /\brm(dir)?\b/)) return false;
    const commands = commandsOf(step);
    return commands.slice(step === madeIn && madeBy ? commands.indexOf(madeBy) + 1 : 0).some((command) => removes(command, path));
  });
}

function removes(command: ShellCommand, path: string): boolean {
  const { name, words } = unwrap(command);
  if (name !== 'rm' && name !== 'rmdir') return false;
  return operands(words).some(({ value }) => {
    // The shell reads `~/*` as a pattern below the home, which is root's while it builds.
    const removed = resolvePath(command.cwd, value?.replace(/^~(?=\/)/, '/root'))?.replace(/\/\*$/, '');
    return removed !== undefined && (path === removed || path.startsWith(`${removed === '/' ? '' : removed}/`));
  });
}

/** Whether a `chmod` of the chain, or the mode that it is made with, lets everybody write a directory. */
export function isOpenedToAll(path: string, history: History): boolean {
  return history.steps.some((step) => mentions(step, /chmod|mkdir|install/) && commandsOf(step).some((command) => opensToAll(command, path)));
}

function opensToAll(command: ShellCommand, path: string): boolean {
  const { name, words } = unwrap(command);
  if (name === 'chmod') {
    const [mode, ...paths] = operands(words);
    const recursive = hasFlag(words, 'R', 'recursive');
    return isForAll(mode?.value) && paths.some(({ value }) => isAt(resolvePath(command.cwd, value), path, recursive));
  }
  if (name !== 'mkdir' && name !== 'install') return false;
  const at = words.findIndex(({ value }) => value === '-m' || value === '--mode');
  const mode = at < 0 ? words.find(({ value }) => value?.startsWith('--mode='))?.value?.slice('--mode='.length) : words[at + 1]?.value;
  return isForAll(mode) && words.some(({ value }) => isAt(resolvePath(command.cwd, value), path, false));
}

function isAt(named: string | undefined, path: string, recursive: boolean): boolean {
  return named === path || (recursive && named !== undefined && path.startsWith(`${posix.join(named, '/')}`));
}

function isForAll(mode: string | undefined): boolean {
  if (mode === undefined) return false;
  if (/^[0-7]+$/.test(mode)) return (Number.parseInt(mode, 8) & 0o002) !== 0;
  return mode.split(',').some((one) => /^[ug]*[ao][ugoa]*[+=][rxXst]*w/.test(one) || /^ugo[+=][rxXst]*w/.test(one));
}
