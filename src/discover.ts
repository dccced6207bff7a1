import { existsSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { decode, MAX_FILE_BYTES, TOO_LARGE } from './disk.ts';
import type { FileError, SourceFile } from './project.ts';
import { systemError } from './system-error.ts';

export interface Discovered {
  files: SourceFile[];
  errors: FileError[];
  /** Files of others' code, listed and left: `vendor/x/Dockerfile`. */
  left: string[];
}

/** Folders of code that is somebody else's, or a test's: their files are left unless they are named. */
const OTHERS = new Set(['testdata', 'fixtures', '__fixtures__', 'vendor', 'third_party', 'third-party', 'bower_components']);
const NEVER = new Set(['node_modules', '.git', '.hg', '.svn']);

/**
 * The Dockerfiles and compose files under the paths. `.gitignore` is honoured; a file that is named
 * outright is always taken.
 * @param cwd what the paths are relative to, and what reports are relative to
 */
export function discover(paths: readonly string[], cwd: string): Discovered {
  const found: Discovered = { files: [], errors: [], left: [] };
  const taken = new Set<string>();
  for (const path of paths) {
    const absolute = resolve(cwd, path);
    const stats = statOf(absolute);
    if (typeof stats === 'string') found.errors.push({ path, line: 0, message: stats });
    else if (stats.isDirectory()) new Walk(absolute, cwd, found, taken).walk(absolute, [], false);
    else take(absolute, rootOf(absolute), kindNamed(absolute), cwd, found, taken);
  }
  found.files.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
  return found;
}

/** What may be looked at while deciding about these files: their repositories, or what was given where there is none. Absolute. */
export function repositoriesOf(files: readonly SourceFile[]): string[] {
  return [...new Set([...new Set(files.map(({ root }) => root))].map((root) => repositoryOf(root) ?? root))];
}

/** @returns what is wrong with a path that was named, where something is */
function statOf(path: string): Stats | string {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? 'there is no such file or directory; check the path';
  } catch (error) {
    return `the path could not be followed: ${systemError(error)}`;
  }
}

class Walk {
  private readonly root: string;
  private readonly cwd: string;
  private readonly found: Discovered;
  private readonly taken: Set<string>;

  constructor(root: string, cwd: string, found: Discovered, taken: Set<string>) {
    this.root = root;
    this.cwd = cwd;
    this.found = found;
    this.taken = taken;
  }

  walk(directory: string, rules: { from: string; rules: Ignore }[], others: boolean): void {
    const entries = this.list(directory);
    const own = entries.some((entry) => entry.name === '.gitignore') ? [...rules, { from: directory, rules: this.readRules(join(directory, '.gitignore')) }] : rules;
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (NEVER.has(entry.name)) continue;
      if (entry.isDirectory()) {
        if (!isIgnored(`${path}${sep}`, own)) this.walk(path, own, others || OTHERS.has(entry.name));
        continue;
      }
      const kind = kindOf(entry.name) ?? (isPerhapsCompose(entry.name) && entry.isFile() && isCompose(path) ? 'compose' : undefined);
      if (!kind || isIgnored(path, own)) continue;
      if (others) this.found.left.push(display(path, this.cwd));
      else if (entry.isSymbolicLink()) this.takeLink(path, kind);
      else if (entry.isFile()) take(path, this.root, kind, this.cwd, this.found, this.taken);
    }
  }

  private list(directory: string) {
    try {
      return readdirSync(directory, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1));
    } catch (error) {
      this.found.errors.push({ path: display(directory, this.cwd), line: 0, message: `the directory could not be read: ${systemError(error)}` });
      return [];
    }
  }

  private readRules(path: string): Ignore {
    try {
      return readRules(path);
    } catch (error) {
      this.found.errors.push({ path: display(path, this.cwd), line: 0, message: `its rules could not be read, so nothing is left for them: ${systemError(error)}` });
      return ignore();
    }
  }

  /** A link inside the tree stands for a file that is found by itself; one that leads out is not followed. */
  private takeLink(path: string, kind: SourceFile['kind']): void {
    let real: string;
    try {
      real = realpathSync(path);
    } catch (error) {
      const why = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'the link leads nowhere; mend or remove it' : `the link could not be followed: ${systemError(error)}`;
      this.found.errors.push({ path: display(path, this.cwd), line: 0, message: why });
      return;
    }
    if (!statSync(real).isFile()) return;
    if (relative(realpathSync(this.root), real).startsWith('..')) {
      this.found.errors.push({ path: display(path, this.cwd), line: 0, message: 'the link leads out of the tree; name the file itself to have it changed' });
    } else if (kindOf(basename(real)) !== kind) take(real, this.root, kind, this.cwd, this.found, this.taken);
  }
}

/**
 * Why a file that something brings in is not unroot's to change, by the rules of {@link discover};
 * undefined where it is.
 * @param root the repository or folder that was given
 */
export function whyLeft(path: string, root: string): string | undefined {
  const way = relative(root, path);
  if (way === '' || way.startsWith('..')) return 'it lies outside of what unroot was given';
  const folders = way.split(sep).slice(0, -1);
  const other = folders.find((folder) => NEVER.has(folder) || OTHERS.has(folder));
  if (other !== undefined) return `it lies under ${other}`;
  const rules: { from: string; rules: Ignore }[] = [];
  let directory = root;
  for (const folder of [...folders, undefined]) {
    const file = join(directory, '.gitignore');
    try {
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) rules.push({ from: directory, rules: readRules(file) });
    } catch (error) {
      return `the rules of ${file} could not be read: ${systemError(error)}`;
    }
    const next = folder === undefined ? path : `${join(directory, folder)}${sep}`;
    if (isIgnored(next, rules)) return 'git ignores it, so other checkouts have another one';
    directory = next;
  }
  return undefined;
}

