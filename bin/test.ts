/**
 * Runs uvu over a directory and does not take its word for it: uvu exits 0 when a hook throws, when a
 * suite forgets `.run()`, when a pattern matches nothing or an `.only` was left. So the closing lines of
 * each process are read: tests must have run, and all of them passed. `test` runs test/*.test.ts,
 * `test/engine` those that need a container engine; each file in a process of its own, one more at
 * once than there are processors, since some wait.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const [directory = 'test'] = process.argv.slice(2);
const files = readdirSync(directory).filter((name) => name.endsWith('.test.ts'));

for (const name of files) {
  const text = readFileSync(join(directory, name), 'utf8');
  if (/\.only\(/.test(text)) stop(`${name} holds a .only( that leaves out other tests`);
  if (!/\.run\(\)/.test(text)) stop(`${name} never calls .run(), so none of its tests would run`);
}
if (files.length === 0) stop(`no test files in ${directory}`);

const waiting = [...files];
const counts: Counts[] = [];
await Promise.all(Array.from({ length: availableParallelism() + 1 }, runWaiting));

const total = sum(({ total }) => total);
const passed = sum(({ passed }) => passed);
const skipped = sum(({ skipped }) => skipped);
process.stdout.write(`${passed} passed, ${total - passed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = total === passed && counts.every(({ status }) => status === 0) ? 0 : 1;

/** What a process closed with. */
interface Counts {
  status: number | null;
  total: number;
  passed: number;
  skipped: number;
}

async function runWaiting(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) counts.push(await run(name));
}

/** One process. What it says comes out at once, when it has ended. */
function run(name: string): Promise<Counts> {
  const pattern = `^${name.replaceAll('.', String.raw`\.`)}$`;
  const child = spawn(process.execPath, ['--import', 'tsx', join('node_modules', 'uvu', 'bin.js'), directory, pattern], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, FORCE_COLOR: '0' } });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].setEncoding('utf8').on('data', (part: string) => (said[stream] += part));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      const output = said.stdout.replace(/\u001b\[[\d;]*m/g, '');
      process.stdout.write(output);
      process.stderr.write(said.stderr);
      const [total, passed, skipped] = (['Total', 'Passed', 'Skipped'] as const).map((line) => closing(output, line)) as [number, number, number];
      if (total > 0) return resolve({ status, total, passed, skipped });
      // The others go on: what they started is theirs to take away.
      process.stderr.write(`${name}: the run ended before its closing lines, or without a test: one waits for something that never comes\n`);
      resolve({ status: 1, total: 1, passed: 0, skipped: 0 });
    });
  });
}

function closing(output: string, name: string): number {
  const match = new RegExp(`^\\s*${name}:\\s+(\\d+)`, 'm').exec(output);
  return match ? Number(match[1]) : Number.NaN;
}

function sum(of: (one: Counts) => number): number {
  return counts.reduce((all, one) => all + of(one), 0);
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}
