import { posix } from 'node:path';
import type { LinkedService, Target } from '../project.ts';
import { commandsIn, type FlowChain, type FlowCommand, type FlowIf, type FlowItem, type FlowList, type FlowNode, type FlowPipeline, readFlow } from '../shell/flow.ts';
import { resolvePath, type ShellCommand, type ShellWord } from '../shell/read.ts';
import { shellWord } from '../shell/word.ts';
import { calledScript, carriedScript, operands, unwrap, wrappedBy } from './commands.ts';
import { originOf } from './copies.ts';
import { type History, historyOf } from './history.ts';
import { asksWhetherInstalled, type InstallCommand, installIn, MAY_INSTALL } from './install-commands.ts';
import { dependencyDirectories, inputsOf, mountedFrom } from './install-inputs.ts';
import { memo } from './memo.ts';
import { carriedArguments, findScript, handsOver, keepsArguments, packageScript, packageScripts, scriptArguments, scriptPath, startOf } from './start.ts';
import { startText, type StartText, type StartWords, type TextPlace, wordsOfImage, wordsOfService } from './start-texts.ts';

/** One way in which a target starts that installs packages first. */
export interface InstallingStart {
  /** The service whose own command it is; undefined for what the image starts. */
  service: LinkedService | undefined;
  /** The texts that it runs, with what is to go from each. */
  texts: StartText[];
  /** What would run at build time instead, in order. */
  moves: MovedInstall[];
  /** Why the installs can't move; undefined where they can. */
  problem: Problem | undefined;
  /** What moving rests on that can't be seen. */
  doubts: string[];
}

/** A command of a package manager that runs at the start. */
export interface MovedInstall {
  install: InstallCommand;
  /** As a RUN has it: variables replaced, wrappers and redirections gone. */
  text: string;
  /** Where it works. */
  cwd: string | undefined;
  /** For the reader: `the start command`, or the script's path. */
  where: string;
  /** The services that start so, whose mounts and variables count. */
  services: LinkedService[];
}

export interface Problem {
  message: string;
  advice: string;
}

/** The ways in which a target starts that install packages, that of the image first. Answered once per target. */
export const startInstalls = memo((target: Target): InstallingStart[] => {
  if (!mayInstall(target)) return [];
  const history = historyOf(target.stage, target.unit);
  const starts = [walk(target, history, wordsOfImage(target), undefined)];
  for (const linked of target.services) {
    const words = wordsOfService(linked, target);
    if (words) starts.push(walk(target, history, words, linked));
  }
  return starts.filter((start) => start !== undefined);
});

/** A cheap look at all texts on the way: most starts install nothing, and need not be gone through. */
function mayInstall(target: Target): boolean {
  const { commands, scripts, unseen } = startOf(target);
  // What no step brings, a mount may.
  if (unseen.length > 0 && target.services.some(({ service }) => service.mounts.some(({ type }) => type === 'bind'))) return true;
  const texts = [...scripts.map(({ text }) => text), ...commands.map(({ command }) => command.words.map(({ value, text }) => value ?? text).join(' '))];
  return texts.some((text) => MAY_INSTALL.test(text));
}

function walk(target: Target, history: History, start: StartWords, service: LinkedService | undefined): InstallingStart | undefined {
  const walker = new Walker(target, history, start, service);
  walker.run();
  const { moves, problem, texts, doubts } = walker;
  if (problem === undefined && moves.length === 0) return undefined;
  return { service, texts, moves, problem, doubts: [...new Set(doubts)] };
}

/** What holds where a command runs. */
interface Place {
  text: StartText | undefined;
  /** What the text was called with; undefined where that is not known. */
  args: ShellWord[] | undefined;
  /** Why a command here may not run, for the reader. */
  maybe: string | undefined;
  depth: number;
}

const MAX_DEPTH = 6;

/** Goes through what a container starts as its shells would, and takes the installs out as long as nothing speaks against it. */
class Walker {
  readonly texts: StartText[] = [];
  readonly moves: MovedInstall[] = [];
  readonly doubts: string[] = [];
  problem: Problem | undefined;
  /** The first command on the way that may change what a later install brings. */
  private readonly before: { system: string | undefined; language: string | undefined } = { system: undefined, language: undefined };
  /** Variables that are handed to later commands, with their values where known. */
  private readonly exported = new Map<string, string | undefined>();
  /** Variables that a text sets itself. */
  private readonly assigned = new Map<string, string | undefined>();
  /** Variables that a text sets from one of the image, by that one's name. */
  private readonly restsOn = new Map<string, string>();
  private readonly seen = new Set<string>();
  private readonly target: Target;
  private readonly history: History;
  private readonly start: StartWords;
  private readonly service: LinkedService | undefined;
  /** The services that start so. */
  private readonly services: LinkedService[];

