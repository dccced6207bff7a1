import { posix } from 'node:path';
import type { LinkedService, Project, Target } from '../../project.ts';
import { baseEntry, historyOf } from '../history.ts';
import { startOf } from '../start.ts';
import { isSource } from './data.ts';

/** The folder of the repository that is mounted, to be written, over where an interpreter works. */
export function sourceTree(linked: LinkedService, project: Project, target: Target): { source: string; target: string } | undefined {
  const { base, cwd } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  if (entry?.start === 'server') return undefined;
  const works = [cwd, ...startOf(target).scripts.map(({ path }) => posix.dirname(path))];
  const found = linked.service.mounts.find((mount) => !mount.readOnly && mount.type === 'bind' && mount.source !== undefined && isSource(mount, project) && project.disk.stat(posix.resolve(mount.directory, mount.source))?.kind !== 'file' && works.some((path) => path !== undefined && (path === mount.target || path.startsWith(`${mount.target}/`))));
  return found && { source: found.source!, target: found.target };
}
