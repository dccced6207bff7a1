import type { Mount } from '../../compose/read.ts';
import { isWithin } from '../../image-paths.ts';
import type { LinkedService, Target } from '../../project.ts';
import { historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { serversOf } from '../servers.ts';
import { writesOf } from '../writes.ts';

/** A tmpfs that a service has, with the options that it lacks. */
export interface Opened {
  target: string;
  options: string[];
}

/**
 * The tmpfs of a service's file that hold one of the paths and are closed to an account. One without a mode has that of
 * the image's directory below it, and root as its owner: so it is on Docker 26; where the image has none anybody may write.
 * @param user uid and gid
 * @param open directories that anybody may write in the image
 */
export function closedTmpfs({ service }: LinkedService, paths: readonly string[], user: string, open: readonly string[] = []): Opened[] {
  const holding = service.mounts.filter(({ type, target }) => type === 'tmpfs' && paths.some((path) => within(linkFollowed(path), linkFollowed(target))));
  return holding.flatMap((mount) => {
    const options = lacking(mount, user, open);
    return options.length === 0 ? [] : [{ target: mount.target, options }];
  });
}

function lacking({ target, options }: Mount, user: string, open: readonly string[]): string[] {
  const [uid, gid] = user.split(':') as [string, string | undefined];
  const mode = options.find((one) => one.startsWith('mode='))?.slice('mode='.length);
  const isOpen = mode === undefined ? ['/tmp', '/var/tmp', '/dev/shm', ...open].includes(target) : (Number.parseInt(mode, 8) & 0o002) !== 0;
  return isOpen || options.includes(`uid=${uid}`) ? [] : [`uid=${uid}`, `gid=${gid ?? uid}`, ...(mode === undefined ? ['mode=0755'] : [])];
}

/** The same of a target that its services run: the fix is in the Dockerfile, and the tmpfs hides what that gives away. */
export function tmpfsOver(target: Target, owner: string): Reason[] {
  const { base } = historyOf(target.stage, target.unit);
  const open = base.kind === 'image' ? base.facts?.entry.worldWritable : undefined;
  const paths = filled(target);
  return target.services.flatMap((linked) =>
    closedTmpfs(linked, paths, owner, open).map(({ target: at, options }): Reason => {
      const written = /^\d/.test(owner) ? options.join(',') : `the uid and gid of ${owner}`;
      return { rule: 'write-sign', message: `service ${linked.service.name} has a tmpfs on ${at}, which is root's in the container`, advice: `give it to the account in ${linked.path}: ${at}:${written}` };
    }),
  );
}

/** What the program writes, and the logs that the image links to its outputs: a mount over their directory hides the links. */
export function filled(target: Target): string[] {
  return [...writesOf(target).map(({ path }) => path), ...serversOf(target).flatMap(({ installation }) => installation.streams ?? [])];
}

/** /var/run is a link to /run everywhere. */
export function linkFollowed(path: string): string {
  return path.replace(/^\/var\/run(?=\/|$)/, '/run');
}

/** Whether a path is where something is mounted or lies in that, as compose files write it. */
export function within(path: string, mounted: string): boolean {
  return isWithin(path, mounted.replace(/(.)\/+$/, '$1'));
}
