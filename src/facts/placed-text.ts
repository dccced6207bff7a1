import type { Edit, FileEdit } from '../edit.ts';
import { broughtFile } from '../brought.ts';
import { type Instruction, sourceOffset } from '../dockerfile/parse.ts';
import type { Disk } from '../disk.ts';
import type { Unit } from '../project.ts';

/** A text that stands in a file, as a whole or in part, and where its characters stand there. */
export interface PlacedText {
  text: string;
  /** The file, as reports name it. */
  path: string;
  /** The offset in the file of the character at an offset of the text; undefined where it is not written letter by letter. */
  at: (offset: number) => number | undefined;
  /** Why the file is not to be changed; undefined where it is. */
  closed: string | undefined;
}

/** The edit that replaces a range of a placed text; undefined where its characters can't be found in the file. */
export function editIn({ path, at, closed }: PlacedText, from: number, to: number, text: string): FileEdit | undefined {
  if (closed !== undefined) return undefined;
  // The end of what stands before: behind it the file may go on with a continuation.
  const before = from > 0 ? at(from - 1) : undefined;
  const start = from === to ? (before === undefined ? at(from) : before + 1) : at(from);
  const last = from === to ? undefined : at(to - 1);
  if (start === undefined || (from !== to && last !== start + (to - from) - 1)) return undefined;
  return { path, start, end: start + (to - from), text };
}

/** The line of an edit or an offset, from 1. */
export function lineOf(text: string, { start }: Pick<Edit, 'start'>): number {
  return text.slice(0, start).split('\n').length;
}

/** The part of an instruction from one offset of its logical line to another. */
export function textOfInstruction(unit: Unit, instruction: Instruction, from: number, to: number): PlacedText {
  return { text: instruction.logical.slice(from, to), path: unit.file.path, at: (offset) => sourceOffset(instruction, from + offset), closed: undefined };
}

/** An instruction's arguments, or those behind its flags and a word such as `CMD`. */
export function argumentsOf(unit: Unit, instruction: Instruction, behind = 0): PlacedText {
  return textOfInstruction(unit, instruction, instruction.argsAt + behind, instruction.argsAt + instruction.args.length);
}

/** The words of an exec form, each where it stands; one with an escape has no places. */
export function execWords(unit: Unit, instruction: Instruction, behind = 0): PlacedText[] {
  const whole = argumentsOf(unit, instruction, behind);
  return [...whole.text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => {
    const word = JSON.parse(match[0]) as string;
    return word === match[1] ? partOf(whole, match.index + 1, match.index + 1 + word.length) : { ...whole, text: word, at: () => undefined };
  });
}

/** A part of a placed text. */
export function partOf(whole: PlacedText, from: number, to: number): PlacedText {
  return { ...whole, text: whole.text.slice(from, to), at: (offset) => whole.at(from + offset) };
}

/** A file that is brought in, or a part of it that begins at an offset. */
export function textOfFile(absolute: string, root: string, disk: Disk, text: string, offset = 0): PlacedText {
  const brought = broughtFile(absolute, root, disk);
  const path = 'file' in brought ? brought.file.path : disk.display(absolute);
  return { text, path, at: (inside) => offset + inside, closed: 'why' in brought ? brought.why : undefined };
}
