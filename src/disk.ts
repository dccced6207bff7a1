import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/**
 * What unroot may ask of the file system while it decides. Answers are kept, so that a run is of one
 * piece. Texts that a phase has changed and nobody has written yet lie over it. What lies outside the
 * folders it is `within` is not there: a compose file that mounts `/etc` or `../../other` says nothing
 * about this machine, and the answer must be the same on every machine.
 */
export class Disk {
  private readonly texts = new Map<string, string | undefined>();
  private readonly stats = new Map<string, Entry | undefined>();
  private readonly lists = new Map<string, string[]>();
  private readonly reals = new Map<string, string | undefined>();
  /** What the paths in reports are relative to. */
  readonly cwd: string;
  /** Absolute; undefined for everywhere. */
  private readonly within: readonly string[] | undefined;

  constructor(cwd: string, within?: readonly string[]) {
    this.cwd = cwd;
    this.within = within;
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
      if (entry?.kind !== 'file' || entry.size > MAX_FILE_BYTES || this.leadsOut(path)) return undefined;
      const bytes = unlessMissing(() => readFileSync(path));
      const decoded = bytes && decode(bytes);
      return decoded && 'text' in decoded ? decoded.text : undefined;
    });
  }

  /** What a path is, links followed; undefined where nothing readable is. */
  stat(path: string): Entry | undefined {
    return once(this.stats, path, () => {
      if (!isWithin(path, this.within)) return undefined;
      const stats = unlessMissing(() => statSync(path, { throwIfNoEntry: false }));
      if (!stats) return undefined;
      return { kind: stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other', mode: stats.mode & 0o7777, size: stats.size };
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

  /** Whether a path inside is a link to what lies outside. */
  private leadsOut(path: string): boolean {
    const real = this.real(path);
    return real === undefined || (real !== path && !isWithin(real, this.within?.map((folder) => this.real(folder) ?? folder)));
  }
}

function isWithin(path: string, folders: readonly string[] | undefined): boolean {
  return folders === undefined || folders.some((folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
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
  /** `other` is a socket, a pipe or a device: nothing that is read. */
  kind: 'file' | 'directory' | 'other';
  /** Permission bits. */
  mode: number;
  /** Bytes. */
  size: number;
}

/** A Dockerfile or compose file above this is refused: none that a person wrote comes near it. */
export const MAX_FILE_BYTES = 1_048_576;

export const TOO_LARGE = `the file is larger than ${MAX_FILE_BYTES} bytes; unroot reads no larger ones`;

/** Why bytes are no text that unroot works on. */
export interface Undecodable {
  error: string;
  /** From 1; 0 where it is the whole file. */
  line: number;
}

/** The text of a file's bytes, BOM kept, or why it is no text. */
export function decode(bytes: Uint8Array): { text: string } | Undecodable {
  if (bytes.length > MAX_FILE_BYTES) return { error: TOO_LARGE, line: 0 };
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return { error: 'the file is UTF-16, which no builder reads; convert it to UTF-8', line: 1 };
  const nul = bytes.indexOf(0);
  if (nul >= 0) return { error: 'the file holds a NUL byte, so it is no text; remove it', line: lineAt(bytes, nul) };
  try {
    return { text: UTF_8.decode(bytes) };
  } catch {
    return { error: 'the file is not valid UTF-8; convert it first', line: firstBadLine(bytes) };
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NEWLINE = 0x0a;

function lineAt(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line += 1;
  return line;
}

/** No character of UTF-8 but the newline itself holds its byte, so lines can be tried one by one. */
function firstBadLine(bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    try {
      UTF_8.decode(bytes.subarray(start, newline < 0 ? bytes.length : newline));
    } catch {
      return line;
    }
    if (newline < 0) return 0;
    start = newline + 1;
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
