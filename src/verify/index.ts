import type { LeftOut, Result } from '../index.ts';
import type { Container } from './container.ts';
import { JOBS, SECONDS } from './defaults.ts';
import { Engine } from './engine.ts';
import { learn, type Learnt } from './learn.ts';
import { makeNetwork, type Network } from './network.ts';
import { type Proof, prove, type Session } from './pair.ts';
import { mapLimited } from './parallel.ts';
import { type FixedTarget, type Plan, plan, type PlanOptions, type Subject } from './plan.ts';
import { record, type Recorded } from './record.ts';
import { proveStack, type StackPlan, type StackProof } from './stack.ts';
import { carryStrace } from './strace.ts';
import { proveTogether } from './together.ts';

export { VERIFY_RULES, type Difference, type VerifyRule } from './compare.ts';
export { EngineError, NoEngineError } from './engine.ts';
export { GitError } from './git.ts';
export { learntReport, verifyReport } from './report.ts';
export type { Container } from './container.ts';
export type { ComposeTree } from './compose.ts';
export type { RunningStack, ServiceProof, StackAsk, StackSide } from './stack.ts';
export type { Learnt, Proof, Recorded, StackPlan, StackProof, Subject };
export type { Answer } from './talk.ts';
export type { Observation } from './types.ts';

export interface VerifyOptions extends PlanOptions {
  /** The engine's command; `docker` by default. */
  engine?: string | undefined;
  /** How many targets are worked on at once; 4 by default. */
  jobs?: number | undefined;
  /** Run them also as a locked-down cluster would. */
  strict?: boolean | undefined;
  /** Let programs reach others. */
  network?: boolean | undefined;
  /** Seconds for a program to become ready; 30 by default. */
  seconds?: number | undefined;
  /** Ends the run; what was made is taken away first. */
  signal?: AbortSignal | undefined;
  on?: Partial<Events>;
}

/** What happens in a run, for whoever wants to follow it. */
export interface Events {
  /** Before anything is built: what is about to be, by which engine, and whether programs may reach others. */
  planned: (plan: Plan, engine: string, isOpen: boolean) => void;
  /** Of one that was run alone; with others it may be tried again. */
  proved: (proof: Proof) => void;
  /** While a program runs and after it was asked, or once it has ended: for questions of one's own. */
  running: (container: Container, side: 'before' | 'after', subject: Subject) => Promise<void>;
  /** Takes all away without waiting, for a process that has to end. */
  opened: (removeNow: () => void) => void;
  /** All was taken away. */
  closed: () => void;
}

export interface Verified {
  engine: string;
  strict: boolean;
  proofs: Proof[];
  unbuildable: Plan['unbuildable'];
  left: Plan['left'];
  errors: Plan['errors'];
  result: Result;
}

export interface LearntAll {
  engine: string;
  learnt: Learnt[];
  /** The configurations that were written. */
  recorded: Recorded[];
  unbuildable: Plan['unbuildable'];
  errors: Plan['errors'];
}

/**
 * Builds and runs every target that unroot would change, or that changed since `base`, before and after, and
 * compares. Nothing is written into the work tree.
 * @throws NoEngineError where there is no engine, GitError, UsageError; EngineError where the engine fails in what is no target's fault
 */
export async function verify(paths: readonly string[], options: VerifyOptions = {}): Promise<Verified> {
  const planned = plan(paths, options);
  return withSession(options, planned, async (session) => verifiedWith(session, planned, await proveAll(planned.subjects, planned, session, options)));
}

/** What passed, and what is to be left out of a write. */
export interface VerifiedFixes {
  /** The last round: what would be written, and that it holds. */
  verified: Verified;
  /** What did not hold, or could not be shown, in rounds before. */
  failed: Proof[];
  unbuildable: Plan['unbuildable'];
  /** For `without` of `unroot`. */
  without: LeftOut[];
}

/**
 * Verifies what `unroot` would write, leaves out the fixes of targets that do not pass, and verifies again what that
 * changes for others, until all that is left passes.
 * @throws as `verify`
 */
