/** An image reference, taken apart and brought to one spelling. */
export interface Reference {
  /**
   * `library/node` for the Docker Hub's official images, `owner/name` for its others,
   * `registry/path` elsewhere, `scratch` for scratch.
   */
  repo: string;
  /** Undefined where none is given, which means `latest` unless there is a digest. */
  tag: string | undefined;
  digest: string | undefined;
  /** `probable`: another registry's `…/library/NAME`, which is a mirror by convention only. */
  match: 'exact' | 'probable';
}

const HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);
/** The Hub's namespaces for single architectures hold the official images. */
const ARCHITECTURES = new Set([
  ...['amd64', 'i386', 'arm32v5', 'arm32v6', 'arm32v7', 'arm64v8', 'armhf', 'aarch64'],
  ...['ppc64le', 's390x', 'riscv64', 'mips64le'],
]);
/** Mirrors of the Hub that their owners document as such. */
const MIRRORS = ['mirror.gcr.io/library/', 'public.ecr.aws/docker/library/'];

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const SHAPE = new RegExp(
  `^((?:[a-zA-Z0-9.-]+(?::\\d+)?/)?${COMPONENT}(?:/${COMPONENT})*)(?::(\\w[\\w.-]{0,127}))?(?:@([a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?$`,
);

/**
 * Reads an image reference as Docker does (distribution/reference) and brings it to one spelling.
 * @param text without variables
 * @returns undefined for what is no reference
 */
export function parseReference(text: string): Reference | undefined {
  const match = SHAPE.exec(text);
  if (!match) return undefined;
  const [, name, tag, digest] = match as unknown as [string, string, string | undefined, string | undefined];
  const mirror = MIRRORS.find((prefix) => name.startsWith(prefix));
  if (mirror) return { repo: `library/${name.slice(mirror.length)}`, tag, digest, match: 'exact' };
  const { registry, path } = splitRegistry(name);
  if (registry === undefined || HUB.has(registry)) return { repo: hubRepository(path), tag, digest, match: 'exact' };
  const official = /(?:^|\/)library\/([^/]+)$/.exec(path)?.[1];
  return official ? { repo: `library/${official}`, tag, digest, match: 'probable' } : { repo: name, tag, digest, match: 'exact' };
}

/**
 * A reference whose tag rests on a variable that nobody here gives a value (`node:$VERSION`) as one by
 * digest alone: the repository is known and the tag is not.
 * @param text as it is written
 * @returns undefined for what rests on a variable otherwise
 */
export function withOpenTag(text: string): string | undefined {
  const repository = /^([^$@]*[^$@/:]):[\w.-]*\$/.exec(text)?.[1];
  return repository !== undefined && parseReference(repository) ? `${repository}@sha256:${'0'.repeat(64)}` : undefined;
}

/** The first component is a registry if it has a dot or a port, or is localhost. */
function splitRegistry(name: string): { registry: string | undefined; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  if (slash < 0 || !(/[.:]/.test(first) || first === 'localhost')) return { registry: undefined, path: name };
  return { registry: first, path: name.slice(slash + 1) };
}

function hubRepository(path: string): string {
  if (path === 'scratch') return path;
  const [owner, name, ...more] = path.split('/');
  if (name === undefined) return `library/${owner}`;
  return more.length === 0 && ARCHITECTURES.has(owner!) ? `library/${name}` : path;
}
