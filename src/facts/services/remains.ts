import type { LinkedService } from '../../project.ts';
import { systemFolder } from '../system-folders.ts';
import { hostPath } from './target.ts';

/**
 * What is left for a service that has to start as root: whether users can be remapped on the host
 * (docs.docker.com, "Isolate containers with a user namespace": not with `privileged`, `pid: host`, `network: host`,
 * `userns_mode: host`, nor where it makes devices), and what that asks of its folders.
 */
export function remainsFor({ service }: LinkedService): string {
  const bars = [
    ...service.powers.filter((power) => power === 'privileged' || power === 'devices' || /^(pid|ipc|uts|userns_mode): host$/.test(power) || power === 'cap_add SYS_ADMIN' || power === 'cap_add MKNOD'),
    ...(service.networkMode === 'host' ? ['network_mode: host'] : []),
  ];
  if (bars.length > 0) return `users can not be remapped under it (Docker's userns-remap): that does not go with ${bars[0]}`;
  const folder = service.mounts.map(systemFolder).find((one) => one !== undefined);
  if (folder !== undefined) return `mount only the folder below ${folder} that it works in, or all of it read-only (:ro); with users remapped on the host (Docker's userns-remap) it could not write there`;
  const folders = service.mounts.filter((mount) => mount.type === 'bind' && !mount.readOnly).map((mount) => hostPath(mount) === undefined ? mount.target : mount.source!);
  const shifted = folders.length > 0 ? `, once ${folders[0]} on the host belongs to the remapped ids` : '';
  return `users can be remapped on the host (Docker's userns-remap): it survives that${shifted}`;
}

export const SOCKET_ADVICE = 'put a socket proxy in front of docker.sock that lets through what it asks for: whoever has the socket has the host';
