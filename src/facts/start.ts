import { posix } from 'node:path';
import type { LinkedService, Target } from '../project.ts';
import type { Service } from '../compose/read.ts';
import { readShell, resolvePath, type ShellCommand, type ShellWord } from '../shell/read.ts';
import { calledScript, carriedScript, commandsOf, type Invocation, mentions, unwrap, wordsOnly } from './commands.ts';
import { type Copy, copiesOf, type CopiedFile, hidesAt, originOf } from './copies.ts';
import { baseEntry, type History, historyOf, type StartPart } from './history.ts';
import { memo } from './memo.ts';
import { programOf } from '../programs/lookup.ts';
import { writtenByRun } from './made-files.ts';

/** What starts when the container starts, followed through shells and scripts as far as they are in sight. */
export interface Start {
  /** Whether the file (with the stages it builds on) sets a start command, only a compose service that runs it, the base does, or nobody. */
  from: 'file' | 'service' | 'base' | 'none' | 'unknown';
  /** The instructions of the file that set it. */
  parts: StartPart[];
  /** What the container runs first: the words, where all is in exec form. */
  argv: string[] | undefined;
  /** The base's own entrypoint, where it runs in front of what the file names; undefined where there is none. */
  baseEntrypoint: string[] | 'unknown' | undefined;
  /** Every command on the way, in order, those of scripts and shells included. */
  commands: Started[];
  /** Start scripts in sight. */
  scripts: StartScript[];
  /** Start scripts out of sight, by path. */
  unseen: string[];
  /** Programs out of sight that may be scripts: named by a path that nothing in sight fills. */
  opaque: string[];
  /** The package.json files out of sight whose scripts are started, by path. */
  manifests: string[];
  /** Whether a start script could not be understood in full. */
  partly: boolean;
}

export interface Started extends Invocation {
  command: ShellCommand;
  /** Whether the program itself is copied or built by the file: payload, which unroot does not read. */
  payload: boolean;
  /** Whether it is a start script in sight, whose own commands follow. */
  followed?: boolean;
  /** The script it stands in; undefined for the start command itself. */
  script: StartScript | undefined;
  /** The compose service whose own command it belongs to; undefined for the image's. */
  service: LinkedService | undefined;
}

/** Where a started command stands, for the reader. */
export function placeOf({ script, service }: Pick<Started, 'script' | 'service'>): string {
  if (script) return script.path;
  return service ? `service ${service.service.name} in ${service.path}` : 'the start command';
}

export interface StartScript {
  /** In the image. */
  path: string;
  text: string;
  /** Undefined for a script that a RUN writes. */
  file: CopiedFile | undefined;
  /** Whether it is executed itself, so that it needs the x bit. */
  executed: boolean;
}

const MAX_DEPTH = 6;

/** Words with which a shell's own syntax begins (POSIX.1-2017, XCU 2.4, and Bash's). */
const RESERVED = new Set(['!', '{', '}', 'case', 'do', 'done', 'elif', 'else', 'esac', 'fi', 'for', 'function', 'if', 'in', 'select', 'then', 'until', 'while']);

/** What a target starts. Answered once per target. */
export const startOf = memo((target: Target): Start => {
  const history = historyOf(target.stage, target.unit);
  const start = begin(history);
  const follower = new Follower(target, history, start);
  for (const command of firstCommands(history, start)) follower.follow(command, undefined, 0);
  for (const linked of target.services) {
    const command = commandOfService(linked.service, history);
    if (!command) continue;
    if (start.from !== 'file') start.from = 'service';
    new Follower(target, history, start, linked).follow(command, undefined, 0);
  }
  return start;
});

/** What a service that has a command of its own starts; undefined where it leaves that to the image. */
function commandOfService({ command, entrypoint, workingDir }: Service, history: History): ShellCommand | undefined {
  if (command === undefined && entrypoint === undefined) return undefined;
  const image = history.entrypoint && (history.entrypoint.words ?? [...history.entrypoint.shell, history.entrypoint.script]);
  const words = [...(entrypoint === undefined ? (image ?? []) : wordsOf(entrypoint)), ...(command === undefined ? [] : wordsOf(command))];
  return words.length === 0 ? undefined : wordsOnly(words, workingDir ?? history.cwd);
}

