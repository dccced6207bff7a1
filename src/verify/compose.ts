/** The only door to the engine's `compose`: a project as Compose understands it, made fit to be run beside others. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { VERIFY_DEFAULTS } from '../settings-verify.ts';
import { buildImage, type BuildSecrets, type Image, nameImage, readyImage } from './build.ts';
import { Container, copied, fill, HEALTH, isChecked, makeVolume, PLAIN, type RunSettings } from './container.ts';
import { type Engine, EngineError } from './engine.ts';
import type { Tracing } from './strace.ts';

/** A tree with compose files in it. */
export interface ComposeTree {
  /** The folder. It is read and never written. */
  directory: string;
  /** What mounts may come from; the folder itself by default. */
  root?: string | undefined;
  /** Compose files relative to it, the later over the earlier; what Compose finds by itself where there are none. */
  files?: readonly string[] | undefined;
  profiles?: readonly string[] | undefined;
  /** Variables for `${…}`, before those of this process and of `.env`. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Images that stand in for others, by reference as written in a Dockerfile or compose file. */
  bases?: Readonly<Record<string, string>> | undefined;
  /** Build arguments and secrets, over those of the files. */
  args?: Readonly<Record<string, string>> | undefined;
  secrets?: BuildSecrets | undefined;
  /** What RUN steps reach. */
  buildNetwork?: 'default' | 'none' | 'host' | undefined;
  /** After how long a build is given up. */
  buildSeconds?: number | undefined;
}

/** What Compose makes of a project (`config --format json`), as far as we touch it. Texts have `$` written as `$$`. */
interface Model {
  name: string;
  services: Record<string, ServiceModel>;
  networks?: Record<string, Named | null>;
  volumes?: Record<string, Named | null>;
  secrets?: Record<string, { file?: string; environment?: string } | null>;
}

interface Named {
  name?: string;
  external?: boolean;
  labels?: Record<string, string>;
  driver?: string;
  driver_opts?: Record<string, string>;
}

interface ServiceModel {
  image?: string;
  build?: { context?: string; dockerfile?: string; dockerfile_inline?: string; args?: Record<string, string | null>; target?: string; secrets?: { source: string; target?: string }[]; additional_contexts?: Record<string, string> };
  user?: string;
  entrypoint?: string[] | null;
  command?: string[] | null;
  environment?: Record<string, string | null>;
  ports?: { target: number; published?: string; host_ip?: string; protocol?: string; mode?: string }[];
  volumes?: { type: string; source?: string; target: string; read_only?: boolean; volume?: { nocopy?: boolean }; bind?: object }[];
  tmpfs?: string | string[];
  healthcheck?: { test?: string[] | string | null; disable?: boolean; interval?: string; start_period?: string; retries?: number } | null;
  labels?: Record<string, string>;
  cap_drop?: string[];
  security_opt?: string[];
  sysctls?: Record<string, string>;
  network_mode?: string;
  [key: string]: unknown;
}

/** A service of a project, ready to run. */
export interface StackService {
  image: Image;
  /** As its file says, for those who look into its container. */
  settings: RunSettings;
  /** TCP ports of the container by the port of the host that the file gives them; those without one are left out. */
  published: ReadonlyMap<number, number>;
  /** UDP ports, likewise. */
  publishedUdp: ReadonlyMap<number, number>;
}

/** A project whose images are there. It can be run several times, each time as a project of its own. */
export class Stack {
  readonly services: ReadonlyMap<string, StackService>;
  /** What of the files is not made, for people to know. */
  readonly notes: string[];
  private readonly engine: Engine;
  private readonly tree: ComposeTree;
  private readonly model: Model;

  private constructor(engine: Engine, tree: ComposeTree, model: Model, services: ReadonlyMap<string, StackService>, notes: string[]) {
    this.engine = engine;
    this.tree = tree;
    this.model = model;
    this.services = services;
    this.notes = notes;
  }

