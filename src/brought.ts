import { join, relative } from 'node:path';
import type { Disk } from './disk.ts';
import { whyLeft } from './discover.ts';
import type { SourceFile } from './project.ts';

/**
 * A file that a Dockerfile or a compose file brings in (a start script, a server's configuration, an
 * env file), as one of the run's own; or why it is not to be changed.
 * @param path absolute
 * @param root the repository or folder that was given, in which it must lie
 */
export function broughtFile(path: string, root: string, disk: Disk): { file: SourceFile } | { why: string } {
  const [real, realRoot] = [disk.real(path), disk.real(root)];
  if (real === undefined || realRoot === undefined) return { why: 'it is not there' };
  const absolute = join(root, relative(realRoot, real));
  const why = whyLeft(absolute, root);
  if (why !== undefined) return { why };
  const text = disk.read(absolute);
  return text === undefined ? { why: 'it is no text that unroot reads' } : { file: { path: disk.display(absolute), absolute, kind: 'brought', text, root } };
}
