import { dirname, join, relative, sep } from 'node:path';
import { isMap, lineOf, readYaml, YamlError } from './compose/yaml.ts';
import type { Disk } from './disk.ts';
import { pathGlobMatches } from './images/glob.ts';
import type { ImageEntry } from './images/types.ts';
import { mismatch, type Schema } from './schema.ts';
import { wholeSchema } from './settings.ts';
import { VERIFY_DEFAULTS, type VerifySettings } from './settings-verify.ts';

/** What a repository says of itself: `unroot.config.json`, `.yaml`, or `"unroot"` in package.json. */
export interface Config {
  /** Where it was found; globs and paths of Dockerfiles are relative to its directory. */
  directory: string;
  file: string;
  /** The account to run as: a name, `uid`, or `uid:gid`. */
  user?: string;
  /** Transforms to run, or to leave out. */
  only?: string[];
  skip?: string[];
  /** `unsafe`: apply unsafe fixes without being asked. */
  safety?: 'safe' | 'unsafe';
  /** Globs of files to leave; `**` crosses folders. */
  ignore: string[];
  /** Images that only you know. */
  images: ImageEntry[];
  /** Stages that somebody runs, by Dockerfile. */
  targets: Record<string, string[]>;
  /** Absolute paths that a target writes, by Dockerfile or `Dockerfile:stage`. */
  paths: Record<string, string[]>;
  /** Where ports below 1024 go, by port. */
  ports?: Record<string, number>;
  /** Whether services that are taken off root and still listen below 1024 get the sysctl that lets them. */
  sysctl?: boolean;
  /** `numeric`: scratch targets get a number and no account. */
  scratch?: 'account' | 'numeric';
  /** Whom services run as that have the source mounted over where they work: what `user:` says, variables of compose allowed. */
  development?: string;
  /** How targets are built and run to verify them. */
  verify: VerifySettings;
}

/** What is wrong with a configuration; the message begins with the file and the line. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const NAMES = ['unroot.config.json', 'unroot.config.yaml', 'unroot.config.yml'];

/** Finds the configuration that holds for a file: the nearest one at or above it. */
export class Configs {
  private readonly byDirectory = new Map<string, Config | undefined>();
  private readonly disk: Disk;
  private readonly schema: Schema;
  private readonly only: Config | undefined;

  /**
   * @param transforms their names, which `only` and `skip` take
   * @param file one configuration for everything, instead of looking for them
   * @throws ConfigError for a file that is wrong
   */
  constructor(disk: Disk, transforms: readonly string[], file?: string) {
    this.disk = disk;
    this.schema = wholeSchema(transforms);
    if (file === undefined) return;
    const text = disk.read(file);
    if (text === undefined) throw this.error(file, 'there is no such file that can be read; check --config');
    this.only = this.readText(file, text);
  }

  /** @throws ConfigError for one that is wrong */
  for(path: string): Config | undefined {
    return this.only ?? this.in(dirname(path));
  }

  private in(directory: string): Config | undefined {
    if (this.byDirectory.has(directory)) return this.byDirectory.get(directory);
    const parent = dirname(directory);
    const config = this.readIn(directory) ?? (parent === directory ? undefined : this.in(parent));
    this.byDirectory.set(directory, config);
    return config;
  }

  private readIn(directory: string): Config | undefined {
    for (const name of NAMES) {
      const path = join(directory, name);
      if (this.disk.stat(path)?.kind !== 'file') continue;
      const text = this.disk.read(path);
      if (text === undefined) throw this.error(path, 'it can not be read as UTF-8 text; mend or remove it');
      return this.readText(path, text);
    }
    const path = join(directory, 'package.json');
    const manifest = this.disk.read(path);
    return manifest?.includes('"unroot"') ? this.readText(path, manifest, 'unroot') : undefined;
  }

  /** @param key under which the settings stand; undefined where the whole file holds them */
  private readText(file: string, text: string, key?: string): Config | undefined {
    const whole = this.parse(file, text);
    const data = key === undefined ? (whole ?? {}) : isMap(whole) ? whole[key] : undefined;
    if (data === undefined) return undefined;
    const wrong = mismatch(data, this.schema);
    if (wrong) throw this.error(file, wrong.message, lineOf(text, key === undefined ? wrong.path : [key, ...wrong.path]));
    const settings = data as Partial<Config>;
    const images = ((settings.images ?? []) as Partial<ImageEntry>[]).map(completed);
    const verify = { ...VERIFY_DEFAULTS, ...settings.verify };
    return { ignore: [], targets: {}, paths: {}, ...settings, images, verify, directory: dirname(file), file };
  }

  /** JSON is YAML. */
  private parse(file: string, text: string): unknown {
    try {
      return readYaml(text)[0];
    } catch (error) {
      if (error instanceof YamlError) throw this.error(file, error.message, error.line);
      throw error;
    }
  }

  private error(file: string, message: string, line = 0): ConfigError {
    return new ConfigError(`${this.disk.display(file)}${line > 0 ? `:${line}` : ''}: ${message}`);
  }
}

/** Whether a configuration asks to leave a file. */
export function isIgnored(config: Config | undefined, path: string): boolean {
  if (!config) return false;
  const name = relative(config.directory, path).split(sep).join('/');
  return config.ignore.some((glob) => crossingMatches(glob, name) || name.startsWith(`${glob.replace(/\/$/, '')}/`));
}

/** `**` stands for any folders, `*` for a name. */
function crossingMatches(glob: string, name: string): boolean {
  if (!glob.includes('**')) return pathGlobMatches(glob, name);
  const source = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*\*\/?/g, '\u0000').replace(/\*/g, '[^/]*').replace(/\u0000/g, '(?:.*/)?');
  return new RegExp(`^${source.replace(/\(\?:\.\*\/\)\?$/, '.*')}$`).test(name);
}

/** What a configuration names for a Dockerfile, by its path or by path and stage. */
export function namedFor(config: Config | undefined, from: Record<string, string[]> | undefined, dockerfile: string, stage?: string): string[] {
  if (!config || !from) return [];
  const name = nameIn(config, dockerfile);
  return [...(from[name] ?? []), ...(stage === undefined ? [] : (from[`${name}:${stage}`] ?? []))];
}

/** How a configuration names a Dockerfile. */
export function nameIn({ directory }: Pick<Config, 'directory'>, dockerfile: string): string {
  return relative(directory, dockerfile).split(sep).join('/');
}

/** Whoever writes an entry vouches for it. */
function completed(entry: Partial<ImageEntry>): ImageEntry {
  return { id: entry.repos!.join(' '), action: entry.accounts ? 'use-existing' : 'create-user', drop: 'none', sources: ['configuration'], verified: true, ...entry } as ImageEntry;
}
