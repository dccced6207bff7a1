import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { textOf } from '../compose/layers.ts';
import type { Grant, Healthcheck, Mount, Service } from '../compose/read.ts';
import { type ComposeService, declared } from '../compose/stack.ts';
import { interpolate, readEnvFile } from '../compose/variables.ts';
import type { BuildPlan, BuildSecrets } from './build.ts';
import { type HealthCheck, PLAIN, type RunMount, type RunSettings } from './container.ts';
import { splitWords } from './words.ts';

export interface FromService {
  settings: RunSettings;
  /** What of the service is not made, for people to know. */
  notes: string[];
}

/**
 * How a compose service has its container run.
 * @param root the folder beyond which nothing is copied into a container
 */
export function settingsOf(linked: ComposeService, root: string): FromService {
  const { service } = linked;
  const notes: string[] = [];
  const settings: RunSettings = {
    ...PLAIN,
    entrypoint: words(service.entrypoint),
    command: words(service.command),
    env: environmentOf(linked, notes),
    user: service.user === undefined ? undefined : filled(service.user) || undefined,
    workdir: service.workingDir,
    published: service.ports.flatMap(({ target, lastTarget, protocol }) => (protocol === 'tcp' && target !== undefined ? range(target, lastTarget ?? target) : [])),
    mounts: [...service.mounts.flatMap((mount) => mountOf(mount, root, notes)), ...grants(linked, root, notes)],
    tmpfs: service.mounts.flatMap(({ type, target, options }) => (type === 'tmpfs' ? [options.length > 0 ? `${target}:${options.join(',')}` : target] : [])),
    readOnly: service.readOnlyRoot,
    health: healthOf(service.healthcheck),
    flags: flagsOf(service),
  };
  if (service.dependsOn.length > 0) notes.push(`it runs without ${service.dependsOn.join(', ')}, which it depends on`);
  return { settings, notes };
}

/** What a compose file gives to the build of a service. */
export function buildInputs({ service: { build }, stack, directory }: ComposeService): Pick<BuildPlan, 'args' | 'secrets' | 'contexts'> {
  const { args = [], secrets = [], additionalContexts = [], directory: from = directory } = build ?? {};
  return {
    args: Object.fromEntries(args.flatMap(({ name, value = process.env[name] }) => (value === undefined ? [] : [[name, filled(value)]]))),
    secrets: Object.assign({}, ...secrets.map(({ source, target = source }): BuildSecrets => {
      const kept = declared(stack, 'secrets', source);
      const [file, environment] = [textOf(kept?.get('file')), textOf(kept?.get('environment'))];
      if (file !== undefined) return { [target]: { file: resolve(directory, filled(file)) } };
      return environment === undefined ? {} : { [target]: { environment } };
    })),
    // What another service builds is an image of its own, built before.
    contexts: Object.fromEntries(additionalContexts.flatMap(({ name, value }) => (value === undefined || value.startsWith('service:') ? [] : [[name, /^[\w+-]+:\/\//.test(value) ? filled(value) : resolve(from, filled(value))]]))),
  };
}

/** Variables that have no value in the files take this process's, else none, as compose does. */
export function filled(text: string): string {
  const { unset } = interpolate(text, new Map());
  return unset.length === 0 ? text : interpolate(text, new Map(unset.map((name) => [name, process.env[name] ?? '']))).text;
}

/** Compose splits a text into words itself and asks no shell. */
function words(value: string[] | string | undefined): string[] | undefined {
  return (typeof value === 'string' ? splitWords(value) : value)?.map((word) => filled(word));
}

const MAX_RANGE = 20;

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.min(last - first + 1, MAX_RANGE) }, (_, index) => first + index);
}

/** `env_file` first, then `environment`; a name without a value takes this process's. */
function environmentOf({ service, directory }: ComposeService, notes: string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of service.envFiles) {
    const path = resolve(directory, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) Object.assign(env, Object.fromEntries(readEnvFile(readFileSync(path, 'utf8'))));
    else notes.push(`env_file ${name} is not there`);
  }
  for (const { name, value } of service.variables) {
    const given = value === undefined ? process.env[name] : filled(value);
    if (given !== undefined) env[name] = given;
  }
  return env;
}

function healthOf(check: Healthcheck | undefined): HealthCheck | undefined {
  if (!check || check.disabled) return check && 'none';
  const { test, timeout } = check;
  const [first, ...rest] = Array.isArray(test) ? test : ['CMD-SHELL', test ?? ''];
  // The engine's command takes a text for a shell.
  if (first === 'CMD') return { command: rest.map((word) => `'${filled(word).replaceAll("'", "'\\''")}'`).join(' '), timeout };
  return { command: first === 'CMD-SHELL' && rest[0] ? filled(rest[0]) : undefined, timeout };
}

function flagsOf({ capAdd, capDrop, securityOpt, sysctls, groupAdd }: Service): string[] {
  return [
    ...capAdd.flatMap((name) => ['--cap-add', name]),
    ...capDrop.flatMap((name) => ['--cap-drop', name]),
    ...securityOpt.flatMap((option) => ['--security-opt', option]),
    ...sysctls.flatMap(({ name, value }) => ['--sysctl', `${name}=${value ?? ''}`]),
    ...groupAdd.flatMap((group) => ['--group-add', group]),
  ];
}

function mountOf({ type, source, target, readOnly, directory }: Mount, root: string, notes: string[]): RunMount[] {
  if (type === 'tmpfs' || !target.startsWith('/')) return [];
  if (type === 'volume') return [{ kind: 'volume', target, source: undefined, readOnly }];
  if (type === 'bind' && source !== undefined) return copyOf(resolve(directory, filled(source)), target, readOnly, root, notes);
  notes.push(`the mount at ${target} is left out`);
  return [];
}

/** A bind mount becomes a copy, so that nothing is written outside; what lies outside the root is left empty. */
function copyOf(path: string, target: string, readOnly: boolean, root: string, notes: string[]): RunMount[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  const way = relative(root, path);
  const isOutside = way.startsWith('..') || isAbsolute(way);
  if (!stats || (stats.isDirectory() && isOutside)) {
    if (isOutside) notes.push(`${path} lies outside ${root}: ${target} is left empty`);
    return [{ kind: 'empty', target, source: undefined, readOnly }];
  }
  if (!isOutside && (stats.isFile() || stats.isDirectory())) return [{ kind: 'copy', target, source: path, readOnly }];
  notes.push(`${path} is not given to it: the mount at ${target} is left out`);
  return [];
}

/** Secrets and configs that a file holds. */
function grants({ service, stack, directory }: ComposeService, root: string, notes: string[]): RunMount[] {
  const made = (kind: 'secrets' | 'configs', prefix: string, all: readonly Grant[]) =>
    all.flatMap(({ source, target }) => {
      const file = textOf(declared(stack, kind, source)?.get('file'));
      return file === undefined ? [] : copyOf(resolve(directory, filled(file)), join(prefix, target ?? source), true, root, notes);
    });
  return [...made('secrets', '/run/secrets', service.secrets), ...made('configs', '/', service.configs)];
}
