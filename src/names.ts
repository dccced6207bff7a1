import { basename, dirname, join } from 'node:path';
import type { Builder } from './builders/read.ts';
import type { Disk } from './disk.ts';
import { parseReference } from './images/reference.ts';
import { memoByName } from './memo.ts';
import { parseToml } from './servers/toml.ts';
import { ConfigurationError } from './servers/types.ts';

/**
 * The names that the image of a Dockerfile may bear, in lower case: that of its folder, what its own name says beside
 * `Dockerfile`, those that builders tag it with, and at the root, or in a folder called docker, the repository's.
 * @param path of the Dockerfile, absolute
 * @param builders what builds it beside compose
 */
export function imageNames(path: string, root: string, builders: readonly Builder[], disk: Disk): string[] {
  const directory = dirname(path);
  const folder = basename(directory).toLowerCase();
  const tagged = builders.flatMap(({ tags }) => tags.flatMap((tag) => ownName(tag) ?? []));
  // What a clone's folder is called is up to whoever cloned it.
  const own = directory === root ? [] : [folder];
  return [...new Set([...own, ...saidByName(basename(path)), ...tagged, ...(directory === root || folder === 'docker' ? repositoryNames(disk, root) : [])])];
}

/** What `Dockerfile.agent.alpine` and `agent.Dockerfile` are of. */
function saidByName(file: string): string[] {
  const part = file.toLowerCase().split(/[.-]/).find((word) => word !== 'dockerfile' && word !== 'containerfile');
  return part ? [part] : [];
}

/** The names that a service's image may be known by here: its own, and what is behind the repository's: `cart` of `store-cart`. */
export function namesOfImage(image: string | undefined, root: string, disk: Disk): string[] {
  const name = ownName(image);
  if (name === undefined) return [];
  const cuts = [...name.matchAll(/[-_]/g)].filter(({ index }) => repositoryNames(disk, root).includes(name.slice(0, index)));
  return [name, ...cuts.map(({ index }) => name.slice(index + 1))];
}

/** The last name of an image that is not an official one: perhaps that of a folder here. */
export function ownName(image: string | undefined): string | undefined {
  const repo = image === undefined ? undefined : parseReference(image)?.repo;
  return repo === undefined || repo.startsWith('library/') ? undefined : repo.slice(repo.lastIndexOf('/') + 1);
}

/** What a repository calls itself in the manifests at its root, in lower case, without who it belongs to. */
export const repositoryNames = memoByName((disk: Disk, root: string): string[] => {
  const names = MANIFESTS.flatMap(([file, read]) => {
    const text = disk.read(join(root, file));
    return text === undefined ? [] : (read(text, file) ?? []);
  });
  return [...new Set(names.map((name) => name.slice(name.lastIndexOf('/') + 1).toLowerCase()))].filter((name) => name.length > 2 && !COMMON.test(name));
});

/** What half of the world calls its program. */
const COMMON = /^(apps?|api|backend|client|code|core|demo|example|frontend|main|monorepo|my-?app|project|root|server|src|test|web|website|workspace)$/;

const MANIFESTS: [string, (text: string, file: string) => string[] | undefined][] = [
  ['package.json', (text) => namesInJson(text, true)],
  ['composer.json', (text) => namesInJson(text, false)],
  ['pyproject.toml', (text, file) => namesInToml(text, file, ['project.name', 'tool.poetry.name'])],
  ['Cargo.toml', (text, file) => namesInToml(text, file, ['package.name'])],
  ['go.mod', (text) => /^module\s+"?([^\s"]+?)(?:\/v\d+)?"?\s*$/m.exec(text)?.slice(1)],
];

/** @param scoped whether `@shelf/all` may be called after its scope too */
function namesInJson(text: string, scoped: boolean): string[] | undefined {
  try {
    const { name } = JSON.parse(text) as { name?: unknown };
    return typeof name === 'string' ? [name, ...(scoped && name.startsWith('@') ? [name.slice(1).split('/')[0]!] : [])] : undefined;
  } catch {
    return undefined; // its tools could not read it either
  }
}

function namesInToml(text: string, path: string, keys: readonly string[]): string[] | undefined {
  try {
    const settings = parseToml({ path, text, source: path, offset: 0, template: false });
    return settings.flatMap(({ name, args }) => (keys.includes(name) ? (args[0]?.value ?? []) : []));
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}
