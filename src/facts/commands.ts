import { readShell, type ShellCommand, type ShellScript } from '../shell/read.ts';
import { carriedScript, unwrap, wordsOnly } from '../shell/invocation.ts';
import type { Step } from './history.ts';
import { memo } from '../memo.ts';

export { calledScript, carriedScript, hasFlag, type Invocation, isLaunched, operands, option, unwrap, wordsOnly, wrappedBy } from '../shell/invocation.ts';

/** The commands of a RUN, those inside `sh -c '…'` included, in order. Empty for other instructions. */
export const commandsOf = memo((step: Step): ShellCommand[] => scriptOf(step).commands);

/** Whether a RUN's text holds a word, or matches, at all: a cheap look before its commands are read. */
export function mentions({ instruction }: Step, wanted: string | RegExp): boolean {
  if (instruction.keyword !== 'RUN') return false;
  const holds = (text: string) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));
  return holds(instruction.logical) || instruction.heredocs.some(({ body }) => holds(body));
}

/** The script of a RUN as its shell reads it. */
const scriptOf = memo((step: Step): ShellScript => {
  const { instruction, cwd } = step;
  if (instruction.keyword !== 'RUN') return { commands: [], functions: new Set(), complete: true };
  const lookup = (name: string) => variableOf(step, name);
  if (instruction.json) return nested([wordsOnly(instruction.json, cwd)], lookup, cwd, true);
  const script = runScript(step);
  const { commands, complete } = readShell(script, lookup, cwd);
  return nested(commands, lookup, cwd, complete);
});

/** A variable as a RUN sees it. A shell that runs as root has root's home unless the file says otherwise. */
function variableOf(step: Step, name: string): string | undefined {
  const value = step.variables(name);
  if (value !== undefined && value !== null) return value;
  return name === 'HOME' && step.user === undefined ? '/root' : undefined;
}

/** The text of a shell-form RUN: its arguments, or its heredoc where that is the script. */
function runScript({ instruction }: Step): string {
  const [heredoc] = instruction.heredocs;
  return heredoc && /^<<-?\s*\S+$/.test(instruction.args) ? heredoc.body : instruction.args;
}

function nested(commands: ShellCommand[], lookup: (name: string) => string | undefined, cwd: string | undefined, complete: boolean, depth = 0): ShellScript {
  const all: ShellCommand[] = [];
  for (const command of commands) {
    all.push(command);
    const script = depth < 4 ? carriedScript(unwrap(command)) : undefined;
    if (script === undefined) continue;
    const inner = readShell(script, lookup, command.cwd ?? cwd);
    const conditional = inner.commands.map((one) => ({ ...one, conditional: one.conditional || command.conditional }));
    all.push(...nested(conditional, lookup, cwd, inner.complete, depth + 1).commands);
  }
  return { commands: all, functions: new Set(), complete };
}
