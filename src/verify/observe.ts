import type { Image } from './build.ts';
import { Container, type Inspected, type RunSettings } from './container.ts';
import { type Engine, EngineError } from './engine.ts';
import type { Network } from './network.ts';
import { isHere, type OpenPorts, statusOf } from './proc.ts';
import { ended, openPorts, type Patience, type Ready, startAndWait } from './ready.ts';
import { type Strace, tracing } from './strace.ts';
import { type Address, type Answer, type Ask, nameOf, talk } from './talk.ts';
import { readTrace } from './trace.ts';
import type { Observation, Process, Said, State, Trace } from './types.ts';
import { type Snapshot, snapshot, writtenBy } from './written.ts';

/** How a container is to be run and what it is to be asked. */
export interface Exercise {
  engine: Engine;
  network: Network;
  image: Image;
  settings: RunSettings;
  asks: readonly Ask[];
  /** Seconds for the program to become ready. */
  seconds: number;
  /** What was seen of the container that it stands for: its ports must be open again. */
  like: Observation | undefined;
  /** More flags, as `docker run` takes them. */
  flags: readonly string[];
  /** Whether it matters what it writes. */
  writes: boolean;
  /** Called while the program runs, after all was asked; or once it has ended. */
  whileRunning?: ((container: Container) => Promise<void>) | undefined;
}

/** A container that was watched, and has been stopped; it is still there to be looked into. */
export interface Watched {
  container: Container;
  seen: Observation;
}

/** Runs an image and watches it. @throws EngineError where not even a container could be made */
export async function watch(exercise: Exercise): Promise<Watched> {
  const { engine, network, image, settings, flags } = exercise;
  const container = await Container.create(engine, image, settings, network, flags);
  const before = await snapshot(container);
  const ran = await run(container, exercise);
  if (ran.state.kind === 'running') await stop(container, ran.pid);
  return { container, seen: await conclude(container, ran, exercise.writes ? before : undefined) };
}

/** What was seen of a container that has been stopped. @param before of its volumes; undefined where it does not matter what it wrote */
export async function conclude(container: Container, { state, processes, ports, answers }: Run, before: Snapshot | undefined): Promise<Observation> {
  const { image, settings } = container;
  container.forget();
  const [{ stdout, stderr }, account] = await Promise.all([container.logs(), accountOf(container)]);
  return {
    user: settings.user ?? image.user,
    size: image.size,
    state,
    processes,
    ports: ports?.tcp,
    udp: ports?.udp,
    answers,
    written: state.kind === 'not started' || !before ? [] : await writtenBy(container, before),
    log: lastLines(stdout + stderr),
    output: state.kind === 'ended' ? stdout.slice(-MAX_OUTPUT) : undefined,
    home: settings.env.HOME ?? image.env.HOME ?? account.home,
    account: account.name,
  };
}

/** Runs an image under strace: what it tried, and what it answered once more. The container is taken away. */
export async function watchTraced(exercise: Exercise, strace: Strace | { unavailable: string }): Promise<{ trace: Trace; said: Said | undefined }> {
  if ('unavailable' in strace) return { trace: strace, said: undefined };
  const { engine, network, image, settings } = exercise;
  const traced = tracing(engine, strace, image, settings);
  const container = await Container.create(engine, image, traced.settings, network, [...exercise.flags, ...traced.mounts.flatMap(({ source, target, readOnly }) => ['--volume', `${source}:${target}${readOnly ? ':ro' : ''}`])]);
  try {
    const { state, answers, pid } = await run(container, { ...exercise, whileRunning: undefined });
    if (state.kind === 'running') await stop(container, pid);
    const text = traced.read();
    const { stdout, stderr } = await container.logs();
    if (text === '') return { trace: { unavailable: lastLines(stderr).at(-1) ?? 'strace could not start the program' }, said: undefined };
    return { trace: { accesses: readTrace(text, settings.workdir ?? image.workdir) }, said: { answers, output: state.kind === 'ended' ? stdout.slice(-MAX_OUTPUT) : undefined } };
  } finally {
    await container.remove();
  }
}

const MAX_OUTPUT = 1 << 16;
const MAX_LINES = 20;
/** What a program does when it is told to end belongs to what it does, as long as it does it at once. */
const STOP_MILLISECONDS = 300;

