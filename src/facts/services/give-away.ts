import { basename, dirname, relative, sep } from 'node:path';
import { textOf } from '../../compose/layers.ts';
import { declared } from '../../compose/stack.ts';
import { readEnvFile } from '../../compose/variables.ts';
import type { Family } from '../../images/types.ts';
import type { LinkedService, Project } from '../../project.ts';
import { shellWord } from '../../shell/word.ts';
import type { Data } from './data.ts';
import { isForSwarm } from './swarm.ts';
import { hostPath } from './target.ts';

/**
 * How an account gets what root wrote into a service's data, once: the words, and the command as it is typed where unroot ran.
 * It changes the data's path and nothing else: what is mounted below it is not in sight of it.
 * @param owner what chown is given
 */
export function giveAway(data: Data, owner: string, linked: LinkedService, family: Family, project: Project): string {
  const { mount, path, kind, sharers } = data;
  const { name } = linked.service;
  // Whoever develops has the numbers in variables that compose reads and shells don't have.
  const to = owner.includes('$') ? '"$(id -u):$(id -g)"' : owner;
  if (kind === 'volume' && mount.source === undefined) return giveNamelessAway(path, to, linked, family, project);
  if (kind === 'remote') return `${mount.source} lies on another machine: give ${path} to ${owner} there`;
  if (kind === 'folder' && holdsMore(data, linked, project)) return `mount a folder of its own at ${path}, and give that to ${owner}: ${mount.source} is more than what ${name} keeps`;
  const alone = kind === 'folder' && !isInside(hostPath(mount), linked, project) ? `, and if ${mount.source} holds nothing else` : '';
  if (isForSwarm(linked)) return `once, on each node that has it, with the stack removed: ${inAnother(`-v ${mountSource(mount, linked, project)}:${shellWord(mount.target)}`, path, to, linked, family, project)}`;
  return `once, with ${[name, ...sharers.map(({ service }) => service.name)].join(', ')} stopped${alone}: ${command(data, to, linked, family, project)}`;
}

/** The same for a volume without a name, which goes from container to container: that which stands still has it. */
export function giveNamelessAway(path: string, owner: string, linked: LinkedService, family: Family, project: Project): string {
  if (isForSwarm(linked)) return `name the volume at ${path}: each task of a stack gets a new one`;
  // That container has what is mounted below it too.
  if (holdsMounts(path, linked)) return `once: ${composeCommand(linked)} up --detach --force-recreate --renew-anon-volumes ${shellWord(linked.service.name)}, which drops what is in it`;
  const from = `--volumes-from "$(${composeCommand(linked)} ps --all --quiet ${shellWord(linked.service.name)})"`;
  return `once, with ${linked.service.name} stopped: ${inAnother(from, path, owner, linked, family, project)}`;
}

/**
 * How the variant of an image finds what root wrote in another place, once: the words, and the command as it is typed where unroot ran.
 * @param to where the variant has the data
 * @param once what is done there in a shell before it is given away
 * @param then words for the service when it runs
 */
export function giveMovedAway({ mount }: Data, to: string, once: string | undefined, then: string | undefined, owner: string, tag: string, linked: LinkedService, project: Project): string {
  const { name, image } = linked.service;
  const repository = image!.replace(/:[^/:]*$/, '');
  const steps = [`cd ${shellWord(to)}`, ...(once === undefined ? [] : [once]), `chown -R ${owner} .`].join(' && ');
  const command = `docker run --rm --user 0 --entrypoint sh -v ${mountSource(mount, linked, project)}:${shellWord(to)} ${shellWord(`${repository}:${tag}`)} -c ${shellWord(steps)}`;
  const after = then === undefined ? '' : `; once it runs: ${composeCommand(linked)} exec ${shellWord(name)} ${then}`;
  return `unless it is empty, once, with ${name} stopped: ${command}${after}`;
}

/** In the service, which has the data mounted; in a container with nothing but the data where it has more below it, or no chown. */
function command({ mount, path }: Data, owner: string, linked: LinkedService, family: Family, project: Project): string {
  const { service } = linked;
  const needsOthers = service.volumesFrom.length > 0 || /^(service|container):/.test(service.networkMode ?? '');
  if (hasChown(family) && !holdsMounts(path, linked) && !needsOthers) return `${composeCommand(linked)} run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown ${shellWord(service.name)} -R ${owner} ${shellWord(path)}`;
  return inAnother(`-v ${mountSource(mount, linked, project)}:${shellWord(mount.target)}`, path, owner, linked, family, project);
}

function holdsMounts(path: string, { service }: LinkedService): boolean {
  return service.mounts.some(({ target }) => target.startsWith(`${path}/`));
}

