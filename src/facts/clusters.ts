import { basename, dirname, join, relative } from 'node:path';
import { isManifestName, isQuadletName, readImages, readQuadlet } from '../kubernetes/read.ts';
import type { Disk } from '../disk.ts';
import type { Target } from '../project.ts';
import { parseReference } from '../images/reference.ts';
import { memo } from './memo.ts';

/** The Kubernetes manifest, Helm values or Podman quadlet here that run a target's image; undefined for none. */
export function clusterThatRuns(target: Target): string | undefined {
  const { file } = target.unit;
  const names = namesOf(target);
  const manifest = manifestsOf(target.disk).under(file.root).find(({ images }) => images.some((image) => isNamed(image, names)));
  return manifest && relative(file.root, manifest.path);
}

/** What the target's image may be called: what compose calls it, and its folder. */
function namesOf({ unit, services }: Target): Set<string> {
  const names = services.flatMap(({ service }) => [service.image, service.name]).flatMap((image) => (image === undefined ? [] : [lastName(image)]));
  const folder = basename(dirname(unit.file.absolute));
  return new Set([...names, ...(folder === '' ? [] : [folder.toLowerCase()])]);
}

/** `vote` names `vote`, `demo-vote` and `demo_vote`: images are called after their project and their folder. */
function isNamed(image: string, names: ReadonlySet<string>): boolean {
  return names.has(image) || [...names].some((name) => name.length > 2 && (image.endsWith(`-${name}`) || image.endsWith(`_${name}`)));
}

/** `registry/team/name:tag` → `name`. */
function lastName(image: string): string {
  const repo = parseReference(image)?.repo ?? image;
  return repo.slice(repo.lastIndexOf('/') + 1);
}

interface Manifest {
  path: string;
  /** The last names of the images it runs. */
  images: string[];
}

/** More than a repository's own manifests ever are; beyond it the rest stays out of sight. */
const MAX_MANIFESTS = 2000;
const SKIPPED = /^(node_modules|vendor|third_party|testdata|\.git)$/;

const manifestsOf = memo((disk: Disk) => {
  const byRoot = new Map<string, Manifest[]>();
  return {
    under(root: string): Manifest[] {
      let manifests = byRoot.get(root);
      if (!manifests) {
        manifests = find(disk, root);
        byRoot.set(root, manifests);
      }
      return manifests;
    },
  };
});

function find(disk: Disk, root: string): Manifest[] {
  const found: Manifest[] = [];
  const waiting = [root];
  for (let directory = waiting.pop(); directory !== undefined && found.length < MAX_MANIFESTS; directory = waiting.pop()) {
    for (const name of disk.list(directory)) {
      const path = join(directory, name);
      if (isManifestName(name) || isQuadletName(name)) {
        const text = disk.read(path) ?? '';
        const images = (isQuadletName(name) ? readQuadlet(text) : readImages(text)).map(lastName);
        if (images.length > 0) found.push({ path, images });
      } else if (!name.includes('.') && !SKIPPED.test(name) && disk.stat(path)?.kind === 'directory') waiting.push(path);
    }
  }
  return found;
}
