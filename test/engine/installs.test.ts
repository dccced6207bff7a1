import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { build, composeCommand, Container, engineState, removeAllAtExit, removeImage, userOf } from './engine.ts';
import { type InstallingProgram, installingPrograms } from './installs.ts';

const PROGRAMS = 'test/engine/installs';

/** Without a network, an installer would try again for minutes. */
const NO_RETRIES = ['--env', 'npm_config_fetch_retries=0'];

/** Seconds from the starts to the ends of all that were run. */
const taken = { before: 0, after: 0 };

const engine = suite('installs on an engine');
const { answers } = engineState();
if (answers) removeAllAtExit();

for (const program of installingPrograms) {
  (answers ? engine : engine.skip)(`${program.name}: ${program.title}`, () => inFolder(program, (folder) => prove(program, folder)));
}

(answers ? engine : engine.skip)('they take less time than when they installed first', () => {
  assert.ok(taken.after < taken.before, `${taken.after} s, and ${taken.before} s before`);
});

engine.run();

async function inFolder({ name }: InstallingProgram, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
  try {
    cpSync(join(PROGRAMS, name), folder, { recursive: true });
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Before, it starts as root and with a network only. After, it says the same as the account and without one. */
async function prove(program: InstallingProgram, folder: string): Promise<void> {
  const before = await build(folder, 'host');
  assert.is(await userOf(before), '', 'root by default');
  const was = await run(program, before, folder, ['--network', 'host']);
  assert.is(was.status, 0, was.said);
  assert.ok(was.said.endsWith(program.prints), was.said);
  const cutOff = await run(program, before, folder, ['--network', 'none', ...NO_RETRIES]);
  assert.not.ok(cutOff.said.endsWith(program.prints), 'without a network it does not start');

  const { report } = unroot(['.'], { cwd: folder, write: true });
  assert.equal(report.findings.map(({ transform, status, safety }) => [transform, status, safety]), [['runtime-install', 'applied', 'safe'], ['run-as-user', 'applied', 'safe']], JSON.stringify(report.findings, null, 2));

  const after = await build(folder, 'host');
  assert.is(await userOf(after), program.user, 'USER');
  const is = await run(program, after, folder, ['--network', 'none']);
  assert.is(is.said, program.prints);
  assert.is(is.status, 0);
  taken.before += was.seconds;
  taken.after += is.seconds;
  process.stderr.write(`${program.name}: from its start to its end ${was.seconds.toFixed(1)} s before, ${is.seconds.toFixed(1)} s after\n`);
  await removeImage(after);
  await removeImage(before);
}

/** Runs a program to its end. */
async function run({ service }: InstallingProgram, image: string, folder: string, flags: readonly string[]): Promise<{ said: string; status: number; seconds: number }> {
  const command = service === undefined ? undefined : await composeCommand(folder, service);
  const start = performance.now();
  const container = await Container.run(image, { flags, command });
  const status = await container.exit();
  const seconds = (performance.now() - start) / 1000;
  const said = await container.stdout();
  await container.remove();
  return { said, status, seconds };
}