/** The words of a compose command as the container gets them. */
export function wordsOf(command: string[] | string): string[] {
  const words = Array.isArray(command) ? command : splitCommand(command).map(({ value, text }) => value ?? text);
  return words.map((word) => word.replaceAll('$$', '$'));
}

/** Stands in for `$` where it is no more than a character. */
const DOLLAR = '\ue000';

/** Compose splits a string at blanks and line ends outside quotes, and runs no shell: `$` is a character like others. */
export function splitCommand(command: string): ShellWord[] {
  const { commands } = readShell(onOneLine(command).replaceAll('$', DOLLAR));
  if (commands.length !== 1) return command.split(/\s+/).filter(Boolean).map((word) => ({ text: word, value: word, pos: 0, end: 0 }));
  const restored = (text: string) => text.replaceAll(DOLLAR, '$');
  return commands[0]!.words.map(({ text, value, pos, end }) => ({ text: restored(text), value: restored(value ?? text), pos, end }));
}

/** A command with its line ends outside quotes as blanks: to compose they are no more (mattn/go-shellwords, isSpace). */
function onOneLine(command: string): string {
  if (!command.includes('\n')) return command;
  let quote = '';
  let isEscaped = false;
  return [...command].map((char) => {
    const isPlain = quote === '' && !isEscaped;
    if (isEscaped) isEscaped = false;
    else if (char === '\\' && quote !== "'") isEscaped = true;
    else if (quote === '' ? char === '"' || char === "'" : char === quote) quote = quote === '' ? char : '';
    return isPlain && char === '\n' ? ' ' : char;
  }).join('');
}

function begin(history: History): Start {
  const { base, entrypoint, cmd } = history;
  const start: Start = {
    from: 'file',
    parts: [entrypoint, cmd].filter((part) => part !== undefined),
    argv: undefined,
    baseEntrypoint: undefined,
    commands: [],
    scripts: [],
    unseen: [],
    opaque: [],
    manifests: [],
    partly: false,
  };
  const facts = base.kind === 'image' ? base.facts : undefined;
  if (!entrypoint) {
    if (base.kind === 'scratch') start.baseEntrypoint = undefined;
    else if (!facts) start.baseEntrypoint = 'unknown';
    else start.baseEntrypoint = facts.entry.entrypoint ?? (facts.entry.start === 'prompt' || facts.entry.start === 'none' ? undefined : 'unknown');
    if (start.baseEntrypoint !== undefined && start.baseEntrypoint.length === 0) start.baseEntrypoint = undefined;
  }
  if (start.parts.length === 0) {
    start.from = base.kind === 'scratch' ? 'none' : !facts ? 'unknown' : facts.entry.start === 'none' ? 'none' : 'base';
  }
  return start;
}

/** The commands that the container's own start command consists of. */
function firstCommands(history: History, start: Start): ShellCommand[] {
  const { entrypoint, cmd, cwd, base } = history;
  if (entrypoint && !entrypoint.words) return shellForm(entrypoint, history);
  if (!entrypoint && cmd && !cmd.words) return shellForm(cmd, history);
  const inherited = baseEntry(base);
  // A CMD in shell form behind an ENTRYPOINT in exec form becomes its arguments.
  const tail = cmd ? (cmd.words ?? [...cmd.shell, cmd.script]) : entrypoint ? [] : (inherited?.cmd ?? []);
  start.argv = [...(entrypoint?.words ?? programOfBase(start, tail)), ...tail];
  return start.argv.length > 0 ? [wordsOnly(start.argv, cwd)] : [];
}

/** The base's own entrypoint where it is a program and is given nothing but options: `CMD ["--config=a.json"]`. */
function programOfBase({ baseEntrypoint }: Start, tail: readonly string[]): string[] {
  const isProgram = Array.isArray(baseEntrypoint) && !baseEntrypoint.some((word, index) => (index === 0 || word.includes('/')) && looksLikeScript(word));
  return isProgram && tail[0]?.startsWith('-') ? baseEntrypoint : [];
}

