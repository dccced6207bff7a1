import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { writableAt } from '../../src/verify/access.ts';
import { type Container, type Proof, verify, verifyLearn } from '../../src/verify/index.ts';
import { treeOf } from '../fixtures.ts';
import { type Breakage, breakages } from './breakages.ts';
import { build, Container as Plain, engineState, removeAllAtExit, removeImage } from './engine.ts';
import { commitAll } from './history.ts';
import { place, type Placed, type Program, programs } from './programs.ts';
import { Proofs } from './proofs.ts';

/** At the three kinds of proofs together, so that none waits for the last of another. */
const AT_ONCE = { fixed: 3, broken: 2, learnt: 1 };
const STAYS = new Set<Program['unroot']>(['drops', 'refused']);

const engine = suite('engine');
const required = process.env.UNROOT_ENGINE_REQUIRED === '1';
const { answers, why } = engineState();
const test = answers ? engine : engine.skip;

if (answers) removeAllAtExit();
else if (!required) process.stderr.write(`engine tests skipped: no docker answers (${why})\n`);

engine('a container engine answers, or is not asked for', () => {
  assert.ok(answers || !required, why);
});

const folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const fixed: Placed[] = programs.map((program) => ({ folder: program.name, program }));
const broken = breakages.map((breakage) => ({ folder: breakage.name, program: programs.find(({ name }) => name === breakage.program)!, breakage }));
const learners = fixed.filter(({ program }) => program.learns !== undefined);

// uvu runs one test after the other, and most of the time is waiting: the work runs ahead of the tests.
const proofs = { fixed: new Proofs(assertLikeBefore), broken: new Proofs(), learnt: new Proofs(assertLikeBefore) };
if (answers) proveAll().catch((error: unknown) => Object.values(proofs).forEach((one) => one.fail(error)));

for (const { program } of fixed) test(`${program.name}: ${program.title}`, () => (STAYS.has(program.unroot) ? assertStays(program) : assertFixed(program)));
for (const { breakage } of broken) test(`broken by hand, ${breakage.name}: ${breakage.title}`, () => assertCaught(breakage));
for (const { program } of learners) test(`${program.name} holds once it was seen what it writes`, () => assertLearnt(program));

engine.run();

async function proveAll(): Promise<void> {
  await Promise.all([proveFixed(join(folder, 'fixed')), proveBroken(join(folder, 'broken')), proveLearnt(join(folder, 'learnt'))]);
}

async function proveFixed(cwd: string): Promise<void> {
  place(fixed, cwd);
  await proofs.fixed.follow((on) => verify(['.'], { strict: true, jobs: AT_ONCE.fixed, cwd, unsafe: true, on }));
}

async function proveBroken(cwd: string): Promise<void> {
  place(broken, cwd);
  commitAll(cwd);
  for (const { folder: name, breakage } of broken) writeFileSync(join(cwd, name, 'Dockerfile'), breakage.dockerfile);
  await proofs.broken.follow((on) => verify(['.'], { strict: true, jobs: AT_ONCE.broken, cwd, base: 'HEAD', on }));
}

async function proveLearnt(cwd: string): Promise<void> {
  place(learners, cwd);
  commitAll(cwd);
  await verifyLearn(['.'], { jobs: AT_ONCE.learnt, cwd });
  unroot(['.'], { cwd, write: true });
  await proofs.learnt.follow((on) => verify(['.'], { strict: true, jobs: AT_ONCE.learnt, cwd, base: 'HEAD', on }));
}

/** unroot says of it what it should, and what it would write holds. */
async function assertFixed(program: Program): Promise<void> {
  assertSaid(program);
  const found = await proofs.fixed.of(program.name);
  assert.is(found.length, program.targets ?? 1, 'targets that were built and run');
  for (const proof of found) {
    const differences = textsOf(proof);
    assert.is(proof.why, undefined);
    if (program.learns) {
      assert.ok(differences.some((text) => program.learns!.without.test(text)), `${program.learns.without} is not among ${differences.join('\n')}`);
      continue;
    }
    assert.equal(differences, []);
    assertRunsAs(program, proof);
  }
}

/** What unroot says, and that it changes nothing without leave. */
function assertSaid({ name, unroot: expected }: Program): void {
  const tree = join(folder, 'fixed', name);
  const { targets } = unroot(['.'], { cwd: tree, unsafe: true }).report;
  const fixable = targets.filter(({ verdict }) => verdict === 'fixable');
  for (const { verdict, safety, reasons } of fixable.length > 0 ? fixable : targets) assert.is(verdict === 'fixable' ? safety : verdict, expected, JSON.stringify(reasons, null, 2));
  if (expected !== 'safe') assert.is(unroot(['.'], { cwd: tree }).diff, '', 'without --unsafe not a byte changes');
}

function assertRunsAs({ user }: Program, { after }: Proof): void {
  assert.is(after!.user, user, 'USER');
  for (const process of after!.processes) assert.is(process.uid, Number(user.split(':')[0]), process.command);
}

function textsOf({ differences }: Proof): string[] {
  return differences.map(({ rule, message }) => `${rule}: ${message}`);
}

/** A change that others make is not taken for one that works. */
async function assertCaught({ name, finds }: Breakage): Promise<void> {
  const found = (await proofs.broken.of(name)).flatMap(textsOf);
  for (const pattern of finds) assert.ok(found.some((text) => pattern.test(text)), `${pattern} is not among what was found:\n${found.join('\n')}`);
}

/** `verify --learn`, `--write`, `verify --base HEAD`. */
async function assertLearnt(program: Program): Promise<void> {
  const found = await proofs.learnt.of(program.name);
  assert.is(found.length, 1);
  assert.equal(textsOf(found[0]!), []);
  assertRunsAs(program, found[0]!);
}

/** What the program's own entry asks of its container, and that the account can neither write its code nor put another file in its place. */
async function assertLikeBefore(container: Container, name: string): Promise<void> {
  const { code, also, user } = programs.find((program) => program.name === name.split('/')[0])!;
  await also?.(container);
  if (code === undefined) return;
  const [entry, directory] = await Promise.all([container.stat(code), container.stat(posix.dirname(code))]);
  assert.ok(entry, `${code} is there`);
  assert.is(entry.uid, 0, `${code} is root's`);
  assert.is(entry.mode & 0o022, 0, `${code} is closed to others`);
  const [uid, gid] = user.split(':').map(Number) as [number, number];
  const { can, why: how } = await writableAt(container, { uid, gids: [gid] }, posix.dirname(code));
  // In a directory with the sticky bit nobody replaces the files of others.
  assert.ok(!can || (directory!.mode & 0o1000) !== 0, `${code} can be replaced: ${how}`);
}

/** It works as it is, runs as it should, and unroot leaves it alone. */
async function assertStays(program: Program): Promise<void> {
  const tree = join(folder, 'fixed', program.name);
  const before = treeOf(tree);
  assertSaid(program);
  unroot(['.'], { cwd: tree, write: true, unsafe: true });
  assert.equal(treeOf(tree), before, 'not a byte changes');
  const image = await build(tree, program.network);
  const container = await Plain.run(image, { port: program.port });
  for (const ask of program.asks ?? []) assert.is(await container.answer(ask), ask.answer);
  const uids = await container.uids();
  assert.ok(uids.length > 0 && uids.every((uid) => uid === Number(program.user.split(':')[0])), `runs as ${uids.join(', ')}`);
  await container.remove();
  await removeImage(image);
}
