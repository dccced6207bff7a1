import { compare, compareStrict, type Comparison, type Difference, pathsToCheck, type Seen, whyUnproven } from './compare.ts';
import { type Adapted, type ComposeTree, Stack, type StackRun } from './compose.ts';
import { type Container, inspectAll, type Inspected } from './container.ts';
import { type Engine, EngineError } from './engine.ts';
import { conclude, exerciseOnce, patienceOf, type Run, stop } from './observe.ts';
import { movedExposed, movedUnnamed } from './moved.ts';
import { like, look, type Outcome, type Session } from './pair.ts';
import { mapLimited } from './parallel.ts';
import { plainReason, type Ready, waitUntilReady } from './ready.ts';
import { tracing } from './strace.ts';
import type { Ask } from './talk.ts';
import { readTrace } from './trace.ts';
import type { Observation, Said, Trace } from './types.ts';
import { type Snapshot, snapshot } from './written.ts';

/** A question to a service: by the port of the host that its file names, or by the container's own as it was before. */
export type StackAsk = Ask & ({ service: string; published?: undefined } | { published: number; service?: undefined });

/** A compose project as it was and as it is now. */
export interface StackPlan {
  before: ComposeTree;
  after: ComposeTree;
  /** What services are asked, in order; one that nothing is asked of gets `GET /` on every open port. */
  asks?: readonly StackAsk[];
  /** Paths by service that root writes only because it can. */
  needless?: Readonly<Record<string, readonly string[]>>;
  /** `false`: no second run under strace, which is what takes longest; what a program is denied and hides is not seen then. */
  traced?: boolean;
  /**
   * Commands of `docker compose`, run with the files of after on the volumes that before left, which after then gets:
   * the one-time commands that a report names. An empty list: the volumes as they are. Without it every run has new ones.
   */
  between?: readonly (readonly string[])[];
  /** Called in each run while all services are up and were asked. */
  running?: (stack: RunningStack, side: StackSide) => Promise<void>;
}

export type StackSide = 'before' | 'after' | 'strict';

/** A project that is up. */
export interface RunningStack {
  containers: ReadonlyMap<string, Container>;
  /** What a command prints in a service, as whom the service runs. @throws EngineError where it fails */
  exec: (service: string, command: readonly string[]) => Promise<string>;
}

/** What came of a whole project. */
export interface StackProof {
  services: ServiceProof[];
  /** What of the files was not made. */
  notes: string[];
}

/** What came of one service. */
export interface ServiceProof {
  service: string;
  outcome: Outcome;
  /** Why nothing can be shown. */
  why: string | undefined;
  differences: Difference[];
  notes: string[];
  before: Observation;
  /** Undefined where there is no such service any more. */
  after: Observation | undefined;
  /** Only with `strict`, and of services that run as somebody else now. */
  strict: Observation | undefined;
}

/**
 * Brings a compose project up as it was and as it is now, and compares each service by the rule that holds for single
 * targets: state and exit status, ports, answers, what was written, what was denied (by a second run under strace, where
 * this machine has one), image size. That no process is uid 0 is asked of services whose user changed. With `session.strict`
 * those run once more without capabilities, with no-new-privileges and closed low ports, the others as they are.
 *
 * Each run is a project of its own with ports of this machine that nobody else uses, networks without a way out, copies of what
 * is bind-mounted, and new volumes unless `between` is given. The trees are read and never written; all that was made is taken
 * away. Services can reach each other by name as always: let one that is asked ask another to see that.
 * @throws EngineError where Compose can't read one of the trees, or an image can't be built
 */
export async function proveStack(plan: StackPlan, session: Session): Promise<StackProof> {
  const [old, now] = await Promise.all([Stack.read(session.engine, plan.before), Stack.read(session.engine, plan.after)]);
  const rounds = new Rounds(plan, session, old, now);
  try {
    const services = plan.between === undefined ? await rounds.withNewVolumes() : await rounds.withKeptVolumes(plan.between);
    return { services, notes: [...new Set([...old.notes, ...now.notes])] };
  } finally {
    await rounds.down();
  }
}

/** What was seen of one run of a project, by service. */
interface Up {
  run: StackRun;
  seen: Map<string, Observation>;
  containers: Map<string, Container>;
}

