import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One case of `fixtures/<transform>/<case>/`. */
export interface Fixture {
  /** `run-as-user/the case`. */
  name: string;
  transform: string;
  directory: string;
  options: FixtureOptions;
  /** The sentence that says why the case is there, and the findings and verdicts that it expects. */
  expected: string;
  /** Whether unroot must keep away. */
  keepsAway: boolean;
}

export interface FixtureOptions {
  unsafe?: boolean;
  user?: string;
  /** As `--sysctl`. */
  sysctl?: boolean;
  /** No derived twins: the case has modes or bytes of its own. */
  twins?: boolean;
  /** Modes to give files before the run: git keeps only the x bit. */
  modes?: Record<string, string>;
}

export const FIXTURES = 'fixtures';

export function fixtures(): Fixture[] {
  return readdirSync(FIXTURES)
    .filter((transform) => statSync(join(FIXTURES, transform)).isDirectory())
    .flatMap((transform) => readdirSync(join(FIXTURES, transform)).map((name) => fixture(transform, name)));
}

function fixture(transform: string, name: string): Fixture {
  const directory = join(FIXTURES, transform, name);
  const optionsFile = join(directory, 'options.json');
  return {
    name: `${transform}/${name}`,
    transform,
    directory,
    options: existsSync(optionsFile) ? (JSON.parse(readFileSync(optionsFile, 'utf8')) as FixtureOptions) : {},
    expected: existsSync(join(directory, 'expect.txt')) ? readFileSync(join(directory, 'expect.txt'), 'utf8') : '',
    keepsAway: !existsSync(join(directory, 'after')),
  };
}

/** A folder of its own with the files of a tree, for the length of a test. */
export function withCopy<T>(source: string, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-test-'));
  try {
    cpSync(source, folder, { recursive: true });
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All files of a tree, by path, as latin1 so that every byte counts. */
export function treeOf(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(directory.length + 1), readFileSync(path, 'latin1'));
  }
  return files;
}