function shellForm(part: StartPart, history: History): ShellCommand[] {
  return readShell(part.script, lookupOf(history), history.cwd).commands;
}

function lookupOf(history: History, service?: LinkedService) {
  return (name: string) => service?.service.environment[name] ?? history.variables(name) ?? undefined;
}

class Follower {
  private readonly seen = new Set<string>();
  /** The functions of all scripts on the way, which share them by sourcing each other. */
  private readonly functions = new Set<string>();
  private readonly target: Target;
  private readonly history: History;
  private readonly start: Start;
  private readonly service: LinkedService | undefined;

  constructor(target: Target, history: History, start: Start, service?: LinkedService) {
    this.target = target;
    this.history = history;
    this.start = start;
    this.service = service;
  }

  follow(command: ShellCommand, script: StartScript | undefined, depth: number): void {
    const invocation = unwrap(command);
    if (invocation.words.length === 0 && command.redirects.length === 0) return;
    if (RESERVED.has(invocation.name ?? '')) {
      this.start.partly = true; // no program: a script that could not be read
      return;
    }
    const started: Started = { ...invocation, command, script, payload: false, service: this.service };
    this.start.commands.push(started);
    if (depth >= MAX_DEPTH) return;
    if (invocation.name !== undefined && this.functions.has(invocation.name)) {
      started.followed = true;
      return;
    }
    const carried = carriedScript(invocation) ?? evaluated(invocation);
    if (carried !== undefined) return this.followText(carried, command, script, depth, argumentsOf(invocation));
    const packaged = packageScript(invocation);
    if (packaged !== undefined) return this.followPackageScript(packaged, command, script, depth);
    const named = scriptByVariable(invocation);
    if (named !== undefined) return this.followVariable(named, invocation, command, script, depth);
    const called = scriptPath(invocation, script === undefined);
    if (called !== undefined) this.followFile(called, started, depth);
    else {
      started.payload = this.isOwnProgram(invocation, command);
      this.followArguments(invocation, command, script, depth);
    }
  }

  /** Whether a bare name in a script is a program that the file copies onto the PATH, or builds there. */
  private isOwnProgram({ name, words }: Invocation, { cwd }: ShellCommand): boolean {
    const written = words[0]?.value;
    if (name === undefined || written === undefined || KNOWN_PROGRAM.test(name) || !this.target.unit.dockerfile.text.includes(name)) return false;
    return this.find(written, cwd, true) === 'payload';
  }

  private followText(text: string, command: ShellCommand, script: StartScript | undefined, depth: number, args?: string[]): void {
    const inner = readShell(text, lookupOf(this.history, this.service), command.cwd, args);
    if (!inner.complete) this.start.partly = true;
    for (const name of inner.functions) this.functions.add(name);
    for (const one of inner.commands) this.follow({ ...one, conditional: one.conditional || command.conditional }, script, depth + 1);
  }

  /** `npm start` and its kin: what package.json says, where it is in sight. */
  private followPackageScript(name: string, command: ShellCommand, script: StartScript | undefined, depth: number): void {
    const cwd = command.cwd ?? this.history.cwd;
    if (cwd === undefined) return;
    const path = posix.join(cwd, 'package.json');
    const manifest = originOf(this.target, path);
    const text = manifest === undefined || manifest === 'elsewhere' ? undefined : manifest.text;
    if (text === undefined && !this.start.manifests.includes(path)) this.start.manifests.push(path);
    const body = text === undefined ? undefined : packageScripts(text)[name];
    if (body === undefined) return;
    const before = this.start.commands.length;
    this.followText(body, { ...command, cwd }, script, depth);
    // What no distribution has under that name comes from node_modules/.bin.
    for (const started of this.start.commands.slice(before)) if (started.name !== undefined && !started.name.includes('/') && programOf(started.name) === undefined) started.through.push('npx');
  }

