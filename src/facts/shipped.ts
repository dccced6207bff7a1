import { isIgnoredByGit } from '../discover.ts';
import type { Disk } from '../disk.ts';

/**
 * Whether the repository brings something at a path of the host. A folder with nothing but a placeholder, or with nothing
 * that git would keep, holds what programs wrote.
 * @param root the repository or folder that was given
 */
export function isShipped(path: string, root: string, disk: Disk): boolean {
  if (disk.stat(path)?.kind === 'file') return true;
  const names = disk.list(path).filter((name) => name !== '.gitkeep' && name !== '.gitignore' && name !== '.keep');
  return names.length > 0 && !isIgnoredByGit(path, names, root);
}
