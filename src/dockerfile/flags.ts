import { isSpace, trimSpace } from './characters.ts';

/** A flag as BuildKit reads it: quotes and escapes gone, the name as typed without its dashes. */
export interface Flag {
  name: string;
  /** Undefined for a flag without `=`. */
  value: string | undefined;
}

/**
 * The flags in front of an instruction's arguments, and the offset in `rest` of what follows them.
 * Equal to BuildKit's (frontend/dockerfile/parser/split_command.go): words beginning with `--`,
 * quoted parts allowed; a bare `--` ends them.
 */
export function readFlags(rest: string, escape: string): { flags: Flag[]; end: number } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    while (at < rest.length && isSpace(rest.charCodeAt(at))) at += 1;
    if (!rest.startsWith('--', at)) return { flags, end: at };
    const [word, end] = readWord(rest, at, escape);
    at = end;
    if (word === '--' && at < rest.length) return { flags, end: at };
    if (word !== '' && word !== '--') flags.push(flagOf(word));
  }
}

/** The word at `from` without its quotes and escapes, and where it ends. */
function readWord(rest: string, from: number, escape: string): [word: string, end: number] {
  let word = '';
  let quote = '';
  let at = from;
  for (; at < rest.length; at += 1) {
    const char = rest[at]!;
    if (quote === '' && isSpace(rest.charCodeAt(at))) break;
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else if (char !== escape) word += char;
    else if (at + 1 < rest.length) word += rest[(at += 1)]!;
  }
  return [word, at];
}

function flagOf(word: string): Flag {
  const equals = word.indexOf('=');
  return equals < 0
    ? { name: word.slice(2), value: undefined }
    : { name: word.slice(2, equals), value: word.slice(equals + 1) };
}

/**
 * The arguments as a JSON array of strings, undefined if BuildKit reads them in shell form.
 * @returns `'invalid'` for an array that holds something else, which BuildKit refuses
 */
export function readJsonForm(args: string): string[] | 'invalid' | undefined {
  if (args.charCodeAt(0) !== 0x5b) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(trimSpace(args));
  } catch {
    return undefined; // looks like JSON and is not: a shell command that begins with `[`
  }
  if (!Array.isArray(value)) return undefined;
  return value.every((item) => typeof item === 'string') ? value : 'invalid';
}