/** In a container of the same image, which knows the same accounts; of busybox where that has no chown. */
function inAnother(mounted: string, path: string, owner: string, linked: LinkedService, family: Family, project: Project): string {
  const { build, image, name } = linked.service;
  const own = build ? (image ?? `${projectName(linked, project)}-${name}`) : image;
  if (hasChown(family) && own !== undefined && !own.includes('$')) return `docker run --rm --user 0 --entrypoint chown ${mounted} ${shellWord(own)} -R ${owner} ${shellWord(path)}`;
  return `docker run --rm --user 0 ${mounted} busybox chown -R ${owner} ${shellWord(path)}`;
}

function hasChown(family: Family): boolean {
  return family !== 'scratch' && family !== 'distroless' && family !== 'unknown' && family !== 'ubi-micro' && family !== 'windows';
}

/** Folders that others of the host use too, or that hold the repository. */
function holdsMore({ mount }: Data, linked: LinkedService, project: Project): boolean {
  const source = mount.source!.replace(/(.)\/+$/, '$1');
  const host = hostPath(mount);
  if (host === undefined) return /^(~|\$\{?HOME\}?)[^/]*$/.test(source);
  const { root } = project.files.get(linked.file.absolute) ?? { root: linked.directory };
  return `${root}${sep}`.startsWith(host === sep ? sep : `${host}${sep}`) || SHARED.test(host);
}

const SHARED = /^\/[^/]*$|^\/(home|media|mnt|Users|Volumes)\/[^/]+$|^\/var\/[^/]+$|^\/usr(\/|$)|^\/etc(\/|$)/;

function isInside(host: string | undefined, linked: LinkedService, project: Project): boolean {
  const root = project.files.get(linked.file.absolute)?.root;
  return host !== undefined && root !== undefined && host.startsWith(`${root}${sep}`);
}

/** What `docker run -v` takes for a mount: compose's own name of a volume, or an absolute path. */
function mountSource(mount: Data['mount'], linked: LinkedService, project: Project): string {
  if (mount.type === 'volume') return shellWord(volumeName(mount.source!, linked, project));
  const host = hostPath(mount);
  if (host === undefined) return expanded(mount.source!);
  const way = relative(project.disk.cwd, host);
  return way.startsWith('..') ? shellWord(host) : `"$PWD"/${shellWord(way.split(sep).join('/'))}`;
}

/** A path whose home directory and variables are the shell's to fill in. */
function expanded(path: string): string {
  const [, home = '', rest = ''] = /^(~\/)?(.*)$/s.exec(path)!;
  return rest.includes('$') ? `${home}"${rest.replace(/["`\\]/g, '\\$&')}"` : `${home}${shellWord(rest)}`;
}

/** `docker compose`, with the files that it would not find by itself. */
function composeCommand({ path: own, base, file, entry }: LinkedService): string {
  const path = entry === file ? own : entry.path!;
  const isDefault = !path.includes('/') && /^(docker-)?compose\.ya?ml$/.test(path);
  const files = base ? [base.path, path] : isDefault ? [] : [path];
  return ['docker compose', ...files.map((file) => `-f ${shellWord(file)}`)].join(' ');
}

/** What the engine calls a volume: what its declaration says, else its name after the project's. */
export function volumeName(source: string, linked: LinkedService, project: Project): string {
  const layers = declared(linked.stack, 'volumes', source);
  const own = textOf(layers?.get('name')) ?? textOf(layers?.within('external').get('name'));
  if (own !== undefined) return own;
  if (layers?.has('external')) return source;
  return `${isForSwarm(linked) ? 'STACK' : projectName(linked, project)}_${source}`;
}

/** COMPOSE_PROJECT_NAME of `.env`, else the file's `name:`, else that of its folder (docs.docker.com, "Specify a project name"). */
function projectName({ file: own, base, directory: from, entry: file }: LinkedService, { disk }: Project): string {
  const directory = file === own ? from : dirname(file.absolute);
  const asked = readEnvFile(disk.read(`${directory}${sep}.env`) ?? '').get('COMPOSE_PROJECT_NAME');
  if (asked) return asked;
  const named = [file, ...(base ? [base.file] : [])].flatMap(({ documents }) => documents.flatMap(({ pairs }) => pairs.find(({ key }) => key.value === 'name')?.value ?? []))[0];
  if (named?.kind === 'scalar') return named.value;
  return basename(dirname((base?.file ?? file).absolute)).toLowerCase().replace(/[^a-z0-9_-]/g, '').replace(/^[_-]+/, '');
}
