import { isSpace, skipSpace } from './characters.ts';
import { expand } from './expand.ts';
import type { Instruction } from './parse.ts';

export interface Property {
  name: string;
  /** As written, quotes and variables included; undefined for an ARG without default. */
  value: string | undefined;
  /** Where the value begins in the instruction's logical line; undefined where there is none. */
  at: number | undefined;
}

/**
 * The `name=value` pairs of an ARG, ENV or LABEL, in order; the old `ENV name value` is one of them.
 * Equal to BuildKit's (frontend/dockerfile/parser/line_parsers.go).
 */
export function properties({ keyword, args, argsAt }: Instruction, escape: string): Property[] {
  const words = wordsOf(args, escape);
  const [first] = words;
  if (first === undefined) return [];
  if (keyword !== 'ARG' && !args.slice(first.start, first.end).includes('=')) return [nameAndValue(args, argsAt)];
  return words.map(({ start, end }) => {
    const equals = args.indexOf('=', start);
    if (equals < 0 || equals >= end) return { name: args.slice(start, end), value: undefined, at: undefined };
    const name = args.slice(start, equals);
    return { name: expand(name, () => undefined, escape) ?? name, value: args.slice(equals + 1, end), at: argsAt + equals + 1 };
  });
}

/** `ENV name value`: all that follows the name. */
function nameAndValue(args: string, argsAt: number): Property {
  let end = 0;
  while (end < args.length && !isSpace(args.charCodeAt(end))) end += 1;
  const at = skipSpace(args, end, args.length);
  return { name: args.slice(0, end), value: args.slice(at), at: argsAt + at };
}

/** Where words begin and end: white space parts them, outside quotes and unless it is escaped. */
function wordsOf(args: string, escape: string): { start: number; end: number }[] {
  const words: { start: number; end: number }[] = [];
  for (let at = skipSpace(args, 0, args.length); at < args.length; at = skipSpace(args, at, args.length)) {
    const start = at;
    let quote = '';
    for (; at < args.length; at += 1) {
      const char = args[at]!;
      if (quote === '' && isSpace(args.charCodeAt(at))) break;
      if (char === escape && quote !== "'") at += 1;
      else if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
    }
    at = Math.min(at, args.length);
    words.push({ start, end: at });
  }
  return words;
}
