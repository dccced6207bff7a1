import type { Discovered } from '../discover.ts';
import { fixedParent } from '../facts/built-upon.ts';
import { historyOf } from '../facts/history.ts';
import { type Judgement, type Reason, unique, type Verdict } from '../facts/judgement.ts';
import { effectiveUser } from '../facts/user.ts';
import { type SourceFile, stageLabel, type Target, type Unit } from '../project.ts';
import type { Rewritten, Settled } from '../rewrite.ts';
import { inTheWay } from './in-the-way.ts';
import { noteOnLastStage, notesOn } from './notes.ts';
import { positionAt } from './positions.ts';
import type { FileReport, FindingReport, Report, ServiceReport, Summary, TargetReport } from './report.ts';
import { serviceReports } from './services.ts';

/** What one group of files adds to a report, and what is to be written for it. */
export interface ReportPart extends Pick<Report, 'targets' | 'services' | 'findings' | 'files'> {
  sets: FixSet[];
}

/** Files that are written together or not at all, since a fix changes several of them, with what that mends. */
export interface FixSet {
  paths: string[];
  findings: FindingReport[];
  targets: TargetReport[];
  services: ServiceReport[];
}

/** The report on a group, before anything is written: what would be applied is pending. */
export function reportPart({ project, settled, judgements, changes, errors }: Rewritten, group: readonly SourceFile[], transforms: readonly string[]): ReportPart {
  const units = new Map(project.units.map((unit) => [unit.file.path, unit]));
  const targetsIn = (unit: Unit) => [...judgements.keys()].filter((target) => target.unit.file.path === unit.file.path);
  const brought = [...changes.values()].flatMap(({ file }) => (file.kind === 'brought' ? [file] : []));
  const files = [...group, ...brought].map(({ path }): FileReport => {
    const error = errors.find((one) => one.path === path);
    const change = changes.get(path);
    const unit = units.get(path);
    const unseen = project.unseen.flatMap((one) => (one.path === path ? [{ line: one.line, message: one.message }] : []));
    const notes = [...unseen, ...(unit ? [...notesOn(unit.dockerfile, transforms), ...noteOnLastStage(unit, targetsIn(unit))] : [])];
    return { path, status: error ? 'error' : change ? 'changed' : 'unchanged', error: error?.message, errorLine: error?.line, edits: change?.edits ?? [], notes };
  });
  const findings = new Map(settled.map((one) => [one, findingReport(one)]));
  const targets = new Map([...judgements].map(([target, judgement]) => [target, targetReport(target, judgement, settled)]));
  const services = serviceReports(project, settled, targets);
  return { targets: [...targets.values()], services, findings: [...findings.values()], files, sets: setsOf(settled, findings, targets, services) };
}

/** Applied fixes that share a file, or of which one builds on the other, are one set. */
function setsOf(settled: readonly Settled[], findings: ReadonlyMap<Settled, FindingReport>, targets: ReadonlyMap<Target, TargetReport>, services: readonly ServiceReport[]): FixSet[] {
  const setOf = new Map<string, FixSet>();
  for (const one of settled) {
    if (one.status !== 'applied') continue;
    const { edits, needs } = one.finding;
    const paths = [...new Set([...edits.map(({ path }) => path), ...(needs ? [needs.unit.file.path] : [])])];
    const joined = [...new Set(paths.flatMap((path) => setOf.get(path) ?? []))];
    const set: FixSet = {
      paths: [...new Set([...joined.flatMap((other) => other.paths), ...paths])],
      findings: [...joined.flatMap((other) => other.findings), findings.get(one)!],
      targets: [...new Set([...joined.flatMap((other) => other.targets), ...targetsOf(one, targets)])],
      services: [...new Set([...joined.flatMap((other) => other.services), ...servicesOf(one, services)])],
    };
    for (const path of set.paths) setOf.set(path, set);
  }
  return [...new Set(setOf.values())];
}

/** The targets that a fix takes off root: its own, and those that take over what they build on. */
function targetsOf({ finding, transform }: Settled, targets: ReadonlyMap<Target, TargetReport>): TargetReport[] {
  if (!transform.setsUser) return [];
  const { path } = finding.target.unit.file;
  return [...targets.values()].filter((one) => {
    const fixed = one.fixedWith ?? one;
    return fixed.path === path && fixed.stage === stageLabel(finding.target);
  });
}

/** The services that a fix takes off root: its own with those that share its text, or those that run its target. */
function servicesOf({ finding, transform }: Settled, services: readonly ServiceReport[]): ServiceReport[] {
  if (!transform.setsUser) return [];
  const { target, also } = finding;
  const { standsFor } = target;
  if (!standsFor) return services.filter(({ runs }) => runs?.path === target.unit.file.path && runs.stage === stageLabel(target));
  return services.filter(({ path, name }) => [standsFor, ...(also ?? [])].some((one) => one.path === path && one.source.name === name));
}

