import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import type { Target } from '../project.ts';
import { resolvePath, type ShellWord } from '../shell/read.ts';
import { hasFlag, option } from './commands.ts';
import { originOf } from './copies.ts';
import { historyOf } from './history.ts';
import type { InstallCommand } from './install-commands.ts';

/** What an install of a language's packages reads and writes, as far as its command line and its manifests say. */
export interface Inputs {
  /** Files that must be there: absolute, in the image. */
  files: string[];
  /** Files that are read where they are there: lock files, settings. */
  optional: string[];
  /** Whether it needs the source beside its manifests, or may write into it. */
  source: boolean;
  /** Directories of the project that it fills. */
  fills: string[];
  /** Projects that are installed in place, among those. */
  inPlace: string[];
  /** Why it can't be moved; undefined where nothing here speaks against it. */
  problem: string | undefined;
  doubts: string[];
}

/** Where an install puts packages beside the code: what a mount over the code would hide. */
export function dependencyDirectories(install: InstallCommand, cwd: string | undefined): string[] {
  const { family, words } = install;
  const within = (name: string) => resolvePath(directoryOf(install, cwd), name) ?? [];
  switch (family) {
    case 'npm':
    case 'pnpm':
      return hasFlag(words, 'g', 'global') ? [] : [within('node_modules')].flat();
    case 'yarn':
      return [within('node_modules')].flat();
    case 'composer':
      return [within('vendor')].flat();
    case 'bundle': {
      const path = option(words, undefined, 'path')?.value ?? (hasFlag(words, undefined, 'deployment') ? 'vendor/bundle' : undefined);
      return path === undefined ? [] : [within(path)].flat();
    }
    case 'pip': {
      const target = option(words, 't', 'target')?.value;
      const venv = /^(.+)\/bin\/(pip|python)[\d.]*$/.exec(install.command.words.find(({ value }) => /\/bin\/(pip|python)[\d.]*$/.test(value ?? ''))?.value ?? '')?.[1];
      const places = [target, venv !== undefined && !/^\/(usr|usr\/local|opt\/\w+)$/.test(venv) ? venv : undefined];
      return places.flatMap((place) => (place === undefined ? [] : (resolvePath(cwd, place) ?? [])));
    }
    default:
      return [];
  }
}

/** Where a manager works: its `--prefix`, `--cwd` and the like, seen from where it is called. */
function directoryOf({ family, words }: InstallCommand, cwd: string | undefined): string | undefined {
  const named =
    family === 'npm' ? (option(words, undefined, 'prefix') ?? option(words, 'C', undefined))
    : family === 'yarn' ? option(words, undefined, 'cwd')
    : family === 'pnpm' ? (option(words, 'C', 'dir'))
    : family === 'composer' ? option(words, 'd', 'working-dir')
    : undefined;
  return named === undefined ? cwd : resolvePath(cwd, named.value);
}

/** What an install needs. Reads the manifests as the build context has them. */
export function inputsOf(install: InstallCommand, cwd: string | undefined, target: Target): Inputs {
  const inputs: Inputs = { files: [], optional: [], source: false, fills: dependencyDirectories(install, cwd), inPlace: [], problem: undefined, doubts: [] };
  const directory = directoryOf(install, cwd);
  if (directory === undefined) return { ...inputs, problem: 'works in a directory that only the start knows' };
  const read = (name: string) => textOf(target, posix.join(directory, name));
  switch (install.family) {
    case 'pip':
      return pipInputs(install, directory, target, inputs);
    case 'npm':
    case 'yarn':
    case 'pnpm':
      return nodeInputs(install, directory, read, inputs);
    case 'bundle':
      return bundleInputs(install, directory, target, inputs);
    case 'composer':
      return composerInputs(install, directory, read, inputs);
    default:
      return inputs;
  }
}

/** A file's text as the image has it, or as a service mounts it over; undefined where it is not in sight. */
export function textOf(target: Target, path: string): string | undefined {
  const origin = originOf(target, path);
  if (origin === 'elsewhere') return undefined;
  if (origin !== undefined) return origin.text;
  const source = mountedFrom(target, path);
  return source === undefined ? undefined : target.disk.read(join(target.unit.context!, source));
}

/** The file of the build context that a service mounts to a path of the image; undefined for none. */
export function mountedFrom(target: Target, path: string): string | undefined {
  const { context } = target.unit;
  if (context === undefined) return undefined;
  for (const { service, directory } of target.services) {
    for (const mount of service.mounts) {
      if (mount.type !== 'bind' || mount.source === undefined) continue;
      const below = posix.relative(mount.target, path);
      if (below.startsWith('..')) continue;
      const host = join(isAbsolute(mount.source) ? mount.source : resolve(directory, mount.source), below);
      const inContext = relative(context, host).split(sep).join('/');
      if (!inContext.startsWith('..') && !isAbsolute(inContext) && target.disk.stat(host)?.kind === 'file') return inContext;
    }
  }
  return undefined;
}

