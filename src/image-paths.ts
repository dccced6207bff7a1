import { posix } from 'node:path';

/** Paths inside of images and containers: absolute, with slashes, whatever the machine has. */

/** Whether a path is a directory or lies in it; the directory without a slash at its end. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** A path without `.`, `..` and a slash at its end. */
export function plainPath(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}
