import type { Result } from '../index.ts';
import type { Container } from './container.ts';
import { Engine } from './engine.ts';
import { learn, type Learnt } from './learn.ts';
import { makeNetwork } from './network.ts';
import { type Proof, prove, type Session } from './pair.ts';
import { mapLimited } from './parallel.ts';
import { type Plan, plan, type PlanOptions, type Subject } from './plan.ts';
import { record, type Recorded } from './record.ts';
import { carryStrace } from './strace.ts';

export { VERIFY_RULES, type Difference, type VerifyRule } from './compare.ts';
export { EngineError, NoEngineError } from './engine.ts';
export { GitError } from './git.ts';
export type { Container } from './container.ts';
export type { Learnt, Proof, Recorded, Subject };
export type { Answer } from './talk.ts';
export type { Observation } from './types.ts';

export interface VerifyOptions extends PlanOptions {
  /** The engine's command; `docker` by default. */
  engine?: string | undefined;
  /** How many targets are worked on at once; 2 by default. */
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
  /** Before anything is built: what is about to be. */
  planned: (plan: Plan, engine: string) => void;
  proved: (proof: Proof) => void;
  /** While a program runs and after it was asked: for questions of one's own. */
  running: (container: Container, side: 'before' | 'after', subject: Subject) => Promise<void>;
  /** Takes all away without waiting, for a process that has to end. */
  opened: (removeNow: () => void) => void;
}

export interface Verified {
  engine: string;
  strict: boolean;
  proofs: Proof[];
  left: Plan['left'];
  errors: Plan['errors'];
  result: Result;
}

export interface LearntAll {
  engine: string;
  learnt: Learnt[];
  /** The configurations that were written. */
  recorded: Recorded[];
  errors: Plan['errors'];
}

const JOBS = 2;
const SECONDS = 30;

/**
 * Builds and runs every target that unroot would change, or that changed since `base`, before and after, and
 * compares. Nothing is written into the work tree.
 * @throws NoEngineError where there is no engine, GitError, UsageError; EngineError where the engine fails in what is no target's fault
 */
export async function verify(paths: readonly string[], options: VerifyOptions = {}): Promise<Verified> {
  const { on = {}, jobs = JOBS } = options;
  const planned = plan(paths, options);
  return withSession(options, planned, async (session) => {
    const proofs = await mapLimited(jobs, planned.subjects, async (subject) => {
      const proof = await prove(subject, session);
      on.proved?.(proof);
      return proof;
    });
    return { engine: session.engine.version, strict: session.strict, proofs, left: planned.left, errors: planned.errors, result: planned.result };
  });
}

/**
 * Runs what unroot would change as it is, `unsafe` fixes included, and records in the configuration which state it writes.
 * @throws as `verify`, and ConfigEditError for a configuration to which nothing can be added
 */
export async function verifyLearn(paths: readonly string[], options: VerifyOptions = {}): Promise<LearntAll> {
  const planned = plan(paths, { ...options, unsafe: true, base: undefined });
  return withSession({ ...options, strict: false }, planned, async (session) => {
    const learnt = await mapLimited(options.jobs ?? JOBS, planned.subjects, (subject) => learn(subject, session));
    return { engine: session.engine.version, learnt, recorded: record(learnt, options.cwd ?? process.cwd()), errors: planned.errors };
  });
}

/** An engine with a network, for as long as something is done with it. */
async function withSession<T>(options: VerifyOptions, planned: Plan, work: (session: Session) => Promise<T>): Promise<T> {
  const { on = {}, strict = false, seconds = SECONDS, signal } = options;
  const engine = Engine.open(options.engine ?? 'docker', signal);
  on.opened?.(() => engine.removeAllNow());
  try {
    on.planned?.(planned, engine.version);
    await engine.removeLeftovers();
    if (planned.subjects.length === 0) return await work({ engine, strict, seconds, strace: { unavailable: '' }, network: { name: 'none', reach: 'address' } });
    const isOpen = (options.network ?? false) || planned.subjects.some(({ egress }) => egress);
    const network = await makeNetwork(engine, isOpen);
    return await work({ engine, network, strict, seconds, strace: carryStrace(engine), whileRunning: on.running });
  } finally {
    await engine.removeAll();
  }
}

