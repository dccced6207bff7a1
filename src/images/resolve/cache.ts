import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Probe } from './engine.ts';

const DAY = 24 * 60 * 60 * 1000;
const MAX_ENTRIES = 500;
/** Of what is kept: another number, another form. */
const VERSION = 1;

interface Kept {
  /** When it was asked, in milliseconds since 1970. */
  at: number;
  probe: Probe;
}

/** Where answers are kept: `$XDG_CACHE_HOME/unroot/images.json`, else under `~/.cache`. */
export function cacheFile(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'unroot', 'images.json');
}

/**
 * What engines said earlier. A key with a digest holds for ever, another for a day. A cache that can't
 * be read or written is none: then the engine is asked again.
 */
export class Cache {
  private readonly file: string;
  private readonly kept: Map<string, Kept>;
  private changed = false;

  constructor(file: string) {
    this.file = file;
    this.kept = read(file);
  }

  get(key: string, now = Date.now()): Probe | undefined {
    const found = this.kept.get(key);
    return found && (isFixed(key) || now - found.at < DAY) ? found.probe : undefined;
  }

  set(key: string, probe: Probe, now = Date.now()): void {
    this.kept.set(key, { at: now, probe });
    this.changed = true;
  }

  /** Writes what is new, the oldest left out where there is too much. Another run sees the old file or the new one. */
  save(): void {
    if (!this.changed) return;
    const newest = [...this.kept].sort(([, one], [, other]) => other.at - one.at).slice(0, MAX_ENTRIES);
    const temporary = `${this.file}.${process.pid}`;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      writeFileSync(temporary, `${JSON.stringify({ version: VERSION, images: Object.fromEntries(newest) })}\n`, { mode: 0o600 });
      renameSync(temporary, this.file);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
}

function isFixed(key: string): boolean {
  return /(^|@)sha256:[0-9a-f]{64}$/.test(key);
}

function read(file: string): Map<string, Kept> {
  try {
    const data = JSON.parse(readFileSync(file, 'utf8')) as { version?: number; images?: Record<string, Kept> };
    return new Map(data.version === VERSION ? Object.entries(data.images ?? {}) : []);
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return new Map();
    throw error;
  }
}
