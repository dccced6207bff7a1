import { basename, dirname, join, relative } from 'node:path';
import { isMap, readYaml, YamlError } from '../compose/yaml.ts';
import type { Disk } from '../disk.ts';
import { memoByName } from '../memo.ts';
import { type BakeTarget, readBake } from './bake.ts';
import { type BuildCommand, readImageCommands } from './commands.ts';

/** A place in a repository, beside compose, that builds an image. */
export interface Builder {
  /** The file that says so, relative to the root. */
  path: string;
  /** Absolute paths of the Dockerfile that it may mean: relative ones count from more than one directory. */
  dockerfiles: string[];
  /** The stage that it names; undefined for the last one. */
  target: string | undefined;
  /** The names that it gives the image. */
  tags: string[];
  /** Whether the same file sends the image to a registry. */
  pushed: boolean;
}

/** The builders in a repository's bake files, scripts, Makefiles and CI files. */
export const buildersUnder = memoByName((disk: Disk, root): Builder[] => scriptsUnder(disk, root).flatMap((path) => read(disk, root, path)));

/** More than a repository's own scripts ever are; beyond it the rest stays out of sight. */
const MAX_FOLDERS = 2000;
const MAX_BYTES = 200_000;
const SKIPPED = /^(node_modules|vendor|third_party|testdata|fixtures|dist|target|venv|\.git|\.venv)$/;

/** The scripts, Makefiles, CI and bake files of a repository, absolute, in order. */
export const scriptsUnder = memoByName((disk: Disk, root): string[] => {
  const found: string[] = [];
  const waiting = [root];
  for (let folders = 0; folders < MAX_FOLDERS; folders += 1) {
    const directory = waiting.pop();
    if (directory === undefined) break;
    for (const name of disk.list(directory)) {
      const path = join(directory, name);
      if (kindOf(path) !== undefined) found.push(path);
      else if ((!name.includes('.') || name === '.github' || name === '.circleci') && !SKIPPED.test(name) && disk.stat(path)?.kind === 'directory') waiting.push(path);
    }
  }
  return found.sort();
});

type Kind = 'bake' | 'make' | 'shell' | 'yaml' | 'manifest';

/** What a file may say about builds, by its name. */
function kindOf(path: string): Kind | undefined {
  const name = basename(path);
  if (/^docker-bake(\.override)?\.(hcl|json)$/.test(name)) return 'bake';
  if (/^(GNUm|m|M)akefile$|\.mk$/.test(name)) return 'make';
  if (name.endsWith('.sh')) return 'shell';
  if (name === 'package.json') return 'manifest';
  const isCi = /\.github\/workflows\/[^/]+\.ya?ml$/.test(path) || /^(\.gitlab-ci|\.travis|azure-pipelines|bitbucket-pipelines|cloudbuild|buildspec|Taskfile|skaffold)\.ya?ml$/.test(name) || /\.circleci\/config\.yml$/.test(path);
  return isCi ? 'yaml' : undefined;
}

function read(disk: Disk, root: string, path: string): Builder[] {
  if ((disk.stat(path)?.size ?? 0) > MAX_BYTES) return [];
  const text = disk.read(path);
  if (text === undefined) return [];
  const directory = dirname(path);
  const from = (target: BakeTarget | BuildCommand, bases: readonly string[], pushed: boolean): Builder => ({
    path: relative(root, path),
    dockerfiles: bases.map((base) => join(base, target.context, target.dockerfile)).concat(bases.map((base) => join(base, target.dockerfile))),
    target: target.target,
    tags: target.tags,
    pushed,
  });
  const built = (scripts: readonly string[], bases: readonly string[], others: readonly BuildCommand[] = []): Builder[] => {
    const found = scripts.map(readImageCommands);
    const pushes = found.flatMap((one) => one.pushes);
    const commands = [...found.flatMap(({ builds }) => builds), ...others];
    return commands.map((command) => from(command, bases, command.pushed || pushes.some((image) => image === undefined || command.tags.includes(image))));
  };
  switch (kindOf(path)!) {
    case 'bake':
      return readBake(text, path.endsWith('.json')).map((target) => from(target, [directory], false));
    case 'make':
      return built([recipesOf(text)], [directory, root]);
    case 'shell':
      return built([text], [root, directory]);
    case 'manifest':
      return built(textsIn(parsedJson(text)), [directory]);
    case 'yaml': {
      const documents = parsedYaml(text);
      return built(textsIn(documents), [root, directory], [...actionsIn(documents), ...stepsIn(documents)]);
    }
  }
}