function pipInputs(install: InstallCommand, cwd: string, target: Target, inputs: Inputs): Inputs {
  const { words, named } = install;
  if (hasFlag(words, undefined, 'user')) return { ...inputs, problem: "installs into root's home (--user), which is closed to others" };
  const lists = valuesOf(words, ['-r', '--requirement', '-c', '--constraint']);
  for (const list of lists) {
    if (/^https?:/.test(list)) inputs.doubts.push(`${list} is read from the network`);
    else readRequirements(resolvePath(cwd, list), target, inputs);
  }
  const local = [...named.map(({ value }) => value ?? ''), ...valuesOf(words, ['-e', '--editable'])].filter(isLocal);
  for (const path of local) {
    const at = resolvePath(cwd, path.replace(/\[[^\]]*\]$/, ''));
    if (at === undefined) continue;
    if (/\.(whl|tar\.gz|zip)$/.test(at)) inputs.files.push(at);
    else takeProject(at, target, inputs);
  }
  if (valuesOf(words, ['-f', '--find-links']).some(isLocal)) inputs.source = true;
  for (const text of [...named, ...words].map(({ value }) => value ?? '')) if (/git\+ssh|ssh:\/\//.test(text)) inputs.problem = 'fetches with an SSH key, which a build gets only from RUN --mount=type=ssh';
  for (const path of valuesOf(words, ['-e', '--editable']).filter(isLocal)) inputs.inPlace.push(...[resolvePath(cwd, path.replace(/\[[^\]]*\]$/, '')) ?? []].flat());
  inputs.fills.push(...inputs.inPlace);
  return inputs;
}

/** A project of one's own that is installed: all of its source. */
function takeProject(at: string, target: Target, inputs: Inputs): void {
  const manifest = ['pyproject.toml', 'setup.py', 'setup.cfg'].map((name) => posix.join(at, name)).find((path) => textOf(target, path) !== undefined);
  inputs.files.push(manifest ?? posix.join(at, 'pyproject.toml'));
  inputs.source = true;
}

function isLocal(path: string): boolean {
  return path === '.' || path.startsWith('./') || path.startsWith('../') || path.startsWith('/') || path.startsWith('.[') || path.startsWith('file:') || /\.(whl|tar\.gz)$/.test(path);
}

/** A requirements file, and those that it names. */
function readRequirements(path: string | undefined, target: Target, inputs: Inputs): void {
  if (path === undefined || inputs.files.includes(path)) return;
  inputs.files.push(path);
  for (const raw of (textOf(target, path) ?? '').split(/\r?\n/)) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    const included = /^(?:-r|--requirement|-c|--constraint)[\s=]*(.+)$/.exec(line)?.[1];
    if (included !== undefined) readRequirements(resolvePath(posix.dirname(path), included), target, inputs);
    if (/\$\{\w+\}/.test(line)) inputs.problem = `reads ${posix.basename(path)}, which takes ${/\$\{(\w+)\}/.exec(line)![1]} from the environment of the start`;
    if (/git\+ssh|ssh:\/\//.test(line)) inputs.problem = `reads ${posix.basename(path)}, which fetches with an SSH key; a build gets one only from RUN --mount=type=ssh`;
    const editable = /^(?:-e|--editable)[\s=]*(.+)$/.exec(line)?.[1];
    if (isLocal(editable ?? line) || /@\s*file:/.test(line) || /^(?:-f|--find-links)[\s=]*\.{0,2}\//.test(line)) inputs.source = true;
  }
}

/** Every value of options that may be given more than once: `-r a -r b`, `--requirement=a`. */
function valuesOf(words: readonly ShellWord[], names: readonly string[]): string[] {
  return words.flatMap(({ value }, index) => {
    if (value === undefined) return [];
    if (names.includes(value)) return words[index + 1]?.value ?? [];
    const long = names.find((name) => name.startsWith('--') && value.startsWith(`${name}=`));
    if (long !== undefined) return value.slice(long.length + 1);
    const short = names.find((name) => !name.startsWith('--') && value.startsWith(name) && value.length > 2 && !value.startsWith('--'));
    return short === undefined ? [] : value.slice(2);
  });
}

const LOCKS: Record<string, string[]> = {
  npm: ['package-lock.json', 'npm-shrinkwrap.json', '.npmrc'],
  yarn: ['yarn.lock', '.yarnrc', '.yarnrc.yml', '.npmrc'],
  pnpm: ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.pnpmfile.cjs', '.npmrc'],
};

/** Scripts of package.json that run by themselves when its dependencies are installed. */
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];

/** Lifecycle scripts that ask nothing of where they run. */
const TAME = /^(npx\s+)?(husky( install)?|patch-package|is-ci \|\| husky( install)?|ngcc|node-gyp rebuild|prisma generate|nuxt prepare|nuxi prepare|svelte-kit sync|simple-git-hooks|true|lefthook install)$/;

