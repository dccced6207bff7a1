import type { Options } from 'yargs';
import { RULES, transforms, UsageError } from '../index.ts';
import { EXIT } from './exit.ts';
import { VERIFY_RULES } from '../verify/compare.ts';
import { ASK, COMMANDS, OPTIONS, SHELLS, VERIFY_OPTIONS } from './options.ts';
import { print } from './output.ts';

type Shell = (typeof SHELLS)[number];

/** `unroot completion [shell]`: the script that a shell reads. */
export async function completionCommand(shell: Shell | undefined): Promise<number> {
  const own = process.env.SHELL?.split('/').at(-1) ?? '';
  const chosen = shell ?? SHELLS.find((one) => one === own);
  if (!chosen) throw new UsageError(`name a shell: unroot completion ${SHELLS.join(' or ')}`);
  await print(SCRIPTS[chosen]);
  return EXIT.done;
}

/** Where unroot has nothing to say, both complete file names. */
const SCRIPTS: Record<Shell, string> = {
  bash: `# unroot completion bash >> ~/.bashrc
_unroot() {
  local IFS=$'\\n'
  COMPREPLY=($(unroot ${ASK} "\${COMP_WORDS[@]:1:COMP_CWORD}"))
}
complete -o bashdefault -o default -F _unroot unroot
`,
  zsh: `#compdef unroot
# unroot completion zsh >> ~/.zshrc
_unroot() {
  local -a names
  names=(\${(f)"$(unroot ${ASK} "\${(@)words[2,CURRENT]}")"})
  if (( \${#names} )); then compadd -- $names; else _files; fi
}
if [[ "\${zsh_eval_context[-1]}" == loadautofunc ]]; then _unroot "$@"; else compdef _unroot unroot; fi
`,
};

/**
 * What may stand where the last word is being typed.
 * @param words those of the command line behind `unroot`, the last one as far as it is typed
 * @returns nothing where a file name belongs
 */
export function completionsOf(words: readonly string[]): string[] {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  // zsh leaves --only=r one word, bash makes three of it.
  const [, option, value] = /^(--[\w-]+)=(.*)$/.exec(current) ?? [];
  if (option !== undefined) return starting(value!, candidates(value!, [...before, option])).map((candidate) => `${option}=${candidate}`);
  return starting(current, candidates(current, before.at(-1) === '=' ? before.slice(0, -1) : before));
}

function starting(typed: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(typed));
}

function candidates(current: string, before: readonly string[]): readonly string[] {
  if (before.includes('--')) return [];
  const command = before.find((word) => !word.startsWith('-'));
  const options: Record<string, Options> = command === 'verify' ? VERIFY_OPTIONS : OPTIONS;
  const option = optionOf(before.at(-1), options);
  if (option === 'only' || option === 'skip') return inList(current, TRANSFORMS);
  if (option !== undefined && options[option]!.choices) return options[option]!.choices.map(String);
  if (option !== undefined && options[option]!.requiresArg) return [];
  if (command === 'explain' || command === 'completion') {
    if (current.startsWith('-')) return ['--help'];
    if (before.at(-1) !== command) return [];
    return command === 'explain' ? [...TRANSFORMS, ...Object.keys(RULES), ...Object.keys(VERIFY_RULES)] : SHELLS;
  }
  if (current.startsWith('-')) return namesOf(options).filter((name) => !before.includes(name) || REPEATED.has(name));
  return command === undefined ? COMMANDS : [];
}

const TRANSFORMS = transforms.map(({ name }) => name);
const REPEATED = new Set(['--only', '--skip']);

function namesOf(options: Record<string, Options>): string[] {
  return [...Object.keys(options), 'help', 'version'].map((name) => `--${name}`);
}

function optionOf(word: string | undefined, options: Record<string, Options>): string | undefined {
  const name = word?.startsWith('--') ? word.slice(2) : undefined;
  return name !== undefined && Object.hasOwn(options, name) ? name : undefined;
}

/** `a,b,r`: the last name of a list is being typed. */
function inList(current: string, names: readonly string[]): string[] {
  const comma = current.lastIndexOf(',') + 1;
  return names.filter((name) => !current.slice(0, comma).split(',').includes(name)).map((name) => current.slice(0, comma) + name);
}
