import { lineAt } from '../compose/yaml.ts';
import { type Reason, unique } from '../facts/judgement.ts';
import { judgeService, standsAlone, userOfService } from '../facts/services/judge.ts';
import { builtFor } from '../facts/services/target.ts';
import { usesOf } from '../facts/services/uses.ts';
import { type LinkedService, type Project, stageLabel, type Target } from '../project.ts';
import type { Settled } from '../rewrite.ts';
import { inTheWay } from './in-the-way.ts';
import type { ServiceReport, TargetReport } from './report.ts';

/** The report on every service of a project, each name of a file once. */
export function serviceReports(project: Project, settled: readonly Settled[], targets: ReadonlyMap<Target, TargetReport>): ServiceReport[] {
  const reports = new Map<string, ServiceReport>();
  const findings = findingsByService(settled);
  for (const linked of project.services) {
    const key = keyOf(linked);
    if (!reports.has(key)) reports.set(key, serviceReport(linked, project, findings.get(key), besides(linked, settled), targets));
  }
  return [...reports.values()];
}

/** By service: the finding that is about it, else one that gives it the same change. */
function findingsByService(settled: readonly Settled[]): Map<string, Settled> {
  const found = new Map<string, Settled>();
  for (const one of settled) for (const other of one.finding.also ?? []) found.set(keyOf(other), one);
  for (const one of settled.toReversed()) if (one.finding.target.standsFor && one.transform.setsUser) found.set(keyOf(one.finding.target.standsFor), one);
  return found;
}

/** What keeps something else from being mended in a service, such as its port. */
function besides(linked: LinkedService, settled: readonly Settled[]): Reason[] {
  return settled.flatMap((one) => (!one.transform.setsUser && one.finding.target.standsFor && keyOf(one.finding.target.standsFor) === keyOf(linked) ? inTheWay(one) : []));
}

function keyOf({ path, source }: LinkedService): string {
  return `${path}\n${source.name}`;
}

function serviceReport(linked: LinkedService, project: Project, own: Settled | undefined, others: readonly Reason[], targets: ReadonlyMap<Target, TargetReport>): ServiceReport {
  const { service, path, source, file } = linked;
  const place = { path, name: source.name, line: lineAt(file.text, source.key.start), image: service.image, build: service.build?.context };
  const target = builtFor(linked, project);
  const built = target && targets.get(target);
  if (!own && target && built && !standsAlone(linked, project)) return { ...place, ...ofTarget(target, built), ...usesBy(linked, project, built.userAfter) };
  const judgement = judgeService(linked, project);
  const isDropped = own?.status === 'skipped' && own.finding.safety !== 'unsafe';
  const isFix = own !== undefined && own.status !== 'manual' && !isDropped;
  return {
    ...place,
    verdict: isFix ? 'fixable' : own !== undefined ? 'refused' : judgement.verdict,
    safety: own?.finding.safety,
    userBefore: userOfService(linked, project),
    userAfter: isFix ? own.finding.user : undefined,
    ...usesBy(linked, project, isFix ? own.finding.user : undefined),
    reasons: unique([...(own ? [] : judgement.reasons), ...ofService(source.name, own?.finding.reasons ?? []), ...(isDropped ? [dropped(own)] : []), ...others]),
  };
}

/** The reasons of a fix that are a service's own, where the fix changes several. */
function ofService(name: string, reasons: readonly Reason[]): Reason[] {
  return reasons.filter(({ service }) => service === undefined || service === name);
}

/** What a service uses, where it is to run as somebody else. */
function usesBy(linked: LinkedService, project: Project, user: string | undefined): Pick<ServiceReport, 'uses'> {
  return user === undefined ? {} : { uses: usesOf(linked, project) };
}

function dropped({ skipped }: Settled): Reason {
  return { rule: 'shared-text', message: skipped ?? 'its fix was dropped' };
}

/** A service that runs a target has its verdict. */
function ofTarget(target: Target, { verdict, safety, userBefore, userAfter, reasons }: TargetReport): Omit<ServiceReport, 'path' | 'name' | 'line' | 'image' | 'build'> {
  return { verdict, safety, userBefore, userAfter, reasons, runs: runs(target) };
}

function runs(target: Target): NonNullable<ServiceReport['runs']> {
  return { path: target.unit.file.path, stage: stageLabel(target) };
}
