/** The only door to fastest-levenshtein. */
import { closest, distance } from 'fastest-levenshtein';

/** The name that was probably meant; undefined where none is near. */
export function nearest(wrong: string, names: readonly string[]): string | undefined {
  const best = closest(wrong, names);
  return best !== undefined && distance(wrong, best) <= Math.max(2, wrong.length / 3) ? best : undefined;
}