  /** Reads the files of a tree and builds or fetches its images. @throws EngineError where Compose can't read them, or an image can't be had */
  static async read(engine: Engine, tree: ComposeTree): Promise<Stack> {
    const given = (tree.files ?? []).flatMap((file) => ['--file', resolve(tree.directory, file)]);
    const profiles = (tree.profiles ?? []).flatMap((name) => ['--profile', name]);
    const text = await engine.call(['compose', '--project-directory', tree.directory, ...given, ...profiles, 'config', '--format', 'json'], { cwd: tree.directory, env: tree.env });
    const model = JSON.parse(text) as Model;
    const notes: string[] = [];
    const services = new Map<string, StackService>();
    const built = new Map<string, BuiltService>();
    for (const [name, service] of Object.entries(model.services)) if (service.build) built.set(service.image ?? name, await buildService(engine, tree, service, model.secrets));
    for (const [name, service] of Object.entries(model.services)) {
      const own = built.get(service.image ?? name);
      const bases = { ...tree.bases };
      const image = own?.image ?? (await readyImage(engine, { image: service.image!, bases }));
      service.image = own?.name ?? bases[service.image!] ?? service.image!;
      delete service.build;
      services.set(name, { image, settings: settingsOf(service), published: publishedBy(service, 'tcp'), publishedUdp: publishedBy(service, 'udp') });
    }
    return new Stack(engine, tree, model, services, notes);
  }

