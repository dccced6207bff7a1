import { basename, dirname, join, resolve } from 'node:path';
import { type ComposeFile, readComposeFile, type ServiceSource } from './file.ts';
import { type Found, keyIn, type Layer, Layers, textOf } from './layers.ts';
import { type Service, serviceOf } from './read.ts';
import { readEnvFile, type Variables } from './variables.ts';
import { lineAt, YamlError, type YamlMap } from './yaml.ts';

/** A service of one file, read together with what it extends and what it is laid over. */
export interface ComposeService {
  service: Service;
  file: ComposeFile;
  /** Of the file, as reports name it. */
  path: string;
  source: ServiceSource;
  /** What paths of the file are relative to. */
  directory: string;
  stack: Stack;
  /** What compose is started with: the file that includes this one, else its own. */
  entry: ComposeFile;
  /** The service of another file over which this one is laid: `compose.override.yaml` over `compose.yaml`, or a fragment over its namesake. */
  base: ComposeService | undefined;
  /** Services of other files that are laid over this one; what is changed here must be right with each of them too. */
  overlays: ComposeService[];
  /** What could not be followed: an extended file that is not there, a service that it lacks. */
  unresolved: Unresolved[];
}

/** Something that compose would look up and that is not in sight. */
export interface Unresolved {
  message: string;
  /** In the service's file, from 1. */
  line: number;
}

/** Files that compose reads together, by default names, `include`, `extends`, or as fragments. */
export interface Stack {
  files: ComposeFile[];
  services: ComposeService[];
}

/** What is wrong, or to be known, at a place in one file. */
export interface StackError {
  file: ComposeFile;
  line: number;
  message: string;
}

/**
 * The services of compose files: each with what it extends, and for files that are laid over others with those.
 * @param read the text of a file beside the given ones; undefined where there is none
 * @returns the services in the order of the files; errors for circles in `extends` and `include`, whose files have no
 * services; what is included and not in sight
 */
export function readStacks(files: readonly ComposeFile[], read: (path: string) => string | undefined): ReadStacks {
  const resolver = new Resolver(files, read);
  const whole = files.map((file) => resolver.alone(file));
  const failed = new Set(resolver.errors.map(({ file }) => file));
  const services = whole.flatMap((alone) => alone.flatMap((one) => (failed.has(one.file) ? [] : resolver.laidOver(one))));
  // The views are made when all layers are known: only then is it known who extends whom.
  for (const one of services) {
    one.service = serviceOf(one.source.name, one.service.layers);
    one.stack = resolver.stackOf(one.file);
    one.stack.services.push(one);
  }
  return { services, errors: resolver.errors, unseen: resolver.unseen };
}

export interface ReadStacks {
  services: ComposeService[];
  errors: StackError[];
  unseen: StackError[];
}

/** The files that a compose file includes, absolute, whether they are there or not. */
export function includedBy(file: ComposeFile, read: (path: string) => string | undefined): string[] {
  const directory = dirname(file.absolute);
  return includesOf(file, variablesOf(directory, read)).flatMap(({ path }) => (isLocal(path) ? [resolve(directory, path)] : []));
}

function isLocal(path: string): boolean {
  return !/^(\w+:\/\/|oci:|git@)|\$/.test(path);
}

const MAX_EXTENDS = 50;

class Resolver {
  readonly errors: StackError[] = [];
  /** What is included and not in sight. */
  readonly unseen: StackError[] = [];
  private readonly read: (path: string) => string | undefined;
  private readonly byPath: Map<string, ComposeFile>;
  private readonly byDirectory = new Map<string, ComposeFile[]>();
  private readonly stacks = new Map<ComposeFile, Stack>();
  private readonly byFile = new Map<ComposeFile, ComposeService[]>();
  private readonly extendedBy = new Map<string, string[]>();
  private readonly extending = new Map<ServiceSource, Found | undefined>();
  private readonly variables = new Map<string, Variables>();
  /** By an included file, who includes it. */
  private readonly includedFrom = new Map<ComposeFile, ComposeFile>();
  /** Of files that are included with an `env_file`. */
  private readonly told = new Map<string, Variables>();
  private readonly outside = new Map<string, ComposeFile | undefined>();

