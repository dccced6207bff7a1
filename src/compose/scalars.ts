import type { YamlScalar } from './yaml.ts';

/**
 * Where a part of a scalar's value stands in the text.
 * @param from @param to offsets into `scalar.value`
 * @returns undefined where the value is not written letter by letter (escapes, folded lines)
 */
export function rangeInside(text: string, scalar: YamlScalar, from: number, to: number): { start: number; end: number } | undefined {
  if (from < 0 || to > scalar.value.length || to < from) return undefined;
  if (scalar.style !== 'literal') {
    const start = letterStart(text, scalar);
    return start === undefined ? undefined : { start: start + from, end: start + to };
  }
  const offsets = literalOffsets(text, scalar);
  if (!offsets) return undefined;
  return from === to ? { start: offsets[from]!, end: offsets[from]! } : { start: offsets[from]!, end: offsets[to - 1]! + 1 };
}

/**
 * For each character of a scalar's value its offset in the text, and one more for the end.
 * @returns undefined where the value is not written letter by letter
 */
export function offsetsOf(text: string, scalar: YamlScalar): number[] | undefined {
  if (scalar.style === 'literal') return literalOffsets(text, scalar);
  const start = letterStart(text, scalar);
  return start === undefined ? undefined : Array.from({ length: scalar.value.length + 1 }, (_, index) => start + index);
}

/** Where the value of a scalar begins that stands in the text as it is; undefined for another, and for blocks. */
function letterStart(text: string, { style, start: from, end, value }: YamlScalar): number | undefined {
  if (style === 'literal' || style === 'folded') return undefined;
  const start = from + (style === 'plain' ? 0 : 1);
  const length = (style === 'plain' ? end : end - 1) - start;
  return length === value.length && text.startsWith(value, start) ? start : undefined;
}

/** A block behind `|`: each line without its indentation; line ends are one character whatever the file has. */
function literalOffsets(text: string, { start, end, value }: YamlScalar): number[] | undefined {
  const offsets: number[] = [];
  let at = text.indexOf('\n', start) + 1;
  if (at === 0) return undefined;
  const indent = blockIndent(text, start, at, end);
  let index = 0;
  while (index < value.length) {
    const lineEnd = value.indexOf('\n', index);
    const length = (lineEnd < 0 ? value.length : lineEnd) - index;
    const from = length === 0 ? at + lineLength(text, at, end) : at + indent;
    if (text.slice(from, from + length) !== value.slice(index, index + length)) return undefined;
    for (let step = 0; step < length; step += 1) offsets.push(from + step);
    const newline = text.indexOf('\n', from + length);
    if (lineEnd >= 0) offsets.push(from + length);
    index += length + 1;
    if (newline < 0) break;
    at = newline + 1;
  }
  offsets.push(offsets.length === 0 ? at : offsets.at(-1)! + 1);
  return offsets.length === value.length + 1 ? offsets : undefined;
}

/** What a header says (`|2`), else the indentation of the first line that is not blank. */
function blockIndent(text: string, start: number, at: number, end: number): number {
  const first = /[^\s]/.exec(text.slice(at, end));
  if (!first) return 0;
  const offset = at + first.index;
  const written = offset - (text.lastIndexOf('\n', offset) + 1);
  const said = /^[|>][+-]?([1-9])/.exec(text.slice(start, at))?.[1];
  if (said === undefined) return written;
  // Relative to the indentation of the key; its line is the one that the header stands on.
  const line = text.slice(text.lastIndexOf('\n', start) + 1, start);
  return /^[\s-]*/.exec(line)![0].length + Number(said);
}

/** Blanks of a line that counts as empty. */
function lineLength(text: string, at: number, end: number): number {
  let length = 0;
  while (at + length < end && (text[at + length] === ' ' || text[at + length] === '\t')) length += 1;
  return length;
}