  /** `bash ${CATALINA_HOME}/bin/catalina.sh run`: what the base starts, or a script out of sight. */
  private followVariable(named: ShellWord, { words }: Invocation, command: ShellCommand, script: StartScript | undefined, depth: number): void {
    const name = posix.basename(named.text.replace(/["']/g, ''));
    if (isBases(this.history, name)) this.follow({ ...command, words: [{ ...named, text: name, value: name }, ...words.slice(words.indexOf(named) + 1)] }, script, depth + 1);
    else if (!this.start.unseen.includes(named.text)) this.start.unseen.push(named.text);
  }

  private followFile({ path: written, executed }: CalledScript, started: Started, depth: number): void {
    const { command } = started;
    const script = this.find(written, command.cwd, executed);
    if (script === 'program') return this.followArguments(started, command, started.script, depth);
    if (script === 'payload') {
      started.payload = true;
      return;
    }
    if (script === 'opaque') {
      this.start.opaque.push(written);
      return;
    }
    if (script === undefined) {
      if (!this.start.unseen.includes(written)) this.start.unseen.push(written);
      if (started.script === undefined) this.followHandedOver(started, executed, depth);
      return;
    }
    started.followed = true;
    if (this.seen.has(script.path)) return;
    this.seen.add(script.path);
    this.start.scripts.push(script);
    const inner = readShell(script.text, lookupOf(this.history, this.service), command.cwd, argumentsOf(started));
    if (!inner.complete) this.start.partly = true;
    for (const name of inner.functions) this.functions.add(name);
    for (const one of inner.commands) this.follow(one, script, depth + 1);
  }

  private find(written: string, cwd: string | undefined, executed: boolean): Sight {
    const { sight, settled } = findFile(this.target, written, cwd, executed);
    return !settled && this.isBuiltAtStart(written, cwd) ? 'payload' : sight;
  }

  /** Whether the start command itself compiles it first. */
  private isBuiltAtStart(written: string, cwd: string | undefined): boolean {
    const paths = candidatePaths(written, cwd);
    return this.start.commands.some(({ name, words, command }) => BUILDERS.has(name ?? '') && words.some(({ value }) => value !== undefined && paths.includes(resolvePath(command.cwd, value) ?? '')));
  }

  /** Start scripts hand over to their arguments by convention, one out of sight too where the first is a program. */
  private followHandedOver(started: Started, executed: boolean, depth: number): void {
    const words = scriptArguments(started, executed);
    const first = words[0]?.value;
    const isProgram = first !== undefined && (programOf(posix.basename(first)) !== undefined || /\/(s?bin|init\.d)\/[^/]+$/.test(first));
    if (isProgram) this.follow({ ...started.command, words }, undefined, depth + 1);
  }

  /** Entrypoints hand over to their arguments: `docker-entrypoint.sh node server.js`. */
  private followArguments(invocation: Invocation, command: ShellCommand, script: StartScript | undefined, depth: number): void {
    if (invocation.name === undefined || !HANDS_OVER.has(invocation.name)) return;
    const rest = invocation.words.slice(1);
    if (rest.length > 0) this.follow({ ...command, words: rest }, script, depth + 1);
  }
}

/** The text that `eval` runs, without the variables in front, which hold settings for it; undefined where nothing else is told. */
function evaluated({ name, words }: Invocation): string | undefined {
  if (name !== 'eval') return undefined;
  const told = words.slice(1).findIndex(({ value }) => value !== undefined);
  const isSettings = words.slice(1, told + 1).every(({ text }) => /^"?\$(\w+|\{\w+\})"?$/.test(text));
  const rest = words.slice(told + 1);
  return told < 0 || !isSettings || rest.some(({ value }) => value === undefined) ? undefined : rest.map(({ value }) => value).join(' ');
}

/** `go install ./cmd/…` puts a program called after each folder onto the PATH. */
function isInstalledByGo(program: string, words: readonly ShellWord[], cwd: string | undefined): boolean {
  if (words[1]?.value !== 'install') return false;
  return words.slice(2).some(({ value }) => value !== undefined && value.startsWith('.') && (value.endsWith('...') || posix.basename(resolvePath(cwd, value) ?? '') === program));
}

/**
 * A start script in sight; `payload` for a program that the file copies or builds, `program` for
 * another; `opaque` for what may be a script and is out of sight; undefined for a script out of sight.
 */
type Sight = StartScript | 'payload' | 'program' | 'opaque' | undefined;

/** The start script that a command calls, as far as the image shows it. */
export function findScript(target: Target, { path, executed }: CalledScript, cwd: string | undefined): Sight {
  return findFile(target, path, cwd, executed).sight;
}

/** What an image has for a name. `settled` is false where a start command that compiles it first would make it payload. */
interface Found {
  sight: Sight;
  settled: boolean;
}

const foundFiles = memo((_target: Target) => new Map<string, Found>());

function findFile(target: Target, written: string, cwd: string | undefined, executed: boolean): Found {
  const known = foundFiles(target);
  const key = `${executed ? 'x' : ''}\n${cwd ?? ''}\n${written}`;
  const found = known.get(key) ?? lookFor(target, written, cwd, executed);
  known.set(key, found);
  return found;
}

function lookFor(target: Target, written: string, cwd: string | undefined, executed: boolean): Found {
  const history = historyOf(target.stage, target.unit);
  const settled = (sight: Sight): Found => ({ sight, settled: true });
  // A shell may be a link that a RUN makes; it is a shell all the same.
  if (/^\/(usr\/)?bin\/(ba|da|a|k|z)?sh$/.test(written)) return settled('program');
  let elsewhere = false;
  let hidden = false;
  for (const path of candidatePaths(written, cwd)) {
    const origin = originOf(target, path);
    if (origin !== undefined && origin !== 'elsewhere') {
      if (origin.text === undefined || (executed && !isShellScript(origin.text))) return settled('payload');
      return settled({ path, text: origin.text, file: origin, executed });
    }
    if (origin === 'elsewhere') elsewhere = true;
    else if (copiesOf(history).some((copy) => copy.from === undefined && hidesAt(target, history, copy, path) && namesIt(copy, path))) hidden = true;
    const made = writtenByRun(history, path);
    // An interpreter or a server may be a link that a RUN makes, too.
    if (made === '' && (KNOWN_PROGRAM.test(posix.basename(written)) || isProgram(posix.basename(written)))) return settled('program');
    if (made !== undefined) return settled(made === '' ? undefined : { path, text: made, file: undefined, executed });
  }
  if ((isBases(history, written) && !hidden) || KNOWN_PROGRAM.test(posix.basename(written))) return settled('program');
  if (executed && written.includes('/') && hasNoShell(target, history)) return settled('payload');
  if (looksLikeScript(written) || !executed || isRenamedScript(history, written, cwd)) return settled(undefined);
  if (elsewhere || isBuilt(history, written, cwd)) return settled('payload');
  if (hidden) return { sight: 'opaque', settled: false };
  const isOfTheSystem = !written.includes('/') || /^\/(usr|bin|sbin|opt|lib)\//.test(resolvePath(cwd, written) ?? '');
  return { sight: isOfTheSystem && !INTERPRETED.test(written) ? 'program' : 'opaque', settled: false };
}

/** Whether a name is a catalogued program's, and none that scripts bear. */
function isProgram(name: string): boolean {
  return programOf(name) !== undefined && !looksLikeScript(name);
}

/** Files that an interpreter runs: scripts wherever they lie. */
const INTERPRETED = /\.(py|rb|pl|php|js)$/;

/** Whether nothing could interpret a script: on scratch, where no system of another stage is copied whole. */
function hasNoShell(target: Target, { base }: History): boolean {
  return base.kind === 'scratch' && originOf(target, '/bin/sh') === undefined && originOf(target, '/bin/bash') === undefined;
}

/** Whether a COPY names the file that it brings to a path, by where it puts it or by the file's own name. */
function namesIt({ destination, sources, intoDirectory }: Copy, path: string): boolean {
  return (!intoDirectory && destination === path) || sources.some((source) => source !== undefined && posix.basename(source) === posix.basename(path));
}

/** Whether what is brought to this very path is spelled as start scripts are where it comes from: `COPY entrypoint.sh /usr/bin/serve`. */
function isRenamedScript(history: History, written: string, cwd: string | undefined): boolean {
  const paths = candidatePaths(written, cwd);
  return copiesOf(history).some(({ destination, sources }) => destination !== undefined && paths.includes(destination) && sources.length === 1 && looksLikeScript(sources[0] ?? ''));
}

/** Whether it is what the base itself starts. */
function isBases({ base }: History, written: string): boolean {
  const entry = baseEntry(base);
  return entry?.start === 'server' && [entry.cmd?.[0], entry.entrypoint?.[0]].includes(written);
}

/** Whether a RUN of the chain compiles a program to this path, or right beside it. */
function isBuilt({ steps }: History, written: string, cwd: string | undefined): boolean {
  const paths = new Set(candidatePaths(written, cwd));
  const file = posix.basename(written);
  return steps.some((step) =>
    (mentions(step, file) || mentions(step, /\bgo\s+install\b/) || (written.includes('/') && mentions(step, ANY_BUILDER))) && commandsOf(step).some((command) => {
      const { name, words } = unwrap(command);
      if (!BUILDERS.has(name ?? '')) return false;
      if (name === 'go' && isInstalledByGo(file, words, command.cwd)) return true;
      const named = words.slice(1).some(({ value }) => paths.has(resolvePath(command.cwd, value?.replace(/^-o/, '')) ?? ''));
      return named || (written.includes('/') && command.cwd !== undefined && command.cwd !== '/' && [...paths].some((path) => path.startsWith(`${command.cwd}/`)));
    }),
  );
}

/** Whether a command is what its script was called with: `exec "$@"`. */
export function handsOver({ words }: Invocation): boolean {
  return words.length === 1 && /^"?(\$@|\$\{@\}|\$\*|\$\{\*\})"?$/.test(words[0]!.text);
}

/** Whether a script leaves its arguments as they came: no `shift`, no `set -- …`. */
export function keepsArguments(commands: readonly ShellCommand[]): boolean {
  return !commands.some(({ words: [name, ...rest] }) => name?.value === 'shift' || (name?.value === 'set' && rest.some(({ text, value }) => value === '--' || text.includes('$@'))));
}

/** What a script file is called with: the words behind it. */
export function scriptArguments({ words }: Invocation, executed: boolean): ShellWord[] {
  return executed ? words.slice(1) : words.slice(words.findIndex((word, index) => index > 0 && !(word.value ?? '').startsWith('-')) + 1);
}

/** What the script that a `sh -c` carries is called with: the words behind its name. */
export function carriedArguments({ words }: Invocation): ShellWord[] {
  return words.slice(words.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word.value ?? '')) + 3);
}

/** What a script is called with: the words behind its path, or behind `sh -c '…' name`; undefined where one is not known. */
function argumentsOf({ name, words }: Invocation): string[] | undefined {
  if (name === '.' || name === 'source') return undefined;
  const carried = carriedScript({ name, words, through: [] }) !== undefined;
  const script = carried ? words.findIndex(({ value }) => /^-[a-z]*c$/.test(value ?? '')) + 2 : calledScript({ name, words, through: [] }) === undefined ? 0 : words.findIndex((word, index) => index > 0 && !(word.value ?? '').startsWith('-'));
  const values = words.slice(script + 1).map(({ value }) => value);
  return values.includes(undefined) ? undefined : (values as string[]);
}

/** The package.json script that a package manager is told to run; undefined for another command. */
export function packageScript({ name, words }: Invocation): string | undefined {
  if (name !== 'npm' && name !== 'yarn' && name !== 'pnpm' && name !== 'bun') return undefined;
  const [verb, next] = words.slice(1).flatMap(({ value }) => (value === undefined || value.startsWith('-') ? [] : [value]));
  if (verb === 'run' || verb === 'run-script') return next;
  if (verb === 'start' || verb === 'test') return verb;
  return name === 'npm' || verb === 'exec' || verb === 'dlx' ? undefined : verb;
}

export function packageScripts(text: string): Record<string, string | undefined> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return {}; // npm would refuse it as well; nothing can be learnt from it
  }
  const scripts = typeof manifest === 'object' && manifest !== null && 'scripts' in manifest ? manifest.scripts : undefined;
  return typeof scripts === 'object' && scripts !== null ? Object.fromEntries(Object.entries(scripts).filter(([, body]) => typeof body === 'string')) : {};
}