  constructor(files: readonly ComposeFile[], read: (path: string) => string | undefined) {
    this.read = read;
    this.byPath = new Map(files.map((file) => [file.absolute, file]));
    for (const file of files) {
      const directory = dirname(file.absolute);
      this.byDirectory.set(directory, [...(this.byDirectory.get(directory) ?? []), file]);
      this.stacks.set(file, { files: [file], services: [] });
    }
    for (const file of files) this.include(file);
    for (const file of files) if (file.directory === dirname(file.absolute)) file.directory = this.projectDirectory(file);
  }

  /** The services of a file with what they extend. */
  alone(file: ComposeFile): ComposeService[] {
    const services = [...file.services.values()].map((source): ComposeService => {
      const unresolved: Unresolved[] = [];
      const service = { layers: new Layers(this.layersOf(file, source, [], unresolved)) } as Service;
      return { service, file, path: file.path ?? file.absolute, source, directory: file.directory, stack: this.stacks.get(file)!, entry: this.entryOf(file), base: undefined, overlays: [], unresolved };
    });
    this.byFile.set(file, services);
    return services;
  }

  /** The outermost file that includes a file: the first that does, where several do. */
  private entryOf(file: ComposeFile): ComposeFile {
    const trail = new Set([file]);
    let entry = file;
    for (let above = this.includedFrom.get(file); above && !trail.has(above); above = this.includedFrom.get(above)) {
      trail.add(above);
      entry = above;
    }
    return entry;
  }

  stackOf(file: ComposeFile): Stack {
    return this.stacks.get(file)!;
  }

  /** A service over each of those that it is laid over; as it is where there are none. */
  laidOver(alone: ComposeService): ComposeService[] {
    const bases = this.basesOf(alone);
    for (const { file } of bases) this.join(alone.file, file);
    if (bases.length === 0) return [alone];
    return bases.map((base) => {
      const below = base.service.layers.layers.map((layer): Layer => ({ ...layer, way: 'override' }));
      const made: ComposeService = { ...alone, service: { layers: new Layers([...below, ...alone.service.layers.layers]) } as Service, base };
      base.overlays.push(made);
      return made;
    });
  }

  /** What a service extends, then what it says itself. */
  private layersOf(file: ComposeFile, source: ServiceSource, trail: string[], unresolved: Unresolved[]): Layer[] {
    const { name, maps } = source;
    const key = `${file.absolute}\n${name}`;
    const extendedBy = this.extendedBy.get(key) ?? [];
    this.extendedBy.set(key, extendedBy);
    const variables = this.variablesOf(file);
    const viewer = trail[0]?.split('\n')[1] ?? name;
    const own = maps.map((reached): Layer => ({ ...layerOf(file, name, reached, variables), viewer, way: trail.length === 0 ? 'own' : 'extends', extendedBy }));
    if (trail.length > 0) extendedBy.push(viewer);
    if (!this.extending.has(source)) this.extending.set(source, new Layers(own).get('extends'));
    const found = this.extending.get(source);
    // Nothing is done with a file that has failed.
    if (!found || this.errors.some((one) => one.file === file)) return own;
    if (trail.length >= MAX_EXTENDS) {
      this.fail(file, found, `extends is nested more than ${MAX_EXTENDS} deep; write the settings out`);
      return own;
    }
    if (trail.includes(key)) {
      this.fail(file, found, `${name} extends itself, by way of ${trail.length === 1 ? 'itself' : trail.map((one) => one.split('\n')[1]).join(', ')}; break the circle`);
      return own;
    }
    return [...this.extended(file, found, [...trail, key], unresolved), ...own];
  }

  private extended(file: ComposeFile, found: Found, trail: string[], unresolved: Unresolved[]): Layer[] {
    const name = textOf(found) ?? textOf(keyIn(found, 'service'));
    const written = textOf(keyIn(found, 'file'));
    const other = written === undefined ? file : isLocal(written) ? this.fileAt(resolve(dirname(file.absolute), written)) : undefined;
    const source = name === undefined ? undefined : other?.services.get(name);
    if (!other || !source) {
      const line = lineAt(found.place.file.text, found.place.start);
      unresolved.push({ line, message: other ? `extends ${name ?? 'nothing'}, which ${written ?? 'the file'} does not have` : `extends ${name ?? ''} of ${written}, which is not in sight` });
      return [];
    }
    if (other !== file && this.stacks.has(other)) this.join(file, other);
    const layers = this.layersOf(other, source, trail, unresolved);
    if (other !== file && this.errors.some((one) => one.file === other)) unresolved.push({ line: lineAt(found.place.file.text, found.place.start), message: `extends ${name} of ${written}, which could not be read in full` });
    return layers;
  }

