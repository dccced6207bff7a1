import { posix } from 'node:path';
import type { Installation } from '../servers/defaults.ts';
import type { ConfigFile, ConfigFiles } from '../servers/types.ts';
import type { Target } from '../project.ts';
import { resolvePath, type ShellCommand } from '../shell/read.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from './commands.ts';
import { broughtBy, type Copy, copiesOf, hidesAt, namesCopiedInto } from './copies.ts';
import { type History, historyOf, type Step } from './history.ts';
import { printedInto } from './made-files.ts';
import { sedEdit, substituted } from './sed.ts';

const MAX_DEPTH = 4;

/**
 * The files of a target's image that a server may read, as far as something in sight brings them: an
 * installation's own, what COPY and ADD put over them, and what RUN removes, links, writes or edits.
 */
export class ImageFiles implements ConfigFiles {
  private readonly known = new Map<string, ConfigFile | undefined>();
  private readonly target: Target;
  private readonly installation: Installation;
  private readonly history: History;

  constructor(target: Target, installation: Installation) {
    this.target = target;
    this.installation = installation;
    this.history = historyOf(target.stage, target.unit);
  }

  variable(name: string): string | undefined {
    return this.history.variables(name) ?? this.installation.variables?.[name];
  }

  read(path: string): ConfigFile | undefined {
    const real = this.links().get(path) ?? path;
    if (!this.known.has(real)) this.known.set(real, this.look(real, undefined, 0));
    return this.known.get(real);
  }

  list(directory: string): string[] {
    const below = (path: string) => (path.startsWith(`${directory === '/' ? '' : directory}/`) ? [path.slice(directory === '/' ? 1 : directory.length + 1).split('/')[0]!] : []);
    const names = [...Object.keys(this.installation.files), ...this.links().keys(), ...this.madePaths()].flatMap(below);
    const all = new Set([...names, ...namesCopiedInto(this.target, directory)]);
    return [...all].filter((name) => !this.isGone(posix.join(directory, name))).sort();
  }

  isHidden(path: string): boolean {
    return copiesOf(this.history).some((copy) => hidesAt(this.target, this.history, copy, path));
  }

  /** A path's text, followed through the steps of the build up to one of them; undefined where it is not there or not known. */
  private look(path: string, until: Step | undefined, depth: number): ConfigFile | undefined {
    const own = this.installation.files[path];
    let file: ConfigFile | undefined = own === undefined ? undefined : { path, text: own, source: undefined, offset: 0, template: false };
    const copies = copiesOf(this.history);
    for (const step of this.history.steps) {
      if (step === until) break;
      const copy = copies.find((one) => one.step === step);
      if (copy) file = hidesAt(this.target, this.history, copy, path) ? undefined : (this.copied(copy, path) ?? file);
      else if (mentions(step, posix.basename(path)) || mentions(step, posix.dirname(path)) || mentions(step, /\*/)) file = this.changed(step, path, file, depth);
    }
    return file;
  }

  private copied(copy: Copy, path: string): ConfigFile | undefined {
    const found = broughtBy(this.target, this.history, copy, path);
    if (!found || found === 'elsewhere' || found.text === undefined) return undefined;
    const { context, file, dockerfile } = found.copy.step.unit;
    const { heredoc, source, text } = found;
    if (heredoc) {
      const asWritten = dockerfile.text.slice(heredoc.start, heredoc.end) === text;
      return { path, text, source: asWritten ? file.absolute : undefined, offset: heredoc.start, template: false };
    }
    return { path, text, source: source === undefined || context === undefined ? undefined : posix.join(context, source), offset: 0, template: false };
  }

  /** What a RUN leaves of a file. */
  private changed(step: Step, path: string, before: ConfigFile | undefined, depth: number): ConfigFile | undefined {
    let file = before;
    for (const command of commandsOf(step)) {
      const invocation = unwrap(command);
      const edit = sedEdit(invocation);
      if (edit && edit.files.some((name) => means(command, name, path))) {
        file = file && edit.edit !== 'unknown' ? { ...file, text: substituted(file.text, edit.edit), source: undefined } : undefined;
        continue;
      }
      const printed = printedInto(command, path);
      if (printed !== undefined) {
        // What is appended to is not known where nothing of the installation is.
        if (printed.appends && !file && Object.keys(this.installation.files).length === 0) continue;
        const text: string = (printed.appends ? (file?.text ?? '') : '') + (printed.text ?? '');
        file = printed.text === undefined ? undefined : { path, text, source: undefined, offset: 0, template: false };
      } else if (removes(command, path) || rewrites(command, path)) file = undefined;
      else {
        const from = copiedFrom(command, path);
        if (from !== undefined && depth < MAX_DEPTH) file = this.moved(from, path, step, depth + 1);
      }
    }
    return file;
  }

  /** What a path held before a step, under its new name. */
  private moved(from: string, path: string, step: Step, depth: number): ConfigFile | undefined {
    const file = this.look(this.links().get(from) ?? from, step, depth);
    return file && { ...file, path };
  }

  /** The RUN steps with a `sed -i` on a file of the image. */
  editedBy(path: string): Step[] {
    return this.history.steps.filter((step) => mentions(step, 'sed') && commandsOf(step).some((command) => sedEdit(unwrap(command))?.files.some((name) => means(command, name, path))));
  }

  /** Whether the last thing that happens to a path is that a RUN removes it. */
  private isGone(path: string): boolean {
    let gone = false;
    const copies = copiesOf(this.history);
    for (const step of this.history.steps) {
      const copy = copies.find((one) => one.step === step);
      if (copy && broughtBy(this.target, this.history, copy, path)) gone = false;
      if (!copy) for (const command of commandsOf(step)) if (removes(command, path)) gone = true;
    }
    return gone;
  }

