import type { InferredOptionTypes, Options } from 'yargs';
import { JOBS, SECONDS } from '../verify/defaults.ts';

/** The options of `unroot [paths..]`. */
export const OPTIONS = {
  write: { alias: 'w', type: 'boolean', describe: 'write the change' },
  check: { type: 'boolean', describe: 'print no diff; the exit status says what is left' },
  'fail-on': { choices: ['root'], requiresArg: true, describe: 'exit 1 for any target still root' },
  unsafe: { type: 'boolean', describe: 'apply unsafe fixes too' },
  only: { type: 'string', array: true, requiresArg: true, describe: 'run only these transforms' },
  skip: { type: 'string', array: true, requiresArg: true, describe: 'leave out these transforms' },
  user: { type: 'string', requiresArg: true, describe: 'whom to run as: NAME, UID or UID:GID' },
  sysctl: { type: 'boolean', describe: 'let services keep a low port: write the sysctl' },
  config: { type: 'string', requiresArg: true, describe: 'this configuration, not the nearest' },
  resolve: { type: 'boolean', describe: 'ask an engine about images that are not in the catalogue' },
  engine: { type: 'string', requiresArg: true, default: 'docker', describe: 'the engine to ask: a command' },
  verify: { type: 'boolean', describe: 'with --write: build and run first, write what holds' },
  format: { choices: ['diff', 'json'], requiresArg: true, default: 'diff', describe: 'what goes to stdout' },
} as const satisfies Record<string, Options>;

export type RunArguments = Partial<InferredOptionTypes<typeof OPTIONS>>;

/** The options of `unroot verify [paths..]`. */
export const VERIFY_OPTIONS = {
  base: { type: 'string', requiresArg: true, describe: 'what changed since this git revision, against it' },
  strict: { type: 'boolean', describe: 'run it also as a locked-down cluster would' },
  learn: { type: 'boolean', describe: 'record what the programs write in the configuration' },
  network: { type: 'boolean', describe: 'let the programs reach others' },
  jobs: { type: 'number', requiresArg: true, default: JOBS, describe: 'how many targets at once' },
  seconds: { type: 'number', requiresArg: true, default: SECONDS, describe: 'how long a program may take to be ready' },
  unsafe: OPTIONS.unsafe,
  only: OPTIONS.only,
  skip: OPTIONS.skip,
  user: OPTIONS.user,
  sysctl: OPTIONS.sysctl,
  config: OPTIONS.config,
  resolve: OPTIONS.resolve,
  engine: { ...OPTIONS.engine, describe: 'the engine that builds and runs: a command' },
  format: { choices: ['table', 'json', 'markdown'], requiresArg: true, default: 'table', describe: 'what goes to stdout' },
} as const satisfies Record<string, Options>;

export type VerifyArguments = Partial<InferredOptionTypes<typeof VERIFY_OPTIONS>>;

/** The commands beside it. */
export const COMMANDS = ['verify', 'explain', 'completion'] as const;

export const SHELLS = ['bash', 'zsh'] as const;

/** How a completion script asks what may stand where a word is being typed. */
export const ASK = '--get-completions';
