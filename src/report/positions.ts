/** Line and column, both from 1, of an offset; columns count UTF-16 units. */
export interface Position {
  line: number;
  column: number;
}

/** Lines end at `\n`, as builders count them. */
export function positionAt(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let newline = text.indexOf('\n'); newline >= 0 && newline < offset; newline = text.indexOf('\n', start)) {
    line += 1;
    start = newline + 1;
  }
  return { line, column: offset - start + 1 };
}
