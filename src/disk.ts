import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/**
 * What unroot may ask of the file system while it decides. Answers are kept, so that a run is of one
 * piece. Texts that a phase has changed and nobody has written yet lie over it.
 */
export class Disk {
  private readonly texts = new Map<string, string | undefined>();
  private readonly stats = new Map<string, Entry | undefined>();
  private readonly lists = new Map<string, string[]>();
  private readonly reals = new Map<string, string | undefined>();
  /** What the paths in reports are relative to. */
  readonly cwd: string;

  constructor(cwd: string) {
    this.cwd = cwd;
  }

  /** The same disk with other texts in some of its files, by real path. */
  with(texts: ReadonlyMap<string, string>): Disk {
    return new ChangedDisk(this.cwd, this, texts);
  }

  /** A path as reports show it: relative to the working directory, with forward slashes. */
  display(path: string): string {
    return relative(this.cwd, path).split(sep).join('/') || '.';
  }

  /** A path with its links followed; undefined where nothing is. */
  real(path: string): string | undefined {
    return once(this.reals, path, () => unlessMissing(() => realpathSync(path)));
  }

  /** A text file's content; undefined for what is no readable UTF-8 text of sensible size. */
  read(path: string): string | undefined {
    return once(this.texts, path, () => {
      const entry = this.stat(path);
      if (entry?.kind !== 'file' || entry.size > MAX_FILE_BYTES) return undefined;
      const bytes = unlessMissing(() => readFileSync(path));
      const decoded = bytes && decode(bytes);
      return decoded && 'text' in decoded ? decoded.text : undefined;
    });
  }

  /** What a path is, links followed; undefined where nothing readable is. */
  stat(path: string): Entry | undefined {
    return once(this.stats, path, () => {
      const stats = unlessMissing(() => statSync(path));
      if (!stats) return undefined;
      return { kind: stats.isDirectory() ? 'directory' : 'file', mode: stats.mode & 0o7777, size: stats.size };
    });
  }

  /** The names in a directory, sorted; empty where there is none. */
  list(path: string): string[] {
    return once(this.lists, path, () => (this.stat(path)?.kind === 'directory' ? (unlessMissing(() => readdirSync(path).sort()) ?? []) : []));
  }

  /** Whether any of `names` lies in the directory. */
  hasAny(directory: string, names: readonly string[]): boolean {
    return names.some((name) => this.stat(join(directory, name)) !== undefined);
  }
}

class ChangedDisk extends Disk {
  private readonly under: Disk;
  private readonly changed: ReadonlyMap<string, string>;

  constructor(cwd: string, under: Disk, changed: ReadonlyMap<string, string>) {
    super(cwd);
    this.under = under;
    this.changed = changed;
  }

  override real(path: string): string | undefined {
    return this.under.real(path);
  }

  override read(path: string): string | undefined {
    return this.changed.get(this.real(path) ?? path) ?? this.under.read(path);
  }

  override stat(path: string): Entry | undefined {
    return this.under.stat(path);
  }

  override list(path: string): string[] {
    return this.under.list(path);
  }
}

export interface Entry {
  kind: 'file' | 'directory';
  /** Permission bits. */
  mode: number;
  /** Bytes. */
  size: number;
}

/** A Dockerfile or compose file above this is refused: none that a person wrote comes near it. */
export const MAX_FILE_BYTES = 1_048_576;

/** The text of a file's bytes, BOM kept, or why it is no text. */
export function decode(bytes: Uint8Array): { text: string } | { error: string } {
  if (bytes.length > MAX_FILE_BYTES) return { error: `the file is larger than ${MAX_FILE_BYTES} bytes; unroot reads no larger ones` };
  if (bytes.includes(0)) return { error: 'the file holds a NUL byte; it is no text' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { error: 'the file is not valid UTF-8; convert it first' };
  }
}

/** What is not there, or not for us to read, is out of sight like anything else that is. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']);

function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error && MISSING.has(String(error.code))) return undefined;
    throw error;
  }
}

function once<T>(cache: Map<string, T>, key: string, make: () => T): T {
  if (cache.has(key)) return cache.get(key)!;
  const value = make();
  cache.set(key, value);
  return value;
}
