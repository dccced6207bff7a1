import { basename, dirname, posix } from 'node:path';
import { declared } from '../../compose/stack.ts';
import { textOf } from '../../compose/layers.ts';
import type { Mount } from '../../compose/read.ts';
import type { Family } from '../../images/types.ts';
import type { LinkedService, Project } from '../../project.ts';
import type { Reason } from '../judgement.ts';
import { hostPath } from './target.ts';

/** Where a service keeps what root may have written. */
export interface Data {
  mount: Mount;
  /** Absolute, in the container. */
  path: string;
  kind: 'volume' | 'folder';
  /** Other services that mount the same volume. */
  sharedWith: string[];
}

/** The volumes and folders of the host that a service can write; what the repository itself holds is source, and none. */
export function dataOf(linked: LinkedService, project: Project): Data[] {
  return linked.service.mounts.flatMap((mount): Data[] => {
    const { type, source, target, readOnly, options } = mount;
    if (readOnly || !target.startsWith('/') || type === 'tmpfs' || type === 'other') return [];
    const path = posix.normalize(target).replace(/(.)\/$/, '$1');
    if (type === 'volume') return options.includes('nocopy') || source !== undefined || path !== '/' ? [{ mount, path, kind: 'volume', sharedWith: sharersOf(source, linked) }] : [];
    if (isSource(mount, project) || isEverybodys(mount) || isOfTheSystem(path) || /\.(sock|ya?ml|conf|cfg|ini|json|toml|xml|sh|pem|crt|key|properties|cnf|sql|js|env)$/.test(path)) return [];
    return [{ mount, path, kind: 'folder', sharedWith: [] }];
  });
}

/** Whether a mount brings something that the repository holds. A folder with nothing but a placeholder holds nothing. */
export function isSource(mount: Mount, { disk }: Project): boolean {
  const host = hostPath(mount);
  if (host === undefined) return false;
  return disk.stat(host)?.kind === 'file' || disk.list(host).some((name) => name !== '.gitkeep' && name !== '.gitignore' && name !== '.keep');
}

/** Folders of the host that anybody may write. */
function isEverybodys({ source }: Mount): boolean {
  return source !== undefined && /^\/(var\/)?tmp\/?$/.test(source);
}

function isOfTheSystem(path: string): boolean {
  return /^\/(etc|usr|lib|lib64|bin|sbin|run|dev|sys|proc|boot|var\/run)(\/|$)/.test(path);
}

function sharersOf(source: string | undefined, { stack, service }: LinkedService): string[] {
  if (source === undefined) return [];
  return [...new Set(stack.services.filter(({ service: other }) => other.name !== service.name && other.mounts.some((mount) => mount.type === 'volume' && mount.source === source)).map(({ service: other }) => other.name))];
}

/** What somebody has to do once, where root has written into a service's data. */
export function dataReason({ mount, path, kind, sharedWith }: Data, owner: string, linked: LinkedService, family: Family, project: Project): Reason {
  const { name } = linked.service;
  const what = kind === 'volume' ? (mount.source === undefined ? 'a volume without a name' : `the volume ${mount.source}`) : mount.source!;
  const shared = sharedWith.length > 0 ? `; ${sharedWith.join(', ')} ${sharedWith.length === 1 ? 'has' : 'have'} it too` : '';
  const command = kind === 'folder' ? folderCommand(mount, owner, linked, project) : mount.source === undefined ? namelessCommand(path, owner, linked, family) : volumeCommand(mount.source, path, owner, linked, family);
  return {
    rule: 'data',
    message: `${name} keeps data at ${path}, in ${what}${shared}: what root wrote there stays root's, and ${owner} must own it`,
    advice: `once, ${kind === 'volume' && mount.source === undefined ? 'while it still runs as before' : `with ${name} stopped`}: ${command}`,
  };
}

/** Inside the service, which has the volume mounted; in a container of busybox where its image has no chown. */
function volumeCommand(source: string, path: string, owner: string, linked: LinkedService, family: Family): string {
  if (hasChown(family)) return `${composeCommand(linked)} run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown ${linked.service.name} -R ${owner} ${path}`;
  return `docker run --rm --user 0 -v ${volumeName(source, linked)}:${path} busybox chown -R ${owner} ${path}`;
}

/** A volume without a name goes from container to container: only the one that has it can give it away, and a new one would have another. */
export function namelessCommand(path: string, owner: string, linked: LinkedService, family: Family): string {
  const { name } = linked.service;
  if (hasChown(family)) return `${composeCommand(linked)} exec --user 0 ${name} chown -R ${owner} ${path}`;
  return `${composeCommand(linked)} up --detach --force-recreate --renew-anon-volumes ${name}, which drops what is in it`;
}

