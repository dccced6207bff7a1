import { resolve } from 'node:path';
import { readEnvFile } from '../../compose/variables.ts';
import type { LinkedService, Project } from '../../project.ts';
import type { Reason } from '../judgement.ts';
import { systemFolder } from '../system-folders.ts';
import { remainsFor, remainsForSocket } from './remains.ts';

/** What a service asks for that only root can use; undefined where it asks for nothing of the kind. */
export function powersOf(linked: LinkedService): Reason | undefined {
  const { service } = linked;
  const socket = service.mounts.find(({ source, target }) => /(^|\/)(docker|containerd|podman)\.sock$/.test(source ?? '') || /\/(docker|containerd|podman)\.sock$/.test(target));
  if (socket) return { rule: 'needs-root', message: `it mounts ${socket.source ?? socket.target}, which root owns`, advice: remainsForSocket(linked) };
  const host = service.mounts.find(({ type, source }) => type === 'bind' && /^\/(dev|proc|sys|)$/.test(source ?? ''));
  if (host) return { rule: 'needs-root', message: `it mounts ${host.source} of the host`, advice: remainsFor(linked) };
  const folder = service.mounts.map(systemFolder).find((one) => one !== undefined);
  if (folder !== undefined) return { rule: 'needs-root', message: `it may write ${folder} of the host, which is root's`, advice: remainsFor(linked) };
  const power = service.powers.find((one) => !HARMLESS.has(one));
  if (power === 'devices') return { rule: 'needs-root', message: `it uses a device of the host: ${service.devices[0]}`, advice: remainsFor(linked) };
  return power === undefined ? undefined : { rule: 'needs-root', message: `it asks for ${power}`, advice: remainsFor(linked) };
}

/** In a network of its own anybody may listen below 1024. */
const HARMLESS = new Set(['cap_add NET_BIND_SERVICE', 'cap_add CAP_NET_BIND_SERVICE']);

const CHOSEN = /^(PUID|HOST_UID|LOCAL_USER_ID|USER_ID|USERID|NB_UID|APP_UID|RUN_UID|UID)$/;

/** A variable of the service that tells the image's entrypoint whom to change to. */
export function changesTo(linked: LinkedService, project: Project): { name: string; value: string | undefined } | undefined {
  for (const [name, value] of variablesFor(linked, project)) if (CHOSEN.test(name)) return { name, value };
  return undefined;
}

/** The variables that a service is given, those of its env files in sight included; a value of undefined comes from elsewhere. */
export function variablesFor({ service, directory }: LinkedService, { disk }: Project): Map<string, string | undefined> {
  const files = service.envFiles.flatMap((path) => (path.includes('$') ? [] : [...readEnvFile(disk.read(resolve(directory, path)) ?? '')]));
  return new Map<string, string | undefined>([...files, ...service.variables.map(({ name, value }) => [name, value] as const)]);
}
