import { posix } from 'node:path';
import { commandsOf, mentions } from './commands.ts';
import { resolvePath, type ShellCommand } from '../shell/read.ts';
import type { History } from './history.ts';

/**
 * The text that a RUN writes into a file with `echo … > path` or `printf`; an empty string where a
 * RUN makes the file in a way that can't be read (a download, a build), undefined where none does.
 */
export function writtenByRun(history: History, path: string): string | undefined {
  let text: string | undefined;
  const name = posix.basename(path);
  for (const step of history.steps) {
    // Most RUNs never name the file: those need not be parsed.
    if (!mentions(step, name)) continue;
    for (const command of commandsOf(step)) {
      const printed = printedInto(command, path);
      if (printed?.isRead) text = (printed.appends ? (text ?? '') : '') + (printed.text ?? '');
      else if (printed || downloads(command.words.map((word) => word.value), command.cwd, path)) text ??= '';
    }
  }
  return text;
}

/** What one command's redirection puts into a file. */
export interface Printed {
  /** Whether `echo` or `printf` prints it. */
  isRead: boolean;
  /** Undefined where it is not known. */
  text: string | undefined;
  appends: boolean;
}

/** What a command redirects into a file; undefined where it does not. */
export function printedInto({ words, redirects, cwd }: ShellCommand, path: string): Printed | undefined {
  const redirect = redirects.find(({ operator, target }) => (operator === '>' || operator === '>>') && resolvePath(cwd, target.value) === path);
  if (!redirect) return undefined;
  const tool = words[0]?.value;
  const isRead = tool === 'echo' || tool === 'printf';
  return { isRead, text: isRead ? printedBy(tool, words.slice(1).map((word) => word.value)) : undefined, appends: redirect.operator === '>>' };
}

function printedBy(name: string, words: (string | undefined)[]): string | undefined {
  const flags = words.findIndex((word) => word === undefined || !/^-[neE]+$/.test(word));
  const rest = words.slice(flags < 0 ? words.length : flags);
  if (rest.some((word) => word === undefined)) return undefined;
  const line = name === 'printf' ? rest[0] ?? '' : `${rest.join(' ')}\n`;
  return line.replace(/\\n/g, '\n').replace(/\\t/g, '\t');
}

/** Whether a command fetches or copies into exactly this path: `curl -o path`, `wget -O path`, `cp x path`. */
function downloads(words: (string | undefined)[], cwd: string | undefined, path: string): boolean {
  const name = words[0];
  if (name !== 'curl' && name !== 'wget' && name !== 'cp' && name !== 'mv' && name !== 'ln' && name !== 'install') return false;
  return words.slice(1).some((word) => word !== undefined && resolvePath(cwd, word) === path);
}
