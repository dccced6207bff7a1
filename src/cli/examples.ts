import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unifiedDiff } from '../report/diff.ts';

/** A fixture as an example: its tests run it, so what it shows is what unroot does. */
export interface Example {
  /** `fixtures/run-as-user/the-case`. */
  name: string;
  /** The sentence that says why the case is there. */
  why: string;
  /** What unroot says of it, one line each. */
  said: string[];
  /** What unroot makes of it; empty where it keeps away. */
  diff: string;
  /** The Dockerfiles and compose files of the case, by path. */
  files: [path: string, text: string][];
}

/** The fixture that a transform names as its example; undefined in a package without fixtures. */
export function exampleOfTransform(transform: string, name: string): Example | undefined {
  const directory = join(FIXTURES, transform, name);
  return existsSync(directory) ? read(directory) : undefined;
}

/** The shortest fixture in which a rule decides. */
export function exampleOfRule(rule: string): Example | undefined {
  const found = allCases().filter((directory) => existsSync(join(directory, 'expect.txt')) && readFileSync(join(directory, 'expect.txt'), 'utf8').includes(`\n  ${rule}: `));
  return found.map(read).sort((one, other) => sizeOf(one) - sizeOf(other))[0];
}

/** Beside the bundle, and beside the sources. */
const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

function allCases(): string[] {
  const folders = existsSync(FIXTURES) ? readdirSync(FIXTURES).sort() : [];
  return folders.flatMap((folder) => readdirSync(join(FIXTURES, folder)).sort().map((name) => join(FIXTURES, folder, name)));
}

function read(directory: string): Example {
  const before = treeOf(join(directory, 'before'));
  const after = existsSync(join(directory, 'after')) ? treeOf(join(directory, 'after')) : before;
  const [why = '', ...said] = readFileSync(join(directory, 'expect.txt'), 'utf8').trimEnd().split('\n\n');
  return {
    name: join('fixtures', directory.slice(FIXTURES.length)).split(sep).join('/'),
    why: why.replace(/\s+/g, ' '),
    said: said.join('\n').split('\n'),
    diff: [...before].map(([path, text]) => unifiedDiff(path, text, after.get(path) ?? '')).join(''),
    files: [...before].filter(([path]) => /dockerfile|containerfile|compose/i.test(path)),
  };
}

function treeOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(paths.map((path) => [path.slice(directory.length + 1).split(sep).join('/'), readFileSync(path, 'utf8')]));
}

function sizeOf({ files, why }: Example): number {
  return files.reduce((sum, [, text]) => sum + text.length, why.length);
}
