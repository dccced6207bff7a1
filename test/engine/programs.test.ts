import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { addressOf, answerOf, Bench, can, engineState, exitOf, logsOf, sizeOf, uidsOf } from './engine.ts';
import { type Program, programs } from './programs.ts';

const engine = suite('engine');
const { answers, why } = engineState();
const MAX_GROWTH = 1_000_000;

if (!answers && process.env.UNROOT_ENGINE_REQUIRED !== '1') process.stderr.write(`engine tests skipped: no docker answers (${why})\n`);

engine('a container engine answers, or is not asked for', () => {
  assert.ok(answers || process.env.UNROOT_ENGINE_REQUIRED !== '1', why);
});

for (const program of programs) {
  const test = answers ? engine : engine.skip;
  test(program.name, async () => {
    const bench = new Bench(program.files, program.modes);
    try {
      await prove(program, bench);
    } finally {
      bench.clear();
    }
  });
}

engine.run();

/** Builds and runs before and after, and compares. */
async function prove(program: Program, bench: Bench): Promise<void> {
  const before = bench.build();
  await works(program, bench, before, program.before ?? [0]);

  const shown = unroot(['.'], { cwd: bench.folder, unsafe: true }).report.targets[0]!;
  assert.is(shown.verdict === 'fixable' ? shown.safety : 'away', program.fix, JSON.stringify(shown.reasons));
  unroot(['.'], { cwd: bench.folder, write: true, unsafe: program.fix === 'unsafe' });
  if (program.fix === 'away') {
    assert.is(readFileSync(join(bench.folder, 'Dockerfile'), 'utf8'), program.files.Dockerfile);
    return;
  }
  const after = bench.build();
  await works(program, bench, after, [program.uid]);
  assert.ok(sizeOf(after) - sizeOf(before) <= MAX_GROWTH, `grew by ${sizeOf(after) - sizeOf(before)} bytes`);
}

/** It answers as it should, and every process runs as one of the uids. */
async function works(program: Program, bench: Bench, image: string, uids: number[]): Promise<void> {
  const isAfter = !uids.includes(0) && program.fix !== 'away';
  // A volume of its own each time: what root wrote into an old one is the reader's to settle.
  const volumes = Object.entries(program.volumes ?? {}).flatMap(([path, name]) => ['--volume', `${bench.volume(`${name}-${String(isAfter)}`)}:${path}`]);
  const ports = program.port === undefined ? [] : ['--publish', `127.0.0.1::${program.port}`];
  const container = bench.run(image, [...volumes, ...ports]);
  if (program.prints) {
    assert.is(exitOf(container), 0, logsOf(container));
    assert.match(logsOf(container), program.prints);
    if (isAfter) assert.match(logsOf(container), new RegExp(String(program.uid)));
    return bench.stop(container);
  }
  for (const { path, method, body, answer } of program.asks ?? []) {
    const said = await answerOf(addressOf(container, program.port!) + path, { ...(method ? { method } : {}), ...(body === undefined ? {} : { body }) }).catch((error) => {
      throw new Error(`${String(error)}\n${logsOf(container)}`);
    });
    assert.match(said, answer, logsOf(container));
  }
  if (!program.asks) await settled();
  const found = uidsOf(container);
  assert.ok(found.length > 0 && found.every((uid) => uids.includes(uid)), `uids ${found.join(', ')}, expected ${uids.join(', ')}\n${logsOf(container)}`);
  if (isAfter && program.code) assert.not.ok(can(container, 'sh', '-c', `echo changed >> ${program.code}`), `${program.code} can be changed`);
  if (isAfter && program.writes) assert.ok(can(container, 'sh', '-c', `touch ${program.writes}/.probe`), `${program.writes} can't be written`);
  bench.stop(container);
}

/** Time for an entrypoint to drop and its server to start, where nothing can be asked. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1500));
}
