/** What a program is seen to write as root, sorted into state that may be given to an account and what a person must look at. */
import { posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import { makesOf, type Seen } from './compare.ts';
import type { Container } from './container.ts';
import { isNeedless } from './needless.ts';
import { observeBefore, type Session } from './pair.ts';
import type { Subject } from './plan.ts';

export interface Learnt {
  subject: Subject;
  /** Why nothing could be learnt: it does not build, start or work. */
  why: string | undefined;
  /** State: what `paths` of the configuration may hold. */
  paths: string[];
  /** Writes that a person must see to. */
  findings: string[];
}

/** Runs a target as it is, and says what of its writes is state. */
export async function learn(subject: Subject, session: Session): Promise<Learnt> {
  const nothing = { subject, paths: [], findings: [] };
  const found = await observeBefore(subject, session, async (seen, container) => {
    const places = placesWritten(seen, subject.needless);
    const contents = new Map<string, Contents>();
    for (const { directory, isNew } of places) if (!isNew && !contents.has(directory)) contents.set(directory, await contentsOf(container, directory, seen));
    return sortPlaces(places, contents);
  });
  return 'why' in found ? { ...nothing, why: found.why } : { ...nothing, why: undefined, ...found };
}

/** A place where a program wrote: a directory that it made, or a file in one that was there. */
export interface Place {
  directory: string;
  /** Whether the program made the directory itself. */
  isNew: boolean;
  /** The file in it; undefined for a directory of the program's own. */
  file: string | undefined;
}

/** Where a program wrote, without what it writes needlessly, below its home, into volumes, and where anybody may. */
export function placesWritten({ seen, trace }: Seen, needless: readonly string[]): Place[] {
  const makes = makesOf(trace);
  const isTraced = 'accesses' in trace;
  const skipped = (path: string) => isNeedless(path, needless) || isForAll(path) || isPrivate(path, seen.home);
  const written = seen.written.filter(({ path, data }) => !data && !skipped(path));
  // A name that another run does not make again is no name to rely on.
  const madeDirectories = written.filter(({ path, how, kind }) => how === 'made' && kind === 'directory' && (!isTraced || makes.includes(path))).map(({ path }) => path);
  const own = madeDirectories.filter((path) => !madeDirectories.some((other) => other !== path && isWithin(path, other)));
  const places: Place[] = own.map((directory) => ({ directory, isNew: true, file: undefined }));
  const volumes = seen.written.filter(({ data }) => data).map(({ path }) => path);
  const kept = new Set(seen.written.map(({ path }) => path));
  const temporary = makes.filter((path) => !kept.has(path) && !skipped(path) && !volumes.some((volume) => posix.dirname(volume) === posix.dirname(path)));
  for (const path of [...written.map((one) => (one.how === 'changed' && one.kind === 'directory' ? posix.join(one.path, '*') : one.path)), ...temporary]) {
    if (own.some((directory) => isWithin(path, directory))) continue;
    places.push({ directory: posix.dirname(path), isNew: false, file: path });
  }
  return places;
}

function isForAll(path: string): boolean {
  return /^\/(tmp|var\/tmp|dev|proc|sys)(\/|$)/.test(path);
}

/** Caches and histories below the home go with it. */
function isPrivate(path: string, home: string): boolean {
  return home !== '/' && isWithin(path, home) && (path === home || posix.relative(home, path).startsWith('.'));
}

/** What lies in a directory beside what the program wrote. */
export interface Contents {
  /** Whether anything of the image's own lies there. */
  isFilled: boolean;
  /** Whether anybody may write there. */
  isOpen: boolean;
}

const MAX_BYTES = 1 << 22;

async function contentsOf(container: Container, directory: string, { seen }: Seen): Promise<Contents> {
  const entry = await container.stat(directory);
  const isOpen = entry !== undefined && (entry.mode & 0o002) !== 0;
  const written = new Set(seen.written.map(({ path }) => path));
  const entries = (await container.archive(directory, MAX_BYTES)) ?? [];
  const others = entries.slice(1).map(({ name }) => posix.join(posix.dirname(directory), name));
  return { isOpen, isFilled: others.some((path) => !written.has(path)) };
}

/** Sorts places into state and what is for a person. */
export function sortPlaces(places: readonly Place[], contents: ReadonlyMap<string, Contents>): { paths: string[]; findings: string[] } {
  const paths = new Set<string>();
  const findings = new Set<string>();
  for (const { directory, isNew, file } of places) {
    const what = file ?? directory;
    const { isFilled = false, isOpen = false } = contents.get(directory) ?? {};
    if (isOpen) continue;
    if (isClosed(what)) findings.add(`it writes ${what}: what lies there is the system's or root's; have it write to a directory of its own`);
    else if (isNew || (!isShared(directory) && (!isFilled || isStateOfPackage(directory)))) paths.add(directory);
    else if (isShared(directory) && isLogOrPid(what)) paths.add(what);
    else findings.add(`it writes ${what}, beside what is not its own; have it write to a directory of its own`);
  }
  return { paths: [...paths].sort(), findings: [...findings].sort() };
}

/** Never given away. */
function isClosed(path: string): boolean {
  return /^\/(etc|usr|bin|sbin|lib|lib32|lib64|boot|root)(\/|$)/.test(path);
}

/** Directories that many programs share. */
function isShared(directory: string): boolean {
  return /^\/(var(\/(log|run|lib|cache|spool|opt))?|run(\/lock)?|home|opt|srv|mnt|media)?$/.test(directory);
}

/** A package's own state, which may come with files. */
function isStateOfPackage(directory: string): boolean {
  return /^\/(var\/(log|lib|cache|spool|run)|run)\/[^/]/.test(directory);
}

/** What is appended to or replaced, and never read at the start: it may be there, empty. */
function isLogOrPid(path: string): boolean {
  return /\.(log|pid|out|err|lock)$/.test(path);
}