  private linked: Map<string, string> | undefined;

  /** Links by path: an installation's, and those that RUN makes with `ln -s`, `a2ensite` and their like. */
  private links(): Map<string, string> {
    if (this.linked) return this.linked;
    this.linked = new Map(Object.entries(this.installation.links ?? {}));
    const copies = copiesOf(this.history);
    for (const step of this.history.steps) {
      const copy = copies.find((one) => one.step === step);
      if (copy) for (const path of this.linked.keys()) if (broughtBy(this.target, this.history, copy, path) || hidesAt(this.target, this.history, copy, path)) this.linked.delete(path);
      if (!mentions(step, /\bln\b|\brm\b|\bunlink\b|a2(en|dis)(site|conf)/)) continue;
      for (const command of commandsOf(step)) {
        for (const [path, to] of linksMadeBy(command)) this.linked.set(path, to);
        for (const path of this.linked.keys()) if (removes(command, path)) this.linked.delete(path);
      }
    }
    return this.linked;
  }

  /** Paths that RUN writes, copies to or moves to. */
  private madePaths(): string[] {
    return this.history.steps.flatMap((step) =>
      commandsOf(step).flatMap((command) => {
        const { name, words } = unwrap(command);
        const redirected = command.redirects.flatMap(({ operator, target }) => (operator.startsWith('>') ? [resolvePath(command.cwd, target.value)] : []));
        const last = name === 'cp' || name === 'mv' || name === 'tee' || name === 'curl' || name === 'wget' ? words.slice(1).map(({ value }) => (value?.startsWith('/') ? value : undefined)) : [];
        return [...redirected, ...last].filter((path) => path !== undefined && path.startsWith('/etc/')).map((path) => path!);
      }),
    );
  }
}

/** Whether an argument means a path: by name, or by a glob. */
function means(command: ShellCommand, value: string | undefined, path: string): boolean {
  const named = resolvePath(command.cwd, value);
  if (named === undefined) return false;
  if (named === path) return true;
  if (!/[*?]/.test(named)) return false;
  const source = named.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]*').replace(/\?/g, '[^/]');
  return new RegExp(`^${source}$`).test(path);
}

/** Whether a program that changes files in ways of its own is given a path. */
function rewrites(command: ShellCommand, path: string): boolean {
  const { name, words } = unwrap(command);
  return name !== undefined && REWRITERS.test(name) && words.slice(1).some(({ value, text }) => means(command, value, path) || text.includes(path));
}

const REWRITERS = /^(perl|ruby|python\d*(\.\d+)?|node|php|g?awk|ed|ex|vim?|crudini|augtool|patch|m4|replace|jinja2|j2|gomplate|dockerize|confd|install|curl|wget)$/;

/** Whether a command removes or renames a path, or a directory that it lies in. */
function removes(command: ShellCommand, path: string): boolean {
  const { name, words } = unwrap(command);
  if (name === 'a2dissite' || name === 'a2disconf') return linkPaths(name, words.slice(1)).includes(path);
  if (name !== 'rm' && name !== 'mv' && name !== 'unlink') return false;
  const paths = operands(words, /^(-t|-S)$/);
  const gone = name === 'mv' ? paths.slice(0, -1) : paths;
  const isRecursive = name === 'mv' || hasFlag(words, 'r', 'recursive') || hasFlag(words, 'R', undefined);
  return gone.some(({ value }) => {
    if (means(command, value, path)) return true;
    for (let parent = posix.dirname(path); isRecursive && parent !== '/'; parent = posix.dirname(parent)) if (means(command, value, parent)) return true;
    return false;
  });
}

/** Where a `cp` or `mv` takes what it puts at a path; undefined where it puts nothing there. */
function copiedFrom(command: ShellCommand, path: string): string | undefined {
  const { name, words } = unwrap(command);
  if (name !== 'cp' && name !== 'mv') return undefined;
  const paths = operands(words, /^(-t|-S)$/).map(({ value }) => resolvePath(command.cwd, value));
  const to = paths.at(-1);
  const [from] = paths;
  if (to === undefined || from === undefined || paths.length < 2) return undefined;
  if (to === path && paths.length === 2) return from;
  return paths.slice(0, -1).find((one) => one !== undefined && posix.join(to, posix.basename(one)) === path);
}

function linksMadeBy(command: ShellCommand): [path: string, to: string][] {
  const { name, words } = unwrap(command);
  if (name === 'a2ensite' || name === 'a2enconf') return linkPaths(name, words.slice(1)).map((path) => [path, path.replace('-enabled/', '-available/')]);
  if (name !== 'ln' || !words.some(({ value }) => /^-[a-z]*s/.test(value ?? '') || value === '--symbolic')) return [];
  const [to, at] = operands(words);
  const path = resolvePath(command.cwd, at?.value);
  if (path === undefined || to?.value === undefined) return [];
  const target = resolvePath(posix.dirname(path), to.value);
  if (target === undefined) return [];
  // `ln -s x dir/` makes dir/x.
  const isDirectory = at!.value!.endsWith('/') || /-enabled$/.test(path);
  return [[isDirectory ? posix.join(path, posix.basename(target)) : path, isDirectory ? (resolvePath(path, to.value) ?? target) : target]];
}

/** `a2ensite default-ssl` → `/etc/apache2/sites-enabled/default-ssl.conf`. */
function linkPaths(name: string, words: readonly { value: string | undefined }[]): string[] {
  const folder = name.endsWith('site') ? 'sites' : 'conf';
  return words.flatMap(({ value }) => (value === undefined || value.startsWith('-') ? [] : [`/etc/apache2/${folder}-enabled/${value.replace(/\.conf$/, '')}.conf`]));
}
