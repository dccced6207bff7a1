import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { nameIn } from '../config.ts';
import { ConfigEditError, withPaths } from '../config-edit.ts';
import { writeFiles } from '../write.ts';
import type { Learnt } from './learn.ts';
import type { Subject } from './plan.ts';

/** A configuration that was written. */
export interface Recorded {
  /** Relative to the working directory. */
  path: string;
  isNew: boolean;
}

/**
 * Enters what was learnt into the configurations that hold for the targets, or into a new one at the root.
 * @throws ConfigEditError for a configuration to which nothing can be added or that can't be written
 */
export function record(learnt: readonly Learnt[], cwd: string): Recorded[] {
  const byFile = new Map<string, Map<string, string[]>>();
  for (const { subject, paths } of learnt) {
    if (paths.length === 0) continue;
    const file = subject.config?.file ?? join(subject.root, NEW);
    const entries = byFile.get(file) ?? new Map<string, string[]>();
    const key = keyOf(subject, dirname(file));
    entries.set(key, [...new Set([...(entries.get(key) ?? []), ...paths])].sort());
    byFile.set(file, entries);
  }
  return [...byFile].flatMap(([file, entries]) => write(file, entries, cwd) ?? []);
}

const NEW = 'unroot.config.yaml';

function keyOf({ absolute, stageName }: Subject, directory: string): string {
  const name = nameIn({ directory }, absolute);
  return stageName === undefined ? name : `${name}:${stageName}`;
}

function write(file: string, entries: ReadonlyMap<string, readonly string[]>, cwd: string): Recorded | undefined {
  const path = relative(cwd, file).split(sep).join('/');
  const isNew = !existsSync(file);
  const before = isNew ? '' : readFileSync(file, 'utf8');
  const after = withPaths(file, before, entries);
  if (after === before) return undefined;
  if (isNew) writeFileSync(file, after, { flag: 'wx' });
  const error = isNew ? undefined : writeFiles([{ path, absolute: file, before, after }]);
  if (error) throw new ConfigEditError(`${path}: ${error.message}`);
  return { path, isNew };
}
