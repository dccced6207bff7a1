/** The only door to jsdiff. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

/** Beyond this many changed lines the search for the shortest diff is given up for one plain hunk. */
const MAX_CHANGES = 2000;

/** A unified diff that `git apply` and `patch -p1` take, empty where nothing changed. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  // GNU patch finds a name with a space only if a tab ends the header.
  const header = path.includes(' ') ? ' ' : undefined;
  const patch = createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, header, header, { context: 3, headerOptions: FILE_HEADERS_ONLY, maxEditLength: MAX_CHANGES });
  return patch ?? plainPatch(path, before, after);
}

/** One hunk from the first line that differs to the last. */
function plainPatch(path: string, before: string, after: string): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const from = Math.max(0, head - 3);
  const after3 = Math.min(3, tail);
  const body = [
    ...old.slice(from, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, old.length - tail + after3).map((line) => ` ${line}`),
  ];
  const range = (count: number) => `${count === 0 ? from : from + 1},${count}`;
  const header = `--- a/${path}\n+++ b/${path}\n@@ -${range(old.length - tail + after3 - from)} +${range(now.length - tail + after3 - from)} @@\n`;
  return header + body.map((line) => (line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`)).join('');
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/).filter((line) => line !== '');
}
