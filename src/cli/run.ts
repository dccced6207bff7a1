import { readFileSync } from 'node:fs';
import { decode } from '../disk.ts';
import { type Result, unroot, unrootText, UsageError } from '../index.ts';
import { summarizeForPeople } from '../report/summary.ts';
import { painter } from './paint.ts';
import { EXIT } from './main.ts';

export interface RunArguments {
  write?: boolean | undefined;
  check?: boolean | undefined;
  'fail-on'?: 'root' | undefined;
  unsafe?: boolean | undefined;
  only?: string[] | undefined;
  skip?: string[] | undefined;
  user?: string | undefined;
  config?: string | undefined;
  format: 'diff' | 'json';
}

/** `unroot [paths..]`: the result on stdout, what a person should know on stderr. */
export async function runCommand(paths: readonly string[], argv: RunArguments): Promise<number> {
  if (argv.write && argv.check) throw new UsageError('--check writes nothing; leave out --write');
  const fromInput = paths.includes('-');
  if (fromInput && paths.length > 1) throw new UsageError('- reads standard input and goes with no other path');
  const options = { write: argv.write, unsafe: argv.unsafe, only: names(argv.only), skip: names(argv.skip), user: argv.user, config: argv.config };
  const result = fromInput ? readInput(options) : unroot(paths, options);
  const { report, diff } = result;
  if (argv.format === 'json') await print(`${JSON.stringify(report, null, 2)}\n`);
  else if (!argv.check) await print(fromInput && argv.write ? inputAfter(result) : argv.write ? '' : diff);
  process.stderr.write(summarizeForPeople(report, { paint: painter(process.stderr) }));
  return statusOf(result, argv, fromInput);
}

/** `--only a,b` is `--only a --only b`. */
function names(values: string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).filter(Boolean);
}

let inputText = '';

function readInput(options: Parameters<typeof unrootText>[2]): Result {
  const decoded = decode(readFileSync(0));
  if ('error' in decoded) throw new UsageError(`standard input: ${decoded.error.replace('the file', 'it')}`);
  inputText = decoded.text;
  return unrootText('Dockerfile', inputText, options);
}

/** With --write, standard input's new text is the result. */
function inputAfter({ changes }: Result): string {
  return [...changes.values()][0]?.after ?? inputText;
}

/** Waits until a large text has gone down the pipe. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => (text === '' ? resolve() : process.stdout.write(text, () => resolve())));
}

function statusOf({ report: { summary, targets } }: Result, argv: RunArguments, fromInput: boolean): number {
  if (summary.errors > 0) return EXIT.failed;
  if (summary.fixes.pending > 0 && !(fromInput && argv.write)) return EXIT.pending;
  const isRoot = targets.some(({ verdict }) => verdict === 'fixable' || verdict === 'refused' || verdict === 'unknown');
  return argv['fail-on'] === 'root' && isRoot ? EXIT.pending : EXIT.done;
}
