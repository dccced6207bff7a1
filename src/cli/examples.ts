import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transforms } from '../index.ts';
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

/** Examples by the name of what they are for. */
export type Examples = Record<string, Example>;

/** The example of a transform or a rule; undefined where none is in sight. */
export function exampleOf(name: string): Example | undefined {
  return (existsSync(PACKAGED) ? (JSON.parse(readFileSync(PACKAGED, 'utf8')) as Examples) : examplesFrom(FIXTURES, [name]))[name];
}

/** In the package, which does not bring the fixtures; `npm run build` writes it. */
const PACKAGED = fileURLToPath(new URL('../examples.json', import.meta.url));

/** Beside the sources. */
const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** For a transform the fixture that it names, for a rule the shortest fixture in which it decides. */
export function examplesFrom(fixtures: string, names: readonly string[]): Examples {
  const cases = allCases(fixtures);
  return Object.fromEntries(names.flatMap((name) => {
    const named = transforms.find((one) => one.name === name)?.example;
    const deciding = named === undefined ? [...cases.keys()].filter((directory) => cases.get(directory)!.includes(`\n  ${name}: `)) : [join(fixtures, name, named)].filter((directory) => cases.has(directory));
    const [found] = deciding.map((directory) => read(directory, fixtures)).sort((one, other) => sizeOf(one) - sizeOf(other));
    return found ? [[name, found]] : [];
  }));
}

/** What every fixture expects, by its folder. */
function allCases(fixtures: string): Map<string, string> {
  const folders = existsSync(fixtures) ? readdirSync(fixtures).sort() : [];
  const cases = folders.flatMap((folder) => readdirSync(join(fixtures, folder)).sort().map((name) => join(fixtures, folder, name)));
  return new Map(cases.filter((directory) => existsSync(join(directory, 'expect.txt'))).map((directory) => [directory, readFileSync(join(directory, 'expect.txt'), 'utf8')]));
}

function read(directory: string, fixtures: string): Example {
  const before = treeOf(join(directory, 'before'));
  const after = existsSync(join(directory, 'after')) ? treeOf(join(directory, 'after')) : before;
  const [why = '', ...said] = readFileSync(join(directory, 'expect.txt'), 'utf8').trimEnd().split('\n\n');
  return {
    name: join('fixtures', directory.slice(fixtures.length)).split(sep).join('/'),
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
