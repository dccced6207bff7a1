import { type Who, whoRuns, type Writable, writableAt } from './access.ts';
import { buildImage, type Image, nameImage, readyImage } from './build.ts';
import { compare, type Compared, compareStrict, type Comparison, deniedIn, type Difference, EPHEMERAL, type Expected, pathsToCheck, type Seen, whyUnproven } from './compare.ts';
import type { Container } from './container.ts';
import { contextWith, sourceWith } from './context.ts';
import { type Engine, EngineError } from './engine.ts';
import type { Network } from './network.ts';
import { type Exercise, watch, type Watched, watchTraced } from './observe.ts';
import { movedExposed, movedUnnamed } from './moved.ts';
import { mapLimited } from './parallel.ts';
import type { Side, Subject } from './plan.ts';
import type { Strace } from './strace.ts';
import type { Access } from './trace.ts';
import type { Observation } from './types.ts';

/** What a whole run shares. */
export interface Session {
  engine: Engine;
  strace: Strace | { unavailable: string };
  network: Network;
  strict: boolean;
  /** Seconds for a program to become ready, where its configuration says nothing. */
  seconds: number;
  whileRunning?: ((container: Container, side: 'before' | 'after', subject: Subject) => Promise<void>) | undefined;
}

export type Outcome =
  /** Everything holds. */
  | 'holds'
  /** Something is other than it was. */
  | 'differs'
  /** Nothing can be shown: it does not build, start or work as it is. */
  | 'unproven';

/** What came of one subject. */
export interface Proof {
  subject: Subject;
  outcome: Outcome;
  /** Why nothing can be shown. */
  why: string | undefined;
  differences: Difference[];
  notes: string[];
  /** Accesses that were denied after the change, whether root made them or not. */
  denied: Access[];
  before: Observation | undefined;
  after: Observation | undefined;
  strict: Observation | undefined;
  seconds: number;
}

/** Builds a target before and after, runs both in the same way, and compares. Whatever it makes is taken away again. */
export async function prove(subject: Subject, session: Session): Promise<Proof> {
  const begun = Date.now();
  const made = new Made(session.engine);
  try {
    const found = await proveWith(subject, session, made);
    return { before: undefined, after: undefined, strict: undefined, why: undefined, differences: [], denied: [], ...found, notes: [...subject.notes, ...(found.notes ?? [])], subject, seconds: (Date.now() - begun) / 1000 };
  } finally {
    await made.remove();
  }
}

/** Builds and runs a target as it is, and has the container looked at while it is there. @returns why it can't be, where it can't */
export async function observeBefore<T>(subject: Subject, session: Session, use: (seen: Seen, container: Container) => Promise<T>): Promise<T | { why: string }> {
  const made = new Made(session.engine);
  try {
    const image = await made.image(subject.before);
    if (image instanceof EngineError) return { why: `it does not build as it is: ${image.message}` };
    const first = await watchTwice(subject, 'before', image, { session, made, moved: new Map() });
    if (first instanceof EngineError) return { why: `it can't be run as it is: ${first.message}` };
    const why = whyUnproven(first.twice, expectedOf(subject));
    return why === undefined ? await use(first.twice, first.watched.container) : { why };
  } finally {
    await made.remove();
  }
}

function expectedOf({ asks, prints, before }: Subject): Expected {
  return { asks, prints, published: before.settings.published };
}

type Found = { outcome: Outcome } & Partial<Omit<Proof, 'subject' | 'seconds' | 'outcome'>>;

