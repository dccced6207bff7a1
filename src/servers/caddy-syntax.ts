import { type ConfigFile, ConfigurationError, type Directive, type Word } from './types.ts';

/**
 * The blocks and lines of a Caddyfile. Tokens as Caddy reads them (caddyconfig/caddyfile/lexer.go):
 * apart by white space, "…" and `…` quoted, `#` comments at a token's start, `\` before a line end
 * joins lines, `<<MARKER` heredocs; a `{` that ends a line opens a block. A site's addresses are the
 * directive's name and arguments.
 * @throws ConfigurationError for braces that do not match
 */
export function parseCaddyfile(file: ConfigFile): Directive[] {
  const lines = linesOf(file.text);
  const root: Directive[] = [];
  const open: Directive[] = [];
  for (const [index, { words, line }] of lines.entries()) {
    const into = open.at(-1)?.block ?? root;
    if (words.length === 1 && isPlain(words[0]!, '}')) {
      const block = open.pop();
      if (!block) throw new ConfigurationError(line, '} closes no block');
      block.end = words[0]!.end;
      continue;
    }
    const opens = isPlain(words.at(-1)!, '{');
    const shown = opens ? words.slice(0, -1) : words;
    // `example.com,` at a line's end: the addresses go on.
    if (open.length === 0 && !opens && shown.at(-1)!.value.endsWith(',') && lines[index + 1]) {
      lines[index + 1]!.words.unshift(...shown);
      continue;
    }
    const [name, ...args] = shown;
    const directive: Directive = {
      name: name?.value ?? '',
      args,
      block: opens ? [] : undefined,
      inside: opens ? words.at(-1)!.end : undefined,
      file,
      start: words[0]!.start,
      end: words.at(-1)!.end,
    };
    into.push(directive);
    if (opens) open.push(directive);
  }
  if (open.length > 0) throw new ConfigurationError(lineAt(file.text, open[0]!.start), 'a block is not closed');
  return root;
}

interface Line {
  words: CaddyWord[];
  line: number;
}

interface CaddyWord extends Word {
  quoted: boolean;
}

function isPlain(word: CaddyWord, text: string): boolean {
  return !word.quoted && word.text === text;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let words: CaddyWord[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const flush = (end: number) => {
    if (words.length > 0) lines.push({ words, line: lineAt(text, Math.max(0, end - 1)) });
    words = [];
  };
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') flush((at += 1) - 1);
    else if (char === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))) at = text.indexOf('\n', at) + 1;
    else if (/\s/.test(char)) at += 1;
    else if (char === '#') at = Math.max(at, lineEnd(text, at));
    else {
      const word = readWord(text, at);
      words.push(word);
      at = word.quoted ? word.end + 1 : word.end;
    }
  }
  flush(text.length);
  return lines;
}

function readWord(text: string, start: number): CaddyWord {
  const heredoc = /^<<([\w-]+)\r?\n/.exec(text.slice(start, start + 80));
  if (heredoc) return readHeredoc(text, start, heredoc[1]!);
  const quote = text[start];
  if (quote === '"' || quote === '`') {
    let end = start + 1;
    for (; end < text.length && text[end] !== quote; end += 1) if (text[end] === '\\' && quote === '"') end += 1;
    if (end >= text.length) throw new ConfigurationError(lineAt(text, start), 'a quote is not closed');
    const written = text.slice(start + 1, end);
    return { text: written, value: written.replace(/\\"/g, '"'), start: start + 1, end, quoted: true };
  }
  let end = start;
  for (; end < text.length && !/\s/.test(text[end]!); end += 1) if (text[end] === '\\' && text[end + 1] !== '\r' && text[end + 1] !== '\n') end += 1;
  end = Math.min(end, text.length);
  const written = text.slice(start, end);
  return { text: written, value: written.replace(/\\([{}])/g, '$1'), start, end, quoted: false };
}

/** The word is the whole of it; what it says names no ports. */
function readHeredoc(text: string, start: number, marker: string): CaddyWord {
  const closing = new RegExp(`\\n[ \\t]*${marker.replace(/[-]/g, '\\-')}(?=\\s|$)`, 'g');
  closing.lastIndex = start;
  const found = closing.exec(text);
  if (!found) throw new ConfigurationError(lineAt(text, start), `the heredoc ${marker} is not closed`);
  const end = found.index + found[0].length;
  return { text: text.slice(start, end), value: '', start, end, quoted: false };
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
