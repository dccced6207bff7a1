import { pairsOf } from './file.ts';
import { childOf, type Found, isTrue, keyIn, type Layers, type Place, scalarOf, textOf } from './layers.ts';
import { type Mount, mountOf, tmpfsOf } from './mounts.ts';
import { type Port, portOf } from './ports.ts';
import { rangeInside } from './scalars.ts';
import { interpolate } from './variables.ts';

export type { Mount } from './mounts.ts';
export type { Port } from './ports.ts';

/** What a compose service says, with merge keys, aliases, `extends`, overrides and variables resolved as far as they are in sight. */
export interface Service {
  name: string;
  image: string | undefined;
  build: Build | undefined;
  user: string | undefined;
  /** As written: a list, a string for a shell, or nothing. */
  command: string[] | string | undefined;
  entrypoint: string[] | string | undefined;
  workingDir: string | undefined;
  mounts: Mount[];
  ports: Port[];
  expose: Exposed[];
  /** The variables that the file itself gives a value. */
  environment: Record<string, string>;
  /** The same with their places, and those that take their value from elsewhere. */
  variables: Setting[];
  envFiles: string[];
  labels: Setting[];
  /** Those of the swarm service, which proxies on a swarm read. */
  deployLabels: Setting[];
  healthcheck: Healthcheck | undefined;
  dependsOn: string[];
  links: string[];
  volumesFrom: string[];
  configs: Grant[];
  secrets: Grant[];
  groupAdd: string[];
  capAdd: string[];
  capDrop: string[];
  securityOpt: string[];
  sysctls: Setting[];
  devices: string[];
  readOnlyRoot: boolean;
  networkMode: string | undefined;
  networks: string[];
  profiles: string[];
  /** Whether `deploy:` is there: a swarm stack reads it. */
  deployed: boolean;
  extends: { service: string; file: string | undefined } | undefined;
  /** Whether something of it needs root: privileged, devices, host namespaces. The words that say so. */
  powers: string[];
  /** Whether the container shares somebody else's network, where low ports need a capability. */
  sharedNetwork: boolean;
  /** A runtime other than the engine's own: wasm, gVisor and the like. */
  runtime: string | undefined;
  /** Whether `develop.watch` syncs files into the container. */
  watched: boolean;
  /** Variables without a value in sight, by the key whose value names them. */
  unset: { key: string; name: string }[];
  /** What stands at a way of keys and list positions: `at('ports', 0)`, `at('build', 'target')`, `at('environment', 'PORT')` in map form. */
  at: (...path: (string | number)[]) => Found | undefined;
  layers: Layers;
}

export interface Build {
  context: string;
  /** What `context` is relative to. */
  directory: string;
  dockerfile: string | undefined;
  target: string | undefined;
  /** Undefined: taken from the environment. */
  args: Setting[];
  /** The Dockerfile itself (`dockerfile_inline`), variables of compose not replaced. */
  inline: Found | undefined;
  additionalContexts: Setting[];
  secrets: Grant[];
}

/** An entry of a map, or of a list of `NAME=value`. */
export interface Setting {
  name: string;
  /** Undefined where only the name is given. */
  value: string | undefined;
  /** The value in a map, the whole entry in a list. */
  place: Place;
  /** The value as it stands in the file, without quotes; undefined where it is not written letter by letter. */
  valueAt: { start: number; end: number } | undefined;
}

export interface Exposed {
  port: number | undefined;
  lastPort: number | undefined;
  protocol: string;
  place: Place;
}

export interface Healthcheck {
  /** As written; without `CMD` or `CMD-SHELL` in a list it is as good as none. */
  test: string[] | string | undefined;
  disabled: boolean;
  /** How long a check may take: `10s`. */
  timeout: string | undefined;
  place: Place | undefined;
}

/** A config or secret that a service gets. */
export interface Grant {
  source: string;
  target: string | undefined;
  uid: string | undefined;
  gid: string | undefined;
  mode: string | undefined;
  place: Place;
}