async function proveWith(subject: Subject, session: Session, made: Made): Promise<Found> {
  // Steps that both have in common are made once: BuildKit joins them.
  const [before, after] = await Promise.all([made.image(subject.before), made.image(subject.after)]);
  if (before instanceof EngineError) return { outcome: 'unproven', why: `it does not build as it is: ${before.message}` };
  if (after instanceof EngineError) return { outcome: 'differs', differences: [{ rule: 'builds', message: `it no longer builds: ${after.message}` }] };

  const first = await watchTwice(subject, 'before', before, { session, made, moved: new Map() });
  if (first instanceof EngineError) return { outcome: 'unproven', why: `it can't be run as it is: ${first.message}` };
  const why = whyUnproven(first.twice, expectedOf(subject));
  if (why !== undefined) return { outcome: 'unproven', why, before: first.twice.seen };

  const moved = movedPorts(subject, before, after, first.twice.seen);
  const round: Round = { session, made, moved, before: first.twice.seen };
  const [second, strict] = await Promise.all([watchTwice(subject, 'after', after, round), session.strict ? made.watch({ ...exerciseOf(subject, 'after', after, round), flags: STRICT, writes: false }) : undefined]);
  if (second instanceof EngineError) return { outcome: 'differs', before: first.twice.seen, differences: [{ rule: 'runs', message: `no container can be made of it: ${second.message}` }] };
  const writable = await look(second.watched, pathsToCheck(first.twice, second.twice, subject.needless));
  // What only a service's neighbours know can be told from what is open, and from how these fare.
  const unnamed = subject.service === undefined ? [] : movedUnnamed(first.twice.seen, second.twice.seen, moved, subject.before.settings.published);
  const comparison: Comparison = {
    before: first.twice,
    after: second.twice,
    known: [...new Set([...subject.before.settings.published, ...before.exposed, ...subject.asks.flatMap(({ port }) => port ?? [])])],
    knownUdp: before.exposedUdp,
    moved: new Map([...moved, ...unnamed]),
    asks: subject.asks,
    prints: subject.prints,
    needless: subject.needless,
    writable,
  };
  const later = () => made.watch({ ...exerciseOf(subject, 'before', before, { session, made, moved: new Map() }), writes: false });
  const { differences, notes } = await judge(comparison, strict, later);
  return {
    outcome: differences.length === 0 ? 'holds' : 'differs',
    differences,
    notes,
    denied: deniedIn(second.twice.trace),
    before: first.twice.seen,
    after: second.twice.seen,
    strict: strict instanceof EngineError ? undefined : strict?.seen,
  };
}

/**
 * What holds and what not. Where only words are others, the image as it was is heard once more: dates and counters are others
 * sooner or later.
 */
async function judge(comparison: Comparison, strict: Watched | EngineError | undefined, watchBefore: () => Promise<Watched | EngineError>): Promise<Compared> {
  const strictly = (one: Comparison): Difference[] => (strict instanceof EngineError ? [{ rule: 'strict', message: strict.message }] : strict ? compareStrict(one, strict.seen) : []);
  const all = (one: Comparison): Compared => {
    const { differences, notes } = compare(one);
    return { differences: [...differences, ...strictly(one)], notes };
  };
  const found = all(comparison);
  if (!found.differences.some(({ isWording }) => isWording)) return found;
  const later = await watchBefore();
  const { before } = comparison;
  return later instanceof EngineError ? found : all({ ...comparison, before: { ...before, again: [...before.again, later.seen] } });
}

/** As a locked-down cluster runs it; beyond what the image is, nothing is asked for. */
const STRICT = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--sysctl', 'net.ipv4.ip_unprivileged_port_start=1024'];

interface Round {
  session: Session;
  made: Made;
  /** Ports of before that are others now. */
  moved: ReadonlyMap<number, number>;
  /** What was seen of the image as it is; undefined while that is seen. */
  before?: Observation;
}

