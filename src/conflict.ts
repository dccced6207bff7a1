/** What is said of a file in which a merge stopped in the middle. */
export const CONFLICT = 'a merge conflict is not resolved; resolve it first';

/**
 * The line, from 1, on which an unresolved merge begins; undefined where there is none. Inside a
 * continued instruction its three marks are words like others to a parser.
 */
export function conflictLine(text: string): number | undefined {
  if (!text.includes('<<<<<<< ')) return undefined;
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.startsWith('<<<<<<< '));
  if (begin < 0) return undefined;
  const middle = lines.findIndex((line, index) => index > begin && /^={7}\r*$/.test(line));
  const end = lines.findIndex((line, index) => index > middle && line.startsWith('>>>>>>> '));
  return middle >= 0 && end >= 0 ? begin + 1 : undefined;
}
