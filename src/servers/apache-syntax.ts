import { logicalLines } from './lines.ts';
import { type ConfigFile, ConfigurationError, type Directive, type Word } from './types.ts';

/**
 * The directives of an Apache configuration, sections as directives with a block. Read as httpd does
 * (server/util.c, ap_getword_conf; server/config.c): one directive a line, `\` at the end continues it,
 * `#` comments out a whole line only, words may be quoted with " or '.
 * @throws ConfigurationError for sections that do not match
 */
export function parseApache(file: ConfigFile): Directive[] {
  const { text } = file;
  const top: Directive[] = [];
  const open: Directive[] = [];
  for (const { start, end } of logicalLines(text)) {
    if (text[start] === '#') continue;
    const into = open.at(-1)?.block ?? top;
    if (text.startsWith('</', start)) {
      const name = text.slice(start + 2, end).replace(/>\s*$/, '').trim();
      const section = open.pop();
      if (section?.name.toLowerCase() !== name.toLowerCase()) throw new ConfigurationError(lineOf(text, start), `</${name}> closes no section`);
      section.end = end;
    } else if (text[start] === '<') {
      const close = text.lastIndexOf('>', end - 1);
      if (close < start) throw new ConfigurationError(lineOf(text, start), 'a section is not closed with >');
      const [name, ...args] = wordsIn(text, start + 1, close);
      const section: Directive = { name: name?.value ?? '', args, block: [], inside: end, file, start, end };
      into.push(section);
      open.push(section);
    } else {
      const [name, ...args] = wordsIn(text, start, end);
      if (name) into.push({ name: name.value, args, block: undefined, inside: undefined, file, start, end });
    }
  }
  const [left] = open;
  if (left) throw new ConfigurationError(lineOf(text, left.start), `<${left.name}> is not closed`);
  return top;
}

/** The words between two offsets. */
function wordsIn(text: string, from: number, to: number): Word[] {
  const words: Word[] = [];
  let at = from;
  for (;;) {
    while (at < to && (/\s/.test(text[at]!) || (text[at] === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))))) at += 1;
    if (at >= to) return words;
    const quote = text[at] === '"' || text[at] === "'" ? text[at] : undefined;
    const start = quote ? at + 1 : at;
    for (at = start; at < to && (quote ? text[at] !== quote : !/\s/.test(text[at]!)); at += 1) if (quote && text[at] === '\\') at += 1;
    at = Math.min(at, to);
    const written = text.slice(start, at);
    words.push({ text: written, value: quote ? written.replace(/\\(["'\\])/g, '$1') : written, start, end: at });
    if (quote) at += 1;
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
