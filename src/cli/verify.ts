import { UsageError } from '../index.ts';
import { learntTable } from '../report/learnt-table.ts';
import { verifyMarkdown } from '../report/verify-markdown.ts';
import { type LearntReport, nameOfTarget, type VerifyReport } from '../report/verify-report.ts';
import { verifyTable } from '../report/verify-table.ts';
import { learntReport, verify, verifyLearn, type VerifyOptions, verifyReport } from '../verify/index.ts';
import { EXIT } from './exit.ts';
import { names } from './names.ts';
import type { VerifyArguments } from './options.ts';
import { print } from './output.ts';
import { type Paint, painter } from './paint.ts';
import { ProgressLine } from './progress.ts';
import { SignalStop } from './signals.ts';

/** `unroot verify [paths..]`: what it is about to build and run on stderr, the result on stdout. */
export async function verifyCommand(paths: readonly string[], argv: VerifyArguments): Promise<number> {
  const { base, strict, learn, network, jobs, seconds, unsafe, user, sysctl, config, resolve, engine } = argv;
  if (paths.includes('-')) throw new UsageError('verify needs build contexts and does not read standard input; name files or directories');
  for (const [name, number] of Object.entries({ jobs, seconds })) if (!(Number.isInteger(number) && number! > 0)) throw new UsageError(`--${name} takes a whole number above 0`);
  const odd = Object.entries({ base, strict }).find(([, value]) => value !== undefined && value !== false)?.[0];
  if (learn && odd !== undefined) throw new UsageError(`--learn looks at the programs as they are; leave out --${odd}`);
  if (learn && argv.format === 'markdown') throw new UsageError('--learn has no Markdown; leave out --format, or ask for json');
  const options: VerifyOptions = { base, strict, network, jobs, seconds, unsafe, only: names(argv.only), skip: names(argv.skip), user, sysctl, config, resolve, engine };
  return await stoppable((end) => (learn ? learnAll(paths, options, end, argv) : verifyAll(paths, options, end, argv)));
}

/** Lets signals end work in which something is made on an engine, once all of that is taken away again. */
export async function stoppable(work: (end: SignalStop) => Promise<number>): Promise<number> {
  const end = new SignalStop();
  try {
    return await work(end);
  } catch (error) {
    if (!end.received) throw error;
    process.stderr.write(`stopped by ${end.received}; what was built and run is taken away\n`);
    return EXIT.failed;
  } finally {
    end.passOn();
  }
}

async function verifyAll(paths: readonly string[], options: VerifyOptions, end: SignalStop, { format }: VerifyArguments): Promise<number> {
  const report = verifyReport(await verify(paths, { ...options, ...following(end) }));
  if (format === 'json') await print(`${JSON.stringify(report, null, 2)}\n`);
  else if (format === 'markdown') await print(verifyMarkdown(report));
  else await print(verifyTable(report, painter(process.stdout)));
  if (report.summary.unsafe > 0) process.stderr.write(`--unsafe verifies the ${report.summary.unsafe} that rest on something out of sight\n`);
  return statusOf(report);
}

async function learnAll(paths: readonly string[], options: VerifyOptions, end: SignalStop, { format }: VerifyArguments): Promise<number> {
  const report: LearntReport = learntReport(await verifyLearn(paths, { ...options, ...following(end) }));
  await print(format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : learntTable(report, painter(process.stdout)));
  return report.errors.length > 0 || report.targets.some(({ why }) => why !== undefined) ? EXIT.failed : EXIT.done;
}

/** Tells what is about to be built and run, and how far that is; lets signals end it. */
export function following(end: SignalStop): Pick<VerifyOptions, 'signal' | 'on'> {
  const line = new ProgressLine(process.stderr, 0);
  let [done, total] = [0, 0];
  return {
    signal: end.signal,
    on: {
      opened: (removeNow) => end.atOnce(removeNow),
      closed: () => (line.clear(), end.atOnce(undefined)),
      planned: ({ subjects }, engine, networks) => {
        total = subjects.length;
        process.stderr.write(announcement(subjects, engine, networks, painter(process.stderr)));
        if (total > 0) line.show({ phase: 'verify', done, total });
      },
      proved: () => line.show({ phase: 'verify', done: (done += 1), total }),
    },
  };
}

function announcement(subjects: readonly { path: string; stage: string; service: string | undefined }[], engine: string, isOpen: boolean, paint: Paint): string {
  if (subjects.length === 0) return '';
  const what = `${engine} builds and runs ${subjects.length === 1 ? 'this' : `these ${subjects.length}`}, programs ${isOpen ? 'with' : 'without'} a way out to the network:`;
  return [paint('bold', what), ...subjects.map((subject) => `  ${nameOfTarget(subject)}`)].map((text) => `${text}\n`).join('');
}

/** 2 where something could not be shown, before 1 where something differs. */
export function statusOf({ summary: { differs, unproven, errors } }: VerifyReport): number {
  if (unproven > 0 || errors > 0) return EXIT.failed;
  return differs > 0 ? EXIT.pending : EXIT.done;
}
