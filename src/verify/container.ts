import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Image } from './build.ts';
import { type Engine, EngineError } from './engine.ts';
import type { Network } from './network.ts';
import { type Address, type Answer, type Ask, talk } from './talk.ts';
import { readTar, type TarEntry } from './tar.ts';

/** How a container is run: what a compose service or the configuration adds to the image. */
export interface RunSettings {
  entrypoint: string[] | undefined;
  command: string[] | undefined;
  env: Record<string, string>;
  user: string | undefined;
  workdir: string | undefined;
  /** TCP ports of the container that somebody outside may reach. */
  published: number[];
  mounts: RunMount[];
  /** `/run`, `/run:uid=101`. */
  tmpfs: string[];
  readOnly: boolean;
  /** A health check in the place of the image's own; `none`: without it. */
  health: HealthCheck | undefined;
  /** Further flags that both engines know: capabilities, sysctls, groups. */
  flags: string[];
}

/** A line for a shell in the container, undefined for the image's own; and how long it may take (`10s`). */
export type HealthCheck = { command: string | undefined; timeout: string | undefined } | 'none';

/** `copy`: of a file or folder of this machine, so that nothing is written there; `empty`: as the engine makes a missing one. */
export interface RunMount {
  kind: 'volume' | 'copy' | 'empty';
  target: string;
  source: string | undefined;
  readOnly: boolean;
}

/** An image as it is, with nothing added. */
export const PLAIN: RunSettings = { entrypoint: undefined, command: undefined, env: {}, user: undefined, workdir: undefined, published: [], mounts: [], tmpfs: [], readOnly: false, health: undefined, flags: [] };

/** Enough for most, and so that one that grows or talks without end takes nothing else with it. */
const LIMITS = ['--memory', '2g', '--pids-limit', '2048', '--log-driver', 'json-file', '--log-opt', 'max-size=20m'];

/** A container of a run. */
export class Container {
  readonly id: string;
  readonly image: Image;
  readonly settings: RunSettings;
  readonly network: Network;
  readonly engine: Engine;
  private readonly stats = new Map<string, Promise<TarEntry | undefined>>();

  private constructor(engine: Engine, id: string, image: Image, settings: RunSettings, network: Network) {
    this.engine = engine;
    this.id = id;
    this.image = image;
    this.settings = settings;
    this.network = network;
  }

  /** Makes a container and does not start it yet. @param flags as `docker run` takes them */
  static async create(engine: Engine, image: Image, settings: RunSettings, network: Network, flags: readonly string[] = []): Promise<Container> {
    const mounts = await Promise.all(settings.mounts.map((mount) => mountFlag(engine, image, mount)));
    const ports = network.reach === 'published' ? [...new Set([...settings.published, ...image.exposed])] : [];
    const [entrypoint, ...rest] = settings.entrypoint ?? [];
    const id = await engine.call([
      'create',
      ...engine.labels,
      ...LIMITS,
      ...['--network', network.name],
      ...ports.flatMap((port) => ['--publish', `127.0.0.1::${port}`]),
      ...Object.entries(settings.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...(settings.user === undefined ? [] : ['--user', settings.user]),
      ...(settings.workdir === undefined ? [] : ['--workdir', settings.workdir]),
      ...mounts.flat(),
      ...settings.tmpfs.flatMap((path) => ['--tmpfs', path]),
      ...(settings.readOnly ? ['--read-only'] : []),
      ...healthFlags(image, settings),
      ...settings.flags,
      ...flags,
      ...(settings.entrypoint === undefined ? [] : ['--entrypoint', entrypoint ?? '']),
      image.id,
      ...rest,
      ...(settings.command ?? []),
    ]);
    return new Container(engine, id.trim().split('\n').at(-1)!, image, settings, network);
  }

  /** A container that somebody else made, of an image and with settings that are known. */
  static attach(engine: Engine, id: string, image: Image, settings: RunSettings, network: Network): Container {
    return new Container(engine, id, image, settings, network);
  }

  async start(): Promise<void> {
    await this.engine.call(['start', this.id]);
  }

  /** The engine's view of it. */
  async inspect(): Promise<Inspected> {
    return (await inspectAll(this.engine, [this.id]))[0]!;
  }

  /** Where a port of it is reached from here; undefined where nowhere. */
  addressOf(port: number, { NetworkSettings: network }: Inspected): Address | undefined {
    const published = network.Ports?.[`${port}/tcp`]?.[0];
    if (published) return { host: published.HostIp, port: Number(published.HostPort) };
    if (this.network.reach === 'published') return undefined;
    const all = network.Networks ?? {};
    const host = (all[this.network.name] ?? Object.values(all)[0])?.IPAddress;
    return host ? { host, port } : undefined;
  }

  /** What it answers to a question, asked once. */
  async ask(ask: Ask, port: number): Promise<Answer> {
    const address = this.addressOf(port, await this.inspect());
    if (!address) throw new EngineError(`port ${port} can't be reached from here`, '');
    return talk(address, ask, port);
  }

  /** What it has said, the last lines of it. */
  async logs(): Promise<{ stdout: string; stderr: string }> {
    return this.engine.both(['logs', '--tail', '400', this.id]);
  }

  /** Tells it to end, as the engine would. */
  async terminate(): Promise<void> {
    await this.engine.call(['kill', '--signal', this.image.stopSignal, this.id]);
  }

  /** What lies at a path, links not followed; read from outside, so that the image needs no shell. */
  stat(path: string): Promise<TarEntry | undefined> {
    let found = this.stats.get(path);
    if (!found) this.stats.set(path, (found = this.archive(path, STAT_BYTES).then((entries) => entries?.[0])));
    return found;
  }

  /** Forgets what lay where: the program has worked since. */
  forget(): void {
    this.stats.clear();
  }

  /** What lies at and under a path, names relative to its parent; undefined where nothing is. @param bytes how much to read of it */
  async archive(path: string, bytes: number): Promise<TarEntry[] | undefined> {
    try {
      return readTar(await this.engine.bytes(['cp', `${this.id}:${path}`, '-'], { enough: bytes }));
    } catch (error) {
      if (error instanceof EngineError) return undefined; // no such path, or a place of the kernel
      throw error;
    }
  }

  /** The text of a file in it; undefined where there is none. */
  async read(path: string): Promise<string | undefined> {
    try {
      const archive = await this.engine.bytes(['cp', '--follow-link', `${this.id}:${path}`, '-'], { enough: MAX_READ });
      const [entry] = readTar(archive);
      return entry?.kind === 'file' ? archive.toString('utf8', bodyAt(archive), bodyAt(archive) + entry.size) : undefined;
    } catch (error) {
      if (error instanceof EngineError) return undefined;
      throw error;
    }
  }

  /** Takes it away, with the volumes that have no name. */
  async remove(): Promise<void> {
    await this.engine.call(['rm', '--force', '--volumes', this.id]);
  }
}

/** A pax header may stand in front. */
const STAT_BYTES = 4096;
const MAX_READ = 1 << 20;

/** Where the first file's content begins: behind its header and those that only add to it. */
function bodyAt(archive: Buffer): number {
  let at = 0;
  while ('xgLK'.includes(String.fromCharCode(archive[at + 156]!))) at += 512 + Math.ceil(Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8) / 512) * 512;
  return at + 512;
}

