import type { LearntReport, ObservationReport, VerifiedTarget, VerifyReport } from '../report/verify-report.ts';
import type { LearntAll, Verified } from './index.ts';
import type { Proof } from './pair.ts';
import type { Unbuildable } from './plan.ts';
import type { Observation, State } from './types.ts';

/** What was found, in the form that is reported: in the order of the paths. */
export function verifyReport({ engine, strict, proofs, unbuildable, left, errors, result }: Verified): VerifyReport {
  const targets = [...proofs.map(targetOf), ...unbuildable.map(unprovenOf)];
  const count = (outcome: Proof['outcome']) => targets.filter((target) => target.outcome === outcome).length;
  return {
    version: 1,
    engine,
    strict,
    targets,
    left,
    errors,
    summary: { holds: count('holds'), differs: count('differs'), unproven: count('unproven'), unsafe: result.report.summary.unsafe, left: left.length, errors: errors.length },
  };
}

/** What was learnt, in the form that is reported. */
export function learntReport({ engine, learnt, recorded, unbuildable, errors }: LearntAll): LearntReport {
  const targets = learnt.map(({ subject: { path, stage, line, service }, why, paths, findings }) => ({ path, stage, line, service, why, paths, findings }));
  const others = unbuildable.map(({ path, stage, line, why }) => ({ path, stage, line, service: undefined, why, paths: [], findings: [] }));
  return { version: 1, engine, targets: [...targets, ...others], recorded, errors };
}

function targetOf({ subject, outcome, why, differences, notes, denied, before, after, strict, seconds }: Proof): VerifiedTarget {
  const { path, stage, line, service } = subject;
  return {
    path,
    stage,
    line,
    service,
    outcome,
    why,
    differences: differences.map(({ rule, message }) => ({ rule, message })),
    notes,
    denied: denied.map(({ call, path: at, error }) => ({ call, path: at, error: error ?? '' })),
    before: before && observationOf(before),
    after: after && observationOf(after),
    strict: strict && observationOf(strict),
    growth: before && after && after.size - before.size,
    seconds: Math.round(seconds * 100) / 100,
  };
}

function unprovenOf({ path, stage, line, why }: Unbuildable): VerifiedTarget {
  const nothing = { before: undefined, after: undefined, strict: undefined, growth: undefined };
  return { path, stage, line, service: undefined, outcome: 'unproven', why, differences: [], notes: [], denied: [], ...nothing, seconds: 0 };
}

function observationOf({ user, state, processes, ports, udp, answers, written, size, log }: Observation): ObservationReport {
  return {
    user,
    state: stateOf(state),
    processes: processes.map(({ uid, gid, capabilities, command }) => ({ uid, gid, capabilities: capabilities?.toString(16), command })),
    ports,
    udp,
    answers: answers.map(({ ask, port, status, error }) => ({ ask, port, status, error })),
    written: written.map(({ path, how, owner }) => ({ path, how, owner: owner && `${owner.uid}:${owner.gid}`, mode: owner?.mode.toString(8).padStart(4, '0') })),
    size,
    log,
  };
}

function stateOf(state: State): string {
  if (state.kind === 'not started') return `not started: ${state.why}`;
  if (state.kind === 'ended') return `ended with status ${state.status}${state.why ? `: ${state.why}` : ''}`;
  return `running${state.health ? `, ${state.health}` : ''}`;
}
