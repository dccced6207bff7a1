import { join, posix } from 'node:path';
import type { Disk } from '../disk.ts';
import { memo } from '../memo.ts';
import type { Unit } from '../project.ts';
import { copiesOf } from './copies.ts';
import { historyOf } from './history.ts';

/** A line of the application's source, for the reader: unroot does not change it. */
export interface SourceLine {
  /** Absolute. */
  path: string;
  /** From 1. */
  line: number;
  text: string;
}

/** The source that a Dockerfile copies from its build context, as far as it is text that people write. */
export const sourcesOf = memo((unit: Unit, disk: Disk): SourceFileText[] => {
  const { context } = unit;
  if (context === undefined) return [];
  const found = new Map<string, SourceFileText>();
  for (const stage of unit.dockerfile.stages) {
    for (const { from, sources } of copiesOf(historyOf(stage, unit))) {
      if (from !== undefined) continue;
      for (const source of sources) if (source !== undefined) collect(join(context, source.replace(/[*?[].*$/, '')), disk, found);
    }
  }
  return [...found.values()];
});

export interface SourceFileText {
  path: string;
  text: string;
}

/** Enough for a service of one's own; a monorepo is not read through. */
const MAX_FILES = 600;
const MAX_BYTES = 200_000;
const SKIPPED = /^(node_modules|\.git|tests?|__tests__|spec|docs?|examples?|bench|dist|build|vendor|venv|\.venv|migrations|e2e|cypress|target|obj|bin|coverage)$/;
const SOURCE = /\.([cm]?[jt]sx?|py|rb|go|rs|java|kt|scala|cs|fs|php|ex|exs|pl|lua|swift|dart|clj|groovy|properties|ya?ml|toml|ini|conf|config|json|cfg|env|vue|svelte|html|xml|hs|cr|nim|zig|c|cc|cpp|h|sh|graphql)$/;

/** What is made by tools, and what says how containers run instead of running in them. */
const NO_SOURCE = /package-lock|composer\.lock|yarn\.lock|pnpm-lock|\.min\.|\/(docker-)?compose[^/]*\.ya?ml$|\/\.[^/]*\.ya?ml$/;

function collect(path: string, disk: Disk, found: Map<string, SourceFileText>): void {
  const entry = disk.stat(path);
  if (!entry || found.size >= MAX_FILES || found.has(path)) return;
  if (entry.kind === 'directory') {
    for (const name of disk.list(path)) if (!SKIPPED.test(name)) collect(join(path, name), disk, found);
    return;
  }
  if (!SOURCE.test(path) || entry.size > MAX_BYTES || NO_SOURCE.test(path)) return;
  const text = disk.read(path);
  if (text !== undefined) found.set(path, { path, text });
}

/** Calls and settings that make a program listen on a port: `.listen(80`, `port: 80`, `":80"`, a default behind a variable. */
function patternsFor(port: number): RegExp[] {
  return [
    String.raw`\.listen\([^,)\n]{0,60}\b${port}\b`,
    String.raw`\b[Pp](?:ort|ORT)["']?\s*[:=]\s*(?:int\()?["']?${port}\b`,
    String.raw`["'](?:tcp://|https?://)?(?:[\d.*+\[\]:]*|localhost):${port}["']`,
    // An address as Python has it: ('0.0.0.0', 80).
    String.raw`\(\s*["'][\w.:]*["']\s*,\s*${port}\s*\)`,
    String.raw`\b(?:getenv|Getenv|environ|ENV|env)\b[^\n]{0,50}\b${port}\b`,
  ].map((source) => new RegExp(source, 'g'));
}

/** The lines of a Dockerfile's source that make it listen on a port by its number. */
export function listensIn(unit: Unit, port: number, disk: Disk): SourceLine[] {
  return once(unit, disk, String(port), () => patternsFor(port));
}

/** The lines that read a variable of the environment. */
export function readsVariable(unit: Unit, name: string, disk: Disk): SourceLine[] {
  return once(unit, disk, name, () => [new RegExp(`\\b(?:env|environ|ENV|getenv|Getenv|GetEnvironmentVariable|std::env|System\\.getenv|process)\\b[^\\n]{0,40}\\b${name}\\b`, 'g'), new RegExp(`\\$\\{${name}\\b`, 'g')]);
}

/** The lines that speak of a port or a variable in one of some ways. A unit's source is searched once for each, however many run it. */
function once(unit: Unit, disk: Disk, word: string, patterns: () => RegExp[]): SourceLine[] {
  const found = searchedFor(unit, disk);
  const known = found.get(word);
  if (known) return known;
  const lines = linesWith(sourcesOf(unit, disk).filter(({ text }) => text.includes(word)), patterns());
  found.set(word, lines);
  return lines;
}

const searchedFor = memo((_unit: Unit, _disk: Disk): Map<string, SourceLine[]> => new Map());

function linesWith(files: readonly SourceFileText[], patterns: readonly RegExp[]): SourceLine[] {
  const found: SourceLine[] = [];
  for (const { path, text } of files) {
    for (const pattern of patterns) {
      for (const match of text.matchAll(pattern)) {
        const line = text.slice(0, match.index).split('\n').length;
        if (!found.some((one) => one.path === path && one.line === line)) found.push({ path, line, text: text.split('\n', line)[line - 1]!.trim().slice(0, 100) });
      }
    }
  }
  return found;
}

/** A path as readers know it: relative to the build context. */
export function shownIn(unit: Unit, path: string): string {
  return unit.context === undefined ? path : posix.relative(unit.context, path);
}
