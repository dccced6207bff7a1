import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { nearest } from '../nearest.ts';
import { EXIT } from './exit.ts';
import { ASK, COMMANDS, OPTIONS, SHELLS, VERIFY_OPTIONS } from './options.ts';
import { outliveClosedPipes, print } from './output.ts';

/**
 * The command line: arguments in, exit status out. Everything is loaded when it is needed, so that
 * `--version` and `--help` answer at once.
 * @param args without node and the script
 */
export async function main(args: readonly string[]): Promise<number> {
  outliveClosedPipes();
  if (args[0] === ASK) return complete(args.slice(1));
  let status: number = EXIT.done;
  const parser = yargs(args.map((arg) => (arg === '-' ? STDIN : arg)))
    .scriptName('unroot')
    .locale('en')
    .version('version', 'print the version', version())
    .help('help', 'print this help')
    .alias('help', 'h')
    .wrap(Math.min(80, process.stdout.columns ?? 80))
    .parserConfiguration({ 'greedy-arrays': false, 'dot-notation': false, 'boolean-negation': false, 'camel-case-expansion': false })
    .strict()
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error && error.name !== 'YError' ? error : new ArgumentError(inOneLine(message ?? error?.message ?? 'unusable arguments'));
    })
    .usage(USAGE)
    .command(
      '$0 [paths..]',
      false,
      (command) => command.positional('paths', { type: 'string', array: true, describe: 'files and directories; - is standard input' }).options(OPTIONS),
      async (argv) => {
        const paths = asPaths(argv.paths, argv._);
        assertNoCommandMeant(paths);
        const { runCommand } = await import('./run.ts');
        status = await runCommand(paths, argv);
      },
    )
    .command(
      'verify [paths..]',
      'build and run every target before and after',
      (command) => command.usage(VERIFY_USAGE).positional('paths', { type: 'string', array: true, describe: 'files and directories' }).options(VERIFY_OPTIONS).epilogue(VERIFY_EPILOGUE),
      async (argv) => {
        const { verifyCommand } = await import('./verify.ts');
        status = await verifyCommand(asPaths(argv.paths, argv._.slice(1)), argv);
      },
    )
    .command(
      'explain [name]',
      'what a transform does or a rule means, with an example',
      (command) => command.usage('$0 explain [name]\n\nWhat a transform does or a rule means, with an example; without a name, the list.').positional('name', { type: 'string', describe: 'a transform or a rule' }),
      async (argv) => {
        const { explainCommand } = await import('./explain.ts');
        status = await explainCommand(argv.name);
      },
    )
    .command(
      'completion [shell]',
      'print a script that makes a shell complete all this',
      (command) =>
        command
          .usage('$0 completion [shell]\n\nPrints a script that makes a shell complete options, transforms and rules:\n\n  unroot completion bash >> ~/.bashrc\n  unroot completion zsh >> ~/.zshrc')
          .positional('shell', { choices: SHELLS, describe: 'yours ($SHELL) where none is named' }),
      async (argv) => {
        const { completionCommand } = await import('./completion.ts');
        status = await completionCommand(argv.shell);
      },
    )
    .epilogue(EPILOGUE);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof Error) || !EXPECTED.has(error.name)) throw error;
    process.stderr.write(`unroot: ${error.message}\n`);
    return EXIT.failed;
  }
  return status;
}

const USAGE = `Makes containers stop running as root.

  $0 [paths..]            show the change as a unified diff
  $0 --write [paths..]    make it`;

const EPILOGUE = `Exit status:
  0  nothing is left to do under these options, or all of it was written
  1  a change is pending
  2  something could not be read, parsed or done; the rest was`;

const VERIFY_USAGE = `$0 verify [paths..]

Builds and runs, with a container engine, every target that unroot would change,
as it is and as it would be, and shows that it still works and is not root any
more. The work tree is not written. It runs the files' own build steps and
programs: use it on what you would build yourself.`;

const VERIFY_EPILOGUE = `Exit status:
  0  all of it holds
  1  something differs
  2  something could not be built or run as it is, or there is no engine`;

/** Errors that are the caller's to mend: one line says what. Others are ours and keep their stack. */
const EXPECTED = new Set(['ArgumentError', 'UsageError', 'ConfigError', 'OutputError', 'NoEngineError', 'EngineError', 'GitError', 'ConfigEditError']);

class ArgumentError extends Error {
  override name = 'ArgumentError';
}

/** What yargs says in several lines, in our words. */
function inOneLine(message: string): string {
  const line = message.split('\n').map((part) => part.trim()).filter(Boolean).join(' ');
  const unknown = /^Unknown arguments?: ([^,\s]+)/.exec(line)?.[1];
  if (unknown !== undefined) return unknownOption(unknown);
  const empty = /^Not enough arguments following: (\S+)/.exec(line)?.[1];
  if (empty !== undefined) return `--${empty} needs a value`;
  const [, name, given, choices] = /^Invalid values: Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(line) ?? [];
  return name === undefined ? line : `${ALL_OPTIONS.includes(name) ? '--' : ''}${name} takes ${choices!.replaceAll('"', '').replace(/, ([^,]*)$/, ' or $1')}, not ${given}`;
}

const ALL_OPTIONS = [...new Set([...Object.keys(OPTIONS), ...Object.keys(VERIFY_OPTIONS)])];

function unknownOption(name: string): string {
  const meant = nearest(name, [...ALL_OPTIONS, 'help', 'version']);
  return `there is no option ${name.length > 1 ? '--' : '-'}${name}; ${meant ? `did you mean --${meant}?` : 'unroot --help lists them'}`;
}

/** yargs loses a lone `-` (yargs-parser #381), so it goes by the file that means the same. */
const STDIN = '/dev/stdin';

/** The paths that were named, those behind `--` too; the current directory where none was. */
function asPaths(paths: readonly string[] | undefined, rest: readonly (string | number)[]): string[] {
  const all = [...(paths ?? []), ...rest.map(String)].map((path) => (path === STDIN ? '-' : path));
  return all.length > 0 ? all : ['.'];
}

/** `unroot explian`: a command that was mistyped looks like a path. */
function assertNoCommandMeant([first]: readonly string[]): void {
  if (first === undefined || /[./]/.test(first) || existsSync(first)) return;
  const meant = nearest(first, COMMANDS);
  if (meant) throw new ArgumentError(`there is no command or file ${first}; did you mean unroot ${meant}?`);
}

/** What the scripts of `unroot completion` ask. */
async function complete(words: readonly string[]): Promise<number> {
  const { completionsOf } = await import('./completion.ts');
  await print(completionsOf(words).map((word) => `${word}\n`).join(''));
  return EXIT.done;
}

/** From the package.json beside the bundle. */
function version(): string {
  const path = fileURLToPath(new URL('../../package.json', import.meta.url));
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
