import { dirname, join, posix, relative, sep } from 'node:path';
import { parseDockerfile, type Dockerfile } from '../../dockerfile/parse.ts';
import { applyEdits } from '../../edit.ts';
import { plainPath } from '../../image-paths.ts';
import type { LinkedService, Project, Target } from '../../project.ts';
import type { Reason } from '../judgement.ts';
import { inputsOf } from '../install-inputs.ts';
import { type InstallPlan, installPlan } from '../install-plan.ts';
import type { MovedInstall } from '../start-installs.ts';
import { serviceOptOut } from './opt-out.ts';
import { hostPath, serviceTarget } from './target.ts';

/**
 * That a service of a ready-made image installs packages when it starts. What would mend it is a Dockerfile
 * of its own, which the advice has ready: it is no edit, since the service would run another image from then
 * on, and what is mounted may hide what that brings.
 */
export function serviceInstalls(linked: LinkedService, project: Project): Reason | undefined {
  if (serviceOptOut(linked, 'runtime-install')) return undefined;
  const target = serviceTarget(linked, project);
  const { move, byHand } = target ? installPlan(target) : { move: undefined, byHand: [] };
  const [problem] = byHand;
  if (!target || (!problem && !move)) return undefined;
  if (problem) return { rule: 'installs-at-start', ...problem };
  const first = move!.installs.find(({ install }) => install.verb === 'install') ?? move!.installs[0]!;
  return { rule: 'installs-at-start', message: `${first.where} runs ${first.install.words.map(({ text }) => text).join(' ')}`, advice: advice(linked, target, move!) };
}

/** The Dockerfile and the lines of the service that go with it. */
function advice(linked: LinkedService, target: Target, move: NonNullable<InstallPlan['move']>): string {
  const { source, file } = linked;
  const image = new Image(linked, target);
  const name = `${source.name}.Dockerfile`;
  const needed = image.copies(move.installs);
  const { workingDir } = linked.service;
  const dockerfile = [`FROM ${linked.service.image}`, ...(workingDir === undefined ? [] : [`WORKDIR ${workingDir}`]), ...needed, ...move.steps];
  const hidden = image.hidden(move.installs);
  return [
    `build an image that has them, in ${join(relative(target.unit.file.root, dirname(file.absolute)), name)}:`,
    ...dockerfile.map((line) => `  ${line}`),
    `and say so in ${linked.path}, in place of image: and what installs:`,
    '  build:',
    `    context: ${image.context}`,
    `    dockerfile: ${posix.join(relativePath(join(dirname(file.absolute), image.context), dirname(file.absolute)), name)}`,
    ...startLines(linked, target, move).map((line) => `  ${line}`),
    ...(hidden.length > 0 ? ['  volumes, beside those that are there:', ...hidden.map((path) => `    - ${path}`)] : []),
    ...otherFiles(linked, move).map((path) => `and take the installs out of ${path}`),
  ].join('\n');
}

/** What the image is built from. */
class Image {
  /** Relative to the compose file's folder. */
  readonly context: string;
  private readonly linked: LinkedService;
  private readonly target: Target;

  constructor(linked: LinkedService, target: Target) {
    this.linked = linked;
    this.target = target;
    const directory = dirname(linked.file.absolute);
    const above = linked.service.mounts.some((mount) => hostPath(mount)?.startsWith(directory + sep) === false && hostPath(mount) !== directory);
    this.context = above ? relativePath(directory, target.unit.file.root) || '.' : '.';
  }

  /** COPY lines for the manifests that were mounted, or for the source where an install needs it. */
  copies(installs: readonly MovedInstall[]): string[] {
    const lines = installs.flatMap(({ install, cwd }) => {
      if (install.kind !== 'language') return [];
      const { files, optional, source } = inputsOf(install, cwd, this.target);
      const whole = source ? this.mounts().filter(({ target }) => files.some((path) => path.startsWith(`${target}/`))) : [];
      if (whole.length > 0) return whole.map(({ host, target }) => `COPY ${this.fromContext(host) || '.'} ${target}`);
      const found = [...files, ...optional].flatMap((path) => this.hostOf(path) ?? []);
      const folders = [...new Set(found.map(({ path }) => posix.dirname(path)))];
      return folders.map((folder) => {
        const brought = found.filter(({ path }) => posix.dirname(path) === folder).map(({ host }) => this.fromContext(host));
        return `COPY ${brought.join(' ')} ${folder === this.linked.service.workingDir ? './' : `${folder}/`}`;
      });
    });
    return [...new Set(lines)];
  }

  /** Directories that installs fill and that a mount lies over. */
  hidden(installs: readonly MovedInstall[]): string[] {
    const filled = installs.flatMap(({ install, cwd }) => (install.kind === 'language' ? inputsOf(install, cwd, this.target).fills : []));
    return [...new Set(filled)].filter((path) => this.mounts().some(({ target }) => path.startsWith(`${target}/`)) && !this.linked.service.mounts.some(({ target }) => target === path));
  }

  private mounts(): { host: string; target: string }[] {
    return this.linked.service.mounts.flatMap((mount) => {
      const host = hostPath(mount);
      return host === undefined ? [] : [{ host, target: plainPath(mount.target) }];
    });
  }

  private hostOf(path: string): { path: string; host: string } | undefined {
    const mount = this.mounts().findLast(({ target }) => path === target || path.startsWith(`${target}/`));
    const host = mount && join(mount.host, posix.relative(mount.target, path));
    return host !== undefined && this.target.disk.stat(host)?.kind === 'file' ? { path, host } : undefined;
  }

  private fromContext(host: string): string {
    return relativePath(join(dirname(this.linked.file.absolute), this.context), host);
  }
}

function relativePath(from: string, to: string): string {
  return relative(from, to).split(sep).join('/');
}

/** `command:` and `entrypoint:` as they are without the installs. */
function startLines(linked: LinkedService, { unit }: Target, { edits }: NonNullable<InstallPlan['move']>): string[] {
  const own = edits.filter(({ path }) => path === unit.file.path);
  const after = parseDockerfile(applyEdits(unit.dockerfile.text, own));
  return (['entrypoint', 'command'] as const).flatMap((key) => {
    const keyword = key === 'command' ? 'CMD' : 'ENTRYPOINT';
    const [was, is] = [wordsOf(unit.dockerfile, keyword), wordsOf(after, keyword)];
    if (!is || is.join('\n') === was?.join('\n')) return [];
    const found = linked.service.at(key);
    const written = found ? found.place.file.text.slice(found.node.start, found.node.end).replaceAll('$$', '') : '';
    return written.includes('$') ? [`${key}: without the installs`] : [`${key}: ${shownWords(is)}`];
  });
}

function wordsOf({ stages }: Dockerfile, keyword: string): string[] | undefined {
  return stages[0]!.instructions.findLast((one) => one.keyword === keyword)?.json;
}

function shownWords(words: readonly string[]): string {
  if (words.every((word) => /^[\w./@%+=:,-]+$/.test(word))) return words.join(' ');
  return `[${words.map((word) => JSON.stringify(word.replaceAll('$', '$$$$'))).join(', ')}]`;
}

function otherFiles({ path: own }: LinkedService, { edits }: NonNullable<InstallPlan['move']>): string[] {
  return [...new Set(edits.map(({ path }) => path))].filter((path) => path !== own);
}
