import { lineAt } from '../compose/yaml.ts';
import type { Reason } from '../facts/judgement.ts';
import { judgeService, standsAlone, userOfService } from '../facts/services/judge.ts';
import { builtFor } from '../facts/services/target.ts';
import { type LinkedService, type Project, stageLabel, type Target } from '../project.ts';
import type { Settled } from '../rewrite.ts';
import type { ServiceReport, TargetReport } from './report.ts';

/** The report on every service of a project, each name of a file once. */
export function serviceReports(project: Project, settled: readonly Settled[], targets: ReadonlyMap<Target, TargetReport>): ServiceReport[] {
  const reports = new Map<string, ServiceReport>();
  for (const linked of project.services) {
    const key = `${linked.path}\n${linked.source.name}`;
    if (!reports.has(key)) reports.set(key, serviceReport(linked, project, settled, targets));
  }
  return [...reports.values()];
}

function serviceReport(linked: LinkedService, project: Project, settled: readonly Settled[], targets: ReadonlyMap<Target, TargetReport>): ServiceReport {
  const { service, path, source, file } = linked;
  const place = { path, name: source.name, line: lineAt(file.text, source.key.start), image: service.image, build: service.build?.context };
  const own = settled.find(({ finding }) => finding.target.standsFor !== undefined && isThis(finding.target.standsFor, linked)) ?? settled.find(({ finding }) => (finding.also ?? []).some((one) => isThis(one, linked)));
  const target = builtFor(linked, project);
  const built = target && targets.get(target);
  if (!own && target && built && !standsAlone(linked, project)) return { ...place, ...ofTarget(target, built) };
  const judgement = judgeService(linked, project);
  const isDropped = own?.status === 'skipped' && own.finding.safety !== 'unsafe';
  const isFix = own !== undefined && own.status !== 'manual' && !isDropped;
  return {
    ...place,
    verdict: isFix ? 'fixable' : own !== undefined ? 'refused' : judgement.verdict,
    safety: own?.finding.safety,
    userBefore: userOfService(linked, project),
    userAfter: isFix ? own.finding.user : undefined,
    reasons: [...(own ? [] : judgement.reasons), ...(own?.finding.reasons ?? []), ...(isDropped ? [dropped(own)] : [])],
  };
}

function isThis(one: LinkedService, { path, source }: LinkedService): boolean {
  return one.path === path && one.source.name === source.name;
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