/** Tools whose result is a program of one's own. */
export const BUILDERS = new Set(['go', 'cargo', 'gcc', 'g++', 'cc', 'c++', 'clang', 'rustc', 'dotnet', 'mix', 'stack', 'cabal', 'swift', 'gradle', 'gradlew', 'mvn', 'mvnw', 'npm', 'yarn', 'pnpm', 'crystal', 'nim', 'zig', 'make', 'cmake']);

const ANY_BUILDER = new RegExp(`(^|[\\s/;&|(-])(${[...BUILDERS].map((name) => name.replaceAll('+', '\\+')).join('|')})\\s`);

/** Entrypoints of base images that run their arguments. */
const HANDS_OVER = new Set(['docker-entrypoint.sh', 'docker-php-entrypoint', 'entrypoint.sh', '__cacert_entrypoint.sh']);

export interface CalledScript {
  path: string;
  executed: boolean;
}

/** The script that a shell is told to run by a path with a variable in it; what it was called with is no such. */
function scriptByVariable({ name, words }: Invocation): ShellWord | undefined {
  if (name === undefined || !/^(ba|da|a|k|z)?sh$/.test(name)) return undefined;
  const script = words.slice(1).find(({ value }) => !(value ?? '').startsWith('-'));
  return script !== undefined && script.value === undefined && !/^"?\$(\{?[@*\d])/.test(script.text) && script.text.includes('/') ? script : undefined;
}

