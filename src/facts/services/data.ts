import { declared } from '../../compose/stack.ts';
import { textOf } from '../../compose/layers.ts';
import type { Mount } from '../../compose/read.ts';
import { isWithin, plainPath } from '../../image-paths.ts';
import type { LinkedService, Project } from '../../project.ts';
import { familyOf } from '../family.ts';
import { baseEntry, historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { memo } from '../memo.ts';
import { isShipped } from '../shipped.ts';
import { startOf } from '../start.ts';
import { isOnlyRead } from '../told-writes.ts';
import { writesOf } from '../writes.ts';
import { giveAway } from './give-away.ts';
import { givesTo } from './place.ts';
import { hostPath, serviceTarget } from './target.ts';

/** Where a service keeps what root may have written. */
export interface Data {
  mount: Mount;
  /** Absolute, in the container. */
  path: string;
  /** `remote`: a volume on another machine. */
  kind: 'volume' | 'folder' | 'remote';
  /** Other services that may write there too. */
  sharers: LinkedService[];
}

/** The volumes and folders of the host that a service may write; what the repository itself holds is source, and none. */
export function dataOf(linked: LinkedService, project: Project): Data[] {
  return kept(linked, project).map((one) => ({ ...one, sharers: sharersOf(one, linked, project) }));
}

type Kept = Omit<Data, 'sharers'>;

const kept = memo((linked: LinkedService, project: Project): Kept[] => {
  return linked.service.mounts.flatMap((written): Kept[] => {
    const mount = driven(written, linked);
    const { type, source, target, readOnly } = mount;
    if (readOnly || !target.startsWith('/') || type === 'tmpfs') return [];
    const path = plainPath(target);
    if (isRead(path, linked, project)) return [];
    if (written.type === 'volume' && type === 'other') return [{ mount: written, path, kind: 'remote' }];
    if (type === 'other') return [];
    if (type === 'volume') return source !== undefined || !isOfTheSystem(path) ? [{ mount, path, kind: 'volume' }] : [];
    if (isSource(mount, project) || isEverybodys(mount) || isOfTheSystem(path) || READ.test(path)) return [];
    return [{ mount, path, kind: 'folder' }];
  });
});

/** Names of files that hold settings, keys or programs, and no data. */
const READ = /\.(sock|ya?ml|conf|cfg|ini|json|toml|xml|properties|cnf|env|acl|rules|htpasswd|te?mpl(ate)?|tpl|vcl|hcl|pem|crt|cert?|key|p12|jks|sh|jar|js|py|rb|pl|lua|groovy|sql)$/;

/** Whether a path is only read: nothing names it to a program that writes what is named alone, or entrypoints look there for what to begin with. */
function isRead(path: string, linked: LinkedService, project: Project): boolean {
  if (/^\/docker-entrypoint[\w.-]*\.d(\/|$)/.test(path)) return true;
  const target = serviceTarget(linked, project);
  if (target && startOf(target).commands.some(({ words }) => words[0]?.value === path)) return true; // it is what is started
  if (target && baseEntry(historyOf(target.stage, target.unit).base)?.reads?.some((one) => isWithin(path, one))) return true;
  return target !== undefined && isOnlyRead(path, () => writesOf(target).map((write) => write.path), target);
}

/** What a mount is once the options of its volume's driver are heard: a folder of the host, memory, or something on another machine. */
function driven(mount: Mount, { stack }: LinkedService): Mount {
  const volume = mount.type === 'volume' && mount.source !== undefined ? declared(stack, 'volumes', mount.source) : undefined;
  const options = volume?.within('driver_opts');
  const device = textOf(options?.get('device'));
  if (device === undefined) return mount;
  if (/\br?bind\b/.test(textOf(options?.get('o')) ?? '')) return { ...mount, type: 'bind', source: device };
  return { ...mount, type: textOf(options?.get('type')) === 'tmpfs' ? 'tmpfs' : 'other' };
}

/** Whether a mount brings something that the repository holds. */
export function isSource(mount: Mount, { disk, files }: Project): boolean {
  const host = hostPath(mount);
  return host !== undefined && isShipped(host, files.get(mount.place.file.absolute)?.root ?? mount.directory, disk);
}

/** Folders of the host that anybody may write. */
function isEverybodys({ source }: Mount): boolean {
  return source !== undefined && /^\/(var\/)?tmp\/?$/.test(source);
}

function isOfTheSystem(path: string): boolean {
  return /^\/(etc|usr|lib|lib64|bin|sbin|run|dev|sys|proc|boot|var\/run)(\/|$)/.test(path);
}

function sharersOf({ mount }: Kept, { stack, service }: LinkedService, project: Project): LinkedService[] {
  const place = placeOf(mount);
  if (place === undefined) return [];
  const sharers = stack.services.filter((other) => other.service.name !== service.name && kept(other, project).some((one) => isSamePlace(place, placeOf(one.mount))));
  return sharers.filter((other, index) => sharers.findIndex((one) => one.service.name === other.service.name) === index);
}

/** Where other services mount a volume over files that their images have: a new volume begins with those of whoever is made first, and their owner. */
export function filledBy({ mount: { type, source } }: Data, { stack, service }: LinkedService): { name: string; mount: Mount }[] {
  if (type !== 'volume' || source === undefined) return [];
  return stack.services.flatMap(({ service: other }) => {
    if (other.name === service.name) return [];
    const over = other.mounts.filter((one) => one.type === 'volume' && one.source === source && !one.options.includes('nocopy') && PAGES.test(one.target));
    return over.map((mount) => ({ name: other.name, mount }));
  });
}

/** The pages that nginx, httpd and Caddy have in their images, and what Alpine has for media (Dockerfiles of each; alpine-baselayout). */
const PAGES = /^\/(usr\/share\/nginx\/html|usr\/local\/apache2\/htdocs|usr\/share\/caddy|media)\/?$/;

/** What tells the places of mounts apart: a volume's name, or a path on the host. */
function placeOf(mount: Mount): string | undefined {
  return mount.type === 'bind' ? (hostPath(mount) ?? mount.source)?.replace(/(.)\/+$/, '$1') : mount.source;
}

function isSamePlace(one: string, other: string | undefined): boolean {
  return other !== undefined && (one === other || (one.startsWith('/') && other.startsWith('/') && (isWithin(one, other) || isWithin(other, one))));
}

/** A place that a service has been told to give to an account. */
export interface Given {
  place: string;
  owner: string;
  linked: LinkedService;
}

/**
 * What somebody has to do once, where root has written into a service's data. What several services keep in one place is
 * given away with the first of them.
 * @param fix whom it is to run as, and the paths whose data that has a command for
 * @param given what was said before of other services; what is said now is added to it
 */
export function dataReasons(linked: LinkedService, { user: owner, moved = [] }: { user: string; moved?: readonly string[] }, project: Project, given: Given[]): Reason[] {
  const { name } = linked.service;
  return dataOf(linked, project).filter(({ path }) => !moved.includes(path)).map((data): Reason => {
    const place = placeOf(data.mount);
    const before = place === undefined ? undefined : given.find((one) => one.owner === owner && takesAlong(one, place, linked));
    const kept = `${name} keeps data at ${data.path}, in ${placeNamed(data)}`;
    if (before) return { rule: 'data', message: `${kept}: to give it to ${owner} once, as ${before.linked === linked ? 'said' : `${before.linked.service.name} asks for`}, is enough`, service: name };
    if (place !== undefined) given.push({ place, owner, linked });
    const target = serviceTarget(linked, project)!;
    return {
      rule: 'data',
      message: `${kept}${alsoHad(data)}: what root wrote there stays root's, and ${owner} must own it`,
      advice: giveAway(data, owner, linked, familyOf(historyOf(target.stage, target.unit)), project),
      gives: [givesTo(data, owner, linked, project)],
      service: name,
    };
  });
}

/** Whether what was said of one place holds for another. The same service in another file says the same again. */
function takesAlong({ place: given, linked: before }: Given, place: string, linked: LinkedService): boolean {
  if (before.stack !== linked.stack || (before !== linked && before.service.name === linked.service.name)) return false;
  return given === place || (given.startsWith('/') && isWithin(place, given));
}

function placeNamed({ mount, kind }: Data): string {
  if (kind === 'folder') return mount.source!;
  return mount.source === undefined ? 'a volume without a name' : `the volume ${mount.source}`;
}

function alsoHad({ sharers }: Data): string {
  return sharers.length > 0 ? `; ${sharers.map(({ service }) => service.name).join(', ')} ${sharers.length === 1 ? 'has' : 'have'} it too` : '';
}

/** Configuration that is mounted from where nobody here looks. */
export function hiddenFiles({ service }: LinkedService, user: string, { disk }: Project): Reason[] {
  const mount = service.mounts.find((one) => {
    const host = hostPath(one);
    return one.type === 'bind' && /^\/etc\/(?!(localtime|timezone|hosts|resolv\.conf|ssl\/certs|passwd|group|machine-id)(\/|$))/.test(`${one.target}/`) && (host === undefined || disk.stat(host) === undefined);
  });
  return mount ? [{ rule: 'not-in-sight', message: `what ${mount.source} brings to ${mount.target} is not in sight`, advice: mount.readOnly ? `${user} must be able to read it` : `${user} must be able to read it, and own what is written there (acme.json, say)` }] : [];
}
