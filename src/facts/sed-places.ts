import type { PortPlace } from './listening.ts';
import { argumentsOf, editIn, type PlacedText } from './placed-text.ts';
import type { Step } from './history.ts';
import { shellCommands } from './start-places.ts';

/** The places in a RUN where a `sed -i` on a file puts a port: in the replacement of an `s/…/…/`. */
export function sedReplacement({ instruction, unit }: Step, path: string, port: number): PortPlace[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const commands = shellCommands(argumentsOf(unit, instruction), 'RUN').filter((command) => command.name === 'sed' && command.words.some(({ text }) => text.includes(name) || /[*?]/.test(text)));
  return commands.flatMap(({ words }) => words.slice(1).flatMap((word) => placesIn(word, port)));
}

function placesIn(word: PlacedText, port: number): PortPlace[] {
  return replacements(word.text).flatMap(([from, to]) =>
    [...word.text.slice(from, to).matchAll(new RegExp(`(?<!\\d)${port}(?!\\d)`, 'g'))].flatMap(({ index }) => {
      const edit = editIn(word, from + index, from + index + String(port).length, '');
      return edit ? [{ path: edit.path, start: edit.start, end: edit.end, before: '', after: '' }] : [];
    }),
  );
}

/** Where the replacements of a sed script stand: between the second and the third delimiter of each `s`. */
function replacements(script: string): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (const match of script.matchAll(/(?:^|[;\s/])s([^\w\s\\])/g)) {
    const delimiter = match[1]!;
    const pattern = match.index + match[0].length;
    const middle = delimited(script, pattern, delimiter);
    const end = middle < 0 ? -1 : delimited(script, middle + 1, delimiter);
    if (end >= 0) found.push([middle + 1, end]);
  }
  return found;
}

function delimited(script: string, from: number, delimiter: string): number {
  for (let at = from; at < script.length; at += 1) {
    if (script[at] === '\\') at += 1;
    else if (script[at] === delimiter) return at;
  }
  return -1;
}