  /** The services of the same name that compose lays this one over. */
  private basesOf({ file, source, service }: ComposeService): ComposeService[] {
    const beside = this.byDirectory.get(dirname(file.absolute))!;
    const byDefault = defaultBase(beside);
    const isWhole = isComplete(service.layers);
    if (file === byDefault || (isWhole && !(isOverride(file) && byDefault))) return [];
    const others = isWhole ? [byDefault!] : beside.filter((other) => other !== file);
    const candidates = [...new Set(others.flatMap((other) => [other, ...this.included(other, new Set([file]))]))];
    const bases = candidates.flatMap((other) => this.byFile.get(other)?.find((one) => one.source.name === source.name && isComplete(one.service.layers)) ?? []);
    return bases.some((base) => base.file === byDefault) ? bases.filter((base) => base.file === byDefault) : bases;
  }

  private include(file: ComposeFile): void {
    for (const one of includesOf(file, this.variablesOf(file))) {
      const other = isLocal(one.path) ? this.fileAt(resolve(dirname(file.absolute), one.path)) : undefined;
      if (!other) {
        this.unseen.push({ file, line: lineAt(file.text, one.found.place.start), message: `includes ${one.path}, which is not there to be read: what runs by it is not judged` });
        continue;
      }
      if (this.includes(other, file, new Set())) this.fail(file, one.found, `include leads back to this file by way of ${one.path}; break the circle`);
      else if (this.stacks.has(other)) {
        this.join(file, other);
        if (!this.includedFrom.has(other)) this.includedFrom.set(other, file);
        if (one.directory !== undefined) other.directory = resolve(dirname(file.absolute), one.directory);
        if (one.envFiles.length > 0) this.told.set(other.absolute, this.variablesIn(file, one.envFiles));
      }
    }
  }

  /**
   * Where a file is used from that names what it builds as seen from further up: with `-f` behind another file, or
   * `--project-directory`. Its own directory where that has what it builds, or nothing above does.
   */
  private projectDirectory(file: ComposeFile): string {
    const own = dirname(file.absolute);
    const built = [...file.services.values()].flatMap(({ name, maps }): string[] => {
      const build = new Layers(maps.map((reached) => layerOf(file, name, reached, new Map())));
      const inner = build.within('build');
      const found = build.get('build');
      const context = textOf(found) ?? textOf(inner.get('context'));
      const dockerfile = textOf(inner.get('dockerfile'));
      // One that only adds to what another file says names no place.
      if (inner.has('dockerfile_inline') || (context === undefined && dockerfile === undefined)) return [];
      const path = join(context ?? '.', dockerfile ?? 'Dockerfile');
      return isLocal(path) ? [path] : [];
    });
    if (built.length === 0 || built.some((path) => path.startsWith('/') || this.read(resolve(own, path)) !== undefined)) return own;
    const above = [1, 2, 3].map((steps) => resolve(own, ...Array<string>(steps).fill('..')));
    return above.find((directory) => built.every((path) => this.read(resolve(directory, path)) !== undefined)) ?? own;
  }

  /** The files of the run that a file includes, and those that these do. */
  private included(file: ComposeFile, seen: Set<ComposeFile>): ComposeFile[] {
    return includesOf(file, this.variablesOf(file)).flatMap(({ path }) => {
      const other = isLocal(path) ? this.byPath.get(resolve(dirname(file.absolute), path)) : undefined;
      if (!other || seen.has(other)) return [];
      seen.add(other);
      return [other, ...this.included(other, seen)];
    });
  }

  private includes(from: ComposeFile, wanted: ComposeFile, seen: Set<ComposeFile>): boolean {
    if (from === wanted) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return includesOf(from, this.variablesOf(from)).some(({ path }) => {
      const other = isLocal(path) ? this.fileAt(resolve(dirname(from.absolute), path)) : undefined;
      return other !== undefined && this.includes(other, wanted, seen);
    });
  }

