import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseDockerfile } from '../dockerfile/parse.ts';
import { type Engine, EngineError, LateError } from './engine.ts';

/** An image that is there already, or in a registry. */
export interface ReadyImage {
  image: string;
  /** Images that stand in for others, by reference as written. */
  bases: Record<string, string>;
}

/** By id: the file that holds it, or the variable of this process. */
export type BuildSecrets = Record<string, { file: string } | { environment: string }>;

/** What to build, and from what. */
export interface BuildPlan {
  /** The directory of the context. */
  context: string;
  /** The Dockerfile's own path: a `<name>.dockerignore` beside it counts. */
  path: string;
  text: string;
  /** The stage to build: its name, else its index; undefined for the last. */
  stage: string | undefined;
  args: Record<string, string>;
  secrets: BuildSecrets;
  /** Further contexts by name: a folder, or whatever the builder knows (`docker-image://…`). */
  contexts: Record<string, string>;
  /** Images that stand in for those that the file names, by reference as written. */
  bases: Record<string, string>;
  /** What RUN steps may reach. */
  network: 'default' | 'none' | 'host';
  /** After how long a build is given up. */
  seconds: number;
}

/** An image and what its configuration says. */
export interface Image {
  id: string;
  /** Bytes of its layers. */
  size: number;
  /** As USER says; empty for root. */
  user: string;
  /** TCP ports of EXPOSE. */
  exposed: number[];
  /** Its UDP ports. */
  exposedUdp: number[];
  /** Whether it has a health check. */
  checked: boolean;
  /** Entrypoint and Cmd, one after the other. */
  command: string[];
  entrypoint: string[];
  workdir: string;
  env: Record<string, string>;
  volumes: string[];
  /** What tells its program to end. */
  stopSignal: string;
}

const PULL_TIMEOUT = 10 * 60_000;

/** A ready-made image, fetched where it is not there. @throws EngineError */
export async function readyImage(engine: Engine, { image, bases }: ReadyImage): Promise<Image> {
  const reference = bases[image] ?? image;
  try {
    return await inspectImage(engine, reference);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    await engine.call(['pull', '--quiet', reference], { timeout: PULL_TIMEOUT, long: true });
    return inspectImage(engine, reference);
  }
}

/**
 * Builds an image. The Dockerfile goes in by standard input: the context is read and never written.
 * @throws EngineError in one line; its log holds what the builder said
 */
