import { readFileSync } from 'node:fs';
import { decode } from '../disk.ts';
import { type Options, type Progress, type Result, unrootSteps, unrootText, UsageError } from '../index.ts';
import { summarizeForPeople } from '../report/summary.ts';
import { verifyTable } from '../report/verify-table.ts';
import { verifyFixes, verifyReport } from '../verify/index.ts';
import { EXIT } from './exit.ts';
import { names } from './names.ts';
import type { RunArguments } from './options.ts';
import { print } from './output.ts';
import { paintDiff, painter } from './paint.ts';
import { ProgressLine } from './progress.ts';
import { SignalGuard, type SignalStop } from './signals.ts';
import { following, statusOf, stoppable } from './verify.ts';

/** `unroot [paths..]`: the result on stdout, what a person should know on stderr. */
export async function runCommand(paths: readonly string[], argv: RunArguments): Promise<number> {
  if (argv.write && argv.check) throw new UsageError('--check writes nothing; leave out --write');
  const fromInput = paths.includes('-');
  if (fromInput && paths.length > 1) throw new UsageError('- reads standard input and goes with no other path');
  if (argv.verify && !argv.write) throw new UsageError('--verify goes with --write; unroot verify shows without writing what holds');
  if (argv.verify && fromInput) throw new UsageError('--verify needs build contexts and does not read standard input; name files or directories');
  const options = { write: argv.write, unsafe: argv.unsafe, only: names(argv.only), skip: names(argv.skip), user: argv.user, sysctl: argv.sysctl, config: argv.config, resolve: argv.resolve, engine: argv.engine };
  if (argv.verify) return stoppable((end) => writeVerified(paths, options, argv, end));
  return finish(fromInput ? () => readInput(options) : (guard) => walk(unrootSteps(paths, options), guard), argv, fromInput);
}

/** Writes the fixes whose targets were built and run and still work; the others are left out, with what failed. */
async function writeVerified(paths: readonly string[], options: Options, argv: RunArguments, end: SignalStop): Promise<number> {
  const { verified, failed, unbuildable, without } = await verifyFixes(paths, { ...options, ...following(end) });
  end.signal.throwIfAborted();
  end.passOn();
  const report = verifyReport({ ...verified, proofs: [...verified.proofs, ...failed], unbuildable });
  process.stderr.write(verifyTable(report, painter(process.stderr)));
  const status = await finish((guard) => walk(unrootSteps(paths, { ...options, without }), guard), argv, false);
  return Math.max(status, statusOf(report));
}

/** Decides and writes, and tells. */
async function finish(run: (guard: SignalGuard) => Result | Promise<Result>, argv: RunArguments, fromInput: boolean): Promise<number> {
  const guard = new SignalGuard();
  const result = await run(guard);
  await printResult(result, argv, fromInput);
  process.stderr.write(summarizeForPeople(result.report, { paint: painter(process.stderr) }));
  if (guard.received) process.stderr.write(`stopped by ${guard.received}; run it again for the rest\n`);
  await guard.passOn();
  return statusOfRun(result, argv, fromInput);
}

/** Goes through a run, shows how far it is, and stops before the next write once a signal has come. */
async function walk(steps: Generator<Progress, Result, 'stop' | undefined>, guard: SignalGuard): Promise<Result> {
  const line = new ProgressLine(process.stderr);
  let answer: 'stop' | undefined;
  for (;;) {
    const step = steps.next(answer);
    if (step.done) {
      line.clear();
      return step.value;
    }
    line.show(step.value);
    if (step.value.phase === 'write' && (await guard.hasCome())) answer = 'stop';
  }
}

let inputText = '';

function readInput(options: Parameters<typeof unrootText>[2]): Result {
  const decoded = decode(readFileSync(0));
  if ('error' in decoded) throw new UsageError(`standard input${decoded.line > 0 ? `:${decoded.line}` : ''}: ${decoded.error.replace('the file', 'it')}`);
  inputText = decoded.text;
  return unrootText('Dockerfile', inputText, options);
}

/** The report, or the diff, or standard input's new text. A diff has colours for eyes alone, or it would not apply. */
async function printResult({ report, diff, changes }: Result, argv: RunArguments, fromInput: boolean): Promise<void> {
  if (argv.format === 'json') return print(`${JSON.stringify(report, null, 2)}\n`);
  if (argv.check) return;
  if (argv.write) return print(fromInput ? ([...changes.values()][0]?.after ?? inputText) : '');
  await print(process.stdout.isTTY ? paintDiff(diff, painter(process.stdout)) : diff);
}

function statusOfRun({ report: { summary, targets, services } }: Result, argv: RunArguments, fromInput: boolean): number {
  if (summary.errors > 0) return EXIT.failed;
  if (summary.fixes.pending > 0 && !(fromInput && argv.write)) return EXIT.pending;
  const isRoot = [...targets, ...services].some(({ verdict }) => verdict === 'fixable' || verdict === 'refused' || verdict === 'unknown');
  return argv['fail-on'] === 'root' && isRoot ? EXIT.pending : EXIT.done;
}
