import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { treeOf } from '../fixtures.ts';
import { build, Container, engineState, removeAllAtExit, removeImage, sizeOf, userOf } from './engine.ts';
import { type Program, programs } from './programs.ts';

const PROGRAMS = 'test/engine/programs';
const MAX_GROWTH = 1_000_000;
const AT_ONCE = 2;

const engine = suite('engine');
const required = process.env.UNROOT_ENGINE_REQUIRED === '1';
const { answers, why } = engineState();

if (answers) removeAllAtExit();
else if (!required) process.stderr.write(`engine tests skipped: no docker answers (${why})\n`);

engine('a container engine answers, or is not asked for', () => {
  assert.ok(answers || !required, why);
});

// uvu runs one test after the other, and most of the time is waiting: the work runs ahead of the tests.
const proofs = answers ? startAll(programs.map((program) => () => inFolder(program, (folder) => prove(program, folder)))) : [];

programs.forEach(({ name, title }, index) => {
  const test = answers ? engine : engine.skip;
  test(`${name}: ${title}`, () => proofs[index]);
});

engine.run();

/** Starts jobs in order, each when the one before the last has ended. @returns their outcomes, in order */
function startAll(jobs: readonly (() => Promise<void>)[]): Promise<void>[] {
  const outcomes: Promise<void>[] = [];
  for (const job of jobs) {
    const outcome = (outcomes.at(-AT_ONCE) ?? Promise.resolve()).then(job, job);
    // A failure is its test's to report, which comes later.
    outcome.catch(() => {});
    outcomes.push(outcome);
  }
  return outcomes;
}

/** A copy of a program's build context, for as long as it is needed. */
async function inFolder({ name, shared = [], modes = {} }: Program, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
  try {
    cpSync(join(PROGRAMS, name), folder, { recursive: true });
    for (const file of shared) cpSync(join(PROGRAMS, 'shared', file), join(folder, file));
    // What a checkout's umask made of the files must not matter.
    for (const path of treeOf(folder).keys()) chmodSync(join(folder, path), modes[path] ?? 0o755);
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds and runs before and after, and compares. */
async function prove(program: Program, folder: string): Promise<void> {
  const uid = program.user.split(':')[0]!;
  const before = await build(folder, program.network);
  const was = await works(program, before, program.unroot === 'drops' ? uid : '0');
  const writtenBefore = await was.written();
  await was.remove();
  fix(program, folder);
  if (program.unroot === 'drops') return removeImage(before);

  const after = await build(folder, program.network);
  assert.is(await userOf(after), program.user, 'USER');
  const growth = (await sizeOf(after)) - (await sizeOf(before));
  assert.ok(growth <= MAX_GROWTH, `grew by ${growth} bytes`);
  const is = await works(program, after, uid);
  const settled = [...(await is.written()), ...(program.needless ?? [])];
  assert.equal(writtenBefore.filter((path) => !isPersonal(path) && !settled.includes(path)), [], 'what root wrote and the account did not');
  await assertCodeIsClosed(program, is);
  await program.also?.({ before, after }, is);
  await is.remove();
  await removeImage(after);
  await removeImage(before);
}

/** What the program says is right, and nothing in it runs as anybody else. @returns its container, as it was left */
async function works({ port, says, unroot }: Program, image: string, uid: string): Promise<Container> {
  const container = await Container.run(image, { port });
  for (const said of says) {
    if ('prints' in said) {
      assert.is(await container.exit(), 0, await container.logs());
      assert.is(await container.logs(), said.prints.replace('{uid}', uid));
    } else {
      const answer = await container.answer(said);
      assert.is(answer, said.answer.replace('{uid}', uid), `${JSON.stringify(said).slice(0, 100)}\n${await container.logs()}`);
    }
  }
  if (port === undefined) return container;
  const uids = await container.uids();
  // A server that is root's may have workers that are not.
  const asExpected = uid === '0' ? uids.includes(0) : uids.length > 0 && uids.every((one) => one === Number(uid));
  assert.ok(asExpected, `runs as ${uids.join(', ')}, not as ${uid}${unroot === 'drops' ? ' by itself' : ''}`);
  return container;
}

/** Has unroot change the folder, as far as the program's fix needs leave for it, or leave it alone. */
function fix({ unroot: expected }: Program, folder: string): void {
  const tree = treeOf(folder);
  const shown = unroot(['.'], { cwd: folder, unsafe: true }).report.targets;
  assert.is(shown.length, 1);
  const [{ verdict, safety, reasons }] = shown as [(typeof shown)[0]];
  assert.is(verdict === 'fixable' ? safety : verdict, expected, JSON.stringify(reasons, null, 2));

  if (expected !== 'safe') {
    unroot(['.'], { cwd: folder, write: true });
    assert.equal(treeOf(folder), tree, 'without --unsafe not a byte changes');
  }
  unroot(['.'], { cwd: folder, write: true, unsafe: expected !== 'safe' });
  if (expected === 'drops') assert.equal(treeOf(folder), tree, 'not a byte changes');
  else assert.is(unroot(['.'], { cwd: folder }).report.targets[0]!.verdict, 'nonroot');
}

/** What lies in the home of whoever runs it, and caches of Python's beside its code, which root alone may write and nobody needs. */
function isPersonal(path: string): boolean {
  return /^\/(root|home\/[^/]+)\/|__pycache__/.test(path);
}

/** The account can neither write the code nor put another file in its place. */
async function assertCodeIsClosed({ code, port }: Program, container: Container): Promise<void> {
  if (code === undefined) return;
  const { uid, mode } = await container.ownerOf(code);
  assert.is(uid, 0, `${code} is root's`);
  assert.is(mode & 0o022, 0, `${code} is closed to others`);
  const hasShell = port !== undefined && (await container.can('true'));
  if (!hasShell) return;
  assert.ok(await container.can(`test -r ${code}`), `${code} is there`);
  assert.not.ok(await container.can(`echo changed >> ${code}`), `${code} can be changed`);
  assert.not.ok(await container.can(`mv ${code} ${code}.old`), `${code} can be replaced`);
}
