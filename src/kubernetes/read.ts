import { isMap, lineAt, parseYaml, readYaml, YamlError, type YamlMap, type YamlNode } from '../compose/yaml.ts';

/** Whether a file may be a Kubernetes manifest or Helm values, by its name. */
export function isManifestName(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/^(docker-)?compose/.test(name) && !name.startsWith('.');
}

/** Whether a file is a quadlet: a systemd unit by which Podman runs a container. */
export function isQuadletName(name: string): boolean {
  return name.endsWith('.container');
}

/** The lines of a quadlet that publish a port of its container. */
export function quadletPortLines(text: string, port: number): PortLine[] {
  return text.split(/\r?\n/).flatMap((line, index) => (new RegExp(`^\\s*PublishPort\\s*=.*\\b${port}(/\\w+)?\\s*$`).test(line) ? [{ line: index + 1, said: line.trim() }] : []));
}

/** The image that a quadlet runs. */
export function readQuadlet(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => /^\s*Image\s*=\s*(\S+)/.exec(line)?.[1] ?? []);
}

const WORKLOADS = new Set(['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Rollout', 'DeploymentConfig', 'List']);

/** A container of a workload, or an image that a chart's values name. */
export interface Container {
  image: string;
  /** Where it mounts what outlives it: claims, folders of the host. */
  data: string[];
  /** The folders of the host that it may write. */
  hosts: string[];
}

/** The containers of a manifest's workloads, or the images of a chart's values; none for other YAML. */
export function readContainers(text: string): Container[] {
  // A cheap look first: most YAML of a repository is something else.
  if (!/\bimage:|\brepository:/.test(text)) return [];
  let documents: unknown[];
  try {
    documents = readYaml(text.includes('{{') ? withoutTemplate(text) : text);
  } catch (error) {
    if (error instanceof YamlError) return []; // a template that is more than values; the chart's own values are read
    throw error;
  }
  return documents.flatMap((document) => {
    if (!isMap(document)) return [];
    if (typeof document.kind === 'string') return WORKLOADS.has(document.kind) ? containers(document, new Map(), []) : [];
    return 'services' in document || 'jobs' in document ? [] : repositories(document).map((image) => ({ image, data: [], hosts: [] }));
  });
}

/** A line of a manifest that says a port of a container. */
export interface PortLine {
  /** From 1. */
  line: number;
  /** As it is written: `containerPort: 80`. */
  said: string;
}

/**
 * Where a manifest or a chart's values name a port of some containers: at these, and at the Services in front of them.
 * A Service's own port is what others see: it counts only where it is the container's too.
 * @param isMeant asked of an image, a Service's name, and the values of its selector
 */
export function portLinesIn(text: string, port: number, isMeant: (name: string) => boolean): PortLine[] {
  if (!new RegExp(`\\b${port}\\b`).test(text)) return [];
  let documents: YamlNode[];
  try {
    documents = parseYaml(text.includes('{{') ? withoutTemplate(text) : text);
  } catch (error) {
    if (error instanceof YamlError) return [];
    throw error;
  }
  return documents.flatMap((document) => meantParts(document, isMeant).flatMap((part) => portPairs(part, port))).map(({ at, said }) => ({ line: lineAt(text.includes('{{') ? withoutTemplate(text) : text, at), said }));
}

/** The containers and Services of a document that are meant; the whole of a chart's values. */
function meantParts(document: YamlNode, isMeant: (name: string) => boolean): YamlNode[] {
  if (document.kind !== 'map') return [];
  const kind = textAt(document, 'kind');
  if (kind === undefined) return valueAt(document, 'services') || valueAt(document, 'jobs') ? [] : [document];
  if (kind !== 'Service') return containerMaps(document).filter((container) => isMeant(textAt(container, 'image')!));
  const [metadata, spec] = [valueAt(document, 'metadata'), valueAt(document, 'spec')];
  const selector = spec?.kind === 'map' ? valueAt(spec, 'selector') : undefined;
  const names = [metadata?.kind === 'map' ? textAt(metadata, 'name') : undefined, ...(selector?.kind === 'map' ? selector.pairs.map(({ value }) => (value.kind === 'scalar' ? value.value : undefined)) : [])];
  return names.some((name) => name !== undefined && isMeant(name)) ? [document] : [];
}

