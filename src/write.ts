import { chmodSync, chownSync, readFileSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileError } from './project.ts';
import { systemError } from './system-error.ts';

export interface FileWrite {
  /** For messages. */
  path: string;
  absolute: string;
  /** What was read, and what the file must still hold. */
  before: string;
  after: string;
}

/**
 * Writes all files of a change or none: each is staged beside its place, all are checked against
 * what was read, then renamed. Mode and owner stay.
 * @returns why nothing was written; undefined when all was
 */
export function writeFiles(files: readonly FileWrite[]): FileError | undefined {
  const staged: Staged[] = [];
  try {
    for (const file of files) staged.push(told(file, () => stage(file, file.after)));
    for (const one of staged) told(one, () => assertUnchanged(one));
    commit(staged);
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    return { path: error.path, line: 0, message: error.message };
  } finally {
    for (const { temporary } of staged) rmSync(temporary, { force: true });
  }
  return undefined;
}

interface Staged extends FileWrite {
  real: string;
  temporary: string;
}

class WriteError extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Does something with a file; what the system refuses becomes a sentence on that file. */
function told<T>({ path }: FileWrite, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof WriteError) throw error;
    throw new WriteError(path, `the file could not be written: ${systemError(error)}; nothing was changed`);
  }
}

/** Puts a text beside the file, with the file's mode and owner. */
function stage(file: FileWrite, text: string): Staged {
  const real = realpathSync(file.absolute);
  const stats = statSync(real);
  if ((stats.mode & 0o222) === 0) throw new WriteError(file.path, 'the file is read-only; make it writable first (chmod u+w)');
  const temporary = join(dirname(real), `.unroot-${process.pid}-${staging++}.tmp`);
  try {
    make(file, temporary, text, stats.mode & 0o777);
    keepOwner(file, temporary, stats);
    chmodSync(temporary, stats.mode & 0o7777);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return { ...file, real, temporary };
}

let staging = 0;

function make({ path }: FileWrite, temporary: string, text: string, mode: number): void {
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode });
  } catch (error) {
    throw new WriteError(path, `no new text could be put into its directory: ${systemError(error)}; nothing was changed`);
  }
}

function keepOwner({ path }: FileWrite, temporary: string, { uid, gid }: Stats): void {
  const now = statSync(temporary);
  if (now.uid === uid && now.gid === gid) return;
  try {
    chownSync(temporary, uid, gid);
  } catch (error) {
    throw new WriteError(path, `the file belongs to ${uid}:${gid}, which you can not keep: ${systemError(error)}; nothing was changed`);
  }
}

function assertUnchanged({ path, real, before }: Staged): void {
  if (readFileSync(real, 'utf8') !== before) throw new WriteError(path, 'the file changed while unroot ran; run it again');
}

/** Renames one after the other; should one fail, those before it get their text back. */
function commit(staged: readonly Staged[]): void {
  for (const [index, one] of staged.entries()) {
    try {
      told(one, () => renameSync(one.temporary, one.real));
    } catch (error) {
      restore(staged.slice(0, index), error);
      throw error;
    }
  }
}

/** @param cause told along with what could not be restored */
function restore(done: readonly Staged[], cause: unknown): void {
  for (const one of done) {
    let temporary: string | undefined;
    try {
      temporary = stage(one, one.before).temporary;
      renameSync(temporary, one.real);
    } catch {
      if (temporary !== undefined) rmSync(temporary, { force: true });
      throw new WriteError(one.path, `the file was written although its fix could not be made in full, and could not be restored; take the change back by hand: ${(cause as Error).message}`);
    }
  }
}
