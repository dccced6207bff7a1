import { join, posix } from 'node:path';
import { expand } from '../dockerfile/expand.ts';
import type { Heredoc } from '../dockerfile/scan.ts';
import { type Target, stageNamed } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { type History, historyOf, type Step } from './history.ts';
import { memo } from './memo.ts';

/** One COPY or ADD with its words read. */
export interface Copy {
  step: Step;
  /** The stage or image that `--from` names; undefined for the build context. */
  from: string | undefined;
  /** As written with variables replaced; undefined where one is not known. */
  sources: (string | undefined)[];
  /** Absolute path in the image; undefined where it is not known. */
  destination: string | undefined;
  /** Whether the destination is a directory by its spelling or by what is put into it. */
  intoDirectory: boolean;
  chown: string | undefined;
  chmod: string | undefined;
  heredocs: Heredoc[];
}

/** What COPY and ADD bring into a stage and those it is built of, in order. */
export const copiesOf = memo((history: History): Copy[] =>
  history.steps.filter(({ instruction: { keyword } }) => keyword === 'COPY' || keyword === 'ADD').map(copyOf),
);

function copyOf(step: Step): Copy {
  const { instruction, cwd, variables } = step;
  const word = (text: string) => expand(text, variables);
  const words = (instruction.json ?? instruction.args.split(/[\t\v\f\r ]+/)).map(word);
  const target = words.at(-1);
  const sources = words.slice(0, -1);
  const flag = (name: string) => instruction.flags.find((one) => one.name === name)?.value;
  return {
    step,
    from: flag('from'),
    sources,
    destination: resolvePath(cwd, target),
    intoDirectory: target === undefined || target === '.' || /\/\.?$/.test(target) || sources.length > 1,
    chown: flag('chown'),
    chmod: flag('chmod'),
    heredocs: instruction.heredocs,
  };
}

/** A file of the image that was brought from somewhere that can be read. */
export interface CopiedFile {
  copy: Copy;
  /** The path in the build context; undefined for a heredoc. */
  source: string | undefined;
  text: string | undefined;
  /** Permission bits in the context; undefined for a heredoc. */
  mode: number | undefined;
  /** The heredoc that holds it, where one does. */
  heredoc?: Heredoc;
}

/** The instructions that bring a file into a target's image, the first to do so first. */
export function copiesOfFile(target: Target, path: string): Copy[] {
  const history = historyOf(target.stage, target.unit);
  return copiesOf(history).filter((copy) => copy.destination !== undefined && (heredocFor(copy, path) ?? (copy.from !== undefined ? fromStage(target, history, copy, path, 0) : fromContext(target, copy, path))) !== undefined);
}

/** Where a file of a target's image comes from; `elsewhere` for another stage or image, undefined where nothing in sight brings it. */
export function originOf(target: Target, path: string): CopiedFile | 'elsewhere' | undefined {
  const history = historyOf(target.stage, target.unit);
  return originIn(target, history, path, 0);
}

function originIn(target: Target, history: History, path: string, depth: number): CopiedFile | 'elsewhere' | undefined {
  for (const copy of copiesOf(history).toReversed()) {
    const found = broughtBy(target, history, copy, path, depth);
    if (found) return found;
  }
  return undefined;
}

/** What a single COPY or ADD puts at a path; undefined where it puts nothing there. */
export function broughtBy(target: Target, history: History, copy: Copy, path: string, depth = 0): CopiedFile | 'elsewhere' | undefined {
  if (copy.destination === undefined) return undefined;
  const inline = heredocFor(copy, path);
  if (inline) return { copy, source: undefined, text: inline.body, mode: undefined, heredoc: inline };
  return copy.from !== undefined ? fromStage(target, history, copy, path, depth) : fromContext(target, copy, path);
}

function heredocFor(copy: Copy, path: string): Heredoc | undefined {
  const { destination, heredocs, intoDirectory } = copy;
  return heredocs.find((heredoc) => (intoDirectory ? posix.join(destination!, heredoc.name) : destination) === path);
}

function fromStage(target: Target, history: History, copy: Copy, path: string, depth: number): CopiedFile | 'elsewhere' | undefined {
  const inside = sourcesFor(copy, path);
  if (inside.length === 0) return undefined;
  const { unit } = copy.step;
  const stage = stageNamed(unit.dockerfile.stages, copy.from!, copy.step.stage.index);
  if (!stage || depth > 8) return 'elsewhere';
  const other = historyOf(stage, unit);
  if (other === history) return 'elsewhere';
  for (const candidate of inside) {
    const found = originIn(target, other, resolvePath('/', candidate)!, depth + 1);
    if (found) return found;
  }
  return 'elsewhere';
}

function fromContext(target: Target, copy: Copy, path: string): CopiedFile | undefined {
  const { context } = copy.step.unit;
  if (context === undefined) return undefined;
  for (const candidate of sourcesFor(copy, path)) {
    const source = posix.join('.', candidate);
    const file = join(context, source);
    const entry = target.disk.stat(file);
    if (entry?.kind === 'file') return { copy, source, text: target.disk.read(file), mode: entry.mode };
  }
  return undefined;
}

/** Whether a COPY or ADD puts something at a path that is not in sight: another image's, a download's, or what the build context lacks. */
export function hidesAt(target: Target, history: History, copy: Copy, path: string): boolean {
  const sources = copy.sources.filter((source) => source !== undefined && !source.startsWith('<<') && mayReach(copy, source, path));
  if (copy.from !== undefined) return sources.length > 0 && broughtBy(target, history, copy, path) === 'elsewhere';
  return sources.some((source) => isArchive(copy, source!) || !isInContext(target, copy, source!));
}