function containerMaps(node: YamlNode): YamlMap[] {
  if (node.kind === 'list') return node.items.flatMap(containerMaps);
  if (node.kind !== 'map') return [];
  return textAt(node, 'image') === undefined ? node.pairs.flatMap(({ value }) => containerMaps(value)) : [node];
}

function portPairs(node: YamlNode, port: number): { at: number; said: string }[] {
  if (node.kind === 'list') return node.items.flatMap((item) => portPairs(item, port));
  if (node.kind !== 'map') return [];
  const hasTarget = node.pairs.some(({ key }) => key.value === 'targetPort');
  return node.pairs.flatMap(({ key, value }) => {
    const says = value.kind === 'scalar' && value.value === String(port) && (/^(container|target|internal)Port$/.test(key.value) || (key.value === 'port' && !hasTarget));
    return says ? [{ at: key.start, said: `${key.value}: ${port}` }] : portPairs(value, port);
  });
}

function valueAt(map: YamlMap, key: string): YamlNode | undefined {
  return map.pairs.find((pair) => pair.key.value === key)?.value;
}

function textAt(map: YamlMap, key: string): string | undefined {
  const value = valueAt(map, key);
  return value?.kind === 'scalar' ? value.value : undefined;
}

/** What stands in for a value that Helm fills in. */
const FILLED_IN = 'helm-value';

/** A Helm template without its braces: lines of control become blank, values a word. */
function withoutTemplate(text: string): string {
  const lines = text.split('\n').map((line) => (/^\s*-?\s*\{\{.*\}\}\s*$/.test(line) ? '' : line));
  return lines.join('\n').replace(/\{\{.*?\}\}/g, FILLED_IN);
}

/** The volumes of a pod that outlive its containers, by name, with their folder of the host where they are one. */
type Lasting = ReadonlyMap<string, string | undefined>;

/** Every container at any depth, with the volumes of the pod that it stands in. */
function containers(value: unknown, lasting: Lasting, found: Container[]): Container[] {
  if (Array.isArray(value)) for (const one of value) containers(one, lasting, found);
  if (!isMap(value)) return found;
  if (typeof value.image === 'string') {
    const mounts = mountsOf(value, lasting);
    found.push({ image: value.image, data: mounts.map(({ path }) => path), hosts: mounts.flatMap(({ host }) => host ?? []) });
  }
  const volumes = listIn(value, 'volumes').filter(isLasting).flatMap((volume) => nameOf(volume).map((name) => [name, hostOf(volume)] as const));
  const claims = listIn(value, 'volumeClaimTemplates').flatMap(({ metadata }) => nameOf(metadata).map((name) => [name, undefined] as const));
  const inside = new Map([...lasting, ...volumes, ...claims]);
  for (const inner of Object.values(value)) containers(inner, inside, found);
  return found;
}

function mountsOf(container: Record<string, unknown>, lasting: Lasting): { path: string; host: string | undefined }[] {
  return listIn(container, 'volumeMounts').flatMap(({ name, mountPath, readOnly }) => (typeof name === 'string' && lasting.has(name) && typeof mountPath === 'string' && readOnly !== true ? [{ path: mountPath, host: lasting.get(name) }] : []));
}

function hostOf({ hostPath }: Record<string, unknown>): string | undefined {
  return isMap(hostPath) && typeof hostPath.path === 'string' ? hostPath.path : undefined;
}

function isLasting(volume: Record<string, unknown>): boolean {
  return 'persistentVolumeClaim' in volume || 'hostPath' in volume || 'nfs' in volume || 'ephemeral' in volume;
}

function nameOf(value: unknown): string[] {
  return isMap(value) && typeof value.name === 'string' ? [value.name] : [];
}

function listIn(value: Record<string, unknown>, key: string): Record<string, unknown>[] {
  const list = value[key];
  return Array.isArray(list) ? list.filter(isMap) : [];
}

/** Helm values: `image: { repository: text }`. */
function repositories(value: unknown): string[] {
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'image' && isMap(inner) && typeof inner.repository === 'string') return [inner.repository];
    return repositories(inner);
  });
}