type Traces = Map<string, Traced>;

interface Traced {
  trace: Trace;
  said: Said | undefined;
}

class Rounds {
  private readonly plan: StackPlan;
  private readonly session: Session;
  private readonly old: Stack;
  private readonly now: Stack;
  private readonly asks: Map<string, Ask[]>;
  /** Ports that are others in after, by service; known once before was seen. */
  private moved = new Map<string, Map<number, number>>();
  /** Services that run as somebody else now. */
  private readonly changed: Set<string>;
  private readonly runs: StackRun[] = [];

  constructor(plan: StackPlan, session: Session, old: Stack, now: Stack) {
    this.plan = plan;
    this.session = session;
    this.old = old;
    this.now = now;
    this.asks = asksByService(plan.asks ?? [], old);
    this.changed = new Set([...old.services.keys()].filter((name) => userOf(old, name) !== userOf(now, name)));
  }

  async withNewVolumes(): Promise<ServiceProof[]> {
    const [before, was] = await Promise.all([this.up('before'), this.traced('before')]);
    this.moved = movedPorts(this.old, this.now, before.seen);
    const [after, is, strict] = await Promise.all([this.up('after', before), this.traced('after', before), this.session.strict && this.changed.size > 0 ? this.up('strict', before) : undefined]);
    const found = await this.compare({ before, was, after, is, strict });
    if (!found.some(({ differences }) => differences.some(isWording))) return found;
    return this.compare({ before, was, after, is, strict, later: await this.up('before') });
  }

  /** One project, one run after the other: its volumes stay. They are as they were once only, so that nothing can be traced. */
  async withKeptVolumes(between: readonly (readonly string[])[]): Promise<ServiceProof[]> {
    const project = `unroot-${this.session.engine.owner}-kept-${(serial += 1)}`.toLowerCase();
    const before = await this.up('before', undefined, project);
    this.moved = movedPorts(this.old, this.now, before.seen);
    await before.run.down({ keepVolumes: true });
    const commands = await this.now.prepare(new Map(), project);
    for (const args of between) await commands.compose(args, this.patience());
    const after = await this.up('after', before, project);
    const none: Traces = new Map();
    const all = await this.compare({ before, was: none, after, is: none, strict: undefined });
    if (!this.session.strict || this.changed.size === 0) return all.map(withoutWording);
    await after.run.down({ keepVolumes: true });
    const strict = await this.up('strict', before, project);
    return all.map((one) => this.strictly(one, strict, seenOf(one.before, undefined))).map(withoutWording);
  }

  async down(): Promise<void> {
    // Runs of one project share all that is left of it.
    for (const run of new Map(this.runs.map((one) => [one.project, one])).values()) await run.down();
  }

  /** Makes and starts all services, asks them once all are ready, and stops them. */
  private async up(side: StackSide, before?: Up, project?: string): Promise<Up> {
    const stack = side === 'before' ? this.old : this.now;
    const adapt = side === 'strict' ? new Map([...this.changed].map((name) => [name, { strict: true }])) : undefined;
    const { run, containers, ran, volumes } = await this.run(stack, side, before, adapt, project);
    const seen = await Promise.all([...containers].map(async ([name, container]) => [name, await conclude(container, ran.get(name)!, side === 'strict' ? undefined : volumes.get(name)!)] as const));
    return { run, containers, seen: new Map(seen) };
  }

  /** The same under strace: what was tried, and what was answered once more. */
  private async traced(side: 'before' | 'after', before?: Up): Promise<Traces> {
    const { engine } = this.session;
    const strace = this.plan.traced === false ? NOT_TRACED : this.session.strace;
    const stack = side === 'before' ? this.old : this.now;
    if ('unavailable' in strace) return new Map([...stack.services.keys()].map((name) => [name, { trace: strace, said: undefined }]));
    const adapt = new Map([...stack.services].map(([name, { image, settings }]) => [name, { traced: tracing(engine, strace, image, settings) }]));
    const { ran } = await this.run(stack, side, before, adapt);
    return new Map(
      [...stack.services].map(([name, { image, settings }]): [string, Traced] => {
        const text = adapt.get(name)!.traced.read();
        const trace: Trace = text === '' ? { unavailable: 'strace could not start the program' } : { accesses: readTrace(text, settings.workdir ?? image.workdir) };
        return [name, { trace, said: { answers: ran.get(name)?.answers ?? [], output: undefined } }];
      }),
    );
  }