/** The recipe lines of a Makefile as a script, `$(NAME)` left to be unknown. */
function recipesOf(text: string): string {
  const lines = text.replace(/\\\r?\n\s*/g, ' ').split(/\r?\n/);
  return lines.filter((line) => line.startsWith('\t')).map((line) => line.trim().replace(/^[@+-]+\s*/, '').replaceAll('$$', '$')).join('\n');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not a manifest that its tools could read either
  }
}

function parsedYaml(text: string): unknown[] {
  try {
    return readYaml(text);
  } catch (error) {
    if (error instanceof YamlError) return []; // its tools could not read it either
    throw error;
  }
}

/** Every text at any depth that may hold a build, or what sends its image away. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return /\b(build|push)/.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isMap(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** Cloud Build's steps: `args: ['build', '-t', …, '.']`, from the directory `dir`. */
function stepsIn(value: unknown): BuildCommand[] {
  if (Array.isArray(value)) return value.flatMap(stepsIn);
  if (!isMap(value)) return [];
  const { args, dir } = value;
  if (!Array.isArray(args) || args[0] !== 'build' || !args.every((arg) => typeof arg === 'string')) return Object.values(value).flatMap(stepsIn);
  const { builds } = readImageCommands(`docker ${args.map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(' ')}`);
  return builds.map((command) => ({ ...command, context: join(typeof dir === 'string' ? dir : '.', command.context), dockerfile: join(typeof dir === 'string' ? dir : '.', command.dockerfile) }));
}

/** GitHub's `docker/build-push-action`, with its `context`, `file`, `target`, `tags` and `push`; a push that an expression decides is one. */
function actionsIn(value: unknown, steps: readonly unknown[] = []): BuildCommand[] {
  if (Array.isArray(value)) return value.flatMap((one) => actionsIn(one, value));
  if (!isMap(value)) return [];
  if (!isStepOf(value, 'docker/build-push-action')) return Object.values(value).flatMap((one) => actionsIn(one));
  const inputs = isMap(value.with) ? value.with : {};
  const input = (name: string) => (typeof inputs[name] === 'string' && !inputs[name].includes('${{') ? inputs[name] : undefined);
  const context = input('context') ?? '.';
  const tags = input('tags')?.split(/[\s,]+/).filter(Boolean) ?? namesBehind(String(inputs.tags ?? ''), steps);
  return [{ context, dockerfile: input('file') ?? join(context, 'Dockerfile'), target: input('target'), tags, pushed: !['', 'false'].includes(String(inputs.push ?? '')) }];
}

/** The images that the `docker/metadata-action` of a step before names, where the tags are its output: `${{ steps.meta.outputs.tags }}`. */
function namesBehind(tags: string, steps: readonly unknown[]): string[] {
  const id = /steps\.([\w-]+)\.outputs\.tags/.exec(tags)?.[1];
  const metadata = steps.filter((step) => isStepOf(step, 'docker/metadata-action')).find((step) => step.id === id);
  const images = isMap(metadata?.with) ? metadata.with.images : undefined;
  return typeof images !== 'string' ? [] : images.split(/[\s,]+/).map((image) => image.replace(/^name=/, '')).filter((image) => image !== '' && !/[=${}]/.test(image));
}

function isStepOf(step: unknown, action: string): step is Record<string, unknown> {
  return isMap(step) && typeof step.uses === 'string' && step.uses.startsWith(action);
}
