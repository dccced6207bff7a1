import { isRefused, replaceRange } from '../compose/edit.ts';
import type { Found } from '../compose/layers.ts';
import { offsetsOf } from '../compose/scalars.ts';
import { eolAt, flowItem, leafEnd, lineStart, quote, written as asWritten } from '../compose/style.ts';
import type { YamlScalar } from '../compose/yaml.ts';
import type { FileEdit } from '../edit.ts';
import type { ShellWord } from '../shell/read.ts';
import { edited, type ScriptEdit } from '../shell/remove.ts';
import { shellWord } from '../shell/word.ts';
import { inWritten, rawCommand, type StartText, type TextPlace } from './start-texts.ts';

/**
 * The edits that change one word of a service's command or entrypoint, the text that its shell runs.
 * @param edits of what the shell gets
 * @param program the words of the program that is all that is left, if so: then the shell goes too
 * @returns a reason where the file is written in a way that can't be changed for certain
 */
export function serviceEdits(place: Extract<TextPlace, { kind: 'service' }>, text: StartText, edits: readonly ScriptEdit[], program: string[] | undefined): FileEdit[] | string {
  const found = place.linked.service.at(place.key);
  const words = rawCommand(place.linked, place.key);
  if (!found || !words) return `stands in ${place.linked.path}, in a command that is not read`;
  const inFile = edits.map((edit) => inWritten(text, edit));
  const rest = edited(text.written, inFile);
  // A `$` that is left is compose's or the shell's.
  const shell = program && place.word === words.length - 1 && !rest.includes('$') ? shellBefore(words, place.word) : undefined;
  const alone = shell === undefined ? undefined : { program: program!, shell };
  const made = found.node.kind === 'list' ? inList(found, place.word, text.written, inFile, rest, alone) : inText(found, words, place.word, inFile, alone);
  return made ?? `stands in ${place.linked.path} in a way of writing that unroot does not change`;
}

interface Alone {
  program: string[];
  /** The index of the shell that goes. */
  shell: number;
}

/** The index of the plain shell that runs a word: `sh`, `-c`, word. A login shell reads profiles and stays. */
function shellBefore(words: readonly ShellWord[], word: number): number | undefined {
  const shell = words.slice(0, word).findLastIndex(({ value }) => /^(\/(usr\/)?bin\/)?(sh|bash|ash|dash)$/.test(value ?? ''));
  return shell >= 0 && words.slice(shell + 1, word).every(({ value }) => /^-[ceux]+$/.test(value ?? '')) ? shell : undefined;
}

function inList(found: Found, word: number, written: string, edits: readonly ScriptEdit[], rest: string, alone: Alone | undefined): FileEdit[] | string | undefined {
  const { node, place } = found;
  if (node.kind !== 'list') return undefined;
  const { text } = place.file;
  const item = node.items[word]!;
  if (item.kind !== 'scalar') return undefined;
  if (alone) {
    const first = node.items[alone.shell]!;
    const style = first.kind === 'scalar' ? first.style : 'plain';
    const shown = alone.program.map((one) => (style === 'double' ? quote(one, '"') : style === 'single' ? quote(one, "'") : node.flow ? flowItem(one, place.file) : asWritten(one, place.file, false)));
    const dash = /^[^-]*-[ \t]+/.exec(text.slice(lineStart(text, first.start), first.start))?.[0];
    if (!node.flow && dash === undefined) return undefined;
    const separator = node.flow ? ', ' : `${eolAt(text, first.start)}${dash!.replace(/[^\s-]/g, ' ')}`;
    return asEdits(replaceRange(place, { start: first.start, end: leafEnd(item, text, item.end) }, shown.join(separator)));
  }
  return inScalar(found, item, edits, written.length) ?? reencoded(found, item, rest);
}

function inText(found: Found, words: readonly ShellWord[], word: number, edits: readonly ScriptEdit[], alone: Alone | undefined): FileEdit[] | string | undefined {
  const { node, place } = found;
  if (node.kind !== 'scalar') return undefined;
  if (alone) {
    const head = node.value.slice(0, words[alone.shell]!.pos);
    return asEdits(replaceRange(place, { start: node.start, end: leafEnd(node, place.file.text, node.end) }, textLike(node, `${head}${alone.program.map(shellWord).join(' ')}`)));
  }
  const { pos, end, text, value } = words[word]!;
  // One pair of quotes around what the shell gets letter by letter.
  if (!/^(["'])/.test(text) || text.slice(1, -1) !== value) return undefined;
  return inScalar(found, node, edits.map((edit) => ({ start: pos + 1 + edit.start, end: pos + 1 + edit.end })), end - 1);
}

/** Ranges of a scalar's value, taken out of the file. */
function inScalar({ place }: Found, scalar: YamlScalar, ranges: readonly { start: number; end: number }[], length: number): FileEdit[] | string | undefined {
  const offsets = offsetsOf(place.file.text, scalar) ?? foldedOffsets(place.file.text, scalar);
  if (!offsets) return undefined;
  const made: FileEdit[] = [];
  for (const { start, end } of ranges) {
    const last = end >= length ? offsets[end - 1]! + 1 : offsets[end]!;
    const edits = asEdits(replaceRange(place, { start: offsets[start]!, end: last }, ''));
    if (typeof edits === 'string') return edits;
    made.push(...edits);
  }
  return made;
}

/** A scalar on one line with escapes: written anew in its own quotes. */
function reencoded({ place }: Found, scalar: YamlScalar, rest: string): FileEdit[] | string | undefined {
  if ((scalar.style !== 'double' && scalar.style !== 'single') || place.file.text.slice(scalar.start, scalar.end).includes('\n')) return undefined;
  return asEdits(replaceRange(place, { start: scalar.start, end: scalar.end }, quote(rest.trim(), scalar.style === 'double' ? '"' : "'")));
}

function asEdits(edited: ReturnType<typeof replaceRange>): FileEdit[] | string {
  return isRefused(edited) ? `is written where ${edited.refused}` : [edited];
}

/** A command as a scalar of the kind that it was; blocks become a line. */
function textLike({ style }: YamlScalar, text: string): string {
  if (style === 'double') return quote(text, '"');
  if (style === 'single') return quote(text, "'");
  return /^[A-Za-z/._][^\n]*$/.test(text) && !/: |:$| #|\s$/.test(text) ? text : quote(text, '"');
}

/**
 * For each character of a scalar over several lines its offset in the text, and one more for the
 * end: where lines are folded, the blank or line end that stands for it.
 * @returns undefined where the value is not written letter by letter
 */
function foldedOffsets(text: string, { start, end, value, style }: YamlScalar): number[] | undefined {
  const isBlock = style === 'folded' || style === 'literal';
  let at = isBlock ? text.indexOf('\n', start) + 1 : start + (style === 'plain' ? 0 : 1);
  const indent = isBlock ? /^[ ]*/.exec(text.slice(at))![0].length : Infinity;
  const skipIndent = () => {
    for (let step = 0; step < indent && (text[at] === ' ' || text[at] === '\t'); step += 1) at += 1;
  };
  skipIndent();
  const offsets: number[] = [];
  for (const char of value.split('')) {
    const isBreak = text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n');
    if (at >= end || (isBreak ? char !== ' ' && char !== '\n' : text[at] !== char)) {
      // The line end that a block's last line has may lie outside of the node.
      if (char !== '\n' || at < end) return undefined;
    }
    offsets.push(at);
    at += isBreak && text[at] === '\r' ? 2 : 1;
    if (isBreak) skipIndent();
  }
  offsets.push(at);
  return offsets;
}
