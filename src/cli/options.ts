import type { InferredOptionTypes, Options } from 'yargs';

/** The options of `unroot [paths..]`. */
export const OPTIONS = {
  write: { alias: 'w', type: 'boolean', describe: 'write the change' },
  check: { type: 'boolean', describe: 'print no diff; the exit status says what is left' },
  'fail-on': { choices: ['root'], requiresArg: true, describe: 'exit 1 for any target still root' },
  unsafe: { type: 'boolean', describe: 'apply unsafe fixes too' },
  only: { type: 'string', array: true, requiresArg: true, describe: 'run only these transforms' },
  skip: { type: 'string', array: true, requiresArg: true, describe: 'leave out these transforms' },
  user: { type: 'string', requiresArg: true, describe: 'whom to run as: NAME, UID or UID:GID' },
  config: { type: 'string', requiresArg: true, describe: 'this configuration, not the nearest' },
  resolve: { type: 'boolean', describe: 'ask an engine about images that are not in the catalogue' },
  engine: { type: 'string', requiresArg: true, default: 'docker', describe: 'the engine to ask: a command' },
  format: { choices: ['diff', 'json'], requiresArg: true, default: 'diff', describe: 'what goes to stdout' },
} as const satisfies Record<string, Options>;

export type RunArguments = Partial<InferredOptionTypes<typeof OPTIONS>>;

/** The commands beside it. */
export const COMMANDS = ['explain', 'completion'] as const;

export const SHELLS = ['bash', 'zsh'] as const;

/** How a completion script asks what may stand where a word is being typed. */
export const ASK = '--get-completions';
