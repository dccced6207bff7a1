import { dirname, join, relative } from 'node:path';
import { isManifestName, isQuadletName, type PortLine, portLinesIn, quadletPortLines, readContainers, readQuadlet } from '../kubernetes/read.ts';
import type { Disk } from '../disk.ts';
import type { Target } from '../project.ts';
import { lookUp } from '../images/lookup.ts';
import { imageNames } from '../names.ts';
import { parseReference } from '../images/reference.ts';
import { memo, memoByName } from './memo.ts';

/** The Kubernetes manifest, Helm chart or Podman quadlet here that runs a target's image; undefined for none. */
export function clusterThatRuns(target: Target): string | undefined {
  return runsIn(target)[0]?.path;
}

/** A path that a manifest here lets a container write. */
export interface ClusterMount {
  /** Absolute. */
  path: string;
  /** The manifest. */
  where: string;
}

/** Where the manifests here that run a target's image mount what outlives the container. */
export function clusterMounts(target: Target): ClusterMount[] {
  return runsIn(target).flatMap(({ path: where, data }) => data.map((path) => ({ path, where })));
}

/** The folders of the host that the manifests here which run a target's image let it write. */
export function clusterHostFolders(target: Target): ClusterMount[] {
  return runsIn(target).flatMap(({ path: where, hosts }) => hosts.map((path) => ({ path, where })));
}

/** Where the manifests that run a target's image, and those beside them, name a port of its containers; paths as readers know them. */
export function clusterPorts(target: Target, port: number): (PortLine & { path: string })[] {
  const { root } = target.unit.file;
  const names = namesOf(target);
  const folders = new Set(runsIn(target).map(({ path }) => dirname(join(root, path))));
  return [...folders].flatMap((folder) =>
    target.disk.list(folder).flatMap((name) => {
      const path = join(folder, name);
      const text = isManifestName(name) || isQuadletName(name) ? target.disk.read(path) : undefined;
      if (text === undefined || (isQuadletName(name) && !readQuadlet(text).some((image) => isNamed(lastName(image), names)))) return [];
      const lines = isQuadletName(name) ? quadletPortLines(text, port) : portLinesIn(text, port, (one) => isNamed(lastName(one), names));
      return lines.map((line) => ({ ...line, path: relative(root, path) }));
    }),
  );
}

/** The containers here that run a target's image, with the manifest that says so. */
const runsIn = memo((target: Target): { path: string; data: string[]; hosts: string[] }[] => {
  // What an image that everybody has is given in a manifest says nothing of a service of compose.
  if (target.standsFor) return [];
  const { file } = target.unit;
  const names = namesOf(target);
  return manifestsUnder(target.disk, file.root)
    .flatMap(({ path, containers }) => containers.filter(({ name }) => isNamed(name, names)).map(({ data, hosts }) => ({ path: relative(file.root, path), data, hosts })));
});

/** What the target's image may be called: what compose calls it, and all that its Dockerfile's image may bear. */
export function namesOf({ unit: { file, builders }, services, disk }: Target): Set<string> {
  const called = services.flatMap(({ service: { image, name } }) => (image === undefined ? [name] : [lastName(image), name]));
  const tagged = builders.flatMap(({ tags }) => tags.map(lastName));
  return new Set([...called, ...tagged, ...imageNames(file.absolute, file.root, builders, disk)]);
}

/** `vote` names `vote`, `demo-vote` and `demo_vote`: images are called after their project and their folder. */
export function isNamed(image: string, names: ReadonlySet<string>): boolean {
  return names.has(image) || [...names].some((name) => name.length > 2 && (image.endsWith(`-${name}`) || image.endsWith(`_${name}`)));
}

/** `registry/team/name:tag` → `name`. */
export function lastName(image: string): string {
  const repo = parseReference(image)?.repo ?? image;
  return repo.slice(repo.lastIndexOf('/') + 1);
}

/** Whether an image is one that everybody has: a folder called `python` here does not build it. */
export function isOfficial(image: string): boolean {
  const reference = parseReference(image);
  return reference !== undefined && reference.repo.startsWith('library/') && lookUp(reference) !== undefined;
}

interface Manifest {
  path: string;
  /** What it runs, by the last names of the images. */
  containers: { name: string; data: string[]; hosts: string[] }[];
}

/** More than a repository's own manifests ever are; beyond it the rest stays out of sight. */
const MAX_MANIFESTS = 2000;
const SKIPPED = /^(node_modules|vendor|third_party|testdata|\.git)$/;

const manifestsUnder = memoByName((disk: Disk, root): Manifest[] => {
  const found: Manifest[] = [];
  const waiting = [root];
  for (let directory = waiting.pop(); directory !== undefined && found.length < MAX_MANIFESTS; directory = waiting.pop()) {
    for (const name of disk.list(directory)) {
      const path = join(directory, name);
      if (isManifestName(name) || isQuadletName(name)) {
        const text = disk.read(path) ?? '';
        const read = isQuadletName(name) ? readQuadlet(text).map((image) => ({ image, data: [], hosts: [] })) : readContainers(text);
        const own = read.filter(({ image }) => !isOfficial(image));
        if (own.length > 0) found.push({ path, containers: own.map(({ image, data, hosts }) => ({ name: lastName(image), data, hosts })) });
      } else if (!name.includes('.') && !SKIPPED.test(name) && disk.stat(path)?.kind === 'directory') waiting.push(path);
    }
  }
  return found;
});
