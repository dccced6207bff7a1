import { isMap, readYaml, YamlError } from '../compose/yaml.ts';

/** Whether a file may be a Kubernetes manifest or Helm values, by its name. */
export function isManifestName(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/^(docker-)?compose/.test(name) && !name.startsWith('.');
}

/** Whether a file is a quadlet: a systemd unit by which Podman runs a container. */
export function isQuadletName(name: string): boolean {
  return name.endsWith('.container');
}

/** The image that a quadlet runs. */
export function readQuadlet(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => /^\s*Image\s*=\s*(\S+)/.exec(line)?.[1] ?? []);
}

const WORKLOADS = new Set(['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Rollout', 'DeploymentConfig', 'List']);

/** The images that a manifest's workloads or a chart's values name; none for other YAML, and for templates. */
export function readImages(text: string): string[] {
  // A cheap look first: most YAML of a repository is something else.
  if (!/\bimage:|\brepository:/.test(text)) return [];
  let documents: unknown[];
  try {
    documents = readYaml(text);
  } catch (error) {
    if (error instanceof YamlError) return []; // a Helm template; its values are read
    throw error;
  }
  return documents.flatMap((document) => {
    if (!isMap(document)) return [];
    if (typeof document.kind === 'string') return WORKLOADS.has(document.kind) ? images(document) : [];
    return 'services' in document || 'jobs' in document ? [] : repositories(document);
  });
}

/** Every `image: text` at any depth. */
function images(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(images);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'image' && typeof inner === 'string' ? [inner] : images(inner)));
}

/** Helm values: `image: { repository: text }`. */
function repositories(value: unknown): string[] {
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'image' && isMap(inner) && typeof inner.repository === 'string') return [inner.repository];
    return repositories(inner);
  });
}