/** Whether a COPY or ADD brings something that the build context does not have. */
export function lacksSource(target: Target, copy: Copy): boolean {
  return copy.from === undefined && copy.sources.some((source) => source !== undefined && !source.startsWith('<<') && !isInContext(target, copy, source));
}

/** Whether a source that nobody can look into may end up at a path, or bring it along. */
function mayReach(copy: Copy, source: string, path: string): boolean {
  const { destination } = copy;
  if (destination === undefined) return false;
  const below = posix.relative(destination, path);
  if (below.startsWith('..')) return false;
  const name = posix.basename(source);
  if (below === '') return !copy.intoDirectory || !isFileName(name) || isArchive(copy, name);
  return globMatches(name, below) || isArchive(copy, name) || !isFileName(name);
}

/** Whether a name has an extension, as those of directories do not but for `conf.d` and its like. */
function isFileName(name: string): boolean {
  return /[^.]\.\w+$/.test(name) && !name.endsWith('.d');
}

function isArchive({ step }: Copy, source: string): boolean {
  return step.instruction.keyword === 'ADD' && /\.(tar|tar\.\w+|tgz|tbz2?|txz)$/.test(source);
}

function isInContext(target: Target, { step }: Copy, source: string): boolean {
  const { context } = step.unit;
  if (context === undefined) return false;
  const wanted = posix.basename(posix.join('.', source));
  if (/[*?]/.test(wanted)) return target.disk.list(join(context, posix.dirname(source))).some((name) => globMatches(wanted, name));
  return target.disk.stat(join(context, source)) !== undefined;
}

/** The source paths that would end up at `path`, if they exist: a file copied to it, or a directory copied above it. */
function sourcesFor(copy: Copy, path: string): string[] {
  const destination = copy.destination!;
  const result: string[] = [];
  for (const source of copy.sources) {
    if (source === undefined) continue;
    if (destination === path) result.push(source);
    const below = posix.relative(destination, path);
    if (below === '' || below.startsWith('..')) continue;
    if (!below.includes('/') && globMatches(posix.basename(source), below)) result.push(posix.join(posix.dirname(source), below));
    result.push(posix.join(source, below));
  }
  return result;
}

/** The names that COPY and ADD put into a directory of a target's image, as far as their sources are in sight. */
export function namesCopiedInto(target: Target, directory: string): string[] {
  return [...new Set(namesIn(target, historyOf(target.stage, target.unit), directory, 0))];
}

function namesIn(target: Target, history: History, directory: string, depth: number): string[] {
  return copiesOf(history).flatMap((copy) => {
    const { destination, heredocs, from } = copy;
    if (destination === undefined || depth > 8) return [];
    const names = heredocs.flatMap(({ name }) => nameIn(directory, placeOf(copy, name, directory)));
    if (from !== undefined) return [...names, ...namesFromStage(target, history, copy, directory, depth)];
    return [...names, ...copy.sources.flatMap((source) => (source === undefined ? [] : namesFromContext(target, copy, source, directory)))];
  });
}

/** Where a single file ends up: a destination that is a directory already takes it in, slash or not. */
function placeOf({ destination, intoDirectory }: Copy, name: string, directory: string): string {
  return intoDirectory || destination === directory ? posix.join(destination!, posix.basename(name)) : destination!;
}

/** The first part of a path below a directory. */
function nameIn(directory: string, path: string): string[] {
  const below = posix.relative(directory, path);
  return below === '' || below.startsWith('..') ? [] : [below.split('/')[0]!];
}

function namesFromStage(target: Target, history: History, copy: Copy, directory: string, depth: number): string[] {
  const { unit } = copy.step;
  const stage = stageNamed(unit.dockerfile.stages, copy.from!, copy.step.stage.index);
  const other = stage && historyOf(stage, unit);
  if (!other || other === history) return [];
  return copy.sources.flatMap((source) => {
    const below = posix.relative(copy.destination!, directory);
    const inside = source === undefined || below.startsWith('..') ? undefined : resolvePath('/', posix.join(source, below));
    const single = source === undefined ? [] : nameIn(directory, placeOf(copy, source, directory));
    return inside === undefined ? single : [...namesIn(target, other, inside, depth + 1), ...(below === '' ? single : [])];
  });
}

function namesFromContext(target: Target, copy: Copy, source: string, directory: string): string[] {
  const { context } = copy.step.unit;
  if (context === undefined) return [];
  const parent = join(context, posix.dirname(source));
  const wanted = posix.basename(posix.join('.', source));
  const sources = /[*?]/.test(wanted) ? target.disk.list(parent).filter((name) => globMatches(wanted, name)).map((name) => join(parent, name)) : [join(context, source)];
  return sources.flatMap((path) => {
    if (target.disk.stat(path)?.kind !== 'directory') return nameIn(directory, placeOf(copy, path, directory));
    const below = posix.relative(copy.destination!, directory);
    return below.startsWith('..') ? nameIn(directory, copy.destination!) : target.disk.list(join(path, below));
  });
}

function globMatches(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === name;
  const expression = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]*').replace(/\?/g, '[^/]');
  return new RegExp(`^${expression}$`).test(name);
}
