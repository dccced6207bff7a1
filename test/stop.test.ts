import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unrootSteps } from '../src/index.ts';
import { COMMAND, FIXED, folderWith, leftovers, manyFiles, plainEnvironment, ROOT, text } from './command.ts';

const stop = suite('stopping');
const FILES = manyFiles(500);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  stop(`${signal} in the middle of a write: every file is old or new, none is left beside, the summary counts them`, async () => {
    // On a busy machine all may be written before the signal arrives; then it is tried again.
    for (let attempt = 0; attempt < 8; attempt += 1) if (await isStoppedBy(signal)) return;
    assert.unreachable('no signal ever came in time');
  });
}

/** Sends the signal once the first file was written. Whether some files were written by then, and some were not. */
async function isStoppedBy(signal: NodeJS.Signals): Promise<boolean> {
  const folder = folderWith(FILES);
  try {
    const child = spawn(process.execPath, [COMMAND, '--write', '.'], { cwd: folder, env: plainEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    await firstWrite(child, join(folder, 'd0/Dockerfile'));
    child.kill(signal);
    const [, by] = await closed;
    const texts = Object.keys(FILES).map((path) => text(folder, path));
    assert.ok(texts.every((one) => one === ROOT || one === FIXED));
    assert.equal(leftovers(folder), []);
    const fixed = texts.filter((one) => one === FIXED).length;
    assert.match(told, fixed < texts.length ? `${texts.length - fixed} to fix, ${fixed} fixed` : `${fixed} fixed`);
    if (fixed === texts.length) return false;
    assert.is(by, signal);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

stop('the library can be stopped between two writes', () => {
  const folder = folderWith(manyFiles(10));
  try {
    const steps = unrootSteps(['.'], { cwd: folder, write: true });
    let step = steps.next();
    while (!step.done) step = steps.next(step.value.phase === 'write' && step.value.done === 4 ? 'stop' : undefined);
    const { summary } = step.value.report;
    assert.equal([summary.fixes.applied, summary.fixes.pending], [4, 6]);
    assert.equal([summary.verdicts.fixed, summary.verdicts.fixable], [4, 6]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

stop.run();

/** Waits until the first file was written, for 30 seconds at the most. */
async function firstWrite(child: ChildProcess, path: string): Promise<void> {
  for (let round = 0; round < 30_000 && child.exitCode === null; round += 1) {
    if (readFileSync(path, 'utf8') === FIXED) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.unreachable('the first file was never written');
}
