import { dirname, join, relative, sep } from 'node:path';
import { isMap, readYaml, YamlError } from './compose/yaml.ts';
import type { Disk } from './disk.ts';
import { pathGlobMatches } from './images/glob.ts';
import type { ImageEntry } from './images/types.ts';
import { nearest } from './nearest.ts';

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
  /** `numeric`: scratch targets get a number and no account. */
  scratch?: 'account' | 'numeric';
}

/** What is wrong with a configuration. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly file: string;
  /** From 1; 0 where it is the whole file. */
  readonly line: number;
  constructor(file: string, message: string, line = 0) {
    super(message);
    this.file = file;
    this.line = line;
  }
}

const NAMES = ['unroot.config.json', 'unroot.config.yaml', 'unroot.config.yml'];

/** Finds the configuration that holds for a file: the nearest one at or above it. */
export class Configs {
  private readonly byDirectory = new Map<string, Config | undefined>();
  private readonly disk: Disk;
  private readonly only: Config | undefined;

  /** @param file one configuration for everything, instead of looking for them */
  constructor(disk: Disk, file?: string) {
    this.disk = disk;
    if (file === undefined) return;
    const text = disk.read(file);
    if (text === undefined) throw new ConfigError(file, 'there is no such file; check --config');
    this.only = readConfig(file, text);
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
      const text = this.disk.read(join(directory, name));
      if (text !== undefined) return readConfig(join(directory, name), text);
    }
    const manifest = this.disk.read(join(directory, 'package.json'));
    if (!manifest?.includes('"unroot"')) return undefined;
    const data = parse(join(directory, 'package.json'), manifest);
    return isMap(data) && isMap(data.unroot) ? checked(join(directory, 'package.json'), data.unroot) : undefined;
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
  const name = relative(config.directory, dockerfile).split(sep).join('/');
  return [...(from[name] ?? []), ...(stage === undefined ? [] : (from[`${name}:${stage}`] ?? []))];
}

function readConfig(file: string, text: string): Config {
  const data = parse(file, text);
  if (data === undefined || data === null) return checked(file, {});
  if (!isMap(data)) throw new ConfigError(file, 'a configuration is a map of settings');
  return checked(file, data);
}

/** JSON is YAML. */
function parse(file: string, text: string): unknown {
  try {
    return readYaml(text)[0];
  } catch (error) {
    if (error instanceof YamlError) throw new ConfigError(file, error.message, error.line);
    throw error;
  }
}

type Check = (value: unknown) => string | undefined;

const isText: Check = (value) => (typeof value === 'string' ? undefined : 'takes a text');
const isTexts: Check = (value) => (Array.isArray(value) && value.every((item) => typeof item === 'string') ? undefined : 'takes a list of texts');
const isOneOf = (...words: string[]): Check => (value) => (words.includes(value as string) ? undefined : `takes ${words.join(' or ')}`);
const isListsByName: Check = (value) => (isMap(value) && Object.values(value).every((list) => isTexts(list) === undefined) ? undefined : 'takes lists of texts by name');
const isImages: Check = (value) => (Array.isArray(value) && value.every(isImage) ? undefined : 'takes a list of images, each with repos, family, user and start');

const SETTINGS: Record<string, Check> = {
  $schema: isText,
  user: isText,
  only: isTexts,
  skip: isTexts,
  safety: isOneOf('safe', 'unsafe'),
  ignore: isTexts,
  images: isImages,
  targets: isListsByName,
  paths: isListsByName,
  scratch: isOneOf('account', 'numeric'),
};

function isImage(value: unknown): boolean {
  return isMap(value) && isTexts(value.repos) === undefined && typeof value.family === 'string' && (typeof value.user === 'string' || isMap(value.user)) && typeof value.start === 'string';
}

function checked(file: string, data: Record<string, unknown>): Config {
  for (const [name, value] of Object.entries(data)) {
    const check = SETTINGS[name];
    if (!check) throw new ConfigError(file, noSetting(name));
    const wrong = check(value);
    if (wrong) throw new ConfigError(file, `${name} ${wrong}`);
  }
  const images = ((data.images ?? []) as Partial<ImageEntry>[]).map(completed);
  return { ignore: [], targets: {}, paths: {}, ...(data as Partial<Config>), images, directory: dirname(file), file };
}

function noSetting(name: string): string {
  const names = Object.keys(SETTINGS).slice(1);
  const meant = nearest(name, names);
  return `there is no setting ${name}; ${meant ? `did you mean ${meant}?` : `there are ${names.join(', ')}`}`;
}

/** Whoever writes an entry vouches for it. */
function completed(entry: Partial<ImageEntry>): ImageEntry {
  return { id: entry.repos!.join(' '), action: entry.accounts ? 'use-existing' : 'create-user', drop: 'none', sources: ['configuration'], verified: true, ...entry } as ImageEntry;
}