/** The report of a whole run, in the order of the paths. */
export function buildReport(parts: readonly Omit<ReportPart, 'sets'>[], { errors: unread, left }: Discovered, notes: string[] = []): Report {
  const targets = inOrder(parts.flatMap((part) => part.targets));
  const services = inOrder(parts.flatMap((part) => part.services));
  const findings = inOrder(parts.flatMap((part) => part.findings));
  const unreadFiles = unread.map(({ path, line, message }): FileReport => ({ path, status: 'error', error: message, errorLine: line, edits: [], notes: [] }));
  const files = inOrder([...parts.flatMap((part) => part.files), ...unreadFiles]);
  return { version: 1, targets, services, findings, files, notes, summary: summarize(targets, services, findings, files, left.length) };
}

function inOrder<T extends { path: string }>(items: T[]): T[] {
  return items.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}

function findingReport({ finding, transform, status, skipped, start, end, original }: Settled): FindingReport {
  const from = positionAt(original, start);
  const to = positionAt(original, end);
  return {
    transform: transform.name,
    path: finding.path,
    stage: stageLabel(finding.target),
    ...(finding.target.standsFor ? { service: stageLabel(finding.target) } : {}),
    ...(finding.also?.length ? { also: finding.also.map((one) => ({ path: one.path, service: one.source.name })) } : {}),
    line: from.line,
    column: from.column,
    endLine: to.line,
    endColumn: to.column,
    message: finding.message,
    files: [...new Set(finding.edits.map(({ path }) => path))].sort(),
    safety: finding.safety,
    status: status === 'applied' ? 'pending' : status,
    skipped,
  };
}

function targetReport(target: Target, judgement: Judgement, settled: readonly Settled[]): TargetReport {
  const all = settled.filter(({ finding }) => finding.target.unit.file.path === target.unit.file.path && stageLabel(finding.target) === stageLabel(target));
  const own = all.filter(({ transform }) => transform.setsUser);
  // One that takes over what it builds on has no fix of its own.
  const parent = own.length === 0 && judgement.verdict === 'fixable' ? fixedParent(target) : undefined;
  if (parent) return { ...targetReport(parent, judgement, settled), ...placeOf(target), userBefore: effectiveUser(target).text, fixedWith: { path: parent.unit.file.path, stage: stageLabel(parent) } };
  const fix = own.find(({ status }) => status !== 'manual');
  const manual = own.find(({ status }) => status === 'manual');
  const isDropped = fix?.status === 'skipped' && !/^(unsafe|not verified)/.test(fix.skipped ?? '');
  const leftOut: Reason[] = isDropped ? [{ rule: 'fix-left-out', message: fix!.skipped!, line: target.stage.from.line }] : [];
  const besides = all.filter(({ transform }) => !transform.setsUser).flatMap(inTheWay);
  return {
    ...placeOf(target),
    verdict: (manual && !fix) || isDropped ? 'refused' : judgement.verdict,
    safety: fix?.status === 'applied' && all.some(({ status, finding }) => status === 'applied' && finding.safety === 'unsafe') ? 'unsafe' : (fix ?? manual)?.finding.safety,
    userBefore: effectiveUser(target).text,
    userAfter: fix?.finding.user,
    reasons: unique([...judgement.reasons, ...leftOut, ...((fix ?? manual)?.finding.reasons ?? []), ...besides]),
  };
}

function placeOf(target: Target): Pick<TargetReport, 'path' | 'stage' | 'line' | 'base'> {
  const { base } = historyOf(target.stage, target.unit);
  return { path: target.unit.file.path, stage: stageLabel(target), line: target.stage.from.line, base: base.text };
}

function summarize(targets: readonly TargetReport[], services: readonly ServiceReport[], findings: readonly FindingReport[], files: readonly FileReport[], left: number): Summary {
  const verdicts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of targets) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const serviceVerdicts: Summary['serviceVerdicts'] = {};
  for (const { verdict, runs } of services) if (!runs) serviceVerdicts[verdict] = (serviceVerdicts[verdict] ?? 0) + 1;
  const count = (status: FindingReport['status']) => findings.filter((finding) => finding.status === status).length;
  return {
    files: files.length,
    targets: targets.length,
    verdicts,
    services: services.length,
    serviceVerdicts,
    fixes: { pending: count('pending'), applied: count('applied'), skipped: count('skipped'), manual: count('manual') },
    unsafe: findings.filter(({ status, safety, skipped }) => status === 'skipped' && safety === 'unsafe' && skipped?.startsWith('unsafe')).length,
    errors: files.filter(({ status }) => status === 'error').length,
    left,
  };
}