  private join(one: ComposeFile, other: ComposeFile): void {
    const [kept, moved] = [this.stacks.get(other)!, this.stacks.get(one)!];
    if (kept === moved) return;
    kept.files.push(...moved.files);
    for (const file of moved.files) this.stacks.set(file, kept);
  }

  /** A file of the run, else one that only lies there. */
  private fileAt(absolute: string): ComposeFile | undefined {
    const given = this.byPath.get(absolute);
    if (given || this.outside.has(absolute)) return given ?? this.outside.get(absolute);
    const text = this.read(absolute);
    let file: ComposeFile | undefined;
    try {
      file = text === undefined ? undefined : readComposeFile(undefined, absolute, text);
    } catch (error) {
      if (!(error instanceof YamlError)) throw error; // as good as missing: whoever extends it says so
    }
    this.outside.set(absolute, file);
    return file;
  }

  private variablesOf({ absolute }: ComposeFile): Variables {
    const directory = dirname(absolute);
    const known = this.told.get(absolute) ?? this.variables.get(directory);
    if (known) return known;
    const own = variablesOf(directory, this.read);
    this.variables.set(directory, own);
    return own;
  }

  /** What an `env_file` of an include says; what the including project says counts before it (docs.docker.com, Compose file reference, include). */
  private variablesIn(file: ComposeFile, paths: readonly string[]): Variables {
    const texts = paths.map((path) => this.read(resolve(dirname(file.absolute), path)) ?? '');
    return new Map([...texts.flatMap((text) => [...readEnvFile(text)]), ...this.variablesOf(file)]);
  }

  private fail(file: ComposeFile, found: Found, message: string): void {
    // One line a file: whoever breaks a circle breaks it for all who are in it.
    if (!this.errors.some((one) => one.file === file)) this.errors.push({ file, line: lineAt(found.place.file.text, found.place.start), message });
  }
}

function layerOf(file: ComposeFile, service: string, reached: Layer['reached'], variables: Variables): Layer {
  return { file, service, viewer: service, reached, way: 'own', variables, extendedBy: [] };
}

function isComplete(layers: Layers): boolean {
  return layers.has('image') || layers.has('build');
}

const DEFAULTS = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** The file that compose takes by itself. */
function defaultBase(files: readonly ComposeFile[]): ComposeFile | undefined {
  return DEFAULTS.flatMap((name) => files.find(({ absolute }) => basename(absolute) === name) ?? [])[0];
}

/** Whether compose lays a file over the default one by itself. */
function isOverride({ absolute }: ComposeFile): boolean {
  return /^(docker-)?compose\.override\.ya?ml$/.test(basename(absolute));
}

function variablesOf(directory: string, read: (path: string) => string | undefined): Variables {
  const text = read(resolve(directory, '.env'));
  return text === undefined ? new Map() : readEnvFile(text);
}

interface Include {
  path: string;
  /** What its paths are relative to, seen from the file that includes it; undefined where that is its own directory. */
  directory: string | undefined;
  envFiles: string[];
  found: Found;
}

function includesOf(file: ComposeFile, variables: Variables): Include[] {
  return file.documents.flatMap((node: YamlMap) => {
    const root = new Layers([layerOf(file, '', { node, via: 'own', anchors: [] }, variables)]);
    return root.items('include').flatMap((item) => {
      const directory = textOf(keyIn(item, 'project_directory'));
      const envFiles = textsOf(keyIn(item, 'env_file'));
      return [...textsOf(item), ...textsOf(keyIn(item, 'path'))].map((path) => ({ path, directory, envFiles, found: item }));
    });
  });
}

/** One text, or a list of them. */
function textsOf(found: Found | undefined): string[] {
  if (found?.node.kind === 'list') return found.node.items.flatMap((one) => (one.kind === 'scalar' ? [one.value] : []));
  const text = textOf(found);
  return text === undefined ? [] : [text];
}

/** What the top level of a stack declares: a volume, secret, config or network. */
export function declared(stack: Stack, kind: 'volumes' | 'secrets' | 'configs' | 'networks', name: string): Layers | undefined {
  const layers = stack.files.flatMap((file) =>
    file.documents.flatMap((node): Layer[] => {
      const root = new Layers([layerOf(file, '', { node, via: 'own', anchors: [] }, new Map())]);
      return [...root.within(kind).within(name).layers];
    }),
  );
  return layers.length === 0 ? undefined : new Layers(layers);
}
