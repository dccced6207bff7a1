import { posix } from 'node:path';
import { isWithin } from '../../image-paths.ts';
import { copiesOf } from '../copies.ts';
import { entryOf, historyOf } from '../history.ts';
import type { Target } from '../../project.ts';
import { effectiveUser } from '../user.ts';
import { isShellTool } from '../programs.ts';
import { type Start, type Started, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';
import { isStarter } from './starts-others.ts';

/** RULES A2: only a target that starts something is fixed. */

export const unknownBase: KeepAway = (target) => {
  const { base } = historyOf(target.stage, target.unit);
  const user = effectiveUser(target);
  const line = target.stage.from.line;
  if (user.kind === 'unknown' && user.own) {
    return { rule: 'unknown-base', message: `USER ${user.text} rests on a variable without a default`, line, advice: 'give the variable a default' };
  }
  const start = startOf(target);
  if (user.kind === 'root' && start.from !== 'unknown') return undefined;
  const what = start.from === 'unknown' ? 'what it starts' : 'its user';
  const name = base.kind === 'unresolved' ? `${base.text} has no default, so ${what}` : `${base.text} is not in the catalogue, so ${what}`;
  const image = base.kind === 'unresolved' ? 'IMAGE' : base.text;
  return {
    rule: 'unknown-base',
    message: `${name} is not known`,
    line,
    advice: `unroot --resolve asks an engine about it; or look yourself: docker image inspect -f '{{.Config.User}} {{.Config.Entrypoint}} {{.Config.Cmd}}' ${image}`,
  };
};

export const startsNothing: KeepAway = (target) => {
  const start = startOf(target);
  const entry = entryOf(target);
  const nothing = start.from === 'none' || (start.from === 'base' && (entry?.start === 'tool' || entry?.start === 'unknown'));
  const emptied = start.from === 'file' && start.argv?.length === 0 && start.commands.length === 0;
  const waiting = start.from === 'file' && start.commands.length === 1 && /^(tini(-static)?|dumb-init|catatonit|docker-init)$/.test(start.commands[0]!.name ?? '') ? start.commands[0]! : undefined;
  const missing = missingProgram(target);
  if (!nothing && !emptied && !waiting && missing === undefined) return undefined;
  return {
    rule: 'starts-nothing',
    message: missing !== undefined ? `nothing brings ${missing} to a directory of PATH: the image only carries files` : waiting ? `${waiting.words.map(({ text }) => text).join(' ')} is given nothing to start` : 'neither the file nor its base sets a command that serves',
    advice: 'set USER in the images that build on it, or run it with --user',
  };
};

/** `FROM scratch` with `CMD ["none"]`: a command that no COPY can have brought to where programs are looked for. */
function missingProgram(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const { argv, from } = startOf(target);
  const name = argv?.[0];
  if (history.base.kind !== 'scratch' || from !== 'file' || !name || name.includes('/')) return undefined;
  const folders = (history.variables('PATH') ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(':');
  const mayBring = (path: string | undefined) => path === undefined || path === '/' || posix.basename(path) === name || folders.some((folder) => isWithin(folder, path) || isWithin(path, folder));
  return copiesOf(history).some(({ destination }) => mayBring(destination)) ? undefined : name;
}

/** Commands that are a prompt when they get no program to run. */
const PROMPTS = /^(sh|bash|ash|dash|zsh|ksh|fish|R|python[\d.]*|ipython|node|irb|pry|php|jshell|ghci|iex|erl|julia|scala|lua|luajit|perl|deno|bun|octave|sbcl|clojure|pwsh|psql|mysql|sqlite3|login|su|screen|tmux|byobu)$/;
const KEEPS_OPEN = /^(sleep|tail|true|false|echo|pause|cat|yes|date|ls|uname|whoami|id|env|printenv|hostname)$/;

export const startsPrompt: KeepAway = (target) => {
  const start = startOf(target);
  if (start.from === 'base' && entryOf(target)?.start === 'prompt') {
    return { rule: 'starts-a-prompt', message: `nothing but the prompt of ${historyOf(target.stage, target.unit).base.text} is started`, advice: ADVICE };
  }
  // What runs last decides: `service x start && bash` is another matter.
  const own = start.commands.filter(({ name }) => name !== undefined);
  if (own.length === 0) return undefined;
  const prepares = start.scripts.length > 0 && own.slice(1).every(({ name, words }) => isShellTool(name!) || isPrompt(name!, words.slice(1).map(({ value }) => value)));
  const behind = start.unseen.length > 0 || prepares ? promptBehindScript(target) : shellBehindProgram(target);
  if (behind) return behind;
  const last = lastPrompt(start, own);
  if (!last) return undefined;
  return {
    rule: 'starts-a-prompt',
    message: `${last.words.map(({ text }) => text).join(' ')} serves nothing`,
    line: start.parts[0]?.instruction.line ?? target.stage.from.line,
    advice: ADVICE,
  };
};

/** The last of the commands that a target starts, where all of them are prompts or only prepare one; undefined where one may serve. */
function lastPrompt({ parts, unseen, commands }: Start, own: Started[]): Started | undefined {
  const isOne = (one: Started) => !isOwnProgram(one) && isPrompt(one.name!, one.words.slice(1).map(({ value }) => value));
  const sources = ({ name }: Started) => name === '.' || name === 'source';
  // `. setup.sh && bash`: what is sourced prepares the prompt, and what is called may serve.
  const sourced = own.filter(sources).length;
  if (unseen.length > sourced || (sourced > 0 && own.length < commands.length)) return undefined;
  const last = own.at(-1)!;
  if (parts.length === 1 && own.length === 1 && tellsAboutItself(last)) return last;
  return own.every((one) => isOne(one) || sources(one)) && isOne(last) ? last : undefined;
}

/** `ansible-playbook --version` in a CMD alone: whoever runs the image says what for. */
function tellsAboutItself({ words }: Started): boolean {
  return words.length > 1 && words.slice(1).every(({ value }) => /^(--?help|-h|--?version)$/.test(value ?? ''));
}

/** A program of the file may bear any name: `/whoami` is none of the distribution's. */
function isOwnProgram({ payload, words }: Started): boolean {
  return (payload || words[0]!.value!.includes('/')) && !/^(\/(usr\/(local\/)?)?s?bin\/)?[^/]+$/.test(words[0]!.value!);
}

/** `ENTRYPOINT ["entrypoint.sh"]` with `CMD ["bash"]`: whatever the script prepares, a prompt is what it is for. */
function promptBehindScript(target: Parameters<KeepAway>[0]): ReturnType<KeepAway> {
  const { entrypoint, cmd } = historyOf(target.stage, target.unit);
  const [name, ...args] = cmd?.words ?? [];
  const isOthers = name === 'echo' ? !/\b(specify|usage|please)\b/i.test(args.join(' ')) : /^(sleep|tail|true|false|cat)$/.test(name ?? '');
  if (!entrypoint?.words?.length || name === undefined || isOthers || !isPrompt(posix.basename(name), args)) return undefined;
  return { rule: 'starts-a-prompt', message: `${entrypoint.words[0]} is given ${name === 'echo' ? 'a message to show' : 'a prompt to start'}: ${cmd!.script}`, line: cmd!.instruction.line, advice: ADVICE };
}

/** `ENTRYPOINT ["crossbuild"]` with `CMD ["bash"]`: a shell is what a program is given to start. */
function shellBehindProgram(target: Parameters<KeepAway>[0]): ReturnType<KeepAway> {
  const { entrypoint, cmd } = historyOf(target.stage, target.unit);
  if (isStarter(posix.basename(entrypoint?.words?.[0] ?? ''))) return undefined;
  return /^((ba|z|a|da|k|fi)?sh|pwsh|php)$/.test(posix.basename(cmd?.words?.[0] ?? '')) ? promptBehindScript(target) : undefined;
}

const ADVICE = 'run it with docker run --user "$(id -u):$(id -g)"';

function isPrompt(name: string, args: (string | undefined)[]): boolean {
  if (KEEPS_OPEN.test(name)) return name !== 'tail' || args.some((arg) => arg !== undefined && /^-.*[fF]|\/dev\/null/.test(arg));
  if (!PROMPTS.test(name)) return false;
  if (name === 'php') return args.length === 0 || args.includes('-a');
  // `bash -c` without more runs what its caller says.
  const own = args.at(-1) === '-c' && /^(ba|da|a|k|z)?sh$/.test(name) ? args.slice(0, -1) : args;
  return own.every((arg) => arg !== undefined && /^(-[a-bd-zA-Z]*|--(login|interactive|no-save|vanilla|norc|quiet|no-restore))$/.test(arg));
}
