import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';

/** Exit statuses, a contract (see the README). */
export const EXIT = { done: 0, pending: 1, failed: 2 } as const;

/**
 * The command line: arguments in, exit status out. Everything is loaded when it is needed, so that
 * `--version` and `--help` answer at once.
 * @param args without node and the script
 */
export async function main(args: readonly string[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` closes the pipe when it has seen enough.
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.done);
  });
  let status: number = EXIT.done;
  const parser = yargs(args.map((arg) => (arg === '-' ? STDIN : arg)))
    .scriptName('unroot')
    .locale('en')
    .version(version())
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 80))
    .parserConfiguration({ 'greedy-arrays': false, 'dot-notation': false, 'boolean-negation': false })
    .strict()
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error && error.name !== 'YError' ? error : new ArgumentError(message ?? error?.message ?? 'unusable arguments');
    })
    .usage('Makes containers stop running as root.\n\n  $0 [paths..]            show the change as a unified diff\n  $0 --write [paths..]    make it')
    .command(
      '$0 [paths..]',
      'show the change, or make it with --write',
      (command) =>
        command
          .positional('paths', { type: 'string', array: true, describe: 'files and directories; - reads a Dockerfile from standard input' })
          .option('write', { alias: 'w', type: 'boolean', describe: 'write the change' })
          .option('check', { type: 'boolean', describe: 'say only whether something is left to do' })
          .option('fail-on', { choices: ['root'] as const, describe: 'exit 1 also for root targets that were not fixed' })
          .option('unsafe', { type: 'boolean', describe: 'apply unsafe fixes too' })
          .option('only', { type: 'string', array: true, requiresArg: true, describe: 'run only these transforms' })
          .option('skip', { type: 'string', array: true, requiresArg: true, describe: 'leave out these transforms' })
          .option('user', { type: 'string', requiresArg: true, describe: 'the account to run as: a name, a uid, or uid:gid' })
          .option('config', { type: 'string', requiresArg: true, describe: 'a configuration file, instead of the nearest one' })
          .option('format', { choices: ['diff', 'json'] as const, default: 'diff' as const, describe: 'what goes to stdout' }),
      async (argv) => {
        const { runCommand } = await import('./run.ts');
        status = await runCommand(asPaths(argv.paths, argv._), argv);
      },
    )
    .command(
      'explain [name]',
      'what a transform does, and when it stays away',
      (command) => command.positional('name', { type: 'string', describe: 'a transform or a rule' }),
      async (argv) => {
        const { explainCommand } = await import('./explain.ts');
        status = explainCommand(argv.name);
      },
    )
    .example('$0 --write --unsafe .', 'fix everything, also what rests on files out of sight')
    .epilogue('Exit status: 0 nothing left to do, or all written; 1 a change is pending; 2 something could not be read, parsed or done.');
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof ArgumentError) && !(error instanceof Error && (error.name === 'UsageError' || error.name === 'ConfigError'))) throw error;
    process.stderr.write(`unroot: ${oneLine(error.message)}\n`);
    return EXIT.failed;
  }
  return status;
}

class ArgumentError extends Error {}

/** yargs speaks in several lines. */
function oneLine(message: string): string {
  return message.split('\n').map((line) => line.trim()).filter(Boolean).join(' ');
}

/** yargs loses a lone `-` (yargs-parser #381), so it goes by the file that means the same. */
const STDIN = '/dev/stdin';

/** The paths that were named, those behind `--` too; the current directory where none was. */
function asPaths(paths: readonly string[] | undefined, rest: readonly (string | number)[]): string[] {
  const all = [...(paths ?? []), ...rest.map(String)].map((path) => (path === STDIN ? '-' : path));
  return all.length > 0 ? all : ['.'];
}

/** From the package.json beside the bundle. */
function version(): string {
  const path = fileURLToPath(new URL('../../package.json', import.meta.url));
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
