import { join } from 'node:path';
import type { Disk } from '../disk.ts';
import { memoByName } from './memo.ts';

/** More than the folders of a repository of one's own. */
const MAX_FOLDERS = 2000;
const SKIPPED = /^(node_modules|\.git|vendor|venv|\.venv)$/;

/** Whether a file of that name lies anywhere below a folder. */
export function isInSight(name: string, disk: Disk, root: string): boolean {
  return namesUnder(disk, root).has(name);
}

/** Whether a folder holds anything but Dockerfiles: one that does not is no repository in which to look. */
export const isRepository = memoByName((disk: Disk, root): boolean => disk.list(root).some((name) => !/dockerfile/i.test(name)));

const namesUnder = memoByName((disk: Disk, root): ReadonlySet<string> => {
  const names = new Set<string>();
  const waiting = [root];
  for (let folders = 0; folders < MAX_FOLDERS && waiting.length > 0; folders += 1) {
    const directory = waiting.pop()!;
    for (const name of disk.list(directory)) {
      names.add(name);
      if (!SKIPPED.test(name) && disk.stat(join(directory, name))?.kind === 'directory') waiting.push(join(directory, name));
    }
  }
  return names;
});
