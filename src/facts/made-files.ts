import { posix } from 'node:path';
import { commandsOf, mentions } from './commands.ts';
import { resolvePath } from '../shell/read.ts';
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
      const redirect = command.redirects.find(
        ({ operator, target }) => (operator === '>' || operator === '>>') && resolvePath(command.cwd, target.value) === path,
      );
      const tool = command.words[0]?.value;
      if (redirect && (tool === 'echo' || tool === 'printf')) {
        const printed = printedBy(tool, command.words.slice(1).map((word) => word.value));
        text = (redirect.operator === '>>' ? (text ?? '') : '') + (printed ?? '');
      } else if (redirect || downloads(command.words.map((word) => word.value), command.cwd, path)) text ??= '';
    }
  }
  return text;
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
