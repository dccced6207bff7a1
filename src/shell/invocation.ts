import { posix } from 'node:path';
import { memo } from '../memo.ts';
import type { ShellCommand, ShellWord } from './read.ts';

/** A command with the wrappers in front of it gone: `sudo -E env A=b nice gosu x node y` is known by each name it passes. */
export interface Invocation {
  /** The program's name without its directory; undefined where it is not literal. */
  name: string | undefined;
  /** Name and arguments. */
  words: ShellWord[];
  /** The wrappers passed on the way, outermost first, by name. */
  through: string[];
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
  dockerize: /^--?(wait|timeout|template|stdout|stderr|delims|env|env-section|wait-retry-interval|wait-http-header|e?[ug]id)$/,
};

/** Tools of a language that run a program of the application's dependencies: the verb that does so, and options that take a value. */
const LAUNCHERS: Record<string, { verb?: RegExp; takesValue: RegExp }> = {
  npx: { takesValue: /^(-p|--package|-c|--call)$/ },
  bunx: { takesValue: /^$/ },
  npm: { verb: /^(exec|x)$/, takesValue: /^(-p|--package)$/ },
  pnpm: { verb: /^(exec|dlx)$/, takesValue: /^(-C|--dir|--filter|-F)$/ },
  yarn: { verb: /^(exec|dlx)$/, takesValue: /^$/ },
  poetry: { verb: /^run$/, takesValue: /^$/ },
  pipenv: { verb: /^run$/, takesValue: /^$/ },
  pdm: { verb: /^run$/, takesValue: /^$/ },
  uv: { verb: /^run$/, takesValue: /^(-p|--python|--with|--env-file|--directory|--project|--extra|--group)$/ },
  bundle: { verb: /^exec$/, takesValue: /^$/ },
  conda: { verb: /^run$/, takesValue: /^(-n|--name|-p|--prefix)$/ },
  'opentelemetry-instrument': { takesValue: /^$/ },
  'ddtrace-run': { takesValue: /^$/ },
};

const PYTHON = /^python[\d.]*$/;

/** Python modules that are programs: `python -m gunicorn` is `gunicorn`. */
const MODULES = /^(pip|gunicorn|uvicorn|hypercorn|daphne|waitress|flask|celery|streamlit|django|playwright|http\.server|jupyter|pytest|poetry|pipenv|uv)$/;

/** What a command runs once its wrappers are passed. */
export const unwrap = memo((command: Pick<ShellCommand, 'words'>): Invocation => {
  let words = command.words;
  const through: string[] = [];
  for (;;) {
    const name = baseName(words[0]?.value);
    const rest = name === undefined ? undefined : wrappedBy(name, words);
    if (name === undefined || rest === undefined || rest.length === 0) return { name, words, through };
    through.push(name);
    words = rest;
  }
});

/** Whether a program is started through a tool of its language, which takes it from the application's dependencies. */
export function isLaunched({ through }: Invocation): boolean {
  return through.some((name) => name in LAUNCHERS || PYTHON.test(name));
}

/** What a wrapper is told to run, empty where it is told nothing; undefined for a command that is none. */
export function wrappedBy(name: string, words: ShellWord[]): ShellWord[] | undefined {
  const takesValue = WRAPPERS[name];
  if (takesValue) return afterOptions(words, name, takesValue);
  if (name === 'scl') return collected(words);
  if (name.startsWith('python') && PYTHON.test(name)) return words[1]?.value === '-m' && MODULES.test(words[2]?.value ?? '') ? words.slice(2) : undefined;
  const launcher = LAUNCHERS[name];
  if (!launcher) return undefined;
  const rest = afterOptions(words, name, launcher.takesValue);
  if (!launcher.verb) return rest;
  return launcher.verb.test(rest[0]?.value ?? '') ? afterOptions(rest, name, launcher.takesValue) : undefined;
}

/** `scl enable rh-ruby25 -- ruby app.rb`: the command behind the collections; without `--` it is the last word. */
function collected(words: ShellWord[]): ShellWord[] | undefined {
  if (words[1]?.value !== 'enable') return undefined;
  const dashes = words.findIndex(({ value }) => value === '--');
  return dashes > 0 ? words.slice(dashes + 1) : words.slice(Math.max(words.length - 1, 3));
}

function baseName(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const name = value.includes('/') ? posix.basename(value) : value;
  return name.startsWith('xx-') ? name.replace(CROSS_COMPILES, '') : name;
}

/** What tonistiigi/xx puts in front of a compiler's name: the same compiler, for the platform that is built for. */
const CROSS_COMPILES = /^xx-(?=(go|cargo|clang(\+\+)?|cc|c\+\+)$)/;

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
    if (takesValue.test(shown) || isCluster(shown, takesValue)) at += 1;
    else if (!shown.startsWith('-') || shown === '-') result.push(words[at]!);
  }
  return result;
}

/** Whether short options stand in one word and the last of them takes the next word: `-Dh /home/x`; in `-gstaff` the first has its value. */
function isCluster(shown: string, takesValue: RegExp): boolean {
  return /^-[A-Za-z]{2,}$/.test(shown) && takesValue.test(`-${shown.at(-1)}`) && !takesValue.test(`-${shown[1]}`);
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
