import { type Edited, insertSetting } from '../compose/edit.ts';
import type { LinkedService, Target } from '../project.ts';
import { portsOf } from './ports.ts';
import { networkGuest } from './shared-network.ts';

/** The kernel's setting for a network namespace: the first port that needs no root (Linux 4.11, ip-sysctl.rst). */
export const PORT_START = 'net.ipv4.ip_unprivileged_port_start';

/**
 * The services that need the setting once a target is off root, since it listens below 1024: those with a network of
 * their own, which nobody shares.
 * @param target as it is after its ports were moved, as far as they could be
 */
export function needingSysctl(target: Target, services: readonly LinkedService[]): LinkedService[] {
  if (portsOf(target).length === 0) return [];
  return services.filter((linked) => !linked.service.sharedNetwork && !networkGuest(linked) && !hasSysctl(linked) && !isLaidOver(linked));
}

/** @param shared whether all that share the service's text are to have it */
export function sysctlEdit(linked: LinkedService, shared = false): Edited {
  return insertSetting(linked, 'sysctls', PORT_START, '0', { shared });
}

/** Which of some services would lack the setting in a project that was read afresh. */
export function lackingSysctl(services: readonly LinkedService[], { project }: Target): string | undefined {
  const lacking = services.find(({ path, source }) => !project.services.some((one) => one.path === path && one.source.name === source.name && hasSysctl(one)));
  return lacking && `${lacking.source.name} would lack ${PORT_START}`;
}

function hasSysctl({ service }: LinkedService): boolean {
  return service.sysctls.some(({ name }) => name === PORT_START);
}

/** What lies over another file has from there what is written there. */
function isLaidOver({ base, file }: LinkedService): boolean {
  return base !== undefined && base.file !== file;
}