  private async run(stack: Stack, side: StackSide, before: Up | undefined, adapt?: ReadonlyMap<string, Adapted>, project?: string): Promise<{ run: StackRun; containers: Map<string, Container>; ran: Map<string, Run>; volumes: Map<string, Snapshot> }> {
    const run = await stack.prepare(adapt, project);
    this.runs.push(run);
    const containers = await run.create();
    const volumes = new Map(await mapInspected(this.session.engine, containers, snapshot));
    const failure = await run.start(this.patience());
    const exercises = new Map([...containers].map(([name, container]) => [name, this.exercise(name, container, side, before)]));
    const ready = new Map(await mapInspected(this.session.engine, containers, (container, facts, name) => readyOf(container, facts, exercises.get(name)!, failure)));
    const ran = new Map<string, Run>();
    for (const [name, container] of containers) ran.set(name, await exerciseOnce(container, ready.get(name)!, { ...exercises.get(name)!, whileRunning: undefined }));
    const isTraced = adapt !== undefined && side !== 'strict';
    if (!isTraced) await this.plan.running?.({ containers, exec: (service, command) => run.compose(['exec', '--no-TTY', service, ...command]) }, side);
    await mapLimited(4, [...containers], async ([name, container]) => (ran.get(name)!.state.kind === 'running' ? stop(container, ran.get(name)!.pid) : undefined));
    return { run, containers, ran, volumes };
  }

  private exercise(name: string, { image, settings }: Container, side: StackSide, before: Up | undefined) {
    const moved = side === 'before' ? new Map<number, number>() : (this.moved.get(name) ?? new Map<number, number>());
    const asks = (this.asks.get(name) ?? []).map((ask) => (ask.port === undefined ? ask : { ...ask, port: moved.get(ask.port) ?? ask.port }));
    return { image, settings, asks, seconds: this.session.seconds, like: like(before?.seen.get(name), moved) };
  }

  private patience(): number {
    return (this.session.seconds + 60) * 1000;
  }

  private async compare({ before, was, after, is, strict, later }: { before: Up; was: Traces; after: Up; is: Traces; strict: Up | undefined; later?: Up }): Promise<ServiceProof[]> {
    return mapLimited(4, [...before.seen], async ([name, seen]) => {
      const first = seenOf(seen, was.get(name), later?.seen.get(name));
      const asks = this.asks.get(name) ?? [];
      const found: ServiceProof = { service: name, outcome: 'holds', why: whyUnproven(first, { asks, published: this.old.services.get(name)!.settings.published }), differences: [], notes: [], before: seen, after: after.seen.get(name), strict: undefined };
      if (found.why !== undefined) return { ...found, outcome: 'unproven' };
      if (!found.after) return { ...found, outcome: 'differs', differences: [{ rule: 'runs', message: 'there is no such service any more' }] };
      const second = seenOf(found.after, is.get(name));
      const needless = this.plan.needless?.[name] ?? [];
      const writable = await look({ container: after.containers.get(name)!, seen: found.after }, pathsToCheck(first, second, needless));
      const { differences, notes } = compare({ ...this.comparison(name, first, second), needless, writable });
      const own = differences.filter(({ rule }) => rule !== 'root' || this.changed.has(name));
      const compared = concluded({ ...found, notes }, own);
      return strict ? this.strictly(compared, strict, first) : compared;
    });
  }

  /** What a strict run adds. */
  private strictly(proof: ServiceProof, { seen }: Up, first: Seen): ServiceProof {
    const { service, after, outcome, differences } = proof;
    const strict = seen.get(service);
    if (outcome === 'unproven' || !after || !strict || !this.changed.has(service)) return proof;
    return concluded({ ...proof, strict }, [...differences, ...compareStrict(this.comparison(service, first, seenOf(after, undefined)), strict)]);
  }