function hasChown(family: Family): boolean {
  return family !== 'scratch' && family !== 'distroless' && family !== 'unknown' && family !== 'ubi-micro' && family !== 'windows';
}

function folderCommand(mount: Mount, owner: string, { directory }: LinkedService, { disk }: Project): string {
  const host = hostPath(mount);
  const path = host === undefined ? mount.source! : host.startsWith(directory) ? disk.display(host) : host;
  return `mkdir -p ${path} && sudo chown -R ${owner} ${path}`;
}

/** `docker compose`, with the file that it would not find by itself. */
function composeCommand({ path, base }: LinkedService): string {
  const isDefault = !path.includes('/') && /^(docker-)?compose\.ya?ml$/.test(path);
  const files = base ? [base.path, path] : isDefault ? [] : [path];
  return ['docker compose', ...files.map((file) => `-f ${file}`)].join(' ');
}

/** What the engine calls a volume: the project's name is the file's `name:`, else that of its folder. */
function volumeName(source: string, { stack, file }: LinkedService): string {
  const layers = declared(stack, 'volumes', source);
  const own = textOf(layers?.get('name'));
  if (own !== undefined) return own;
  if (layers?.has('external')) return source;
  const named = file.documents[0]?.pairs.find(({ key }) => key.value === 'name')?.value;
  const project = named?.kind === 'scalar' ? named.value : basename(dirname(file.absolute)).toLowerCase().replace(/[^a-z0-9_-]/g, '');
  return `${project}_${source}`;
}

/** Secrets and configs that come from files, and what is mounted out of the repository: what the account may not be able to read. */
export function closedFiles(linked: LinkedService, project: Project): Reason[] {
  const { service, stack, file } = linked;
  const { disk } = project;
  const granted = [...service.secrets.map((grant) => ({ grant, kind: 'secrets' as const })), ...service.configs.map((grant) => ({ grant, kind: 'configs' as const }))];
  const reasons = granted.flatMap(({ grant, kind }): Reason[] => {
    const written = textOf(declared(stack, kind, grant.source)?.get('file'));
    if (written === undefined) return [];
    const host = written.includes('$') ? undefined : posix.resolve(dirname(file.absolute), written);
    const entry = host === undefined ? undefined : disk.stat(host);
    if (entry && (entry.mode & 0o004) !== 0) return [];
    const what = `${kind === 'secrets' ? 'the secret' : 'the config'} ${grant.source} is the file ${written}`;
    return [{ rule: 'closed-file', message: `${what}${entry ? ', which only its owner may read' : ', with the mode that it has there'}`, advice: `let the account read it: chmod 0644 ${written}, or give it to the account (compose mounts the file as it is, whatever uid and mode say)` }];
  });
  const mounted = service.mounts.flatMap((mount): Reason[] => {
    const host = hostPath(mount);
    const entry = host === undefined ? undefined : disk.stat(host);
    if (entry?.kind === 'directory') return [];
    if (entry) return (entry.mode & 0o004) !== 0 ? [] : [{ rule: 'closed-file', message: `${mount.source}, which is mounted at ${mount.target}, may only be read by its owner`, advice: `chmod o+rX ${mount.source}` }];
    const isPrivate = /(^|\/)(letsencrypt|ssl|certs?|private|secrets?|keys?)(\/|$)|\.(key|pem)$/.test(`${mount.source ?? ''}`) && mount.type === 'bind';
    return isPrivate ? [{ rule: 'closed-file', message: `${mount.source}, which is mounted at ${mount.target}, may be root's alone`, advice: 'let the account read what it needs there' }] : [];
  });
  return [...reasons, ...mounted];
}

/** Configuration that is mounted from where nobody here looks. */
export function hiddenFiles({ service }: LinkedService, { disk }: Project): Reason[] {
  const mount = service.mounts.find((one) => {
    const host = hostPath(one);
    return one.type === 'bind' && /^\/etc\/(?!(localtime|timezone|hosts|resolv\.conf|ssl\/certs|passwd|group|machine-id)(\/|$))/.test(`${one.target}/`) && (host === undefined || disk.stat(host) === undefined);
  });
  return mount ? [{ rule: 'not-in-sight', message: `what ${mount.source} brings to ${mount.target} is not in sight` }] : [];
}
