/**
 * Runs uvu and does not take its word for it: uvu exits 0 when a hook throws, when a suite forgets
 * `.run()`, when a pattern matches nothing or an `.only` was left. So the four closing lines are
 * read: enough tests must have run, and all of them passed. `test` runs test/*.test.ts, `test/engine`
 * those that need a container engine.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory = 'test'] = process.argv.slice(2);
const files = readdirSync(directory).filter((name) => name.endsWith('.test.ts'));
const sources = files.map((name) => ({ name, text: readFileSync(join(directory, name), 'utf8') }));

for (const { name, text } of sources) {
  if (/\.only\(/.test(text)) stop(`${name} holds a .only( that leaves out other tests`);
  if (!/\.run\(\)/.test(text)) stop(`${name} never calls .run(), so none of its tests would run`);
}
if (files.length === 0) stop(`no test files in ${directory}`);

const uvu = join('node_modules', 'uvu', 'bin.js');
const run = spawnSync(process.execPath, ['--import', 'tsx', uvu, directory, String.raw`^[^/]+\.test\.ts$`], { encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0' }, maxBuffer: 1 << 28 });
const output = run.stdout.replace(/\u001b\[[\d;]*m/g, '');
process.stdout.write(output);
process.stderr.write(run.stderr);

const total = closing('Total');
const passed = closing('Passed');
const skipped = closing('Skipped');
const expected = Number(process.env.UNROOT_EXPECTED_TESTS ?? files.length);
const failed = total - passed;
if (Number.isNaN(total)) stop('the run ended before its closing lines: a test waits for something that never comes');
if (total < expected) stop(`only ${total} of at least ${expected} tests ran`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = run.status === 0 && failed === 0 ? 0 : 1;

function closing(name: string): number {
  const match = new RegExp(`^\\s*${name}:\\s+(\\d+)`, 'm').exec(output);
  return match ? Number(match[1]) : Number.NaN;
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}