  /** A run of it. @param adapt changes to services, by name */
  async prepare(adapt: ReadonlyMap<string, Adapted> = new Map(), project = newProject(this.engine)): Promise<StackRun> {
    const model = structuredClone(this.model);
    model.name = project;
    const binds = new Map<string, string>();
    const labels = { [this.engine.label.name]: this.engine.label.value };
    for (const [name, service] of Object.entries(model.services)) {
      Object.assign(service, { restart: 'no', pull_policy: 'never', mem_limit: '2g', pids_limit: 2048, labels: { ...service.labels, ...labels } });
      for (const key of ['container_name', 'deploy', 'scale', 'develop']) delete service[key];
      if (service.ports) service.ports = service.ports.map(({ target, protocol }) => ({ target, protocol: protocol ?? 'tcp', mode: 'host', host_ip: '127.0.0.1' }));
      const { image, settings } = this.services.get(name)!;
      if (isChecked(image, settings)) service.healthcheck = { ...service.healthcheck, interval: HEALTH.interval, start_period: HEALTH.startPeriod, retries: HEALTH.retries };
      service.volumes = await this.mounts(service, image, binds);
      const { strict = false, traced } = adapt.get(name) ?? {};
      if (strict) makeStrict(service);
      if (traced) {
        service.entrypoint = traced.settings.entrypoint!.map(escaped);
        service.command = [];
        service.volumes.push(...traced.mounts.map(({ source, target, readOnly }) => ({ type: 'bind', source, target, read_only: readOnly })));
      }
    }
    model.networks = Object.fromEntries(Object.entries(model.networks ?? {}).map(([name, one]) => [name, { labels, driver_opts: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' }, ...only(one, ['internal', 'ipam', 'enable_ipv6']) }]));
    model.volumes = { ...Object.fromEntries(Object.keys(model.volumes ?? {}).map((name) => [name, { labels }])), ...Object.fromEntries([...binds.values()].map((name) => [name, { name, external: true }])) };
    const file = join(this.engine.folder, `${project}-${(serial += 1)}.json`);
    writeFileSync(file, JSON.stringify(model));
    return new StackRun(this.engine, this, project, file, this.tree.directory);
  }

  /** A bind mount becomes a copy, so that nothing is written outside; what lies outside the tree is left out. */
  private async mounts({ volumes = [] }: ServiceModel, image: Image, binds: Map<string, string>): Promise<NonNullable<ServiceModel['volumes']>> {
    const made = [];
    for (const volume of volumes) {
      if (volume.type !== 'bind') {
        made.push(volume);
        continue;
      }
      const source = volume.source!.replaceAll('$$', '$');
      const way = relative(this.tree.root ?? this.tree.directory, source);
      const stats = statSync(source, { throwIfNoEntry: false });
      const isOutside = way.startsWith('..') || isAbsolute(way);
      const note = `${source} lies outside the tree: the mount at ${volume.target} is left out`;
      if (isOutside && !this.notes.includes(note)) this.notes.push(note);
      if (isOutside) continue;
      if (stats?.isFile()) {
        made.push({ ...volume, source: copied(this.engine, source) });
        continue;
      }
      const name = binds.get(source) ?? (await makeVolume(this.engine));
      if (!binds.has(source)) await fill(this.engine, image, name, source);
      binds.set(source, name);
      made.push({ type: 'volume', source: name, target: volume.target, read_only: volume.read_only ?? false, volume: { nocopy: true } });
    }
    return made;
  }
}

/** What is other in a run than the files say. */
export interface Adapted {
  /** As a locked-down cluster runs it. */
  strict?: boolean;
  traced?: Tracing;
}

/** A project of the engine's: made, started, and taken away. */
export class StackRun {
  readonly stack: Stack;
  readonly project: string;
  private readonly engine: Engine;
  private readonly file: string;
  private readonly directory: string;

  constructor(engine: Engine, stack: Stack, project: string, file: string, directory: string) {
    this.engine = engine;
    this.stack = stack;
    this.project = project;
    this.file = file;
    this.directory = directory;
  }

  private get filter(): string {
    return `label=com.docker.compose.project=${this.project}`;
  }

  /** What `compose` prints. @param args a command of it with its options; `timeout` in milliseconds */
  async compose(args: readonly string[], timeout?: number): Promise<string> {
    return this.engine.call(['compose', '--project-name', this.project, '--project-directory', this.directory, '--file', this.file, ...args], { ...(timeout === undefined ? {} : { timeout }), long: true });
  }

  /** Makes its containers and starts none. @returns them by service */
  async create(): Promise<Map<string, Container>> {
    await this.compose(['up', '--no-start', '--no-build']);
    const listed = await this.engine.call(['ps', '--all', '--no-trunc', '--filter', this.filter, '--format', '{{.ID}} {{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.oneoff"}}']);
    const rows = listed.split('\n').map((line) => line.split(' ')).filter(([, name, oneoff]) => name && oneoff !== 'True');
    // Always in the same order: one is asked after the other, and an answer may rest on what another was asked.
    return new Map(
      [...this.stack.services].flatMap(([name, { image, settings }]) => {
        const id = rows.find(([, service]) => service === name)?.[0];
        return id === undefined ? [] : [[name, Container.attach(this.engine, id, image, settings, { name: `${this.project}_default`, reach: 'address' })] as const];
      }),
    );
  }

  /**
   * Starts all in the order that they depend on each other.
   * @returns what Compose says where that fails; some may have started nevertheless
   */
  async start(timeout: number): Promise<string | undefined> {
    try {
      await this.compose(['up', '--detach', '--no-recreate', '--no-build'], timeout);
      return undefined;
    } catch (error) {
      if (error instanceof EngineError) return error.message;
      throw error;
    }
  }

  /** Takes its containers and networks away, and its volumes unless they are to be kept. */
  async down({ keepVolumes = false } = {}): Promise<void> {
    // Volumes without a name go with their containers, or nobody would find them again; Compose takes them only along with all others.
    if (keepVolumes) await this.removeContainers();
    await this.compose(['down', '--timeout', '0', '--remove-orphans', ...(keepVolumes ? [] : ['--volumes'])]);
  }

  private async removeContainers(): Promise<void> {
    const ids = (await this.engine.call(['ps', '--all', '--quiet', '--filter', this.filter])).split('\n').filter(Boolean);
    if (ids.length > 0) await this.engine.call(['rm', '--force', '--volumes', ...ids]);
  }
}

let serial = 0;

/** Compose's names are lower-case letters, digits, dashes and underscores. */
function newProject(engine: Engine): string {
  return `unroot-${engine.owner}-${(serial += 1)}`.toLowerCase();
}

interface BuiltService {
  image: Image;
  /** Of this run's own. */
  name: string;
}

async function buildService(engine: Engine, tree: ComposeTree, { build }: ServiceModel, declared: Model['secrets']): Promise<BuiltService> {
  const { context = '.', dockerfile = 'Dockerfile', dockerfile_inline: inline, args = {}, target, additional_contexts: contexts = {} } = build!;
  const { directory, bases = {}, buildNetwork: network = 'default', buildSeconds: seconds = VERIFY_DEFAULTS.buildSeconds } = tree;
  const folder = resolve(directory, context);
  const path = resolve(folder, dockerfile);
  if (inline === undefined && !existsSync(path)) throw new EngineError(`there is no ${path}`, '');
  const values = Object.entries(args).flatMap(([name, value]) => ((value ?? process.env[name]) === undefined ? [] : [[name, (value ?? process.env[name])!.replaceAll('$$', '$')]]));
  const text = inline === undefined ? readFileSync(path, 'utf8') : inline.replaceAll('$$', '$');
  const secrets = { ...secretsOf(build!, declared), ...tree.secrets };
  const image = await buildImage(engine, { context: folder, path, text, stage: target, args: { ...Object.fromEntries(values), ...tree.args }, secrets, contexts, bases: { ...bases }, network, seconds });
  return { image, name: await nameImage(engine, image) };
}

function secretsOf({ secrets = [] }: NonNullable<ServiceModel['build']>, declared: Model['secrets'] = {}): BuildSecrets {
  return Object.assign({}, ...secrets.map(({ source, target = source }): BuildSecrets => {
    const { file, environment } = declared[source] ?? {};
    if (file !== undefined) return { [target]: { file: file.replaceAll('$$', '$') } };
    return environment === undefined ? {} : { [target]: { environment } };
  }));
}

function settingsOf({ user, environment = {}, entrypoint, command, tmpfs = [], volumes = [], ports = [], healthcheck }: ServiceModel): RunSettings {
  const plain = (text: string) => text.replaceAll('$$', '$');
  return {
    ...PLAIN,
    user: user === undefined ? undefined : plain(user) || undefined,
    env: Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, plain(value ?? '')])),
    entrypoint: entrypoint?.map(plain),
    command: command?.map(plain),
    health: healthcheck?.disable || healthcheck?.test?.[0] === 'NONE' ? 'none' : healthcheck?.test ? { command: String(healthcheck.test), timeout: undefined } : undefined,
    published: ports.flatMap(({ target, protocol = 'tcp' }) => (protocol === 'tcp' ? [target] : [])),
    tmpfs: [...(typeof tmpfs === 'string' ? [tmpfs] : tmpfs), ...volumes.flatMap(({ type, target }) => (type === 'tmpfs' ? [target] : []))],
    mounts: volumes.flatMap(({ type, target, read_only: readOnly = false }) => (type === 'tmpfs' ? [] : [{ kind: 'volume', target, source: undefined, readOnly }])),
  };
}

function publishedBy({ ports = [] }: ServiceModel, over: 'tcp' | 'udp'): Map<number, number> {
  return new Map(ports.flatMap(({ target, published, protocol = 'tcp' }) => (protocol === over && /^\d+$/.test(published ?? '') ? [[Number(published), target] as const] : [])));
}

function makeStrict(service: ServiceModel): void {
  service.cap_drop = ['ALL'];
  delete service.cap_add;
  service.security_opt = [...(service.security_opt ?? []), 'no-new-privileges:true'];
  // Who shares another's network can't set what holds in it.
  if (service.network_mode === undefined) service.sysctls = { ...service.sysctls, 'net.ipv4.ip_unprivileged_port_start': '1024' };
}

function only<T extends object>(from: T | null, keys: readonly string[]): Partial<T> {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([key]) => keys.includes(key))) as Partial<T>;
}

function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}
