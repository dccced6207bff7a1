import { posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import type { Container } from './container.ts';
import { accountIn } from './observe.ts';
import type { Observation } from './types.ts';

/** Who asks, as the kernel sees it. */
export interface Who {
  uid: number;
  gids: number[];
}

/** Whether somebody may write at a path, and what stands in the way. */
export interface Writable {
  can: boolean;
  why: string;
}

/** Whom a container's program runs as: as its processes were seen, else as the image says. */
export async function whoRuns(container: Container, { processes, user }: Observation): Promise<Who> {
  const [first] = processes;
  if (first) return { uid: first.uid, gids: [first.gid, ...(first.groups ?? [])] };
  const [name = '', group] = user.split(':');
  const account = await accountIn(container, name || '0');
  const uid = /^\d+$/.test(name) ? Number(name) : (account?.uid ?? 0);
  const gid = group !== undefined && /^\d+$/.test(group) ? Number(group) : (account?.gid ?? 0);
  return { uid, gids: [gid] };
}

/**
 * Whether somebody may write at a path of a container: the file, or, where there is none, a new one in the nearest
 * directory that is there. By owners and modes, links followed; root may everywhere.
 */
export async function writableAt(container: Container, who: Who, path: string): Promise<Writable> {
  if (who.uid === 0) return { can: true, why: '' };
  if (container.settings.tmpfs.some((mount) => isWithin(path, mount.split(':')[0]!))) return { can: true, why: '' };
  return walk(container, who, path.split('/').filter(Boolean), '/', 0);
}

const MAX_LINKS = 20;

async function walk(container: Container, who: Who, names: string[], directory: string, links: number): Promise<Writable> {
  let at = directory;
  for (const [index, name] of names.entries()) {
    const path = posix.join(at, name);
    const entry = await container.stat(path);
    const isLast = index === names.length - 1;
    if (!entry) return mayMakeIn(container, who, at);
    if (entry.kind === 'link' && links < MAX_LINKS) {
      const target = posix.resolve(at, entry.target ?? '');
      return walk(container, who, [...target.split('/').filter(Boolean), ...names.slice(index + 1)], '/', links + 1);
    }
    const bits = bitsFor(entry, who);
    if (isLast) return { can: (bits & (entry.kind === 'directory' ? 3 : 2)) === (entry.kind === 'directory' ? 3 : 2), why: describe(path, entry) };
    if (entry.kind !== 'directory') return { can: false, why: `${path} is no directory` };
    if ((bits & 1) === 0) return { can: false, why: describe(path, entry) };
    at = path;
  }
  return mayMakeIn(container, who, at);
}

async function mayMakeIn(container: Container, who: Who, directory: string): Promise<Writable> {
  const entry = await container.stat(directory);
  if (!entry) return { can: false, why: `there is no ${directory}` };
  return { can: (bitsFor(entry, who) & 3) === 3, why: describe(directory, entry) };
}

/** Read, write and execute as 4, 2 and 1. */
function bitsFor({ uid, gid, mode }: { uid: number; gid: number; mode: number }, who: Who): number {
  if (uid === who.uid) return (mode >> 6) & 7;
  if (who.gids.includes(gid)) return (mode >> 3) & 7;
  return mode & 7;
}

function describe(path: string, { uid, gid, mode }: { uid: number; gid: number; mode: number }): string {
  return `${path} is ${uid}:${gid} ${mode.toString(8).padStart(4, '0')}`;
}