/** The view of a service that its layers give. */
export function serviceOf(name: string, layers: Layers): Service {
  const text = (key: string) => textOf(layers.get(key));
  const texts = (key: string) => layers.items(key).flatMap((item) => textOf(item) ?? []);
  const network = text('network_mode') ?? text('net');
  const devices = layers.items('devices').flatMap((item) => textOf(item) ?? textOf(keyIn(item, 'source')) ?? []);
  const variables = settingsOf(layers, 'environment');
  const capAdd = texts('cap_add');
  return {
    name,
    image: text('image'),
    build: buildOf(layers),
    user: text('user'),
    command: commandOf(layers.get('command')),
    entrypoint: commandOf(layers.get('entrypoint')),
    workingDir: text('working_dir'),
    mounts: lastByTarget([...layers.items('volumes').flatMap(mountOf), ...layers.items('tmpfs').flatMap(tmpfsOf)]),
    ports: layers.items('ports').flatMap((item) => portOf(item) ?? []),
    expose: layers.items('expose').flatMap(exposedOf),
    environment: Object.fromEntries(variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
    variables,
    envFiles: layers.items('env_file').flatMap((item) => textOf(item) ?? textOf(keyIn(item, 'path')) ?? []),
    labels: settingsOf(layers, 'labels'),
    deployLabels: settingsOf(layers.within('deploy'), 'labels'),
    healthcheck: healthcheckOf(layers),
    dependsOn: namesOf(layers, 'depends_on'),
    links: texts('links'),
    volumesFrom: texts('volumes_from'),
    configs: layers.items('configs').flatMap(grantOf),
    secrets: layers.items('secrets').flatMap(grantOf),
    groupAdd: texts('group_add'),
    capAdd,
    capDrop: texts('cap_drop'),
    securityOpt: texts('security_opt'),
    sysctls: settingsOf(layers, 'sysctls'),
    devices,
    readOnlyRoot: isTrue(layers.get('read_only')),
    networkMode: network,
    networks: namesOf(layers, 'networks'),
    profiles: texts('profiles'),
    deployed: layers.has('deploy'),
    extends: extendsOf(layers),
    powers: [
      ...(isTrue(layers.get('privileged')) ? ['privileged'] : []),
      ...(devices.length > 0 ? ['devices'] : []),
      ...capAdd.map((capability) => `cap_add ${capability}`),
      ...['pid', 'ipc', 'userns_mode', 'uts', 'cgroup'].filter((key) => text(key) === 'host').map((key) => `${key}: host`),
    ],
    sharedNetwork: network !== undefined && /^(host$|container:|service:)/.test(network),
    runtime: text('runtime'),
    watched: layers.within('develop').items('watch').some((rule) => textOf(keyIn(rule, 'action'))?.startsWith('sync')),
    unset: unsetOf(layers),
    at: (...path) => layers.at(...path),
    layers,
  };
}

function buildOf(layers: Layers): Build | undefined {
  const found = layers.get('build');
  if (!found) return undefined;
  const build = layers.within('build');
  const short = textOf(found);
  const text = (key: string) => textOf(build.get(key));
  if (short === undefined && build.layers.length === 0) return undefined;
  return {
    context: text('context') ?? short ?? '.',
    directory: (build.get('context') ?? found).place.file.directory,
    // The first compose format had it beside `build`.
    dockerfile: text('dockerfile') ?? textOf(layers.get('dockerfile')),
    target: text('target'),
    args: settingsOf(build, 'args'),
    inline: build.get('dockerfile_inline'),
    additionalContexts: settingsOf(build, 'additional_contexts'),
    secrets: build.items('secrets').flatMap(grantOf),
  };
}

function commandOf(found: Found | undefined): string[] | string | undefined {
  if (found?.node.kind !== 'list') return textOf(found);
  return found.node.items.map((item) => textOf({ node: item.kind === 'alias' ? item.target : item, place: found.place, variables: found.variables }) ?? '');
}

/** A mount over another at the same path takes its place, as when files are merged. */
function lastByTarget(mounts: Mount[]): Mount[] {
  return [...new Map(mounts.map((mount) => [mount.target.replace(/(.)\/+$/, '$1'), mount])).values()];
}

function exposedOf(item: Found): Exposed[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(textOf(item) ?? '');
  if (!match) return textOf(item) === undefined ? [] : [{ port: undefined, lastPort: undefined, protocol: 'tcp', place: item.place }];
  return [{ port: Number(match[1]), lastPort: Number(match[2] ?? match[1]), protocol: match[3] ?? 'tcp', place: item.place }];
}

/** A map, a list of `NAME=value`, or both in several files; a later one of a name takes the place of an earlier one. */
export function settingsOf(layers: Layers, key: string): Setting[] {
  const settings = new Map<string, Setting>();
  for (const found of layers.all(key)) for (const setting of ownSettings(found)) settings.set(setting.name, setting);
  return [...settings.values()];
}

function ownSettings(found: Found): Setting[] {
  const { node, place, variables } = found;
  if (node.kind === 'map') return pairsOf(node).map(({ pair }) => setting(pair.key.value, childOf(pair.value, place, variables)));
  if (node.kind !== 'list') return [];
  return node.items.flatMap((item) => listedSetting(childOf(item, place, variables)));
}

function setting(name: string, value: Found): Setting {
  const scalar = scalarOf(value);
  return { name, value: textOf(value), place: value.place, valueAt: scalar && rangeInside(value.place.file.text, scalar, 0, scalar.value.length) };
}

/** `NAME=value` or a name alone. */
function listedSetting(item: Found): Setting[] {
  const scalar = scalarOf(item);
  if (!scalar) return [];
  const { place, variables } = item;
  const split = scalar.value.indexOf('=');
  const name = interpolate(split < 0 ? scalar.value : scalar.value.slice(0, split), variables).text;
  if (split < 0) return [{ name, value: undefined, place, valueAt: undefined }];
  return [{ name, value: interpolate(scalar.value.slice(split + 1), variables).text, place, valueAt: rangeInside(place.file.text, scalar, split + 1, scalar.value.length) }];
}

function mapKeys({ node }: Found): string[] {
  return node.kind === 'map' ? pairsOf(node).map(({ pair }) => pair.key.value) : [];
}

function healthcheckOf(layers: Layers): Healthcheck | undefined {
  if (!layers.has('healthcheck')) return undefined;
  const check = layers.within('healthcheck');
  const test = commandOf(check.get('test'));
  return { test, disabled: isTrue(check.get('disable')) || (Array.isArray(test) && test[0] === 'NONE'), timeout: textOf(check.get('timeout')), place: check.get('test')?.place };
}

/** Names in a list, or the keys of a map. */
function namesOf(layers: Layers, key: string): string[] {
  return [...new Set([...layers.all(key).flatMap(mapKeys), ...layers.items(key).flatMap((item) => textOf(item) ?? [])])];
}

function grantOf(item: Found): Grant[] {
  const source = textOf(item) ?? textOf(keyIn(item, 'source'));
  if (source === undefined) return [];
  const text = (key: string) => textOf(keyIn(item, key));
  return [{ source, target: text('target'), uid: text('uid'), gid: text('gid'), mode: text('mode'), place: item.place }];
}

function extendsOf(layers: Layers): Service['extends'] {
  const found = layers.get('extends');
  const name = textOf(found) ?? textOf(found && keyIn(found, 'service'));
  return name === undefined ? undefined : { service: name, file: textOf(found && keyIn(found, 'file')) };
}

/** Of the keys whose value decides something. */
const TOLD_OF = ['image', 'user', 'command', 'entrypoint', 'working_dir', 'network_mode', 'privileged'];

function unsetOf(layers: Layers): Service['unset'] {
  return TOLD_OF.flatMap((key) => {
    const found = layers.get(key);
    const scalars = found?.node.kind === 'list' ? found.node.items : found ? [found.node] : [];
    return scalars.flatMap((node) => (node.kind === 'scalar' && node.value.includes('$') ? interpolate(node.value, found!.variables).unset.map((name) => ({ key, name })) : []));
  });
}