export async function buildImage(engine: Engine, plan: BuildPlan): Promise<Image> {
  serial += 1;
  const folder = join(engine.folder, `build-${serial}`);
  // With a label of its own each build gives an image of its own, which can go without taking another's away.
  const labels = [...engine.labels, '--label', `unroot.verify.build=${serial}`];
  mkdirSync(folder);
  try {
    const id = join(folder, 'id');
    await engine.call(['build', '--progress', 'plain', '--iidfile', id, ...labels, ...flagsOf(plan), ...dockerfileOf(plan, folder), plan.context], {
      input: withoutFrontend(plan.text),
      timeout: plan.seconds * 1000,
      long: true,
    });
    return await inspectImage(engine, readFileSync(id, 'utf8').trim());
  } catch (error) {
    if (error instanceof LateError) throw new EngineError(`${error.message}; verify.buildSeconds of the configuration gives it more`, error.log);
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(failureIn(error.log) ?? error.message, error.log);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives an image a name of this run's own, by which a project or another build can use it. @returns it */
export async function nameImage(engine: Engine, { id }: Pick<Image, 'id'>): Promise<string> {
  const name = `unroot-verify-${engine.owner}:${id.replace(/^sha256:/, '').slice(0, 12)}`.toLowerCase();
  await engine.call(['tag', id, name]);
  return name;
}

let serial = 0;

function flagsOf({ stage, args, secrets, contexts, bases, network }: BuildPlan): string[] {
  return [
    ...(stage === undefined ? [] : ['--target', stage]),
    ...(network === 'default' ? [] : ['--network', network]),
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(secrets).flatMap(([id, from]) => ['--secret', 'file' in from ? `id=${id},src=${from.file}` : `id=${id},env=${from.environment}`]),
    ...Object.entries(contexts).flatMap(([name, from]) => ['--build-context', `${name}=${from}`]),
    ...Object.entries(bases).flatMap(([from, to]) => ['--build-context', `${from}=docker-image://${to}`]),
  ];
}

/** Standard input, unless a `.dockerignore` of the file's own counts: BuildKit looks for it beside the file that it is given. */
function dockerfileOf({ path, text }: BuildPlan, folder: string): string[] {
  const rules = `${path}.dockerignore`;
  if (!existsSync(rules)) return ['--file', '-'];
  const file = join(folder, basename(path));
  writeFileSync(file, withoutFrontend(text));
  writeFileSync(`${file}.dockerignore`, readFileSync(rules));
  return ['--file', file];
}

/**
 * The text without a `# syntax=` line that names the common frontend, which BuildKit would fetch
 * from a registry and has built in. The labs channel holds more than what is built in, and stays.
 */
export function withoutFrontend(text: string): string {
  const { directives } = parseDockerfile(text);
  const syntax = directives.find(({ name, value }) => name === 'syntax' && /^(docker\.io\/)?docker\/dockerfile(:[\d.]+|:latest)?$/.test(value));
  if (!syntax) return text;
  const lines = text.split('\n');
  lines.splice(syntax.line - 1, 1);
  return lines.join('\n');
}

/** The line of a builder's log that says what went wrong in a step, with the step. */
function failureIn(log: string): string | undefined {
  const lines = log.split('\n');
  const failed = lines.findLast((line) => line.startsWith('ERROR: '))?.slice('ERROR: '.length);
  const [, base, why] = /^failed to solve: (\S+): failed to resolve source metadata for .*: (.+)$/.exec(failed ?? '') ?? [];
  if (base !== undefined) return `${base} can't be fetched: ${why}; verify.bases of the configuration may name an image that stands in`;
  // BuildKit shows the failed step again between two rulers, with what it printed.
  const from = lines.findLastIndex((line) => /^ > \[/.test(line));
  if (from < 0) return failed;
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => /^-{4,}$/.test(line));
  const said = rest.slice(0, to < 0 ? undefined : to).map((line) => line.replace(/^[\d.]+\s*/, '').trim()).filter(Boolean).at(-1);
  const step = /^ > \[[^\]]*\]\s*(.*?):?$/.exec(lines[from]!)?.[1];
  return said === undefined ? failed : `${step}: ${said}`;
}

interface ImageFacts {
  Id: string;
  Size: number;
  Config: {
    User?: string;
    ExposedPorts?: Record<string, unknown> | null;
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    WorkingDir?: string;
    Env?: string[] | null;
    Volumes?: Record<string, unknown> | null;
    Healthcheck?: { Test?: string[] | null } | null;
    StopSignal?: string;
  };
}

/** What an image's configuration says. @param id or a name */
export async function inspectImage(engine: Engine, id: string): Promise<Image> {
  const [facts] = JSON.parse(await engine.call(['image', 'inspect', id])) as [ImageFacts];
  const { Config: config } = facts;
  return {
    id: facts.Id,
    size: facts.Size,
    user: config.User ?? '',
    exposed: exposedBy(config.ExposedPorts, /^\d+(\/tcp)?$/),
    exposedUdp: exposedBy(config.ExposedPorts, /^\d+\/udp$/),
    checked: !['', 'NONE'].includes(config.Healthcheck?.Test?.[0] ?? ''),
    entrypoint: config.Entrypoint ?? [],
    command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    workdir: config.WorkingDir || '/',
    env: Object.fromEntries((config.Env ?? []).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])),
    volumes: Object.keys(config.Volumes ?? {}),
    stopSignal: config.StopSignal || 'SIGTERM',
  };
}

function exposedBy(ports: ImageFacts['Config']['ExposedPorts'], form: RegExp): number[] {
  return Object.keys(ports ?? {}).flatMap((port) => (form.test(port) ? [Number.parseInt(port, 10)] : [])).sort((one, other) => one - other);
}
