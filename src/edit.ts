/** The only door to magic-string. */
import MagicString from 'magic-string';

/** A range of a text and what to put there. Offsets are UTF-16, end-exclusive. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** An edit of one of several files. */
export interface FileEdit extends Edit {
  path: string;
}

/** Edits that can't stand together: a bug of ours, never written. */
export class EditError extends Error {
  override name = 'EditError';
}

/**
 * The text with all edits made. Insertions at one place follow each other in the given order.
 * @throws EditError for an edit out of bounds or one that overlaps another
 */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text;
  const result = new MagicString(text);
  for (const { start, end, text: replacement } of sorted(edits, text.length)) {
    if (start === end) result.appendLeft(start, replacement);
    else if (replacement === '') result.remove(start, end);
    else result.update(start, end, replacement);
  }
  return result.toString();
}

/** By place, insertions before what they stand in front of. */
function sorted(edits: readonly Edit[], length: number): Edit[] {
  const order = edits.map((edit, index) => ({ edit, index }));
  order.sort((one, other) => one.edit.start - other.edit.start || one.edit.end - other.edit.end || one.index - other.index);
  let reached = 0;
  return order.map(({ edit }) => {
    const { start, end } = edit;
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > length) {
      throw new EditError(`the edit [${start}, ${end}) is out of the text's ${length} characters`);
    }
    if (start < reached) throw new EditError(`the edit [${start}, ${end}) overlaps one that ends at ${reached}`);
    reached = end;
    return edit;
  });
}

/** Whether no edit of one list overlaps one of the other; insertions at the same place don't. */
export function areApart(some: readonly Edit[], others: readonly Edit[]): boolean {
  return some.every((one) => others.every((other) => one.end <= other.start || other.end <= one.start));
}

/**
 * One list of edits against the original that does what two do in turn: `first` against the
 * original, `second` against its result. So phases can build on each other and a report can still
 * speak of the original.
 * @param length of the original
 */
export function compose(first: readonly Edit[], second: readonly Edit[], length: number): Edit[] {
  return editsOf(cut(cut([{ start: 0, end: length }], first), second), length);
}

/** A piece of a text: a range of the original, or text that was put in. */
type Piece = { start: number; end: number } | { text: string };

function lengthOf(piece: Piece): number {
  return 'text' in piece ? piece.text.length : piece.end - piece.start;
}

function slice(piece: Piece, from: number, to: number): Piece {
  return 'text' in piece ? { text: piece.text.slice(from, to) } : { start: piece.start + from, end: piece.start + to };
}

/** The pieces after edits whose offsets count along the pieces. */
function cut(pieces: readonly Piece[], edits: readonly Edit[]): Piece[] {
  const total = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  const result: Piece[] = [];
  let index = 0;
  let inside = 0;
  let at = 0;
  const advance = (to: number, keep: boolean) => {
    while (at < to) {
      const piece = pieces[index]!;
      const step = Math.min(to - at, lengthOf(piece) - inside);
      if (keep) result.push(slice(piece, inside, inside + step));
      at += step;
      inside += step;
      if (inside === lengthOf(piece)) {
        index += 1;
        inside = 0;
      }
    }
  };
  for (const edit of sorted(edits, total)) {
    advance(edit.start, true);
    result.push({ text: edit.text });
    advance(edit.end, false);
  }
  advance(total, true);
  return result;
}

/** The edits that make the pieces out of the original. */
function editsOf(pieces: readonly Piece[], length: number): Edit[] {
  const edits: Edit[] = [];
  let reached = 0;
  let text = '';
  for (const piece of [...pieces, { start: length, end: length }]) {
    if ('text' in piece) {
      text += piece.text;
      continue;
    }
    if (piece.start > reached || text !== '') edits.push({ start: reached, end: piece.start, text });
    reached = piece.end;
    text = '';
  }
  return edits;
}