  private comparison(name: string, before: Seen, after: Seen): Comparison {
    const { image, settings } = this.old.services.get(name)!;
    const asks = this.asks.get(name) ?? [];
    const moved = this.moved.get(name) ?? new Map<number, number>();
    const unnamed = movedUnnamed(before.seen, after.seen, moved, settings.published);
    const known = [...new Set([...settings.published, ...image.exposed, ...asks.flatMap(({ port }) => port ?? [])])];
    return { before, after, known, knownUdp: image.exposedUdp, moved: new Map([...moved, ...unnamed]), asks, prints: undefined, needless: [], writable: new Map() };
  }
}

let serial = 0;

const NOT_TRACED = { unavailable: 'no traced run was asked for' };

/** Something of each container, by service; the engine is asked about all of them at once. */
async function mapInspected<T>(engine: Engine, containers: ReadonlyMap<string, Container>, find: (container: Container, facts: Inspected, service: string) => Promise<T>): Promise<(readonly [string, T])[]> {
  const facts = await inspectAll(engine, [...containers.values()].map(({ id }) => id));
  return Promise.all([...containers].map(async ([name, container], index) => [name, await find(container, facts[index]!, name)] as const));
}

/** What a container was found to be once it was ready, or why it never started. */
async function readyOf(container: Container, facts: Inspected, exercise: Parameters<typeof patienceOf>[0], failure: string | undefined): Promise<Ready> {
  if (facts.State.Status === 'created') return { state: { kind: 'not started', why: plainReason(facts.State.Error || failure || 'what it depends on did not start') }, ports: undefined, facts: undefined };
  return waitUntilReady(container, patienceOf(exercise), facts);
}

function seenOf(seen: Observation, traced: Traced | undefined, later?: Said): Seen {
  return { seen, trace: traced?.trace ?? { unavailable: 'its volumes were kept, so it was run once only' }, again: [traced?.said, later].filter((said) => said !== undefined) };
}

function isWording({ isWording }: Difference): boolean {
  return isWording === true;
}

/** What was heard only once may be other each time. */
function withoutWording(proof: ServiceProof): ServiceProof {
  return proof.outcome === 'differs' ? concluded(proof, proof.differences.filter((difference) => !isWording(difference))) : proof;
}

function concluded(proof: ServiceProof, differences: Difference[]): ServiceProof {
  return { ...proof, outcome: differences.length > 0 ? 'differs' : 'holds', differences };
}

function userOf({ services }: Stack, name: string): string | undefined {
  const service = services.get(name);
  return service && (service.settings.user ?? service.image.user);
}

function asksByService(asks: readonly StackAsk[], { services }: Stack): Map<string, Ask[]> {
  const found = new Map<string, Ask[]>();
  for (const { service, published, ...ask } of asks) {
    const [name, port] = service === undefined ? publisherOf(published, services) : [service, ask.port];
    if (!services.has(name)) throw new EngineError(`there is no service ${name} to be asked`, '');
    found.set(name, [...(found.get(name) ?? []), { ...ask, ...(port === undefined ? {} : { port }) } as Ask]);
  }
  return found;
}

function publisherOf(published: number, services: Stack['services']): [string, number] {
  for (const [name, service] of services) if (service.published.has(published)) return [name, service.published.get(published)!];
  throw new EngineError(`no service publishes port ${published}`, '');
}

/** By service: the ports behind the same published one, and those that EXPOSE names now. */
function movedPorts(old: Stack, now: Stack, seen: ReadonlyMap<string, Observation>): Map<string, Map<number, number>> {
  const found = new Map<string, Map<number, number>>();
  for (const [name, was] of old.services) {
    const is = now.services.get(name);
    found.set(name, is ? new Map([...movedExposed(was.image, is.image, seen.get(name)!), ...movedBehind(was.published, is.published), ...movedBehind(was.publishedUdp, is.publishedUdp)]) : new Map());
  }
  return found;
}

/** The ports behind each published one that are another now. */
function movedBehind(was: ReadonlyMap<number, number>, is: ReadonlyMap<number, number>): [number, number][] {
  return [...was].flatMap(([published, port]) => ((is.get(published) ?? port) === port ? [] : [[port, is.get(published)!] as [number, number]]));
}
