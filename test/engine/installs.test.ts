import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { build, composeService, Container, engineState, removeAllAtExit, removeImage, userOf } from './engine.ts';
import { type InstallingProgram, installingPrograms, type ReadyMade, readyMade } from './installs.ts';

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

for (const { title, ...service } of readyMade) {
  (answers ? engine : engine.skip)(`${service.name}: ${title}`, () => inFolder(service, (folder) => proveReadyMade(service, folder)));
}

(answers ? engine : engine.skip)('they take less time than when they installed first', () => {
  assert.ok(taken.after < taken.before, `${taken.after} s, and ${taken.before} s before`);
});

engine.run();

async function inFolder({ name }: { name: string }, use: (folder: string) => Promise<void>): Promise<void> {
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
  const command = service === undefined ? undefined : (await composeService(folder, service)).command;
  const start = performance.now();
  const container = await Container.run(image, { flags, command });
  const status = await container.exit();
  const seconds = (performance.now() - start) / 1000;
  const said = await container.stdout();
  await container.remove();
  return { said, status, seconds };
}

/** What the report prints for a service of a ready-made image is put in place as it is printed, and then works without a network. */
async function proveReadyMade({ service, user, prints }: Omit<ReadyMade, 'title'>, folder: string): Promise<void> {
  const { report } = unroot(['.'], { cwd: folder });
  const reason = report.services[0]!.reasons[0]!;
  assert.is(reason.rule, 'installs-at-start');
  const dockerfile = follow(reason.advice!, folder);
  // From then on it is built here, and the next run mends what it builds.
  assert.is(unroot(['.'], { cwd: folder, write: true }).report.services[0]!.userAfter, user);

  const { command, volumes = [] } = await composeService(folder, service);
  const image = await build(folder, 'host', dockerfile);
  assert.is(await userOf(image), user ?? '');
  const mounts = volumes.flatMap(({ source, target }) => ['--volume', source === undefined ? target : `${source}:${target}`]);
  const container = await Container.run(image, { flags: ['--network', 'none', ...mounts], command });
  assert.is(await container.exit(), 0, await container.logs());
  assert.is(await container.stdout(), prints);
  await container.remove();
  await removeImage(image);
}

/** Does by the letter what an advice says. @returns the name of the Dockerfile that it is about */
function follow(advice: string, folder: string): string {
  const lines = advice.split('\n');
  const [, name] = /^build an image that has them, in (\S+):$/.exec(lines[0]!)!;
  const turn = lines.findIndex((line) => line.startsWith('and say so in compose.yaml, in place of image: and what installs:'));
  const indented = lines.slice(turn + 1).map((line) => `  ${line}\n`);
  const volumes = indented.findIndex((line) => line.includes('volumes, beside those that are there:'));
  const keys = volumes < 0 ? indented : indented.slice(0, volumes);
  writeFileSync(join(folder, name!), `${lines.slice(1, turn).map((line) => line.slice(2)).join('\n')}\n`);
  const compose = join(folder, 'compose.yaml');
  const text = readFileSync(compose, 'utf8').replace(/^    image: .*\n/m, keys.join('')).replace(/^    command: sh -c .*\n/m, '');
  writeFileSync(compose, volumes < 0 ? text : text.replace(/^    volumes:\n/m, (line) => line + indented.slice(volumes + 1).join('')));
  return name!;
}