  constructor(target: Target, history: History, start: StartWords, service: LinkedService | undefined) {
    this.target = target;
    this.history = history;
    this.start = start;
    this.service = service;
    this.services = service ? [service] : target.services.filter(({ service: one }) => one.command === undefined && one.entrypoint === undefined);
  }

  run(): void {
    const { words } = this.start;
    const cwd = this.service?.service.workingDir ?? this.services.find(({ service }) => service.workingDir !== undefined)?.service.workingDir ?? this.history.cwd;
    if (words.length > 0) this.call(plainCommand(words, cwd), { text: undefined, args: [], maybe: undefined, depth: 0 });
  }

  private list({ items }: FlowList, place: Place): void {
    items.forEach((item, index) => this.item(item, items[index + 1], place));
  }

  private item(item: FlowItem, next: FlowItem | undefined, place: Place): void {
    this.node(item.node, item.background ? { ...place, maybe: place.maybe ?? 'runs in the background, beside what needs it' } : place);
    const text = place.text!;
    if (next && isGone(item.node, text) && text.script.slice(next.pos, next.end).includes('$?')) {
      this.fail('what follows it asks whether it failed ($?)', text.script.slice(item.pos, item.end));
    }
  }

  private node(node: FlowNode, place: Place): void {
    switch (node.kind) {
      case 'command':
        return this.command(node, place);
      case 'list':
        return this.list(node, place);
      case 'chain':
        return this.chain(node, place);
      case 'group':
        this.list(node.body, place);
        if (node.body.items.every((item) => isInert(item.node, place.text!))) place.text!.gone.add(node);
        return;
      case 'if':
        return this.condition(node, place);
      case 'pipeline':
        return this.pipeline(node, place);
      case 'test':
        return;
      case 'other':
        return this.within(node, { ...place, maybe: place.maybe ?? `stands in ${node.what}` });
    }
  }

  /** Commands whose control flow is not told apart. */
  private within(node: { pos: number; end: number }, place: Place): void {
    for (const command of commandsIn(place.text!.flow, node)) this.call(command, place);
  }

  private chain(node: FlowChain, place: Place): void {
    const text = place.text!;
    const { parts, operators } = node;
    const or = operators.indexOf('||');
    if (or === 0 && this.guarded(parts[0]!, parts[1]!, 'present', place)) {
      text.gone.add(parts[0]!);
      const rest = parts.slice(2);
      if (rest.length > 0 && operators[1] === '||') this.within({ pos: rest[0]!.pos, end: node.end }, { ...place, maybe: place.maybe ?? 'runs only if something else fails' });
      else for (const part of rest) this.node(part, place);
      return;
    }
    if (or < 0 && parts.length > 1 && parts.slice(1).every((part) => installsOnly(part, text)) && this.guarded(parts[0]!, parts[1]!, 'missing', place)) {
      text.gone.add(parts[0]!);
      for (const part of parts.slice(2)) this.node(part, place);
      return;
    }
    if (or < 0 && parts.length > 1 && parts.slice(1).every((part) => installsOnly(part, text)) && this.fed(parts[0]!, parts[1]!, place)) {
      text.gone.add(parts[0]!);
      for (const part of parts.slice(2)) this.node(part, place);
      return;
    }
    const guardedBy = or < 0 ? parts.length : or + 1;
    parts.slice(0, guardedBy).forEach((part, index) => {
      const test = parts.slice(0, index).find(isTest);
      this.node(part, test ? { ...place, maybe: place.maybe ?? `runs only if ${sourceOf(test, text)} says so` } : place);
    });
    if (or < 0) return;
    const handler = { pos: parts[guardedBy]!.pos, end: node.end };
    const takenAny = parts.slice(0, guardedBy).some((part) => isGone(part, text));
    if (takenAny && !(parts.length === guardedBy + 1 && fails(parts[guardedBy]!))) {
      return this.fail(`its failure is answered with ${text.script.slice(handler.pos, handler.end)}, so the start may go on without it`, sourceOf(parts[or]!, text));
    }
    if (takenAny && parts.slice(0, guardedBy).every((part) => isGone(part, text))) text.gone.add(parts[guardedBy]!);
    this.within(handler, { ...place, maybe: place.maybe ?? `runs only if ${sourceOf(parts[or]!, text)} fails` });
  }

  private condition(node: FlowIf, place: Place): void {
    const text = place.text!;
    const [only] = node.condition.items;
    const elseSays = !node.otherwise || node.otherwise.items.every((item) => isNotice(item.node));
    if (node.condition.items.length === 1 && !node.elif && elseSays && (this.guarded(only!.node, node.then, 'missing', place) || this.fed(only!.node, node.then, place))) {
      text.gone.add(node);
      return;
    }
    const asked = text.script.slice(node.condition.pos, node.condition.end).replace(/;?\s*(then)?\s*$/, '');
    const branch = (part: { pos: number; end: number } | undefined, when: string) => part && this.within(part, { ...place, maybe: place.maybe ?? `runs ${when}, which the start decides` });
    branch(node.condition, `to answer ${asked}`);
    branch(node.then, `only if ${asked}`);
    branch(node.elif ? { pos: node.then.end, end: node.end } : node.otherwise, `only if not ${asked}`);
  }

