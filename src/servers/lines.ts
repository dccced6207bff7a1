/** A line with its continuations, where a format is read line by line. */
export interface LogicalLine {
  /** Offsets of its first character that is not white space, and of its end. */
  start: number;
  end: number;
}

/** The lines of a text, those continued by a backslash at the end taken together; blank ones left out. */
export function* logicalLines(text: string): Generator<LogicalLine> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    let end = lineEnd(text, at);
    while (continues(text, end)) end = lineEnd(text, nextLine(text, end));
    let start = at;
    while (start < end && /[ \t\r]/.test(text[start]!)) start += 1;
    if (start < end) yield { start, end: text[end - 1] === '\r' ? end - 1 : end };
    at = nextLine(text, end);
  }
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}

function nextLine(text: string, end: number): number {
  return Math.min(end + 1, text.length);
}

/** Whether the line that ends here is continued: its last character is a backslash that no other escapes. */
function continues(text: string, end: number): boolean {
  if (end >= text.length) return false;
  let last = text[end - 1] === '\r' ? end - 2 : end - 1;
  let backslashes = 0;
  for (; text[last] === '\\'; last -= 1) backslashes += 1;
  return backslashes % 2 === 1;
}
