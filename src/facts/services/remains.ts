import type { LinkedService } from '../../project.ts';
import { systemFolder } from '../system-folders.ts';
import { hostPath } from './target.ts';

/**
 * What is left for a service that has to start as root: whether users can be remapped on the host
 * (docs.docker.com, "Isolate containers with a user namespace": not with `privileged`, `pid: host`, `network: host`,
 * `userns_mode: host`, nor where it makes devices), and what that asks of its folders.
 */
export function remainsFor(linked: LinkedService): string {
  const { service } = linked;
  const bar = barTo(linked);
  if (bar !== undefined) return barred(bar);
  const folder = service.mounts.map(systemFolder).find((one) => one !== undefined);
  if (folder !== undefined) return `mount only the folder below ${folder} that it works in, or all of it read-only (:ro); with users remapped on the host (Docker's userns-remap) it could not write there`;
  const folders = service.mounts.filter((mount) => mount.type === 'bind' && !mount.readOnly).map((mount) => hostPath(mount) === undefined ? mount.target : mount.source!);
  const shifted = folders.length > 0 ? `, once ${folders[0]} on the host belongs to the remapped ids` : '';
  return `users can be remapped on the host (Docker's userns-remap): it survives that${shifted}`;
}

/** What is left for a service that talks to the engine: root of a container whose users are remapped is nobody on the host, and the socket is root's and its group's. */
export function remainsForSocket(linked: LinkedService): string {
  const bar = barTo(linked);
  const remapped = bar === undefined ? "with users remapped on the host (Docker's userns-remap) it could not open it" : barred(bar);
  if (/socket-?proxy/i.test(linked.service.image ?? '')) return `it is what keeps docker.sock from others: let only those reach it that need it, and publish none of its ports; ${remapped}`;
  return `put a socket proxy in front of docker.sock that lets through what it asks for: whoever has the socket has the host; ${remapped}`;
}

function barred(bar: string): string {
  return `users can not be remapped under it (Docker's userns-remap): that does not go with ${bar}`;
}

/** What a service asks for that remapped users do not go with. */
function barTo({ service }: LinkedService): string | undefined {
  const power = service.powers.find((one) => one === 'privileged' || one === 'devices' || /^(pid|ipc|uts|userns_mode): host$/.test(one) || one === 'cap_add SYS_ADMIN' || one === 'cap_add MKNOD');
  return power ?? (service.networkMode === 'host' ? 'network_mode: host' : undefined);
}