async function watchTwice(subject: Subject, side: 'before' | 'after', image: Image, round: Round): Promise<{ watched: Watched; twice: Seen } | EngineError> {
  const { whileRunning, strace } = round.session;
  const exercise = exerciseOf(subject, side, image, round);
  const [watched, again] = await Promise.all([
    round.made.watch({ ...exercise, whileRunning: whileRunning && ((container) => whileRunning(container, side, subject)) }),
    watchTraced(exercise, strace).catch(unlessEngine),
  ]);
  if (watched instanceof EngineError) return watched;
  // Without a traced run the rest still counts.
  const { trace, said } = again instanceof EngineError ? { trace: { unavailable: again.message }, said: undefined } : again;
  return { watched, twice: { seen: watched.seen, trace, again: said ? [said] : [] } };
}

function exerciseOf(subject: Subject, side: 'before' | 'after', image: Image, { session, moved, before }: Round): Exercise {
  const { engine, network, seconds } = session;
  const now = (port: number) => moved.get(port) ?? port;
  const asks = subject.asks.map((ask) => (ask.port === undefined ? ask : { ...ask, port: now(ask.port) }));
  const { settings, overlay } = subject[side];
  const mounts = settings.mounts.map((mount) => (mount.kind === 'copy' ? { ...mount, source: sourceWith(engine, mount.source!, overlay) } : mount));
  return { engine, network, image, settings: { ...settings, mounts }, asks, like: like(before, moved), flags: [], writes: true, seconds: subject.seconds ?? seconds };
}

/** What is to be seen again: what was seen before, with its ports where they are now. */
export function like(before: Observation | undefined, moved: ReadonlyMap<number, number>): Observation | undefined {
  const now = (ports: number[] | undefined) => ports?.filter((port) => port < EPHEMERAL).map((port) => moved.get(port) ?? port);
  return before && { ...before, ports: now(before.ports), udp: now(before.udp) };
}

/** What was made for one subject. */
class Made {
  private readonly engine: Engine;
  private readonly containers: Container[] = [];
  private readonly images = new Set<string>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Builds a side, and before it the images of this repository that it rests on. */
  async image({ build, overlay, needs }: Side): Promise<Image | EngineError> {
    if ('image' in build) return readyImage(this.engine, build).catch(unlessEngine);
    const bases: Record<string, string> = { ...build.bases };
    try {
      for (const need of needs) {
        if (bases[need.reference] !== undefined) continue;
        const image = await buildImage(this.engine, { ...need.build, bases, context: contextWith(this.engine, need.build.context, overlay) });
        this.images.add(image.id);
        bases[need.reference] = await nameImage(this.engine, image);
      }
      const image = await buildImage(this.engine, { ...build, bases, context: contextWith(this.engine, build.context, overlay) });
      this.images.add(image.id);
      return image;
    } catch (error) {
      return unlessEngine(error);
    }
  }

  async watch(exercise: Exercise): Promise<Watched | EngineError> {
    try {
      const watched = await watch(exercise);
      this.containers.push(watched.container);
      return watched;
    } catch (error) {
      return unlessEngine(error);
    }
  }

  async remove(): Promise<void> {
    if (this.containers.length > 0) await this.engine.call(['rm', '--force', '--volumes', ...this.containers.map(({ id }) => id)]);
    if (this.images.size > 0) await this.engine.call(['rmi', '--force', ...this.images]);
  }
}

function unlessEngine(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  throw error;
}

/** Whether the account may write at each place. */
export async function look({ container, seen }: Watched, paths: readonly string[]): Promise<Map<string, Writable>> {
  if (paths.length === 0) return new Map();
  const who: Who = await whoRuns(container, seen);
  const found = await mapLimited(4, paths, (path) => writableAt(container, who, path));
  return new Map(paths.map((path, index) => [path, found[index]!]));
}

/** Ports that a fix moved: those behind the same published port of a service, and those that EXPOSE names now. */
function movedPorts({ before, after }: Subject, old: Image, now: Image, seen: Observation): Map<number, number> {
  const moved = movedExposed(old, now, seen);
  const [was, is] = [before.settings.published, after.settings.published];
  if (was.length === is.length && was.length > 0) was.forEach((port, index) => port !== is[index] && moved.set(port, is[index]!));
  return moved;
}
