import type { Discovered } from '../discover.ts';
import { historyOf } from '../facts/history.ts';
import type { Judgement, Verdict } from '../facts/judgement.ts';
import { effectiveUser } from '../facts/user.ts';
import { stageLabel, type Target } from '../project.ts';
import type { Rewritten, Settled } from '../rewrite.ts';
import { positionAt } from './positions.ts';
import type { FileReport, FindingReport, Report, Summary, TargetReport } from './report.ts';

/** The report of a run, before anything is written: what would be applied is pending. */
export function buildReport({ settled, judgements, changes, errors }: Rewritten, { files, errors: unread, left }: Discovered): Report {
  const allErrors = [...unread, ...errors];
  const findings = settled.map(findingReport);
  const targets = [...judgements].map(([target, judgement]) => targetReport(target, judgement, settled));
  const fileReports: FileReport[] = [
    ...files.map(({ path }): FileReport => {
      const error = errors.find((one) => one.path === path);
      const change = changes.get(path);
      return { path, status: error ? 'error' : change ? 'changed' : 'unchanged', error: error?.message, errorLine: error?.line, edits: change?.edits ?? [] };
    }),
    ...unread.map(({ path, line, message }): FileReport => ({ path, status: 'error', error: message, errorLine: line, edits: [] })),
  ];
  fileReports.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
  return { version: 1, targets, services: [], findings, files: fileReports, summary: summarize(targets, findings, files.length, allErrors.length, left.length) };
}

function findingReport({ finding, transform, status, skipped, start, end }: Settled): FindingReport {
  const { text } = finding.target.unit.file;
  const from = positionAt(text, start);
  const to = positionAt(text, end);
  return {
    transform: transform.name,
    path: finding.path,
    stage: stageLabel(finding.target),
    line: from.line,
    column: from.column,
    endLine: to.line,
    endColumn: to.column,
    message: finding.message,
    safety: finding.safety,
    status: status === 'applied' ? 'pending' : status,
    skipped,
  };
}

function targetReport(target: Target, judgement: Judgement, settled: readonly Settled[]): TargetReport {
  const own = settled.filter(({ finding }) => finding.target.unit.file.path === target.unit.file.path && stageLabel(finding.target) === stageLabel(target));
  const fix = own.find(({ status }) => status !== 'manual');
  const manual = own.find(({ status }) => status === 'manual');
  const isDropped = fix?.status === 'skipped' && !fix.skipped?.startsWith('unsafe');
  return {
    path: target.unit.file.path,
    stage: stageLabel(target),
    line: target.stage.from.line,
    base: historyOf(target.stage, target.unit.dockerfile).base.text,
    verdict: (manual && !fix) || isDropped ? 'refused' : judgement.verdict,
    safety: (fix ?? manual)?.finding.safety,
    userBefore: effectiveUser(target).text,
    userAfter: fix?.finding.user,
    reasons: [...judgement.reasons, ...((fix ?? manual)?.finding.reasons ?? [])],
  };
}

function summarize(targets: readonly TargetReport[], findings: readonly FindingReport[], files: number, errors: number, left: number): Summary {
  const verdicts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of targets) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  const count = (status: FindingReport['status']) => findings.filter((finding) => finding.status === status).length;
  return {
    files,
    targets: targets.length,
    verdicts,
    fixes: { pending: count('pending'), applied: count('applied'), skipped: count('skipped'), manual: count('manual') },
    unsafe: findings.filter(({ status, safety, skipped }) => status === 'skipped' && safety === 'unsafe' && skipped?.startsWith('unsafe')).length,
    errors,
    left,
  };
}
