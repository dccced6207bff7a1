import { join, posix } from 'node:path';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { copiesOf } from './copies.ts';
import { historyOf } from './history.ts';
import { memo } from './memo.ts';
import { startOf } from './start.ts';

/** A place in the application's source that writes to a literal path. */
export interface SourceWrite {
  /** Absolute, in the image. */
  path: string;
  /** File and line of the source, for the reader. */
  where: string;
}

/** What is searched: the commonest writes to literal paths. A hit is a write sign; no hit proves nothing. */
const WRITES: { files: RegExp; call: RegExp }[] = [
  { files: /\.py$/, call: /\bopen\(\s*f?r?["']([^"'{}%]+)["']\s*,\s*(?:mode\s*=\s*)?["'][wax]/g },
  { files: /\.py$/, call: /\bsqlite3\.connect\(\s*["']([^"':?{}%]+)["']/g },
  { files: /\.py$/, call: /\b(?:Rotating|TimedRotating)?FileHandler\(\s*["']([^"'{}%]+)["']/g },
  { files: /\.py$/, call: /\bos\.(?:makedirs|mkdir)\(\s*["']([^"'{}%]+)["']/g },
  { files: /\.py$/, call: /["']sqlite:\/\/\/([^"'?{}%]+)["']/g },
  { files: /\.[cm]?[jt]s$/, call: /\b(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|mkdirSync|mkdir)\(\s*["']([^"'$]+)["']/g },
  { files: /\.[cm]?[jt]s$/, call: /\bnew\s+(?:sqlite3\.)?Database\(\s*["']([^"':$]+)["']/g },
  { files: /\.[cm]?[jt]s$/, call: /\bdest\s*:\s*["']([^"'$]+)["']/g },
  { files: /settings[\w/]*\.py$/, call: /BASE_DIR\s*\/\s*["']([\w./-]+\.sqlite3?)["']/g },
  { files: /settings[\w/]*\.py$/, call: /os\.path\.join\(\s*BASE_DIR\s*,\s*["']([\w./-]+\.sqlite3?)["']/g },
  { files: /\.rb$/, call: /\bFile\.(?:open|write)\(\s*["']([^"'#]+)["']\s*,\s*["'][wa]/g },
];

/** Enough for a service of one's own; a monorepo is not read through. */
const MAX_FILES = 300;
const MAX_BYTES = 200_000;
const SKIPPED = /^(node_modules|\.git|tests?|__tests__|spec|docs?|examples?|scripts|tools|bench|dist|build|vendor|venv|\.venv|migrations|e2e|cypress)$/;

/** The writes to literal paths in source that is copied from the build context, where the target runs it. */
export const sourceWrites = memo((target: Target): SourceWrite[] => {
  const { context } = target.unit;
  const history = historyOf(target.stage, target.unit);
  const { cwd } = history;
  if (context === undefined || cwd === undefined || !runsSource(target)) return [];
  const found: SourceWrite[] = [];
  let left = MAX_FILES;
  for (const { from, sources, destination } of copiesOf(history)) {
    if (from !== undefined || destination === undefined) continue;
    for (const source of sources) if (source !== undefined && !/[*?[]/.test(source)) left = search(target, join(context, source), source, cwd, found, left);
  }
  return found;
});

/** Whether the start command runs source as it is, rather than what a build made of it. */
function runsSource(target: Target): boolean {
  return startOf(target).commands.some(({ name }) => name !== undefined && /^(python[\d.]*|node|ruby|gunicorn|uvicorn|flask|celery|npm|yarn|ts-node|tsx|bundle|streamlit|django-admin)$/.test(name));
}

/** Searches a file or folder; answers how many files may still be read. */
function search(target: Target, path: string, shown: string, cwd: string, found: SourceWrite[], left: number): number {
  const entry = target.disk.stat(path);
  if (!entry || left <= 0) return left;
  if (entry.kind === 'directory') {
    for (const name of target.disk.list(path)) {
      if (!SKIPPED.test(name)) left = search(target, join(path, name), posix.join(shown, name), cwd, found, left);
    }
    return left;
  }
  const calls = WRITES.filter(({ files }) => files.test(path));
  if (calls.length === 0 || entry.size > MAX_BYTES || /(^|[/.])(test|spec)[_.]|_test\.|\.(test|spec|config)\./.test(path)) return left;
  const text = target.disk.read(path);
  if (text !== undefined) for (const { call } of calls) collect(text, call, shown, cwd, found);
  return left - 1;
}

function collect(text: string, call: RegExp, shown: string, cwd: string, found: SourceWrite[]): void {
  for (const match of text.matchAll(call)) {
    const path = resolvePath(cwd, match[1]!.startsWith('~') ? undefined : match[1]);
    const line = text.slice(0, match.index).split('\n').length;
    if (path !== undefined && !found.some((one) => one.path === path)) found.push({ path, where: `${shown}:${line}` });
  }
}
