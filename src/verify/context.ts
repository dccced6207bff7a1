import { chmodSync, constants, copyFileSync, existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import type { Engine } from './engine.ts';

/** What a build context holds instead of what lies on disk, by absolute path; undefined: nothing. */
export type Overlay = ReadonlyMap<string, Buffer | undefined>;

/**
 * A build context with some files replaced: the folder itself where none is, else a copy. Files are linked where
 * that works, so that a copy takes next to no room; nothing is ever written through a link.
 */
export function contextWith(engine: Engine, context: string, overlay: Overlay): string {
  const inside = [...overlay].filter(([path]) => isInside(path, context));
  if (inside.length === 0) return context;
  const copy = join(engine.folder, `context-${(serial += 1)}`);
  copyTree(context, copy, skippedIn(context));
  for (const [path, content] of inside) replace(join(copy, relative(context, path)), content, path);
  return copy;
}

/** A file or folder of this machine with some files replaced: itself where none is, else a copy. */
export function sourceWith(engine: Engine, path: string, overlay: Overlay): string {
  const content = overlay.get(path);
  if (content === undefined) return contextWith(engine, path, overlay);
  const folder = join(engine.folder, `file-${(serial += 1)}`);
  mkdirSync(folder);
  replace(join(folder, basename(path)), content, path);
  return join(folder, basename(path));
}

let serial = 0;

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}

/**
 * Folders that need not be copied because `.dockerignore` leaves them out: plain names, and only where
 * no `!` brings anything back. The builder reads the file itself and has the last word.
 */
function skippedIn(context: string): ReadonlySet<string> {
  const path = join(context, '.dockerignore');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split(/\r?\n/) : [];
  if (lines.some((line) => line.startsWith('!'))) return new Set();
  return new Set(lines.flatMap((line) => /^\/?([\w.-][\w./-]*?)\/?$/.exec(line.trim())?.[1] ?? []));
}

function copyTree(from: string, to: string, skipped: ReadonlySet<string>, way = ''): void {
  const { mode } = lstatSync(from);
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = way === '' ? entry.name : `${way}/${entry.name}`;
    if (skipped.has(path)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target, skipped, path);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (entry.isFile()) linkOrCopy(source, target);
  }
  chmodSync(to, (mode & 0o7777) | 0o700); // it has to be filled, and taken away
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    // Another file system, a file of somebody else's, or too many links.
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    const { mode, atime, mtime } = lstatSync(source);
    chmodSync(target, mode & 0o7777);
    utimesSync(target, atime, mtime);
  }
}

/** Takes the link away before anything is written. */
function replace(path: string, content: Buffer | undefined, original: string): void {
  rmSync(path, { force: true });
  if (content === undefined) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  const mode = lstatSync(original, { throwIfNoEntry: false })?.mode;
  if (mode !== undefined) chmodSync(path, mode & 0o7777);
}
