import { chmodSync, chownSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileError } from './project.ts';

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
 * @returns why nothing was written, empty when all was
 */
export function writeFiles(files: readonly FileWrite[]): FileError[] {
  const staged: Staged[] = [];
  try {
    for (const file of files) staged.push(stage(file));
    for (const one of staged) assertUnchanged(one);
  } catch (error) {
    discard(staged);
    return [failure(error, files[staged.length] ?? files[0]!)];
  }
  return commit(staged);
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

function stage(file: FileWrite): Staged {
  const real = realpathSync(file.absolute);
  const stats = statSync(real);
  if ((stats.mode & 0o222) === 0) throw new WriteError(file.path, 'the file is read-only; make it writable first');
  const temporary = join(dirname(real), `.unroot-${process.pid}-${staging++}.tmp`);
  try {
    writeFileSync(temporary, file.after, { flag: 'wx', mode: stats.mode & 0o777 });
    chmodSync(temporary, stats.mode & 0o7777);
    const now = statSync(temporary);
    if (now.uid !== stats.uid || now.gid !== stats.gid) chownSync(temporary, stats.uid, stats.gid);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return { ...file, real, temporary };
}

let staging = 0;

function assertUnchanged({ path, real, before }: Staged): void {
  if (readFileSync(real, 'utf8') !== before) throw new WriteError(path, 'the file changed while unroot ran; run it again');
}

/** Renames one after the other; should one fail, those before it get their text back. */
function commit(staged: readonly Staged[]): FileError[] {
  for (const [index, one] of staged.entries()) {
    try {
      renameSync(one.temporary, one.real);
    } catch (error) {
      for (const done of staged.slice(0, index)) writeFileSync(done.real, done.before);
      discard(staged.slice(index));
      return [failure(error, one)];
    }
  }
  return [];
}

function discard(staged: readonly Staged[]): void {
  for (const { temporary } of staged) rmSync(temporary, { force: true });
}

function failure(error: unknown, file: FileWrite): FileError {
  if (error instanceof WriteError) return { path: error.path, line: 0, message: error.message };
  if (!(error instanceof Error && 'code' in error)) throw error;
  return { path: file.path, line: 0, message: `the file could not be written: ${String(error.code)}; nothing was changed` };
}