export async function stop(container: Container, pid: number): Promise<void> {
  try {
    await container.terminate();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error; // it has ended by itself
  }
  for (const end = Date.now() + STOP_MILLISECONDS; Date.now() < end && isHere(pid, container.id); ) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** What came of a run while it lasted. */
export interface Run {
  state: State;
  processes: Process[];
  ports: OpenPorts | undefined;
  answers: Answer[];
  /** Of its first process; 0 where it has none any more. */
  pid: number;
}

async function run(container: Container, exercise: Exercise): Promise<Run> {
  return exerciseOnce(container, await startAndWait(container, patienceOf(exercise)), exercise);
}

/** What a container is waited for. */
export function patienceOf({ image, settings, asks, seconds, like }: Pick<Exercise, 'image' | 'settings' | 'asks' | 'seconds' | 'like'>): Patience {
  return { seconds, anyOf: knownPorts(image, settings, asks), allOf: { tcp: like?.ports ?? [], udp: like?.udp ?? [] } };
}

function knownPorts(image: Image, settings: RunSettings, asks: readonly Ask[]): number[] {
  return [...new Set([...settings.published, ...image.exposed, ...asks.flatMap(({ port }) => port ?? [])])];
}

/** Asks a container that is ready, and looks at its processes. */
export async function exerciseOnce(container: Container, ready: Ready, { image, settings, asks, seconds, like, whileRunning }: Pick<Exercise, 'image' | 'settings' | 'asks' | 'seconds' | 'like' | 'whileRunning'>): Promise<Run> {
  if (ready.state.kind === 'ended') await whileRunning?.(container);
  if (ready.state.kind !== 'running' || !ready.facts) return { state: ready.state, processes: [], ports: ready.ports, answers: [], pid: 0 };
  const answers = await askAll(container, ready.facts, { ports: ready.ports?.tcp, known: knownPorts(image, settings, asks), asks, like, seconds });
  await whileRunning?.(container);
  const facts = isHere(ready.facts.State.Pid, container.id) ? ready.facts : await container.inspect();
  if (!facts.State.Running) return { state: ended(facts), processes: [], ports: ready.ports, answers, pid: 0 };
  const [processes, ports] = await Promise.all([processesOf(container), openPorts(container, facts)]);
  return { state: ready.state, processes, ports, answers, pid: facts.State.Pid };
}

interface Questions {
  ports: number[] | undefined;
  known: readonly number[];
  asks: readonly Ask[];
  like: Observation | undefined;
  /** For a program that another one waits for. */
  seconds: number;
}

/** Beyond this many open ports the rest is not asked. */
const MAX_PORTS = 6;
/** A port may be open before the program behind it is ready. */
const RETRY_SECONDS = 5;

/** What was asked for, else `GET /` on every open port; one after the other, since one answer may rest on another. */
async function askAll(container: Container, facts: Inspected, { ports, known, asks, like, seconds }: Questions): Promise<Answer[]> {
  const open = ports ?? [...known];
  const first = known.find((port) => open.includes(port)) ?? open[0] ?? known[0];
  const answers: Answer[] = [];
  if (asks.length > 0) {
    for (const ask of asks) {
      const port = ask.port ?? first;
      answers.push(port === undefined ? { ask: nameOf(ask), port: 0, status: undefined, text: undefined, error: 'nothing listens' } : await askOne(container.addressOf(port, facts), ask, port, { isExpected: true, seconds }));
    }
    return answers;
  }
  for (const port of open.slice(0, MAX_PORTS)) {
    const before = like?.answers.find((answer) => answer.port === port);
    answers.push(await askOne(container.addressOf(port, facts), { path: '/' }, port, { isExpected: before?.status !== undefined, seconds }));
  }
  return answers;
}

/** Asks until there is an answer, where one is to be expected; a proxy, until what lies behind it is ready. */
async function askOne(address: Address | undefined, ask: Ask, port: number, { isExpected, seconds }: { isExpected: boolean; seconds: number }): Promise<Answer> {
  if (!address) return { ask: nameOf(ask), port, status: undefined, text: undefined, error: 'not reachable from here' };
  for (const begun = Date.now(); ; ) {
    const answer = await talk(address, ask, port);
    const isUnready = GATEWAY.includes(answer.status ?? 0);
    const isRefused = answer.error !== undefined && (isExpected || answer.error === 'ECONNREFUSED');
    if (!(isUnready || isRefused) || Date.now() - begun > (isUnready ? seconds : RETRY_SECONDS) * 1000) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Bad gateway, service unavailable, gateway timeout (RFC 9110, 15.6). */
const GATEWAY: readonly number[] = [502, 503, 504];

/** The processes of a running container, as the host sees them. */
async function processesOf(container: Container): Promise<Process[]> {
  const [, ...rows] = (await container.engine.call(['top', container.id, '-eo', 'pid,uid,gid,args'])).trimEnd().split('\n');
  return rows.map((row) => {
    const [pid, uid, gid, ...words] = row.trim().split(/\s+/);
    const status = isHere(Number(pid), container.id) ? statusOf(Number(pid)) : undefined;
    return { uid: Number(uid), gid: Number(gid), groups: status?.groups, capabilities: status?.capabilities, command: words.join(' ').slice(0, 100) };
  });
}

/** Whom a container runs as: the account's name and home, which is `/` for a number without an account. */
async function accountOf(container: Container): Promise<{ name: string | undefined; home: string }> {
  const { image, settings } = container;
  const [user = ''] = (settings.user ?? image.user).split(':');
  if (user === '' || user === '0' || user === 'root') return { name: 'root', home: '/root' };
  const entry = await accountIn(container, user);
  return { name: entry?.name, home: entry?.home || '/' };
}

export interface AccountEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** The line of /etc/passwd for a name or number. */
export async function accountIn(container: Container, user: string): Promise<AccountEntry | undefined> {
  const text = (await container.read('/etc/passwd')) ?? '';
  for (const line of text.split('\n')) {
    const [name, , uid, gid, , home] = line.split(':');
    if (name && home !== undefined && (name === user || uid === user)) return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return undefined;
}

function lastLines(text: string): string[] {
  return text.split('\n').map((line) => line.trimEnd()).filter(Boolean).slice(-MAX_LINES);
}
