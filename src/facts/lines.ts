import type { FileEdit } from '../edit.ts';
import type { Target, Unit } from '../project.ts';
import type { Place } from './places.ts';

/** The edit that puts new lines at a place, with the file's own line ends, set off as its neighbours are. */
export function insertLines(target: Target, place: Place, lines: readonly string[], spaced = place.spaced): FileEdit {
  return insertLinesInto(target.unit, place, lines, spaced);
}

/** The same for a file that is not the target's own. */
export function insertLinesInto({ file, dockerfile, inline }: Unit, place: Place, lines: readonly string[], spaced = place.spaced): FileEdit {
  const { eol } = dockerfile;
  const block = (inline ? lines.map((line) => inline.indent + line.replaceAll('$', '$$$$')) : lines).join(eol);
  if (place.above) return { path: file.path, start: place.offset, end: place.offset, text: block + eol + (spaced ? eol : '') };
  return { path: file.path, start: place.offset, end: place.until ?? place.offset, text: eol + (spaced ? eol : '') + block };
}

/** A RUN of several commands, one a line, in the manner most files have. */
export function runLines(commands: readonly string[], escape: string): string[] {
  return commands.map((command, index) => {
    const head = index === 0 ? 'RUN ' : '    && ';
    return head + command + (index < commands.length - 1 ? ` ${escape}` : '');
  });
}