export async function verifyFixes(paths: readonly string[], options: VerifyOptions = {}): Promise<VerifiedFixes> {
  const without = [...(options.without ?? [])];
  let planned = plan(paths, options);
  return withSession(options, planned, async (session) => {
    const proven = new Map<string, Proof>();
    const failed: Proof[] = [];
    const unbuildable: Plan['unbuildable'] = [];
    for (;;) {
      for (const proof of await proveAll(planned.subjects.filter((subject) => !proven.has(identityOf(subject))), planned, session, options)) proven.set(identityOf(proof.subject), proof);
      const proofs = planned.subjects.map((subject) => proven.get(identityOf(subject))!);
      const bad = proofs.filter(({ outcome }) => outcome !== 'holds');
      failed.push(...bad);
      unbuildable.push(...planned.unbuildable);
      const found = [...bad.flatMap(({ subject, ...proof }) => withWhy(subject.fixed, whyNot(proof))), ...planned.unbuildable.flatMap(({ fixed, why }) => withWhy(fixed, `not verified: ${why}`))];
      const isNew = ({ path, stage }: LeftOut) => !without.some((one) => one.path === path && one.stage === stage);
      // What still changes a target whose own fixes are left out already is not known: nothing is certain then.
      const out = found.length > 0 && !found.some(isNew) ? withWhy(planned.result.report.findings.filter(({ status }) => status === 'pending'), found[0]!.why) : found.filter(isNew);
      if (out.length === 0) return { verified: verifiedWith(session, planned, proofs), failed, unbuildable, without };
      without.push(...out);
      planned = plan(paths, { ...options, without });
    }
  });
}

/** What a subject is built from and how it is run, to know whether another round's is the same. */
function identityOf({ path, stage, service, before, after }: Subject): string {
  const sides = [before, after].map((side) => ({ ...side, overlay: [...side.overlay].map(([at, content]) => [at, content?.toString('base64')]) }));
  return JSON.stringify([path, stage, service, sides]);
}

function withWhy(fixed: readonly FixedTarget[], why: string): LeftOut[] {
  return fixed.map(({ path, stage }) => ({ path, stage, why }));
}

function whyNot({ why, differences: [first] }: Pick<Proof, 'why' | 'differences'>): string {
  return `not verified: ${first ? `${first.rule}: ${first.message}` : (why ?? 'it differs')}`;
}

async function proveAll(subjects: readonly Subject[], planned: Plan, session: Session, { on = {}, jobs = JOBS }: VerifyOptions): Promise<Proof[]> {
  const alone = await mapLimited(jobs, subjects, async (subject) => {
    const proof = await prove(subject, session);
    on.proved?.(proof);
    return proof;
  });
  return proveTogether(alone, planned, session);
}

function verifiedWith({ engine, strict }: Session, { unbuildable, left, errors, result }: Plan, proofs: Proof[]): Verified {
  return { engine: engine.version, strict, proofs, unbuildable, left, errors, result };
}

/**
 * Runs what unroot would change as it is, `unsafe` fixes included, and records in the configuration which state it writes.
 * @throws as `verify`, and ConfigEditError for a configuration to which nothing can be added
 */
export async function verifyLearn(paths: readonly string[], options: VerifyOptions = {}): Promise<LearntAll> {
  const planned = plan(paths, { ...options, unsafe: true, base: undefined });
  return withSession({ ...options, strict: false }, planned, async (session) => {
    const learnt = await mapLimited(options.jobs ?? JOBS, planned.subjects.filter(({ before }) => !('image' in before.build)), (subject) => learn(subject, session));
    return { engine: session.engine.version, learnt, recorded: record(learnt, options.cwd ?? process.cwd()), unbuildable: planned.unbuildable, errors: planned.errors };
  });
}

/**
 * Brings a compose project up before and after, and compares every service; see `proveStack`.
 * @throws NoEngineError where there is no engine, EngineError where Compose can't read a tree or an image can't be built
 */
export async function verifyStack(plan: StackPlan, options: Pick<VerifyOptions, 'engine' | 'strict' | 'seconds' | 'signal' | 'on'> = {}): Promise<StackProof> {
  return withEngine(options, async (engine) => {
    const { strict = false, seconds = SECONDS } = options;
    return proveStack(plan, { engine, strict, seconds, strace: carryStrace(engine), network: NO_NETWORK });
  });
}

const NO_NETWORK: Network = { name: 'none', reach: 'address' };

/** An engine with a network, for as long as something is done with it. */
async function withSession<T>(options: VerifyOptions, planned: Plan, work: (session: Session) => Promise<T>): Promise<T> {
  const { on = {}, strict = false, seconds = SECONDS } = options;
  const isOpen = (options.network ?? false) || planned.subjects.some(({ egress }) => egress);
  return withEngine(options, async (engine) => {
    on.planned?.(planned, engine.version, isOpen);
    if (planned.subjects.length === 0) return work({ engine, strict, seconds, strace: { unavailable: '' }, network: NO_NETWORK });
    const network = await makeNetwork(engine, isOpen);
    return work({ engine, network, strict, seconds, strace: carryStrace(engine), whileRunning: on.running });
  });
}

/** An engine, without what runs left that were killed; what is made on it is taken away in the end. */
async function withEngine<T>({ engine: command = 'docker', signal, on = {} }: Pick<VerifyOptions, 'engine' | 'signal' | 'on'>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = Engine.open(command, signal);
  on.opened?.(() => engine.removeAllNow());
  try {
    await engine.removeLeftovers();
    return await work(engine);
  } finally {
    await engine.removeAll();
    on.closed?.();
  }
}
