import { type Data, isMap, readYaml } from './yaml.ts';

/** What a compose service says of the image that it builds or runs. */
export interface Service {
  name: string;
  image: string | undefined;
  build: { context: string; dockerfile: string | undefined; target: string | undefined } | undefined;
  user: string | undefined;
  /** As written: a list, a string for a shell, or nothing. */
  command: string[] | string | undefined;
  entrypoint: string[] | string | undefined;
  /** Undefined where the image's holds. */
  workingDir: string | undefined;
  /** The variables that the file itself gives a value. */
  environment: Record<string, string>;
  mounts: Mount[];
  /** Whether something of it needs root: privileged, devices, host namespaces. The words that say so. */
  powers: string[];
  /** Whether the container shares somebody else's network, where low ports need a capability. */
  sharedNetwork: boolean;
  /** A runtime other than the engine's own: wasm, gVisor and the like. */
  runtime: string | undefined;
  /** Whether `develop.watch` syncs files into the container. */
  watched: boolean;
}

export interface Mount {
  type: 'bind' | 'volume' | 'tmpfs' | 'other';
  source: string | undefined;
  target: string;
  readOnly: boolean;
}

/**
 * The services of a compose file, fragments (`x-`) left out.
 * @throws YamlError for text that is no YAML
 */
export function readServices(text: string): Service[] {
  return readYaml(text).flatMap(servicesOf);
}

function servicesOf(root: unknown): Service[] {
  if (!isMap(root)) return [];
  // The first compose format had the services at the top level.
  const services = isMap(root.services) ? root.services : Object.values(root).some((value) => isMap(value) && ('image' in value || 'build' in value)) ? root : {};
  return Object.entries(services).flatMap(([name, value]) => (isMap(value) && !name.startsWith('x-') ? [serviceOf(name, value)] : []));
}

function serviceOf(name: string, data: Data): Service {
  const network = text(data.network_mode) ?? text(data.net);
  return {
    name,
    image: text(data.image),
    build: buildOf(data.build, text(data.dockerfile)),
    user: text(data.user),
    command: commandOf(data.command),
    entrypoint: commandOf(data.entrypoint),
    workingDir: text(data.working_dir),
    environment: environmentOf(data.environment),
    mounts: list(data.volumes).flatMap(mountOf).concat(list(data.tmpfs).map((path) => ({ type: 'tmpfs', source: undefined, target: String(path).split(':')[0]!, readOnly: false }))),
    powers: [
      ...(data.privileged === true ? ['privileged'] : []),
      ...(list(data.devices).length > 0 ? ['devices'] : []),
      ...list(data.cap_add).map((capability) => `cap_add ${String(capability)}`),
      ...['pid', 'ipc', 'userns_mode', 'uts'].filter((key) => data[key] === 'host').map((key) => `${key}: host`),
    ],
    sharedNetwork: network !== undefined && /^(host$|container:|service:)/.test(network),
    runtime: text(data.runtime),
    watched: isMap(data.develop) && list(data.develop.watch).some((rule) => isMap(rule) && String(rule.action).startsWith('sync')),
  };
}

function buildOf(build: unknown, dockerfile: string | undefined): Service['build'] {
  if (typeof build === 'string') return { context: build, dockerfile, target: undefined };
  if (!isMap(build)) return undefined;
  return { context: text(build.context) ?? '.', dockerfile: text(build.dockerfile), target: text(build.target) };
}

function commandOf(value: unknown): string[] | string | undefined {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' ? value : undefined;
}

/** A map, or a list of `NAME=value`; what takes its value from elsewhere is left out. */
function environmentOf(value: unknown): Record<string, string> {
  const pairs = isMap(value)
    ? Object.entries(value).map(([name, inner]) => [name, text(inner) ?? (typeof inner === 'boolean' ? String(inner) : undefined)] as const)
    : list(value).map((item) => {
        const [name, ...rest] = String(item).split('=');
        return [name!, rest.length > 0 ? rest.join('=') : undefined] as const;
      });
  return Object.fromEntries(pairs.filter(([, inner]) => inner !== undefined)) as Record<string, string>;
}

/** Short syntax `[source:]target[:mode]`, or the long one. */
function mountOf(value: unknown): Mount[] {
  if (isMap(value)) {
    const target = text(value.target);
    const type = value.type;
    if (!target) return [];
    return [{ type: type === 'bind' || type === 'volume' || type === 'tmpfs' ? type : 'other', source: text(value.source), target, readOnly: value.read_only === true }];
  }
  if (typeof value !== 'string') return [];
  const parts = value.replace(/\$\{[^}]*\}/g, (variable) => variable.replace(/:/g, '\u0000')).split(':');
  const restored = parts.map((part) => part.replace(/\u0000/g, ':'));
  if (restored.length === 1) return [{ type: 'volume', source: undefined, target: restored[0]!, readOnly: false }];
  const [source, target, mode] = restored as [string, string, string?];
  return [{ type: /^[.~/]|^\$\{?\w*(PWD|PATH|DIR)/.test(source) ? 'bind' : 'volume', source, target, readOnly: mode?.split(',').includes('ro') ?? false }];
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null || isMap(value) ? [] : [value];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
