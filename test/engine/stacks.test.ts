import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Report, unroot } from '../../src/index.ts';
import { verifyStack } from '../../src/verify/index.ts';
import { startAhead } from './ahead.ts';
import { build, engineState, nameImage, removeAllAtExit } from './engine.ts';
import { type StackCase, stacks } from './stacks.ts';

const AT_ONCE = 2;
/** For a project to be up, which may install something first. */
const SECONDS = 60;

const stack = suite('compose projects');
const { answers } = engineState();
if (answers) removeAllAtExit();
const test = answers ? stack : stack.skip;
const proofs = answers ? startAhead(stacks.map((one) => () => prove(one)), AT_ONCE) : [];

stacks.forEach(({ name, title }, index) => test(`${name}: ${title}`, () => proofs[index]));

stack.run();

/** Brings it up as it is and as unroot writes it, plainly and as a locked-down cluster would, and sees that it is as expected. */
async function prove({ name, fetched = {}, shared = {}, unsafe = false, sysctl = false, uids, finds = {}, asks, needless, traced, between, running }: StackCase): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
  try {
    const [before, after] = [join(folder, 'before'), join(folder, 'after')];
    for (const tree of [before, after]) {
      cpSync(join('test/engine/stacks', name), tree, { recursive: true });
      for (const [from, to] of Object.entries(shared)) cpSync(join('test/engine/programs/shared', from), join(tree, to));
    }
    const { report } = unroot(['.'], { cwd: after, write: true, unsafe, sysctl });
    const bases: Record<string, string> = {};
    for (const [base, command] of Object.entries(fetched)) bases[base] = await buildFetched(join(folder, 'base'), base, command);
    const stoodIn = Object.keys(fetched).length > 0 ? { bases } : {};
    const proof = await verifyStack({ before: { directory: before, ...stoodIn }, after: { directory: after, ...stoodIn }, asks, ...(needless && { needless }), ...(traced !== undefined && { traced }), ...(between && { between: between === 'as told' ? commandsTold(report) : between }), ...(running && { running }) }, { strict: true, seconds: SECONDS });
    for (const { service, why, differences, after: seen } of proof.services) {
      const found = differences.map(({ rule, message }) => `${rule}: ${message}`);
      const expected = finds[service] ?? [];
      assert.is(why, undefined, service);
      assert.is(found.length, expected.length, `${service}: ${found.join('\n')}`);
      expected.forEach((pattern, index) => assert.match(found[index]!, pattern));
      const own = [...new Set(seen?.processes.map(({ uid }) => uid))].sort((one, other) => one - other);
      if (uids[service]) assert.equal(own, uids[service], `${service} runs as ${own.join(', ')}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words behind `docker compose` of what the report says has to be done once. */
function commandsTold({ services }: Report): string[][] {
  const told = services.flatMap(({ reasons }) => reasons.flatMap(({ advice }) => advice?.split('\n') ?? []));
  const commands = [...new Set(told.flatMap((line) => /^once\b.*?: docker compose (.*)$/.exec(line)?.[1] ?? []))];
  assert.ok(commands.length > 0, `the report names no command: ${told.join('\n')}`);
  return commands.map((command) => command.split(' '));
}

/** A base that has fetched what will be installed. @returns its name */
async function buildFetched(folder: string, base: string, command: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nRUN ${command}\n`);
  return nameImage(await build(folder, 'host'), `fetched-${base.replace(/\W/g, '-')}`);
}