  /** Whether something is an install behind a guard that the install itself settles; then it is taken. */
  private guarded(guard: FlowNode, body: FlowNode, when: 'present' | 'missing', place: Place): boolean {
    const text = place.text!;
    if (place.maybe !== undefined || !installsOnly(body, text)) return false;
    const asked = askedBy(guard, when);
    if (!asked) return false;
    if (asked !== 'installed') {
      const cwd = firstCommand(guard)?.cwd ?? this.history.cwd;
      const path = resolvePath(cwd, asked.path);
      const made = commandsIn(text.flow, body).flatMap((command) => {
        const install = installIn(command);
        return install ? dependencyDirectories(install, command.cwd) : [];
      });
      if (path === undefined || !made.some((directory) => path === directory || path.startsWith(`${directory}/`))) return false;
    }
    this.node(body, place);
    takeAll(body, text);
    return true;
  }

  /** Whether something is an install behind the question whether its manifest is there, which the image has; then it is taken. */
  private fed(guard: FlowNode, body: FlowNode, place: Place): boolean {
    const text = place.text!;
    if (place.maybe !== undefined || !installsOnly(body, text)) return false;
    const asked = askedBy(guard, 'present');
    if (!asked || asked === 'installed') return false;
    const path = resolvePath(firstCommand(guard)?.cwd ?? this.history.cwd, asked.path);
    const isRead = commandsIn(text.flow, body).some((command) => {
      const install = installIn(command);
      return install?.kind === 'language' && inputsOf(install, command.cwd, this.target).files.includes(path ?? '');
    });
    const origin = path !== undefined && isRead ? originOf(this.target, path) : undefined;
    if (typeof origin !== 'object' || origin.text === undefined || this.isMountedOver(path!)) return false;
    this.node(body, place);
    takeAll(body, text);
    return true;
  }

  private isMountedOver(path: string): boolean {
    return this.services.some(({ service }) => service.mounts.some(({ target }) => path === target || path.startsWith(`${target.replace(/\/$/, '')}/`)));
  }

  private pipeline(node: FlowPipeline, place: Place): void {
    const [only] = node.parts;
    if (node.parts.length === 1) return this.node(only!, node.negated ? { ...place, maybe: place.maybe ?? 'is asked for its failure' } : place);
    const text = place.text!;
    const [first, second] = node.parts.map((part) => (part.kind === 'command' ? part.command : undefined));
    const install = node.parts.length === 2 && first && second && isYes(first) ? installIn(second) : undefined;
    if (install?.kind === 'system') {
      this.take(install, node.parts[1] as FlowCommand, node, place);
      return;
    }
    const last = node.parts.at(-1)!;
    const fetches = node.parts.slice(0, -1).some((part) => /^(curl|wget)$/.test(unwrapName(part) ?? ''));
    if (fetches && /^(sh|bash|ash|zsh|python[\d.]*|perl)$/.test(unwrapName(last) ?? '')) {
      return this.fail('runs what it downloads, which unroot does not move', sourceOf(node, text), 'download and run it in a RUN, with a checksum');
    }
    this.within(node, { ...place, maybe: place.maybe ?? 'stands in a pipeline' });
  }

  private command(node: FlowCommand, place: Place): void {
    const install = installIn(node.command);
    if (install) return this.take(install, node, node, place);
    this.call(node.command, place, node);
  }

  /** A command that installs nothing itself: what it runs is followed, what it changes is remembered. */
  private call(command: ShellCommand, place: Place, node?: FlowCommand): void {
    const install = installIn(command);
    if (install) return this.refuse(install, place.maybe ?? 'is handed to another program to run', place);
    this.remember(command, node?.uses ?? []);
    const invocation = unwrap(command);
    const { name, words } = invocation;
    if (words.length === 0 || place.depth >= MAX_DEPTH) return;
    if (node?.substitutes && /^(sh|bash|eval|\.|source)$/.test(name ?? '') && /\b(curl|wget)\b/.test(sourceOf(node, place.text!))) {
      return this.fail('runs what it downloads, which unroot does not move', sourceOf(node, place.text!), 'download and run it in a RUN, with a checksum');
    }
    if (handsOver(invocation) && place.args) {
      if (place.args.length > 0) this.call(plainCommand(place.args, command.cwd), { ...place, args: [], depth: place.depth + 1 });
      return;
    }
    if (carriedScript(invocation) !== undefined) return this.carried(command, place);
    const packaged = packageScript(invocation);
    if (packaged !== undefined) return this.packageScript(packaged, command, place);
    const called = scriptPath(invocation, place.text === undefined);
    if (called) {
      const script = findScript(this.target, called, command.cwd);
      if (typeof script === 'object') return this.file(script.path, command, place);
      if (this.mounted(called.path, command, place)) return;
    }
    const runsOthers = name !== undefined && /^(docker-entrypoint\.sh|docker-php-entrypoint|entrypoint\.sh|__cacert_entrypoint\.sh|xargs|watch|script|flock|dockerize|wait-for-it|wait-for-it\.sh)$/.test(name);
    const inner = runsOthers ? (installBehind(words) ?? (name === 'dockerize' ? behindDockerize(words) : innerCommand(words))) : undefined;
    if (inner) this.call(plainCommand(inner, command.cwd), { ...place, depth: place.depth + 1 });
    else this.note(command, name);
  }

