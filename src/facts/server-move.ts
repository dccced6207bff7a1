import type { FileEdit } from '../edit.ts';
import type { Directive } from '../servers/types.ts';
import type { Obstacle } from './listening.ts';
import { lineOf } from './placed-text.ts';
import type { Run } from './runs.ts';

/** What a moved server needs besides, so that nobody outside sees its new port. */
export interface ServerMove {
  edits: FileEdit[];
  obstacles: Obstacle[];
  /** Who may see it all the same. */
  doubts: string[];
}

/** Adds an edit that is not there yet: two runs may need the same one. */
export function addOnce({ edits }: ServerMove, edit: FileEdit): void {
  if (!edits.some(({ path, start, end, text }) => path === edit.path && start === edit.start && end === edit.end && text === edit.text)) edits.push(edit);
}

export function doubtOnce({ doubts }: ServerMove, message: string): void {
  if (!doubts.includes(message)) doubts.push(message);
}

/** `nginx/default.conf:3` */
export function whereIs({ file, start }: Pick<Directive, 'file' | 'start'>, { disk }: Run): string {
  return `${file.source === undefined ? file.path : disk.display(file.source)}:${lineOf(file.text, { start })}`;
}

/** The white space in front of a place on its line; undefined where something else stands there. */
export function indentAt(text: string, offset: number | undefined): string | undefined {
  if (offset === undefined) return undefined;
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*$/.test(before) ? before : undefined;
}