/** The script that a command runs: an argument of a shell, a sourced file, or the command itself by its path. */
export function scriptPath(invocation: Invocation, isStart: boolean): CalledScript | undefined {
  const { name, words } = invocation;
  if (name === undefined) return undefined;
  const called = calledScript(invocation);
  if (called !== undefined) return { path: called, executed: false };
  if (name === '.' || name === 'source') return words[1]?.value === undefined ? undefined : { path: words[1].value, executed: false };
  const path = words[0]!.value!;
  if (path.includes('/') || looksLikeScript(path) || (isStart && !KNOWN_PROGRAM.test(path))) return { path, executed: true };
  return undefined;
}

/** Programs that nobody keeps as a script of their own in a build context. */
const KNOWN_PROGRAM = /^(node|nodejs|pwsh|R|Rscript|julia|irb|iex|erl|ghci|jshell|deno|bun|lua|luajit|octave|npm|npx|yarn|pnpm|python[\d.]*|pip|ruby|java|php|perl|go|dotnet|bundle|rails|gunicorn|uvicorn|flask|celery|nginx|httpd|sh|bash)$/;

/** Whether a path is spelled as start scripts are. */
export function looksLikeScript(path: string): boolean {
  const name = posix.basename(path);
  return /\.(sh|bash|ash|ksh)$/.test(name) || /^(docker-)?entry-?point|[-_.]entry-?point$|^(docker-)?(start|run|boot|bootstrap|init|launch|startup|entry)([-_.].*)?$/.test(name);
}

function isShellScript(text: string): boolean {
  return /^#!.*\b(ba|da|a|k|z)?sh\b/.test(text);
}

/** Where a command's file may lie: as named, or on the usual PATH. */
export function candidatePaths(written: string, cwd: string | undefined): string[] {
  const direct = resolvePath(cwd, written);
  if (written.includes('/')) return direct === undefined ? [] : [direct];
  const onPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].map((directory) => `${directory}/${written}`);
  return direct === undefined ? onPath : [...onPath, direct];
}