  /** `sh -c '…'`: the text is followed where it stands in the start command itself, else only looked at. */
  private carried(command: ShellCommand, place: Place): void {
    const invocation = unwrap(command);
    const { words } = invocation;
    const flag = words.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word.value ?? ''));
    const word = words[flag + 1]!;
    if (words.slice(1, flag + 1).some(({ value }) => /^(-\w*l\w*|--login)$/.test(value ?? ''))) this.doubts.push('a login shell starts it, whose profile may say where programs are found; a RUN reads none');
    const at = this.start.placeOf.get(word);
    const text = startText(at ?? NOWHERE, word.value!, this.history, command.cwd ?? this.history.cwd);
    if (!text.flow.complete) this.doubts.push('the start command could not be read in full');
    if (at) this.texts.push(text);
    const args = keepsArguments(text.flow.commands) ? carriedArguments(invocation) : undefined;
    this.list(text.flow.body, { text, args, maybe: place.maybe ?? (at ? undefined : 'is handed to another shell'), depth: place.depth + 1 });
  }

  private file(path: string, command: ShellCommand, place: Place): void {
    if (this.seen.has(path)) return;
    this.seen.add(path);
    const invocation = unwrap(command);
    const executed = calledScript(invocation) === undefined && invocation.name !== '.' && invocation.name !== 'source';
    const script = findScript(this.target, { path, executed }, command.cwd);
    if (typeof script !== 'object') return;
    const at: TextPlace | undefined = script.file?.source === undefined ? undefined : { kind: 'file', script };
    const text = startText(at ?? NOWHERE, script.text, this.history, command.cwd ?? this.history.cwd);
    if (at) this.texts.push(text);
    const args = keepsArguments(text.flow.commands) ? scriptArguments(invocation, executed) : undefined;
    this.list(text.flow.body, { text, args, maybe: place.maybe ?? (at ? undefined : `stands in ${path}, which is written while the image is built`), depth: place.depth + 1 });
  }

  /** A script that no step puts into the image and a mount does: it is looked at, and for a person to change. */
  private mounted(called: string, command: ShellCommand, place: Place): boolean {
    const cwd = command.cwd ?? this.history.cwd;
    const path = resolvePath(cwd, called);
    const source = path === undefined || this.seen.has(path) ? undefined : mountedFrom(this.target, path);
    const script = source === undefined ? undefined : this.target.disk.read(posix.join(this.target.unit.context!, source));
    if (script === undefined) return false;
    this.seen.add(path!);
    const text = startText(NOWHERE, script, this.history, cwd);
    this.list(text.flow.body, { text, args: undefined, maybe: place.maybe ?? `stands in ${source}, which a mount brings when it starts`, depth: place.depth + 1 });
    return true;
  }

  /** `npm start` and its kin: what package.json says that they run, before and after included. */
  private packageScript(name: string, command: ShellCommand, place: Place): void {
    const cwd = command.cwd ?? this.history.cwd;
    const manifest = cwd === undefined ? undefined : originOf(this.target, posix.join(cwd, 'package.json'));
    const text = manifest === undefined || manifest === 'elsewhere' ? undefined : manifest.text;
    if (text === undefined || this.seen.has(`${cwd} ${name}`)) return this.note(command, unwrap(command).name);
    this.seen.add(`${cwd} ${name}`);
    const scripts = packageScripts(text);
    for (const one of [`pre${name}`, name, `post${name}`]) {
      const body = scripts[one];
      if (body === undefined) continue;
      const inner = startText(NOWHERE, body, this.history, cwd);
      this.list(inner.flow.body, { text: inner, args: [], maybe: place.maybe ?? `stands in the script "${one}" of package.json`, depth: place.depth + 1 });
    }
  }

  /** Takes an install out, if nothing speaks against it. `node` is what goes. */
  private take(install: InstallCommand, { uses, substitutes, command }: FlowCommand, node: FlowNode, place: Place): void {
    const text = place.text!;
    const why = place.maybe ?? this.whyNot(install, { uses, substitutes }, text);
    if (why !== undefined) return this.refuse(install, why, place);
    const kept = wordsToRun(command);
    const replaced = kept && replacedIn(install, kept.join(' '));
    if (!kept || !replaced) return this.refuse(install, 'depends on something that only the start knows', place);
    for (const name of uses.flatMap((one) => (this.assigned.has(one) ? (this.restsOn.get(one) ?? []) : one))) if (name !== '') this.doubts.push(`${shown(install)} rests on ${name}, which may be set otherwise at the start`);
    if (install.verb === 'upgrade') this.doubts.push(`${shown(install)} upgrades at every start; in the image it does so at every build`);
    else if (renews(install)) this.doubts.push(`${shown(install)} fetches the newest version at every start; in the image it stays what it was at the build`);
    text.gone.add(node);
    const environment = install.kind === 'language' ? this.handedOn() : this.handedOn(/^(DEBIAN_FRONTEND|ACCEPT_EULA|.*_proxy)$/i);
    this.moves.push({ install: replaced, text: [...environment, ...kept].join(' '), cwd: command.cwd ?? this.history.cwd, where: this.whereOf(text), services: this.services });
  }

  private whyNot(install: InstallCommand, { uses, substitutes }: { uses: string[]; substitutes: boolean }, { place }: StartText): string | undefined {
    if (install.kind === 'other') return 'is of a kind that unroot does not move';
    if (substitutes) return 'rests on the output of another command';
    const unknown = uses.find((name) => (this.assigned.has(name) ? this.assigned.get(name) : place.kind === 'service' ? undefined : this.history.environment(name)) === undefined);
    if (unknown !== undefined) return `depends on ${/^\w/.test(unknown) ? unknown : `$${unknown}`}, which only the start knows`;
    const written = install.command.redirects.find(({ operator, target }) => !(target.value === '/dev/null' || (/&$/.test(operator) && /^(\d|-)$/.test(target.value ?? ''))));
    if (written) return `has its output or input in ${written.target.text}`;
    const far = this.outOfReach(install);
    if (far !== undefined) return far;
    const earlier = this.before[install.kind];
    if (earlier !== undefined) return `runs after ${earlier}, which may change what it brings`;
    if (install.kind !== 'language') return undefined;
    const why = this.servicesSet();
    if (why !== undefined) return why;
    for (const [name, value] of this.exported) {
      if (!READ_BY_INSTALLS.test(name)) continue;
      if (value === undefined) return `reads ${name}, which the start sets`;
      if (SECRET.test(name) || HAS_PASSWORD.test(value)) return `reads ${name}, which the image's history would show to everybody`;
      const host = this.hostIn(value);
      if (host !== undefined) return host;
    }
    return undefined;
  }

  /** An address among an install's words that a build does not reach, or should not show. */
  private outOfReach({ words }: InstallCommand): string | undefined {
    for (const { value, text } of words) {
      if (HAS_PASSWORD.test(value ?? text)) return `has a password in an address, which the image's history would show to everybody`;
      const host = this.hostIn(value ?? text);
      if (host !== undefined) return host;
    }
    return undefined;
  }

  private hostIn(address: string): string | undefined {
    const [, host] = /:\/\/(?:[^/@]*@)?([\w.-]+)/.exec(address) ?? [];
    if (host === undefined) return undefined;
    const isService = this.services.some(({ stack }) => stack.services.some(({ service }) => service.name === host));
    if (isService || /^(localhost|127\..*|host\.docker\.internal)$/.test(host)) return `fetches from ${host}, which a build does not reach`;
    if (!host.includes('.')) this.doubts.push(`${host} is fetched from, a name that may be known in the container's network only`);
    return undefined;
  }

  /** A variable that an install reads and that a service sets in a way that a build can't know. */
  private servicesSet(): string | undefined {
    for (const { service, path, directory } of this.services) {
      for (const { name, value, valueAt, place } of service.variables) {
        if (!READ_BY_INSTALLS.test(name) || name === 'PATH') continue;
        // A default in the file (`${NODE_ENV:-production}`) is what whoever runs it may say otherwise.
        const isFixed = valueAt !== undefined && !place.file.text.slice(valueAt.start, valueAt.end).includes('$');
        const known = value !== undefined && isFixed && this.services.every((other) => other.service.variables.some((one) => one.name === name && one.value === value));
        if (!known) return `reads ${name}, which service ${service.name} in ${path} sets`;
        this.exported.set(name, this.exported.get(name) ?? value);
      }
      for (const file of service.envFiles) {
        const text = this.target.disk.read(posix.join(directory, file)) ?? '';
        const name = text.split(/\r?\n/).flatMap((line) => /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] ?? []).find((one) => READ_BY_INSTALLS.test(one));
        if (name !== undefined) return `reads ${name}, which ${file} sets for service ${service.name}`;
      }
    }
    return undefined;
  }

  /** Variables that the text exports and an install may read. */
  private handedOn(only = /./): string[] {
    const isHanded = (name: string, value: string) => only.test(name) && name !== 'PATH' && !SECRET.test(name) && !HAS_PASSWORD.test(value) && (READ_BY_INSTALLS.test(name) || !IS_ADDRESS.test(name));
    return [...this.exported].flatMap(([name, value]) => (value !== undefined && isHanded(name, value) ? [`${name}=${shellWord(value)}`] : []));
  }

  private refuse(install: InstallCommand, why: string, place: Place): void {
    const by = place.text ? this.whereOf(place.text) : 'the start command';
    this.problem ??= { message: `${by} runs ${shown(install)}, which ${why}`, advice: adviceFor(install) };
  }

  private fail(why: string, what: string, advice = 'install it in a RUN of the Dockerfile and take it out of the start'): void {
    this.problem ??= { message: `${what.replace(/\s+/g, ' ')}: ${why}`, advice };
  }

  private whereOf({ place }: StartText): string {
    if (place.kind === 'file') return place.script.path;
    if (place.kind === 'service') return `the ${place.key} of service ${place.linked.service.name}`;
    return this.service ? `the start command of service ${this.service.service.name}` : 'the start command';
  }

  /** What later commands see of this one. */
  private remember({ words, assignments, conditional }: ShellCommand, uses: readonly string[]): void {
    const name = words[0]?.value;
    // `X=${X:-default}`: whoever starts it may say otherwise.
    const outside = uses.filter((one) => !this.assigned.has(one));
    const isOpen = conditional || outside.some((one) => this.history.environment(one) === undefined);
    if (words.length === 0) {
      for (const { name: variable, value } of assignments) {
        const known = isOpen ? undefined : value;
        if (outside[0] !== undefined) this.restsOn.set(variable, outside[0]);
        this.assigned.set(variable, known);
        if (this.exported.has(variable) || this.history.environment(variable) !== undefined) this.exported.set(variable, known);
      }
    }
    if (name !== 'export' && name !== 'declare' && name !== 'readonly') return;
    for (const { value, text } of words.slice(1)) {
      const [variable] = /^\w+/.exec(text) ?? [];
      if (variable === undefined) continue;
      const set = isOpen ? undefined : text.includes('=') ? value?.slice(variable.length + 1) : this.assigned.get(variable);
      if (outside[0] !== undefined) this.restsOn.set(variable, outside[0]);
      this.assigned.set(variable, set);
      if (name === 'export') this.exported.set(variable, set);
    }
  }

  /** Remembers a command that may change what a later install brings. */
  private note(command: ShellCommand, name: string | undefined): void {
    const writes = command.redirects.some(({ operator, target }) => operator.startsWith('>') && target.value !== '/dev/null' && !/&$/.test(operator));
    if (!writes && name !== undefined && (HARMLESS.test(name) || removesPidFiles(command) || onlyWaits(command, name))) return;
    if (!writes && name === undefined && command.words.length === 0) return;
    const what = command.words.map(({ text }) => text).join(' ') || 'a redirection';
    if (writes || name === undefined || !SETS_ACCESS.test(name)) this.before.language ??= what;
    if (writes || name === undefined || TOUCHES_PACKAGES.test(name)) this.before.system ??= what;
  }
}

