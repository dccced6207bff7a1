import type { Reason, Verdict } from '../facts/judgement.ts';
import type { Report, TargetReport } from './report.ts';

export interface SummaryOptions {
  /** Wraps a text in a colour, or gives it back as it is. */
  paint: (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string;
}

/** What a person reads on stderr: one line a target that needs a word, then the counts. */
export function summarizeForPeople(report: Report, { paint }: SummaryOptions): string {
  const lines: string[] = [];
  for (const { path, error, errorLine, status } of report.files) {
    if (status === 'error') lines.push(`${path}${errorLine ? `:${errorLine}` : ''}  ${paint('red', 'error')}  ${error}`);
  }
  for (const { path, notes } of report.files) for (const { line, message } of notes) lines.push(`${path}:${line}  ${paint('dim', 'note')}  ${message}`);
  for (const target of report.targets) lines.push(...targetLines(target, report, paint));
  lines.push(...report.notes, ...counts(report, paint));
  return `${lines.join('\n')}\n`;
}

const STYLES: Record<Verdict, 'bold' | 'dim' | 'green' | 'yellow' | 'red'> = {
  nonroot: 'dim',
  fixable: 'green',
  fixed: 'green',
  drops: 'dim',
  refused: 'yellow',
  unknown: 'yellow',
};

function targetLines(target: TargetReport, report: Report, paint: SummaryOptions['paint']): string[] {
  const { path, line, stage, verdict, safety, userBefore, userAfter, reasons } = target;
  const where = `${path}:${line}${/^\d+$/.test(stage) ? '' : ` (${stage})`}`;
  if (verdict === 'nonroot') return [];
  const isFix = verdict === 'fixable' || verdict === 'fixed';
  const pending = isFix && isPending(target, report);
  const what = isFix ? `${userBefore} → ${userAfter ?? '?'}, ${safety ?? 'safe'}${pending || verdict === 'fixed' ? '' : ', left out'}` : '';
  const lines = [`${where}  ${paint(STYLES[verdict], verdict)}${what ? `  ${what}` : ''}${isFix ? '' : `  ${explain(reasons[0])}`}`];
  if (isFix) for (const reason of reasons) lines.push(`    ${explain(reason)}`);
  if (isFix && !pending) lines.push(...whyLeftOut(target, report).map((why) => `    ${why}`));
  const advice = reasons.find((reason) => reason.advice !== undefined)?.advice;
  if (advice !== undefined) lines.push(paint('dim', `    ${advice}`));
  return lines;
}

function isPending(target: TargetReport, report: Report): boolean {
  return report.findings.some(({ path, stage, status }) => path === target.path && stage === target.stage && (status === 'pending' || status === 'applied'));
}

/** Why fixes of a target were left out, but for those that wait for `--unsafe`, which the counts tell. */
function whyLeftOut(target: TargetReport, { findings }: Report): string[] {
  const own = findings.filter(({ path, stage, status }) => path === target.path && stage === target.stage && status === 'skipped');
  return [...new Set(own.flatMap(({ skipped }) => (skipped === undefined || skipped.startsWith('unsafe') ? [] : [skipped])))];
}

function explain(reason: Reason | undefined): string {
  if (!reason) return '';
  return `${reason.rule}: ${reason.message}${reason.line ? ` (line ${reason.line})` : ''}`;
}

function counts({ summary }: Report, paint: SummaryOptions['paint']): string[] {
  const { verdicts, fixes, unsafe, errors, left, targets, files } = summary;
  const parts = [
    fixes.pending > 0 ? `${fixes.pending} to fix` : '',
    fixes.applied > 0 ? `${fixes.applied} fixed` : '',
    unsafe > 0 ? `${unsafe} unsafe left out` : '',
    count(verdicts.nonroot, 'non-root already'),
    count(verdicts.drops, 'drop by themselves'),
    count(verdicts.refused, 'refused'),
    count(verdicts.unknown, 'unknown'),
    count(errors, errors === 1 ? 'error' : 'errors'),
  ].filter(Boolean);
  const lines = [paint('bold', `${targets} ${targets === 1 ? 'target' : 'targets'} in ${files} ${files === 1 ? 'file' : 'files'}: ${parts.join(', ') || 'nothing to do'}`)];
  if (unsafe > 0) lines.push(`--unsafe applies the ${unsafe} that rest on something out of sight`);
  if (left > 0) lines.push(`${left} left under vendor, testdata, fixtures or the like; name them to have them changed`);
  return lines;
}

function count(number: number | undefined, what: string): string {
  return number ? `${number} ${what}` : '';
}
