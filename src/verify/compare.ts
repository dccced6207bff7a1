/** The rule by which before and after are compared: pure functions over what was seen. */
import { posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import { type Writable } from './access.ts';
import { isNeedless } from './needless.ts';
import type { Answer, Ask } from './talk.ts';
import type { Access } from './trace.ts';
import type { Observation, Said, Trace, Written } from './types.ts';

/** What must hold; `unroot verify` reports differences by these names. */
export const VERIFY_RULES = {
  builds: 'the image still builds',
  runs: 'it runs like before: it stays up, healthy, or ends with the same status and output',
  answers: 'it listens on the same ports and answers there as before',
  root: 'no process runs as uid 0',
  state: 'whatever root wrote, the account may write',
  denied: 'no access is denied that root made with success and that the program needs',
  size: 'the image grew by no more than 1 MB or 2 %, whichever is more',
  strict: 'it also runs with no capability, no new privileges, ports below 1024 closed, and a numeric user',
} as const;

export type VerifyRule = keyof typeof VERIFY_RULES;

/** What each rule means, for people. */
export const VERIFY_RULE_DOCS: Record<VerifyRule, string> = {
  builds: `The image was built as it is, and could not be built as it would be. The message is the failed step's last line.`,
  runs: `Both images are run in the same way until they are ready: their health check passes, a port is open, or nothing changes any more. What stayed up must stay up; what ended must end with the same status. Where every run of the image as it is prints the same, so must the one as it would be, but for what says who runs it.`,
  answers: `Every port, of UDP too, that was open and that somebody can know of must be open again, or the one that a fix moved it to. Each is asked for / over HTTP, or what verify.targets of the configuration says. The status must be the same, and the text where every run of the image as it is agrees on it, one after the change among them: dates and counters are no difference, nor is what says who runs it. Headers are not compared.`,
  root: `No process of the container is uid 0 once it is ready, nor was one that ended.`,
  state: `What the run as root made, changed or removed must be writable for the account: by owner and mode, on every way that leads there, whether this run came to write it or not. What is in the home of whoever runs it is listed and no fault, nor are caches that programs do without (__pycache__); verify.targets names more of these as needless.`,
  denied: `Both images are run once more under strace, where this machine has it. An access that was denied and that the run as root made with success is a difference even where the program hides it. Attempts to become somebody else, and what is in the home, are listed and no fault.`,
  size: `A copy of the application in another layer (RUN chown -R) shows here. The account's own layer is a few kilobytes.`,
  strict: `With --strict the image is run once more with --cap-drop ALL, no-new-privileges and net.ipv4.ip_unprivileged_port_start=1024, as a locked-down cluster does. It must run and answer all the same, and USER must be a number, since a cluster can't check a name.`,
};

export interface Difference {
  rule: VerifyRule;
  message: string;
  /** Only words are others: it counts if the image as it was says the same once more, later. */
  isWording?: boolean;
}

/** What was seen of an image, in more than one run where it was run more than once. */
export interface Seen {
  seen: Observation;
  trace: Trace;
  /** What further runs said. */
  again: Said[];
}

export interface Comparison {
  before: Seen;
  after: Seen;
  /** Ports that something in sight names: published, exposed, asked. */
  known: readonly number[];
  /** Likewise of UDP. */
  knownUdp: readonly number[];
  /** Ports of before that are others in after. */
  moved: ReadonlyMap<number, number>;
  asks: readonly Ask[];
  /** What a program that ends must print. */
  prints: string | undefined;
  /** Paths that the configuration calls needless. */
  needless: readonly string[];
  /** For the paths of `pathsToCheck`: whether the account may write there. */
  writable: ReadonlyMap<string, Writable>;
}

export interface Compared {
  differences: Difference[];
  /** What a person may want to know, and no fault. */
  notes: string[];
}

/** What must be seen of a program as it is, or nothing can be shown of it. */
export interface Expected {
  asks: readonly Ask[];
  prints?: string | undefined;
  /** TCP ports that its service publishes. */
  published: readonly number[];
}

/** Why nothing can be shown: the program does not work as it is. */
export function whyUnproven({ seen }: Seen, { asks, prints, published }: Expected): string | undefined {
  const { state, log, answers, output, ports } = seen;
  if (state.kind === 'not started') return `it does not start as it is: ${state.why}`;
  if (state.kind === 'ended' && (state.status !== 0 || state.why)) return `it ${endOf(state)} as it is${lastWords(log)}`;
  if (state.kind === 'running' && state.health === 'unhealthy') return `its health check does not pass as it is${checkWords(state)}`;
  if (state.kind === 'ended' && prints !== undefined && output !== prints.replaceAll('{uid}', '0')) return `as it is, it prints ${firstChange(prints.replaceAll('{uid}', '0'), output ?? '')}`;
  for (const [index, ask] of asks.entries()) {
    const answer = answers[index];
    if (answer?.error !== undefined) return `asked ${answer.ask}, it gives no answer as it is (${answer.error})`;
    if (answer && ask.answer !== undefined && answer.text !== ask.answer.replaceAll('{uid}', '0')) return `asked ${answer.ask}, it answers ${short(answer.text ?? '')} as it is, not ${short(ask.answer)}`;
  }
  if (state.kind !== 'running' || asks.length > 0) return undefined;
  if (ports !== undefined && published.length > 0 && ports.length === 0) return `it opened none of its ports (${published.join(', ')}) in ${Math.round(state.readySeconds)} s as it is${lastWords(log)}; --seconds gives it more time`;
  const failed = answers.filter(({ status }) => status !== undefined && status >= 500);
  const isBroken = failed.length > 0 && failed.length === answers.filter(({ status }) => status !== undefined).length;
  return isBroken ? `${failed[0]!.ask} on port ${failed[0]!.port} answers ${failed[0]!.status} as it is: ${short(failed[0]!.text ?? '')}` : undefined;
}

/** What holds and what not. */
export function compare(comparison: Comparison): Compared {
  const { before, after } = comparison;
  const writes = compareWrites(comparison);
  const denied = compareDenied(comparison, writes.differences);
  const runs = [...compareRuns(comparison, after.seen), ...compareAnswers(comparison, after.seen)];
  const differences = [...runs, ...compareRoot(after.seen), ...writes.differences, ...denied.differences, ...compareSize(before.seen, after.seen)];
  return { differences: differences.map((one) => withCause(one, denied.accesses)), notes: [...silenceNotes(comparison), ...writes.notes, ...denied.notes, ...identityNotes(before.seen, after.seen)] };
}

/** What a run as a locked-down cluster would make it adds to the rule. */
export function compareStrict(comparison: Comparison, strict: Observation): Difference[] {
  const numeric: Difference[] = /^\d+(:\d+)?$/.test(strict.user) ? [] : [{ rule: 'strict', message: `USER is ${strict.user || 'not set'}: a cluster can't check that a name is not root; write the number` }];
  const found = [...compareRuns(comparison, strict), ...compareAnswers(comparison, strict), ...compareRoot(strict)];
  const low = (comparison.before.seen.ports ?? []).filter((port) => (comparison.moved.get(port) ?? port) < 1024);
  const hint = strict.state.kind === 'ended' && low.length > 0 ? `; it listens on ${low.join(', ')}, and ports below 1024 are closed to it` : '';
  const all = [...numeric, ...found.map((one): Difference => ({ ...one, rule: 'strict', message: one.message + hint }))];
  return [...new Map(all.map((one) => [one.message, one])).values()];
}

function compareRuns({ before: { seen: before, again }, prints }: Comparison, after: Observation): Difference[] {
  const different = (message: string): Difference[] => [{ rule: 'runs', message }];
  if (after.state.kind === 'not started') return different(`it no longer starts: ${after.state.why}`);
  if (before.state.kind === 'running') {
    if (after.state.kind === 'ended') return different(`it ${endOf(after.state)}${lastWords(after.log)}`);
    return after.state.health === 'unhealthy' ? different(`its health check no longer passes${checkWords(after.state)}`) : [];
  }
  if (before.state.kind !== 'ended') return [];
  if (after.state.kind === 'running') return different('it no longer ends');
  if (after.state.status !== before.state.status) return different(`it ${endOf(after.state)}, not ${before.state.status}${lastWords(after.log)}`);
  const expected = prints?.replaceAll('{uid}', after.user.split(':')[0] || '0');
  if (expected !== undefined) return after.output === expected ? [] : different(`it prints ${firstChange(expected, after.output ?? '')}`);
  // Only what the same image prints each time is to be expected once more.
  const isStable = before.output !== undefined && again.every(({ output }) => output === before.output);
  if (!isStable || isSameBut(before.output!, after.output ?? '', before, after)) return [];
  return [{ rule: 'runs', message: `it prints ${firstChange(before.output!, after.output ?? '')}`, isWording: true }];
}

/** Whether two texts are the same but for what says who runs: `uid=0(root)`, `/root`. */
function isSameBut(before: string, after: string, was: Observation, is: Observation): boolean {
  if (before === after) return true;
  const [one, other] = [wordsOf(before, was), wordsOf(after, is)];
  const ids = new Set(is.processes.flatMap(({ uid, gid }) => [String(uid), String(gid)]).concat(is.user.split(':')));
  return one.length === other.length && one.every((word, at) => word === other[at] || (word === '0' && ids.has(other[at]!)) || (word === 'root' && (other[at] === is.account || ids.has(other[at]!))));
}

function wordsOf(text: string, { home }: Observation): string[] {
  return (home === '/' ? text : text.replaceAll(home, '~')).split(/(\W+)/);
}

/** `ends with status 137 (it ran out of memory)`. */
function endOf({ status, why }: Extract<Observation['state'], { kind: 'ended' }>): string {
  return `ends with status ${status}${why ? ` (${why})` : ''}`;
}

/** The first line that is another. */
function firstChange(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const index = old.findIndex((line, at) => line !== now[at]);
  return `${short(now[index < 0 ? old.length : index] ?? '')}, not ${short(old[index] ?? '')}`;
}

/** Ports that the kernel gives to whoever asks for any: nobody can rely on their number. */
export const EPHEMERAL = 32_768;

function compareAnswers({ before, known, knownUdp, moved, asks }: Comparison, after: Observation): Difference[] {
  if (before.seen.state.kind !== 'running' || after.state.kind !== 'running') return [];
  const expected = (before.seen.ports ?? []).filter((port) => port < EPHEMERAL || known.includes(port));
  const { ports } = after;
  const closed = ports === undefined ? [] : expected.filter((port) => !ports.includes(moved.get(port) ?? port));
  const silent = after.udp === undefined ? [] : (before.seen.udp ?? []).filter((port) => (port < EPHEMERAL || knownUdp.includes(port)) && !after.udp!.includes(moved.get(port) ?? port));
  const differences = [...closed.map((port) => `port ${moved.get(port) ?? port}`), ...silent.map((port) => `UDP port ${moved.get(port) ?? port}`)].map((port): Difference => ({ rule: 'answers', message: `nothing listens on ${port} any more` }));
  before.seen.answers.forEach((answer, index) => {
    if (answer.error !== undefined || closed.includes(answer.port)) return;
    const now = after.answers.find((one) => one.ask === answer.ask && one.port === (moved.get(answer.port) ?? answer.port) && (asks.length === 0 || one === after.answers[index]));
    differences.push(...compareAnswer(answer, before, index, now, asks[index], after));
  });
  return differences;
}

function compareAnswer(was: Answer, before: Seen, index: number, is: Answer | undefined, ask: Ask | undefined, after: Observation): Difference[] {
  const where = `${was.ask} on port ${is?.port ?? was.port}`;
  const different = (message: string, isWording = false): Difference[] => [{ rule: 'answers', message: `${where} ${message}`, ...(isWording ? { isWording } : {}) }];
  if (!is || is.error !== undefined) return different(`gets no answer (${is?.error ?? 'not asked'})`);
  if (is.status !== was.status) return different(`answers ${is.status}, not ${was.status}: ${short(is.text ?? '')}`);
  if (ask?.answer !== undefined) {
    const expected = ask.answer.replaceAll('{uid}', String(after.processes[0]?.uid ?? ''));
    return is.text === expected ? [] : different(`answers ${short(is.text ?? '')}, not ${short(expected)}`);
  }
  const isStable = before.again.every(({ answers }) => answers[index]?.text === was.text);
  if (!isStable || isSameBut(was.text ?? '', is.text ?? '', before.seen, after)) return [];
  return different(`answers ${firstChange(was.text ?? '', is.text ?? '')}`, true);
}

function compareRoot({ processes, state, user }: Observation): Difference[] {
  const root = processes.filter(({ uid }) => uid === 0);
  if (root.length > 0) return [{ rule: 'root', message: `${root.length === 1 ? 'a process runs' : `${root.length} processes run`} as root: ${root[0]!.command}` }];
  if (state.kind === 'ended' && /^(root|0+)?(:|$)/.test(user)) return [{ rule: 'root', message: 'it ran as root' }];
  return [];
}

/**
 * The places where it must be known whether the account may write: what root wrote and the account did not,
 * temporary files by their directory.
 */
export function pathsToCheck(before: Seen, after: Seen, needless: readonly string[]): string[] {
  const settled = new Set(after.seen.written.map(({ path }) => path));
  const open = before.seen.written.filter(({ path }) => !settled.has(path) && !isNeedless(path, needless)).map(placeOf);
  const kept = new Set(before.seen.written.map(({ path }) => path));
  const filled = new Set(makesOf(after.trace).map((path) => posix.dirname(path)));
  const temporary = makesOf(before.trace).flatMap((path) => (kept.has(path) || filled.has(posix.dirname(path)) || isKernels(path) || isNeedless(path, needless) ? [] : [posix.dirname(path)]));
  const all = new Set([...open, ...temporary]);
  // What was made with its directory stands or falls with it.
  const madeDirectories = before.seen.written.filter(({ how, kind, path }) => how === 'made' && kind === 'directory' && all.has(path)).map(({ path }) => path);
  return [...all].filter((path) => !madeDirectories.some((made) => made !== path && isWithin(path, made)) && !isKernels(path)).sort();
}

/** Where a traced run made something new, whether it is still there or not. */
export function makesOf(trace: Trace): string[] {
  return [...new Set(succeeded(trace).flatMap(({ what, path }) => (what === 'make' ? [path] : [])))];
}

/** To take something away one must write its directory. */
function placeOf({ path, how }: Written): string {
  return how === 'removed' ? posix.dirname(path) : path;
}

function compareWrites({ before, after, writable }: Comparison): Compared {
  const differences: Difference[] = [];
  const notes: string[] = [];
  for (const [path, { can, why }] of writable) {
    if (can) continue;
    if (isPersonal(path, before.seen, after.seen)) {
      if (!isElsewhere(path, before.seen, after.seen)) notes.push(`root wrote ${path} in its home; whether the account does so in its own was not seen (${why})`);
    } else differences.push({ rule: 'state', message: `root wrote ${path}, and the account may not: ${why}` });
  }
  return { differences, notes };
}

/**
 * Whether a path is in the home of whoever runs it: caches and histories that a program keeps for itself. A plain
 * name below /root is none of these: somebody wrote that path.
 */
function isPersonal(path: string, before: Observation, after: Observation): boolean {
  const home = [before.home, after.home].find((one) => one !== '/' && isWithin(path, one));
  if (home === undefined) return after.home === '/' && /^\/\./.test(path);
  return path === home || /^\./.test(posix.relative(home, path)) || (isWithin(path, after.home) && after.home !== '/');
}

/** Whether what root wrote in its home the account wrote in its own; a file may bear another name each time. */
function isElsewhere(path: string, before: Observation, after: Observation): boolean {
  const own = posix.join(after.home, posix.relative(before.home, path));
  const directory = posix.dirname(own);
  return after.written.some((written) => isWithin(written.path, own) || (directory !== after.home && posix.dirname(written.path) === directory));
}

function compareDenied({ before, after, needless }: Comparison, states: readonly Difference[]): Compared & { accesses: Access[] } {
  const none = { differences: [], notes: [], accesses: [] };
  if ('unavailable' in after.trace) return { ...none, notes: [`which accesses were denied is not known: ${after.trace.unavailable}`] };
  const denied = deniedIn(after.trace);
  const root = new Successes(succeeded(before.trace));
  const lost = denied.filter((access) => root.has(access));
  const told = new Set<string>();
  const result: Compared & { accesses: Access[] } = { differences: [], notes: [], accesses: lost };
  for (const access of lost) {
    if (told.has(access.path)) continue;
    told.add(access.path);
    const text = `${access.call} ${access.path} is denied (${access.error})`;
    const isHarmless = access.what === 'be' || isNeedless(access.path, needless) || (access.what !== 'listen' && isPersonal(access.path, before.seen, after.seen));
    if (isHarmless) result.notes.push(`${text}; root could, but it is not needed`);
    else if (!states.some(({ message }) => message.includes(access.path))) result.differences.push({ rule: 'denied', message: `${text}; root could` });
  }
  return result;
}

/** What was denied and never done later, each once. */
export function deniedIn(trace: Trace): Access[] {
  const made = new Set(succeeded(trace).map(({ what, path }) => `${what} ${path}`));
  const all = 'accesses' in trace ? trace.accesses : [];
  return unique(all.filter(({ what, path, error }) => (error === 'EACCES' || error === 'EPERM') && !made.has(`${what} ${path}`)));
}

/** What the run as root did with success. */
class Successes {
  private readonly exact = new Set<string>();
  private readonly filled = new Set<string>();

  constructor(accesses: readonly Access[]) {
    for (const { what, path } of accesses) {
      this.exact.add(`${what} ${path}`);
      if (what === 'make' || what === 'write') this.exact.add(`read ${path}`).add(`write ${path}`);
      if (what === 'make') this.filled.add(posix.dirname(path));
    }
  }

  /** Names of temporary files are others each time: there the directory counts. */
  has({ what, path }: Access): boolean {
    return this.exact.has(`${what} ${path}`) || (what === 'make' && this.filled.has(posix.dirname(path)));
  }
}

function succeeded(trace: Trace): Access[] {
  return 'accesses' in trace ? trace.accesses.filter(({ error }) => error === undefined) : [];
}

function unique(accesses: readonly Access[]): Access[] {
  return [...new Map(accesses.map((access) => [`${access.what} ${access.path}`, access])).values()];
}

/** Places of the kernel, where nothing is kept. The program's own outputs are not among them. */
function isKernels(path: string): boolean {
  return /^\/(proc|sys|dev)(\/|$)/.test(path) && !/^\/(dev\/std(out|err)|proc\/(self|\d+)\/fd\/[12])$/.test(path);
}

/** Says with what does not run or answer which access was denied, that root made. */
function withCause(difference: Difference, denied: readonly Access[]): Difference {
  const { rule, message } = difference;
  const causes = denied.filter(({ path, what }) => what !== 'be' && path !== '' && !isKernels(path));
  const cause = causes.at(-1);
  if ((rule !== 'runs' && rule !== 'answers') || !cause || causes.some(({ path }) => message.includes(path))) return difference;
  return { ...difference, message: `${message}; ${cause.call} ${cause.path} was denied` };
}

const MEGABYTE = 1_000_000;

function compareSize({ size: before }: Observation, { size: after }: Observation): Difference[] {
  const growth = after - before;
  if (growth <= Math.max(MEGABYTE, before * 0.02)) return [];
  return [{ rule: 'size', message: `the image grew by ${(growth / MEGABYTE).toFixed(1)} MB, ${((100 * growth) / before).toFixed(1)} %` }];
}

/** How little was seen of a program that could not be asked anything. */
function silenceNotes({ before: { seen: { state, ports, udp } }, known }: Comparison): string[] {
  if (state.kind !== 'running' || ports === undefined || ports.length + (udp?.length ?? 0) > 0) return [];
  return [`it opened no port${known.length > 0 ? `, though its files name ${known.join(', ')}` : ''}: only that it stays up and what it writes was seen`];
}

function identityNotes(before: Observation, after: Observation): string[] {
  const notes: string[] = [];
  if (before.processes.length > 0 && before.processes.every(({ uid }) => uid !== 0)) notes.push('no process ran as root before either');
  if (after.processes.some(({ uid, gid }) => uid !== 0 && gid === 0)) notes.push('its group is root (gid 0)');
  const power = after.processes.find(({ uid, capabilities }) => uid !== 0 && capabilities !== undefined && capabilities !== 0n);
  if (power) notes.push(`${power.command} has capabilities (${power.capabilities!.toString(16)})`);
  return notes;
}

function checkWords(state: Observation['state']): string {
  return state.kind === 'running' && state.checkSaid ? `: ${short(state.checkSaid)}` : '';
}

/** The last line that sounds like what went wrong, else the last. */
function lastWords(log: readonly string[]): string {
  const line = log.findLast((text) => WRONG.test(text) && !FRAME.test(text)) ?? log.at(-1);
  return line === undefined ? '' : `: ${short(line)}`;
}

const WRONG = /error|exception|fatal|emerg|crit|panic|denied|not permitted|cannot|can't|unable|fail|no such|not found/i;
/** Where it went wrong, and who started what did. */
const FRAME = /^\s*at |^\s*File "|^npm (ERR!|error)/;

function short(text: string): string {
  const line = text.trim().split('\n')[0] ?? '';
  return JSON.stringify(line.length > 100 ? `${line.slice(0, 100)}…` : line);
}
