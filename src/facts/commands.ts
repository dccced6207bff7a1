import { posix } from 'node:path';
import { readShell, type ShellCommand, type ShellScript, type ShellWord } from '../shell/read.ts';
import type { Step } from './history.ts';
import { memo } from './memo.ts';

/** A command with the wrappers in front of it gone: `sudo -E env A=b nice gosu x node y` is known by each name it passes. */
export interface Invocation {
  /** The program's name without its directory; undefined where it is not literal. */
  name: string | undefined;
  /** Name and arguments. */
  words: ShellWord[];
  /** The wrappers passed on the way, outermost first, by name. */
  through: string[];
}

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
  if (instruction.keyword !== 'RUN') return { commands: [], complete: true };
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

/** An exec form's words as a command. */
export function wordsOnly(words: readonly string[], cwd: string | undefined): ShellCommand {
  return {
    words: words.map((value) => ({ text: value, value, pos: 0, end: 0 })),
    redirects: [],
    assignments: [],
    pos: 0,
    end: 0,
    conditional: false,
    cwd,
  };
}

const SHELLS = new Set(['sh', 'bash', 'ash', 'dash', 'ksh', 'zsh']);

/** The script that a `sh -c` carries; undefined for another command. */
export function carriedScript({ name, words }: Invocation): string | undefined {
  if (name === undefined || !SHELLS.has(name)) return undefined;
  const flag = words.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word.value ?? ''));
  return flag < 0 ? undefined : words[flag + 1]?.value;
}

/** The script file that a shell is told to run; undefined for another command. */
export function calledScript({ name, words }: Invocation): string | undefined {
  if (name === undefined || !SHELLS.has(name)) return undefined;
  const script = words.slice(1).find((word) => !(word.value ?? '').startsWith('-'));
  return script?.value;
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
  return { commands: all, complete };
}

/** Wrappers that run the command that follows their own options, and those of their options that take a value. */
const WRAPPERS: Record<string, RegExp> = {
  exec: /^-a$/,
  env: /^(-u|-C|-S|--unset|--chdir)$/,
  nice: /^-n$/,
  ionice: /^(-c|-n|-p)$/,
  nohup: /^$/,
  time: /^(-f|-o)$/,
  timeout: /^(-k|-s)$/,
  stdbuf: /^(-i|-o|-e)$/,
  setsid: /^$/,
  command: /^$/,
  builtin: /^$/,
  eatmydata: /^$/,
  tini: /^(-p|-e|-g)$/,
  'tini-static': /^(-p|-e)$/,
  'dumb-init': /^(-r|--rewrite)$/,
  catatonit: /^$/,
  'docker-init': /^$/,
  sudo: /^(-u|-g|-h|-p|-C|-r|-t|--user|--group)$/,
  xvfb: /^$/,
  'xvfb-run': /^(-n|-s|-e|-f|--server-args|--server-num)$/,
  catchsegv: /^$/,
  unbuffer: /^$/,
};

/** What a command runs once its wrappers are passed. */
export function unwrap(command: Pick<ShellCommand, 'words'>): Invocation {
  let words = command.words;
  const through: string[] = [];
  for (;;) {
    const name = baseName(words[0]?.value);
    const takesValue = name === undefined ? undefined : WRAPPERS[name];
    if (name === undefined || takesValue === undefined) return { name, words, through };
    const rest = afterOptions(words, name, takesValue);
    if (rest.length === 0) return { name, words, through };
    through.push(name);
    words = rest;
  }
}

function baseName(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : posix.basename(value);
}

function afterOptions(words: ShellWord[], wrapper: string, takesValue: RegExp): ShellWord[] {
  let at = 1;
  for (; at < words.length; at += 1) {
    const value = words[at]!.value;
    if (value === undefined) break;
    if (value === '--') return words.slice(at + 1);
    if (takesValue.test(value)) at += 1;
    else if (!value.startsWith('-') && !((wrapper === 'env' || wrapper === 'sudo') && /^\w+=/.test(value))) break;
  }
  // timeout takes a duration in front of the command
  return words.slice(wrapper === 'timeout' ? at + 1 : at);
}

/** The operands of a command: its arguments without options and without the values of `takesValue`. */
export function operands(words: readonly ShellWord[], takesValue: RegExp = /^$/): ShellWord[] {
  const result: ShellWord[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const { value, text } = words[at]!;
    const shown = value ?? text;
    if (shown === '--') return [...result, ...words.slice(at + 1)];
    if (takesValue.test(shown)) at += 1;
    else if (!shown.startsWith('-') || shown === '-') result.push(words[at]!);
  }
  return result;
}

/** The value of an option: `-u 5`, `-u5`, `--uid 5`, `--uid=5`; undefined where it is not given. */
export function option(words: readonly ShellWord[], short: string | undefined, long: string | undefined): ShellWord | undefined {
  for (let at = 1; at < words.length; at += 1) {
    const shown = words[at]!.value ?? words[at]!.text;
    if (shown === '--') return undefined;
    if ((short && shown === `-${short}`) || (long && shown === `--${long}`)) return words[at + 1];
    if (long && shown.startsWith(`--${long}=`)) return tail(words[at]!, long.length + 3);
    if (short && !shown.startsWith('--') && shown.startsWith('-')) {
      // clustered short options: `-rg app`, `-u1000`
      const place = shown.indexOf(short, 1);
      if (place > 0 && place === shown.length - 1) return words[at + 1];
      if (place === 1 && /^\d+$/.test(shown.slice(2))) return tail(words[at]!, 2);
    }
  }
  return undefined;
}

function tail(word: ShellWord, from: number): ShellWord {
  return { ...word, text: word.text.slice(from), value: word.value?.slice(from) };
}

/** Whether a flag without value is given, alone or in a cluster. */
export function hasFlag(words: readonly ShellWord[], short: string | undefined, long: string | undefined): boolean {
  return words.slice(1).some(({ value, text }) => {
    const shown = value ?? text;
    if (long && shown === `--${long}`) return true;
    return short !== undefined && /^-[A-Za-z]+$/.test(shown) && shown.includes(short);
  });
}
