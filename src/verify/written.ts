import { posix } from 'node:path';
import type { Container, Inspected } from './container.ts';
import { mapLimited } from './parallel.ts';
import { CARRIED } from './strace.ts';
import type { TarEntry } from './tar.ts';
import type { Written } from './types.ts';

/** What lay in the volumes of a container before it started. */
export type Snapshot = Map<string, Map<string, string>>;

const MAX_BYTES = 1 << 25;
/** Beyond this many places owners are no longer looked up: nobody reads them. */
const MAX_LOOKS = 60;
const AT_ONCE = 4;

/** What lies in a container's volumes and mounts now, by mount. @param known the engine's view of it, where that was asked for already */
export async function snapshot(container: Container, known?: Inspected): Promise<Snapshot> {
  const found: Snapshot = new Map();
  if (container.image.volumes.length === 0 && container.settings.mounts.length === 0) return found;
  const { Mounts: mounts } = known ?? (await container.inspect());
  await Promise.all(
    mounts.map(async ({ Destination: path }) => {
      if (isCarried(path)) return;
      const entries = (await container.archive(path, MAX_BYTES)) ?? [];
      found.set(path, new Map(entries.map((entry) => [inside(path, entry.name), stamp(entry)])));
    }),
  );
  return found;
}

function stamp({ kind, size, modified, mode, uid, gid }: TarEntry): string {
  return [kind, kind === 'directory' ? 0 : size, modified, mode, uid, gid].join(' ');
}

/** An archive's names begin with the last part of what was asked for. */
function inside(path: string, name: string): string {
  return posix.join(posix.dirname(path), name);
}

/**
 * What a container wrote: in its own layer as the engine tells, and in volumes by what has changed since.
 * What the engine itself puts into a container is left out.
 */
export async function writtenBy(container: Container, before: Snapshot): Promise<Written[]> {
  const mounts = [...before.keys()];
  const layer = changes(await container.engine.call(['diff', container.id]))
    .filter(({ path }) => !isEngines(path) && !mounts.some((mount) => path === mount || mount.startsWith(`${path}/`)));
  const own = leaves(layer);
  const volumes = await Promise.all(mounts.map((mount) => writtenInto(container, mount, before.get(mount)!)));
  return [...(await withOwners(container, own)), ...volumes.flat()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

interface Change {
  path: string;
  how: Written['how'];
}

const HOW: Record<string, Written['how']> = { A: 'made', C: 'changed', D: 'removed' };

function changes(text: string): Change[] {
  return text.split('\n').flatMap((line) => (/^[ACD] \//.test(line) ? [{ how: HOW[line[0]!]!, path: line.slice(2) }] : []));
}

/** A directory in which something changed is listed with it, and says nothing. One that was made does. */
function leaves(all: Change[]): Change[] {
  const parents = new Set(all.map(({ path }) => posix.dirname(path)));
  return all.filter(({ path, how }) => how !== 'changed' || !parents.has(path));
}

/** Files that the engine keeps, and mount points. */
function isEngines(path: string): boolean {
  return isCarried(path) || /^\/(dev|proc|sys)(\/|$)|^\/(\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab)|run\/(\.containerenv|secrets(\/.*)?))$/.test(path);
}

function isCarried(path: string): boolean {
  return CARRIED.includes(path);
}

/** Looks up owners: a directory that was made is read whole, at once. */
async function withOwners(container: Container, all: Change[]): Promise<Written[]> {
  const roots = all.filter(({ path, how }) => how !== 'removed' && !all.some((other) => other.how === 'made' && path.startsWith(`${other.path}/`)));
  const found = new Map<string, TarEntry>();
  await mapLimited(AT_ONCE, roots.slice(0, MAX_LOOKS), async ({ path, how }) => {
    const one = how === 'changed' ? await container.stat(path) : undefined;
    const entries = how === 'changed' ? (one ? [one] : []) : ((await container.archive(path, MAX_BYTES)) ?? []);
    for (const entry of entries) found.set(inside(path, entry.name), entry);
  });
  return all.map(({ path, how }) => {
    const entry = found.get(path);
    return { path, how, kind: entry?.kind ?? 'other', owner: entry && { uid: entry.uid, gid: entry.gid, mode: entry.mode }, data: false };
  });
}

async function writtenInto(container: Container, mount: string, before: ReadonlyMap<string, string>): Promise<Written[]> {
  const entries = (await container.archive(mount, MAX_BYTES)) ?? [];
  const now = new Map(entries.map((entry) => [inside(mount, entry.name), entry]));
  const changed = [...now].flatMap(([path, entry]): Written[] => {
    const was = before.get(path);
    // A directory's own time changes with what lies in it.
    if (was === stamp(entry) || (was !== undefined && entry.kind === 'directory' && was.startsWith('directory'))) return [];
    return [{ path, how: was === undefined ? 'made' : 'changed', kind: entry.kind, owner: { uid: entry.uid, gid: entry.gid, mode: entry.mode }, data: true }];
  });
  const removed = [...before.keys()].filter((path) => !now.has(path)).map((path): Written => ({ path, how: 'removed', kind: 'other', owner: undefined, data: true }));
  return [...changed, ...removed];
}