function nodeInputs(install: InstallCommand, directory: string, read: (name: string) => string | undefined, inputs: Inputs): Inputs {
  const { words, family, named } = install;
  const at = (name: string) => posix.join(directory, name);
  const global = family !== 'yarn' && hasFlag(words, 'g', 'global');
  inputs.optional.push(...LOCKS[family!]!.map(at));
  if (/\$\{?\w+\}?/.test(read('.npmrc') ?? '')) return { ...inputs, problem: 'takes a token from the environment of the start (.npmrc); a build gets one from RUN --mount=type=secret' };
  if (global) return inputs;
  if (named.length === 0) inputs.files.push(at('package.json'));
  else inputs.optional.push(at('package.json'));
  if (family === 'npm' && words.some(({ value }) => value === 'ci' || value === 'clean-install') && read('package-lock.json') === undefined && read('npm-shrinkwrap.json') === undefined) inputs.files.push(at('package-lock.json'));
  const text = read('package.json');
  if (text === undefined) return inputs;
  const manifest = packageOf(text);
  if (!manifest) return { ...inputs, problem: 'reads a package.json that is no JSON' };
  if (named.length === 0 && !hasFlag(words, undefined, 'ignore-scripts')) {
    const own = LIFECYCLE.filter((name) => typeof manifest.scripts[name] === 'string');
    if (own.length > 0) inputs.source = true;
    const wild = own.find((name) => !TAME.test(manifest.scripts[name]!.trim()));
    if (wild !== undefined) inputs.doubts.push(`package.json runs "${manifest.scripts[wild]}" when it is installed (${wild}), from now on while the image is built`);
  }
  const sources = Object.values(manifest.dependencies);
  if (manifest.workspaces || sources.some((source) => /^(file:|link:|portal:|workspace:|\.{1,2}\/)/.test(source))) inputs.source = true;
  if (sources.some((source) => /^(git\+ssh:|ssh:|git@)/.test(source))) inputs.problem = 'fetches with an SSH key (package.json), which a build gets only from RUN --mount=type=ssh';
  return inputs;
}

interface Manifest {
  scripts: Record<string, string | undefined>;
  /** Names to where they come from. */
  dependencies: Record<string, string>;
  workspaces: boolean;
}

function packageOf(text: string): Manifest | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined; // npm would refuse it as well, which the caller says
  }
  if (typeof data !== 'object' || data === null) return undefined;
  const map = (key: string): Record<string, string> => {
    const value = (data as Record<string, unknown>)[key];
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).filter(([, one]) => typeof one === 'string')) : {};
  };
  return { scripts: map('scripts'), dependencies: { ...map('dependencies'), ...map('devDependencies'), ...map('optionalDependencies') }, workspaces: 'workspaces' in data };
}

function bundleInputs({ words }: InstallCommand, directory: string, target: Target, inputs: Inputs): Inputs {
  const gemfile = resolvePath(directory, option(words, undefined, 'gemfile')?.value ?? 'Gemfile');
  if (gemfile === undefined) return inputs;
  inputs.files.push(gemfile);
  const { environment } = historyOf(target.stage, target.unit);
  const gems = inputs.fills.length > 0 ? undefined : resolvePath(directory, environment('BUNDLE_PATH') ?? environment('GEM_HOME') ?? '/usr/local/bundle');
  if (gems !== undefined) inputs.fills.push(gems);
  inputs.optional.push(`${gemfile}.lock`, posix.join(directory, '.bundle/config'), posix.join(directory, '.ruby-version'));
  const text = textOf(target, gemfile) ?? '';
  if (/^\s*gemspec\b|\bpath[:\s]|\beval_gemfile\b|\bFile\.(read|exist)|\brequire_relative\b/m.test(text)) inputs.source = true;
  if (/\bENV\b/.test(text)) inputs.doubts.push('the Gemfile reads variables of its environment, which the start may set otherwise');
  if (/git@|ssh:\/\//.test(text)) inputs.problem = 'fetches with an SSH key (Gemfile), which a build gets only from RUN --mount=type=ssh';
  return inputs;
}

function composerInputs({ named }: InstallCommand, directory: string, read: (name: string) => string | undefined, inputs: Inputs): Inputs {
  const at = (name: string) => posix.join(directory, name);
  inputs.optional.push(at('composer.lock'), at('auth.json'));
  if (named.length === 0) inputs.files.push(at('composer.json'));
  // Its autoloader lists the classes that are there when it is written.
  inputs.source = true;
  const text = read('composer.json') ?? '';
  const scripts = [...text.matchAll(/"((?:pre|post)-(?:install|update|autoload)[\w-]*)"\s*:/g)].map(([, name]) => name!);
  const tame = !/"(?!@php artisan package:discover|Illuminate\\\\Foundation\\\\ComposerScripts)[^"]*(artisan|bin\/console|@php|::)[^"]*"/.test(text);
  if (scripts.length > 0 && !tame) inputs.doubts.push(`composer.json runs scripts when it is installed (${scripts[0]}), from now on while the image is built`);
  return inputs;
}