/**
 * Whether git ignores a folder, or each of some names in it: what lies there is then no part of the repository.
 * @param root the repository or folder that was given
 */
export function isIgnoredByGit(folder: string, names: readonly string[], root: string): boolean {
  const way = relative(root, folder);
  if (way.startsWith('..') || isAbsolute(way)) return false;
  const rules: { from: string; rules: Ignore }[] = [];
  let directory = root;
  for (const name of way === '' ? [] : way.split(sep)) {
    rules.push(...rulesIn(directory));
    directory = join(directory, name);
    if (isIgnored(`${directory}${sep}`, rules)) return true;
  }
  rules.push(...rulesIn(folder));
  return names.every((name) => isIgnored(join(folder, name), rules) || isIgnored(`${join(folder, name)}${sep}`, rules));
}

/** The rules of a folder's own `.gitignore`; none where it has none that can be read. */
function rulesIn(directory: string): { from: string; rules: Ignore }[] {
  try {
    return [{ from: directory, rules: readRules(join(directory, '.gitignore')) }];
  } catch {
    return [];
  }
}

function readRules(path: string): Ignore {
  return ignore({ ignorecase: false }).add(readFileSync(path, 'utf8'));
}

/** The nearest `.gitignore` that says something decides. */
function isIgnored(path: string, rules: readonly { from: string; rules: Ignore }[]): boolean {
  for (const { from, rules: own } of rules.toReversed()) {
    const verdict = own.test(relative(from, path).split(sep).join('/') + (path.endsWith(sep) ? '/' : ''));
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}

/** What a file is by its name. Names that other tools have too say nothing alone. */
export function kindOf(name: string): SourceFile['kind'] | undefined {
  if (/^((docker-)?compose|docker-stack)([._-].*)?\.ya?ml$/i.test(name)) return 'compose';
  if (OTHER_LANGUAGE.test(name) || SOURCE_OF_A_PROGRAM.test(name)) return undefined;
  return /^(dockerfile|containerfile)([._-].*)?$/i.test(name) || /\.(dockerfile|containerfile)$/i.test(name) ? 'dockerfile' : undefined;
}

/** What a file is that somebody names: any YAML is for compose, and anything else a Dockerfile. */
export function kindNamed(path: string): SourceFile['kind'] {
  return kindOf(basename(path)) ?? (/\.ya?ml$/i.test(path) ? 'compose' : 'dockerfile');
}

/** `docker-stack.yml`, `stack.prod.yml`, `prod.compose.yaml`, `podman-compose.yml`: Haskell and CloudFormation have a `stack.yaml` as well. */
function isPerhapsCompose(name: string): boolean {
  return /(^|[._-])(docker-?compose\w*|compose|stack|swarm)([._-].*)?\.ya?ml$/i.test(name);
}

/** Whether a file of such a name has services with an image or a build. */
function isCompose(path: string): boolean {
  const read = readText(path);
  return 'text' in read && /^\uFEFF?(['"]?)services\1\s*:/m.test(read.text) && /^[ \t]+(['"]?)(image|build)\1\s*:/m.test(read.text);
}

/** Endings of files that are no Dockerfile, whatever they are about. */
const OTHER_LANGUAGE =
  /\.(dockerignore|j2|jinja2?|tmpl|tpl|template|erb|mustache|hbs|in|m4|md|mdx|rst|adoc|txt|sh|ps1|bat|[cm]?[jt]sx?|json5?|ya?ml|toml|xml|ini|css|scss|html?|svg|png|java|cs|kt|scala|vue|snap|lock|log|patch|diff|swp|orig|bak|rej)$/i;

/** `dockerfile.go` is a program about Dockerfiles; `Dockerfile.go` is a Dockerfile for one. */
const SOURCE_OF_A_PROGRAM = /^(dockerfile|containerfile)[\w.-]*\.(go|py|rb|rs|php|pl|lua)$/;

function take(path: string, root: string, kind: SourceFile['kind'], cwd: string, found: Discovered, taken: Set<string>): void {
  if (taken.has(path)) return;
  taken.add(path);
  const shown = display(path, cwd);
  const decoded = readText(path);
  if ('error' in decoded) found.errors.push({ path: shown, line: decoded.line, message: decoded.error });
  else found.files.push({ path: shown, absolute: path, kind, text: decoded.text, root });
}

function readText(path: string): ReturnType<typeof decode> {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return { error: 'it is no regular file; name a file, or - for standard input', line: 0 };
    return stats.size > MAX_FILE_BYTES ? { error: TOO_LARGE, line: 0 } : decode(readFileSync(path));
  } catch (error) {
    return { error: `the file could not be read: ${systemError(error)}`, line: 0 };
  }
}

/** For a file named outright, its repository or its folder. */
function rootOf(path: string): string {
  return repositoryOf(dirname(path)) ?? dirname(path);
}

/** The nearest directory at or above one that git keeps. */
function repositoryOf(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, '.git'))) return directory;
    if (directory === dirname(directory)) return undefined;
  }
}

function display(path: string, cwd: string): string {
  return relative(cwd, path).split(sep).join('/') || '.';
}
