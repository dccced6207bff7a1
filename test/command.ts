import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The built command. */
export const COMMAND = resolve('dist/bin/unroot.js');

export const ROOT = 'FROM node:20\nCOPY . /app\nCMD ["node", "/app/index.js"]\n';
export const FIXED = 'FROM node:20\nCOPY . /app\n# node, an account of the base image\nUSER 1000:1000\nCMD ["node", "/app/index.js"]\n';
export const UNSAFE = 'FROM node:20\nCOPY . /app\nVOLUME /data\nCMD ["node", "/app/index.js"]\n';
export const NONROOT = 'FROM node:20\nUSER 1000:1000\nCMD ["node", "/app/index.js"]\n';

/** Runs the command to its end. */
export function unroot(cwd: string, ...args: string[]) {
  return unrootWith({}, cwd, ...args);
}

/** The same with standard input, variables or an account of the system; colours are off where nothing turns them on. */
export function unrootWith({ env, ...options }: { input?: string; env?: Record<string, string>; uid?: number; gid?: number; timeout?: number }, cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, [COMMAND, ...args], { cwd, encoding: 'utf8', env: { ...plainEnvironment(), ...env }, ...options });
}

/** The test runner turns colours on for its children. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
  return env;
}

export function text(folder: string, path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

/** A folder with these files, for the length of a test. */
export function inFolder(files: Record<string, string | Buffer>, use: (folder: string) => void): void {
  const folder = folderWith(files);
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function folderWith(files: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-cli-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** What unroot puts beside files while it writes them, where some of it was left. */
export function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('.unroot-'));
}

/** Many Dockerfiles, each in a folder of its own. */
export function manyFiles(count: number, content = ROOT): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`d${index}/Dockerfile`, content]));
}