export interface Inspected {
  State: { Status: string; Running: boolean; Pid: number; ExitCode: number; OOMKilled?: boolean; Error?: string; Health?: { Status: string; Log?: { ExitCode: number; Output: string }[] | null } | null };
  Config: { User?: string };
  Mounts: { Type: string; Destination: string }[];
  NetworkSettings: { Networks?: Record<string, { IPAddress?: string }>; Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

/** The engine's view of several containers, in their order. */
export async function inspectAll(engine: Engine, ids: readonly string[]): Promise<Inspected[]> {
  return ids.length === 0 ? [] : (JSON.parse(await engine.call(['container', 'inspect', ...ids])) as Inspected[]);
}

/** Whether a container has a health check. */
export function isChecked({ checked }: Pick<Image, 'checked'>, { health }: Pick<RunSettings, 'health'>): boolean {
  return health === 'none' ? false : checked || health?.command !== undefined;
}

/** It is asked often, and long enough for the program to become ready: by default the first answer takes half a minute. */
export const HEALTH = { interval: '1s', startPeriod: '1ms', retries: 60 } as const;

function healthFlags(image: Image, settings: RunSettings): string[] {
  const { health } = settings;
  if (!isChecked(image, settings)) return health === 'none' && image.checked ? ['--no-healthcheck'] : [];
  const own = health === 'none' || !health ? [] : [...(health.command === undefined ? [] : ['--health-cmd', health.command]), ...(health.timeout === undefined ? [] : ['--health-timeout', health.timeout])];
  return [...own, '--health-interval', HEALTH.interval, '--health-start-period', HEALTH.startPeriod, '--health-retries', String(HEALTH.retries)];
}

async function mountFlag(engine: Engine, image: Image, mount: RunMount): Promise<string[]> {
  const { kind, target, readOnly } = mount;
  const end = `${readOnly ? ',readonly' : ''}`;
  // The engine makes none without a name that is only read.
  if (kind === 'volume') return ['--mount', `type=volume${readOnly ? `,src=${await makeVolume(engine)}` : ''},dst=${target}${end}`];
  if (kind === 'copy' && statSync(mount.source!).isFile()) return ['--mount', `type=bind,src=${copied(engine, mount.source!)},dst=${target}${end}`];
  const volume = await makeVolume(engine);
  if (kind === 'copy') await fill(engine, image, volume, mount.source!);
  return ['--mount', `type=volume,src=${volume},dst=${target},volume-nocopy${end}`];
}

/** A file's copy, mode kept. */
export function copied(engine: Engine, source: string): string {
  const folder = join(engine.folder, `mount-${(serial += 1)}`);
  mkdirSync(folder);
  cpSync(source, join(folder, basename(source)), { dereference: true, preserveTimestamps: true });
  return join(folder, basename(source));
}

let serial = 0;

/** An empty volume with a name; removed with all that the run made. */
export async function makeVolume(engine: Engine): Promise<string> {
  return (await engine.call(['volume', 'create', ...engine.labels])).trim();
}

/** Puts what a folder holds into a volume, owners and modes kept, through a container that is never started. */
export async function fill(engine: Engine, image: Image, volume: string, source: string): Promise<void> {
  if (!existsSync(source)) return;
  const id = (await engine.call(['create', ...engine.labels, '--mount', `type=volume,src=${volume},dst=/unroot-fill,volume-nocopy`, image.id, 'none'])).trim();
  await engine.call(['cp', '--archive', `${source}/.`, `${id}:/unroot-fill`]);
  await engine.call(['rm', '--force', id]);
}
