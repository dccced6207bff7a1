/** The only door to git: what files were at a revision. Nothing is ever written. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** No repository, or no such revision. */
export class GitError extends Error {
  override name = 'GitError';
}

/** A revision of the repository around a folder. */
export class Revision {
  private readonly top: string;
  private readonly commit: string;
  private readonly name: string;
  private changedPaths: Map<string, 'changed' | 'added' | 'removed'> | undefined;

  /** @throws GitError */
  constructor(folder: string, name: string) {
    this.name = name;
    this.top = run(folder, ['rev-parse', '--show-toplevel']).toString('utf8').trim();
    this.commit = run(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], `there is no revision ${name}; check --base`).toString('utf8').trim();
  }

  /** A file's bytes at the revision; undefined where it was not there. @param path absolute */
  read(path: string): Buffer | undefined {
    const shown = spawnSync('git', ['show', `${this.commit}:${this.inside(path)}`], { cwd: this.top, maxBuffer: MAX_BYTES });
    if (shown.error) throw new GitError(`git could not be run: ${shown.error.message}`);
    return shown.status === 0 ? shown.stdout : undefined;
  }

  /** What differs between the revision and the work tree, absolute; files that git does not know count as added. */
  changed(): ReadonlyMap<string, 'changed' | 'added' | 'removed'> {
    return (this.changedPaths ??= this.differences());
  }

  private differences(): Map<string, 'changed' | 'added' | 'removed'> {
    const found = new Map<string, 'changed' | 'added' | 'removed'>();
    const fields = run(this.top, ['diff', '--name-status', '--no-renames', '-z', this.commit]).toString('utf8').split('\0');
    for (let index = 0; index + 1 < fields.length; index += 2) found.set(join(this.top, fields[index + 1]!), KINDS[fields[index]![0]!] ?? 'changed');
    const others = run(this.top, ['ls-files', '--others', '--exclude-standard', '-z']).toString('utf8').split('\0');
    for (const path of others) if (path) found.set(join(this.top, path), 'added');
    return found;
  }

  private inside(path: string): string {
    return relative(this.top, realPath(path)).split(sep).join('/');
  }

  toString(): string {
    return this.name;
  }
}

const KINDS: Record<string, 'changed' | 'added' | 'removed'> = { A: 'added', D: 'removed', M: 'changed', T: 'changed' };
const MAX_BYTES = 1 << 28;

/** git names its top by its real path. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // gone from the work tree
  }
}

function run(folder: string, args: readonly string[], otherwise?: string): Buffer {
  const ran = spawnSync('git', args, { cwd: folder, maxBuffer: MAX_BYTES });
  if (ran.error) throw new GitError(`--base needs git, which could not be run: ${ran.error.message}`);
  if (ran.status !== 0) throw new GitError(otherwise ?? `--base: ${complaint(ran.stderr.toString('utf8')) ?? `git ${args[0]} failed`}`);
  return ran.stdout;
}

/** git says what is wrong in one line, with hints before or after it. */
function complaint(said: string): string | undefined {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => line.startsWith('fatal: ')) ?? lines.at(-1))?.replace(/^fatal: /, '');
}
