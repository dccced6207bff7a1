import { posix } from 'node:path';
import type { LinkedService, Project } from '../../project.ts';
import type { Data } from './data.ts';
import { volumeName } from './give-away.ts';
import { isForSwarm } from './swarm.ts';
import { hostPath } from './target.ts';

/** What a command that gives data away does, in words that are the same for everybody who keeps it there; undefined where nobody else can. */
export function givesTo(data: Data, owner: string, linked: LinkedService, project: Project): string | undefined {
  const place = placeOnHost(data, linked, project);
  return place === undefined ? undefined : `${place} to ${owner}`;
}

/**
 * Where data lies on the host, by one name for all files and services that keep it there; undefined for a volume without a name,
 * which is each service's own.
 */
function placeOnHost({ mount, path }: Data, linked: LinkedService, project: Project): string | undefined {
  const { type, source, target } = mount;
  if (source === undefined) return undefined;
  const host = hostPath(mount);
  const root = type === 'volume' ? `volume ${isForSwarm(linked) ? `of ${linked.path}: ` : ''}${volumeName(source, linked, project)}` : host === undefined ? source : project.disk.display(host);
  return posix.join(root, posix.relative(target, path));
}
