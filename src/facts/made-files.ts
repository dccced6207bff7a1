import { posix } from 'node:path';
import { commandsOf, mentions } from './commands.ts';
import { resolvePath, type ShellCommand, type ShellWord } from '../shell/read.ts';
import type { History, Step } from './history.ts';
import { memoByName } from './memo.ts';

/**
 * The text that a RUN writes into a file with `echo … > path` or `printf`; an empty string where a
 * RUN makes the file in a way that can't be read (a download, a build), undefined where none does.
 */
export function writtenByRun(history: History, path: string): string | undefined {
  let text: string | undefined;
  for (const step of stepsNaming(history, posix.basename(path))) {
    for (const command of commandsOf(step)) {
      // A script may well hold variables.
      const printed = printedInto(command, path, ({ value, open }) => value ?? open);
      if (printed?.isRead) text = (printed.appends ? (text ?? '') : '') + (printed.text ?? '');
      else if (printed || downloads(command, path)) text ??= '';
    }
  }
  return text;
}

/** The RUNs that may make a file of a name. Most name no such file, or do nothing that makes one, and need not be read. */
const stepsNaming = memoByName((history: History, name): Step[] => {
  const naming = history.steps.filter((step) => mentions(step, name) && mentions(step, MAKES_FILES));
  const word = naming.length > 0 ? asWord(name) : undefined;
  return word ? naming.filter((step) => mentions(step, word)) : [];
});

const MAKES_FILES = />|\b(curl|wget|cp|mv|ln|install)\b/;

/** A file's name where it is not a part of another: `node`, and neither `node_modules` nor `node.js`. */
function asWord(name: string): RegExp {
  return new RegExp(`(?<![\\w.-])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`);
}

/** What one command's redirection puts into a file. */
export interface Printed {
  /** Whether `echo` or `printf` prints it. */
  isRead: boolean;
  /** Undefined where it is not known. */
  text: string | undefined;
  appends: boolean;
}

/** What a command redirects into a file; undefined where it does not. @param valueOf what a word is taken for */
export function printedInto({ words, redirects, cwd }: ShellCommand, path: string, valueOf = ({ value }: ShellWord) => value): Printed | undefined {
  const redirect = redirects.find(({ operator, target }) => (operator === '>' || operator === '>>') && resolvePath(cwd, target.value) === path);
  if (!redirect) return undefined;
  const tool = words[0]?.value;
  const isRead = tool === 'echo' || tool === 'printf';
  return { isRead, text: isRead ? printedBy(tool, words.slice(1).map(valueOf)) : undefined, appends: redirect.operator === '>>' };
}

function printedBy(name: string, words: (string | undefined)[]): string | undefined {
  const flags = words.findIndex((word) => word === undefined || !/^-[neE]+$/.test(word));
  const rest = words.slice(flags < 0 ? words.length : flags);
  if (rest.some((word) => word === undefined)) return undefined;
  const line = name === 'printf' ? rest[0] ?? '' : `${rest.join(' ')}\n`;
  return line.replace(/\\n/g, '\n').replace(/\\t/g, '\t');
}

/** Whether a command fetches or copies into exactly this path: `curl -o path`, `wget -O path`, `cp x path`. */
function downloads({ words, cwd }: ShellCommand, path: string): boolean {
  const name = words[0]?.value;
  if (name !== 'curl' && name !== 'wget' && name !== 'cp' && name !== 'mv' && name !== 'ln' && name !== 'install') return false;
  return words.slice(1).some(({ value }) => resolvePath(cwd, value) === path);
}