/** Stands for texts that are only looked at, never changed. */
const NOWHERE: TextPlace = { kind: 'instruction', part: { instruction: undefined!, words: undefined, script: '', shell: [] }, word: undefined };

/** What a shell does itself, and programs that wait or tell and change no files. */
const HARMLESS =
  /^(:|\[|\[\[|alias|break|cat|cd|command|continue|date|declare|dig|dirname|basename|echo|env|exec|exit|export|expr|false|getopts|grep|egrep|head|hostname|id|let|local|ls|mkdir|nc|nslookup|pg_isready|ping|printenv|printf|pwd|read|readlink|readonly|realpath|return|set|shift|sleep|stat|tail|test|trap|true|type|ulimit|uname|unset|until|wait|wait-for|wait-for-it|wait-for-it\.sh|wait-for\.sh|which|whoami|mysqladmin|redis-cli)$/;

/** Who may read a manifest says nothing of what stands in it. */
const SETS_ACCESS = /^(chgrp|chmod|chown)$/;

/** Programs that may change where packages come from. */
const TOUCHES_PACKAGES = /^(sh|bash|ash|dash|eval|\.|source|cp|mv|ln|sed|tee|install|curl|wget|gpg|dpkg|rpm|rm|chmod|chown|add-apt-repository|apt-key|apt-add-repository|tar|unzip|dd|perl|awk)$/;

/** Variables that package managers of languages read. */
const READ_BY_INSTALLS = /^(NODE_ENV|NODE_AUTH_TOKEN|NPM_.*|npm_config_.*|YARN_.*|PNPM_.*|PIP_.*|PYTHON.*|VIRTUAL_ENV|BUNDLE_.*|GEM_.*|RAILS_ENV|RACK_ENV|COMPOSER.*|.*_proxy|PATH|HOME)$/i;

/** Names of variables that tell a program where others are. */
const IS_ADDRESS = /(^|_)(PORT|HOST|HOSTNAME|DOMAIN|URL|URI|DSN|ADDR|ADDRESS|ENDPOINT)$/i;

/** Names of variables that are nobody else's business. */
const SECRET = /TOKEN|AUTH|PASSW|SECRET|CREDENTIAL|API_?KEY|PRIVATE/i;

/** `https://user:password@host`. */
const HAS_PASSWORD = /:\/\/[^/\s@]+:[^/\s@]+@/;

/** `rm -f tmp/pids/server.pid`: what the run before has left. */
function removesPidFiles(command: ShellCommand): boolean {
  const { name, words } = unwrap(command);
  return name === 'rm' && operands(words).every(({ value }) => value?.endsWith('.pid'));
}

function plainCommand(words: ShellWord[], cwd: string | undefined): ShellCommand {
  return { words, redirects: [], assignments: [], pos: 0, end: 0, conditional: false, cwd };
}

function sourceOf({ pos, end }: { pos: number; end: number }, { script }: StartText): string {
  return script.slice(pos, end).replace(/\s+/g, ' ');
}

function isGone(node: FlowNode, text: StartText): boolean {
  if (text.gone.has(node)) return true;
  if (node.kind === 'chain') return node.parts.every((part) => isGone(part, text));
  return node.kind === 'group' && node.body.items.every((item) => isGone(item.node, text));
}

/** Whether what is left of a node does nothing that lasts: a `cd` in a subshell whose install is gone. */
function isInert(node: FlowNode, text: StartText): boolean {
  if (text.gone.has(node)) return true;
  if (node.kind === 'chain') return node.parts.every((part) => isInert(part, text)) && isAnyGone(node.parts, text);
  return node.kind === 'command' && node.command.words[0]?.value === 'cd' && text.script.slice(0, node.pos).trimEnd().endsWith('(');
}

function isAnyGone(nodes: readonly FlowNode[], text: StartText): boolean {
  return nodes.some((node) => isGone(node, text));
}

function takeAll(node: FlowNode, text: StartText): void {
  text.gone.add(node);
}

/** Whether a node only installs, and says so. */
function installsOnly(node: FlowNode, text: StartText): boolean {
  switch (node.kind) {
    case 'command':
      return installIn(node.command) !== undefined;
    case 'list':
      return node.items.some((item) => installsOnly(item.node, text)) && node.items.every((item) => !item.background && (installsOnly(item.node, text) || isNotice(item.node)));
    case 'group':
      return installsOnly(node.body, text);
    case 'chain':
      if (node.operators.length === 1 && node.operators[0] === '||') return isTest(node.parts[0]!) && askedBy(node.parts[0]!, 'present') === 'installed' && installsOnly(node.parts[1]!, text);
      return !node.operators.includes('||') && node.parts.some((part) => installsOnly(part, text)) && node.parts.every((part) => installsOnly(part, text) || isNotice(part));
    default:
      return false;
  }
}

/** A message to whoever reads the log. */
function isNotice(node: FlowNode): boolean {
  return node.kind === 'command' && /^(echo|printf|:|true)$/.test(node.command.words[0]?.value ?? '') && node.command.redirects.every(({ operator }) => /&$/.test(operator));
}

/** Whether a node does nothing but end the start with a failure. */
function fails(node: FlowNode): boolean {
  if (node.kind === 'command') return /^(exit|return)$/.test(node.command.words[0]?.value ?? '') && node.command.words[1]?.value !== '0';
  if (node.kind !== 'group') return false;
  const { items } = node.body;
  return items.length > 0 && fails(items.at(-1)!.node) && items.slice(0, -1).every((item) => isNotice(item.node));
}

function isTest(node: FlowNode): boolean {
  if (node.kind === 'pipeline') return node.parts.length === 1 && isTest(node.parts[0]!);
  return node.kind === 'test' || (node.kind === 'command' && (/^(\[|test)$/.test(node.command.words[0]?.value ?? '') || asksWhetherInstalled(node.command)));
}

function firstCommand(node: FlowNode): ShellCommand | undefined {
  if (node.kind === 'command') return node.command;
  return node.kind === 'pipeline' ? firstCommand(node.parts[0]!) : undefined;
}

/** What a guard asks: for a path, or whether something is installed. `when` is what its success means. */
function askedBy(guard: FlowNode, when: 'present' | 'missing'): 'installed' | { path: string } | undefined {
  if (guard.kind === 'pipeline' && guard.parts.length === 1 && guard.negated) return askedBy(guard.parts[0]!, when === 'present' ? 'missing' : 'present');
  if (guard.kind === 'test') return asksForPath(guard.operator) && guard.negated === (when === 'missing') && guard.operand !== undefined ? { path: guard.operand } : undefined;
  if (guard.kind !== 'command') return undefined;
  if (when === 'present' && asksWhetherInstalled(guard.command)) return 'installed';
  const words = guard.command.words.map(({ value }) => value);
  if (words[0] !== '[' && words[0] !== 'test') return undefined;
  const inner = words.slice(1, words[0] === '[' ? -1 : undefined);
  const negated = inner[0] === '!';
  const [operator, path, ...more] = negated ? inner.slice(1) : inner;
  if (more.length > 0 || operator === undefined || path === undefined || !asksForPath(operator)) return undefined;
  return negated === (when === 'missing') ? { path } : undefined;
}

function asksForPath(operator: string): boolean {
  return /^-[defxs]$/.test(operator);
}

function isYes(command: ShellCommand): boolean {
  const [name, word, more] = command.words.map(({ value }) => value);
  return name === 'yes' ? word === undefined : name === 'echo' && /^(y|yes)$/i.test(word ?? '') && more === undefined;
}

function unwrapName(node: FlowNode): string | undefined {
  return node.kind === 'command' ? unwrap(node.command).name : undefined;
}

/** The install among what a program runs, whatever its own options take. */
function installBehind(words: ShellWord[]): ShellWord[] | undefined {
  const tails = words.map((_, index) => words.slice(index)).slice(1);
  return tails.find((tail) => installIn(plainCommand(tail, undefined)));
}

function behindDockerize(words: ShellWord[]): ShellWord[] | undefined {
  const behind = wrappedBy('dockerize', words);
  return behind?.length === 0 ? undefined : behind;
}

/** `dockerize -wait tcp://db:3306`, which fills no templates and starts nothing. */
function onlyWaits({ words }: ShellCommand, name: string): boolean {
  return name === 'dockerize' && !words.some(({ value }) => value === undefined || /^--?template$/.test(value)) && behindDockerize(words) === undefined;
}

/** The command behind the options of a program that runs another. */
function innerCommand(words: ShellWord[]): ShellWord[] | undefined {
  const dashes = words.findIndex(({ value }) => value === '--');
  const rest = dashes > 0 ? words.slice(dashes + 1) : words.slice(words.findIndex(({ value }, index) => index > 0 && value !== undefined && !value.startsWith('-')));
  return rest.length > 0 && rest.length < words.length ? rest : undefined;
}

/** An install as it is with its variables replaced: a list of packages may come from one. */
function replacedIn(install: InstallCommand, text: string): InstallCommand | undefined {
  if (!install.words.some((word) => /[$`{]/.test(word.text))) return install;
  const [command, ...others] = readFlow(text).commands;
  return command && others.length === 0 ? installIn(command) : undefined;
}

/** The words of an install as a RUN has them; undefined where one is not known. */
function wordsToRun(command: ShellCommand): string[] | undefined {
  const { through, words } = unwrap(command);
  const dropped = through.every((name) => /^(exec|sudo|command|nohup)$/.test(name)) && command.words.length - words.length === through.length;
  const kept = dropped ? words : command.words;
  const assignments = command.assignments.map(({ name, value }) => (value === undefined ? undefined : `${name}=${shellWord(value)}`));
  const texts = [...assignments, ...kept.map(textOf)];
  return texts.includes(undefined) ? undefined : (texts as string[]);
}

/** A word as a RUN has it: variables replaced, and what a shell makes several words of still several. */
function textOf({ text, value }: ShellWord): string | undefined {
  if (!/[$`{]/.test(text)) return text;
  if (value === undefined || /^"[^"]*"$/.test(text)) return value === undefined ? undefined : shellWord(value);
  if (!/[\s*?[]/.test(value)) return value === '' ? undefined : shellWord(value);
  const isBare = !/["'\\]/.test(text) && !/[*?[]/.test(value);
  return isBare ? value.trim().split(/\s+/).map(shellWord).join(' ') : undefined;
}

/** Whether an install asks for the newest of what it names each time, tools of its own aside. */
function renews({ family, words, named }: InstallCommand): boolean {
  if (family === 'pip') return words.some(({ value }) => value === '-U' || value === '--upgrade') && !named.every(({ value }) => /^(pip|setuptools|wheel)$/.test(value ?? ''));
  return named.some(({ value }) => /.@(latest|next)$/.test(value ?? ''));
}

function shown({ words }: InstallCommand): string {
  return words.map(({ text }) => text).join(' ');
}

function adviceFor(install: InstallCommand): string {
  if (install.kind === 'other') return `run ${shown(install)} in a RUN, before USER, and take it out of the start`;
  return 'install it in a RUN of the Dockerfile, before USER, and take it out of the start';
}
