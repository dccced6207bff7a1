import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { basename, delimiter, join } from 'node:path';
import type { Image } from './build.ts';
import type { RunSettings } from './container.ts';
import type { Engine } from './engine.ts';

/** A strace that can be carried into any container, scratch too, because it brings its own loader. */
export interface Strace {
  /** The folder that is mounted. */
  folder: string;
  /** How it is started inside. */
  words: string[];
}

const INSIDE = '/.unroot';
const OUTSIDE = '/.unroot-out';

/** Paths that a traced run brings along; they are none of the program's. */
export const CARRIED: readonly string[] = [INSIDE, OUTSIDE];

/**
 * Gets this machine's strace ready to be carried.
 * @returns why there is none, where there is none
 */
export function carryStrace(engine: Engine): Strace | { unavailable: string } {
  if (process.platform !== 'linux') return { unavailable: 'strace is of Linux' };
  const found = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'strace')).find(isFile);
  if (found === undefined) return { unavailable: 'there is no strace on the PATH' };
  const folder = join(engine.folder, 'strace');
  mkdirSync(folder);
  copyFileSync(realpathSync(found), join(folder, 'strace'));
  const libraries = librariesOf(found);
  for (const library of libraries) copyFileSync(realpathSync(library), join(folder, basename(library)));
  const loader = libraries.map((path) => basename(path)).find((name) => /^ld-/.test(name));
  const words = loader === undefined ? [] : [`${INSIDE}/${loader}`, '--library-path', INSIDE];
  return { folder, words: [...words, `${INSIDE}/strace`] };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The paths that `ldd` names; none for a static program. */
function librariesOf(program: string): string[] {
  try {
    const text = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...text.matchAll(/(?:^|\s)(\/\S+)(?=\s\(0x)/g)].map(([, path]) => path!);
  } catch {
    return []; // ldd ends with 1 for a static program
  }
}

/** What strace is to look at: files, ports, and changes of who the program is. */
const CALLS = '%file,%process,bind,connect,fchown,fchmod,setuid,setgid,setgroups,setresuid,setresgid,setreuid,setregid';

export interface Tracing {
  settings: RunSettings;
  /** What has to be mounted: strace itself, and where it writes. */
  mounts: { source: string; target: string; readOnly: boolean }[];
  /** What was traced, once the program has worked; empty if nothing was. */
  read: () => string;
}

/** The settings that run an image under strace. */
export function tracing(engine: Engine, strace: Strace, image: Image, settings: RunSettings): Tracing {
  const out = join(engine.folder, `trace-${(serial += 1)}`);
  mkdirSync(out);
  chmodSync(out, 0o1777); // whoever the program runs as writes there
  const file = 't';
  const command = commandOf(image, settings);
  return {
    settings: { ...settings, entrypoint: [...strace.words, '-f', '-y', '--seccomp-bpf', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', `${OUTSIDE}/${file}`, '--', ...command], command: [] },
    mounts: [{ source: strace.folder, target: INSIDE, readOnly: true }, { source: out, target: OUTSIDE, readOnly: false }],
    read: () => readBeginning(join(out, file)),
  };
}

let serial = 0;

/** What a container starts: a new entrypoint drops the image's command. */
export function commandOf(image: Image, { entrypoint, command }: RunSettings): string[] {
  if (entrypoint) return [...entrypoint, ...(command ?? [])];
  return command ? [...image.entrypoint, ...command] : image.command;
}

const MAX_TRACE = 1 << 26;

function readBeginning(path: string): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return '';
  return readFileSync(path).toString('utf8', 0, MAX_TRACE);
}
