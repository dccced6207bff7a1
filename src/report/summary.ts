import type { Reason, Verdict } from '../facts/judgement.ts';
import type { Use } from '../facts/services/uses.ts';
import type { FindingReport, Report, ServiceReport, TargetReport } from './report.ts';

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
  const belongings = belongingsIn(report);
  const told: Told = new Map();
  for (const target of report.targets) lines.push(...targetLines(target, belongings(target.path, target.stage), told, paint));
  for (const service of report.services) lines.push(...serviceLines(service, belongings(service.path, service.name), told, paint));
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

/** What a report has of a target or a service beside its verdict. */
interface Belongings {
  findings: FindingReport[];
  /** Whether a fix of it, or one that it gets along with another, is pending or made. */
  pending: boolean;
  /** The services that run it. */
  services: ServiceReport[];
}

/** What somebody was told to give away, and where that stands: a volume that several keep their data in is given away once. */
type Told = Map<string, string>;

/** They are looked up once, by file and stage or name: there may be thousands of each. */
function belongingsIn({ findings, services }: Report): (path: string, stage: string) => Belongings {
  const known = new Map<string, Belongings>();
  const at = (path: string, stage: string): Belongings => {
    const key = `${path}\n${stage}`;
    let found = known.get(key);
    if (!found) known.set(key, (found = { findings: [], pending: false, services: [] }));
    return found;
  };
  for (const finding of findings) {
    const own = at(finding.path, finding.stage);
    own.findings.push(finding);
    if (finding.status !== 'pending' && finding.status !== 'applied') continue;
    for (const one of [own, ...(finding.also ?? []).map(({ path, service }) => at(path, service))]) one.pending = true;
  }
  for (const service of services) if (service.runs) at(service.runs.path, service.runs.stage).services.push(service);
  return at;
}

function targetLines(target: TargetReport, { findings, pending, services }: Belongings, told: Told, paint: SummaryOptions['paint']): string[] {
  const { path, line, stage } = target;
  const used = services.flatMap((service) => usesLines(service, `${service.name} `, paint));
  return [...verdictLines(`${path}:${line}${/^\d+$/.test(stage) ? '' : ` (${stage})`}`, target, pending, whyLeftOut(findings), false, told, paint), ...used];
}

/** A service that runs a target has its word there. */
function serviceLines(service: ServiceReport, { findings, pending }: Belongings, told: Told, paint: SummaryOptions['paint']): string[] {
  const { path, line, name, runs } = service;
  if (runs) return [];
  return [...verdictLines(`${path}:${line} (${name})`, service, pending, whyLeftOut(findings), true, told, paint), ...usesLines(service, '', paint)];
}

/** What the account of a service must be able to do with what is mounted, in one line; JSON has it in full. */
function usesLines({ uses }: ServiceReport, whose: string, paint: SummaryOptions['paint']): string[] {
  const parts = (['writes', 'reads'] as const).flatMap((what) => {
    const named = (uses ?? []).filter(({ access }) => `${access}s` === what).map(shownUse);
    const more = named.length > MAX_USES ? ` and ${named.length - MAX_USES} more` : '';
    return named.length === 0 ? [] : [`${what} ${named.slice(0, MAX_USES).join(', ')}${more}`];
  });
  return parts.length === 0 ? [] : [paint('dim', `    ${whose}${parts.join('; ')}`)];
}

const MAX_USES = 4;

function shownUse({ kind, source, target, access, holds }: Use): string {
  const what = kind === 'secret' || kind === 'config' ? `the ${kind} ${source}` : (source ?? target);
  return access === 'read' && holds === undefined && kind !== 'volume' ? `${what} (not in sight)` : holds === false ? `${what} (closed)` : what;
}

function verdictLines(where: string, { verdict, safety, userBefore, userAfter, reasons }: TargetReport | ServiceReport, pending: boolean, leftOut: readonly string[], everyAdvice: boolean, told: Told, paint: SummaryOptions['paint']): string[] {
  if (verdict === 'nonroot') return [];
  const isFix = verdict === 'fixable' || verdict === 'fixed';
  const what = isFix ? `${userBefore ?? 'root'} → ${userAfter ?? '?'}, ${safety ?? 'safe'}${pending || verdict === 'fixed' ? '' : ', left out'}` : '';
  const lines = [`${where}  ${paint(STYLES[verdict], verdict)}${what ? `  ${what}` : ''}${isFix ? '' : `  ${explain(reasons[0])}`}`];
  // Of what keeps it as it is, the first reason decides; what it installs at its start is to be mended whatever that is.
  const shown = isFix ? reasons : reasons.filter(({ rule }, index) => index === 0 || rule === 'installs-at-start');
  for (const reason of isFix ? shown : shown.slice(1)) lines.push(`    ${explain(reason)}`);
  if (isFix && !pending) lines.push(...leftOut.map((why) => `    ${why}`));
  const [first, ...others] = shown.filter(({ advice }) => advice !== undefined);
  // What has to be done with data is no more left out than the fix.
  const heard = others.filter(({ rule }) => !isFix || everyAdvice || rule === 'data');
  for (const advice of new Set([first, ...heard].flatMap((reason) => (reason ? adviceLines(reason, where, told) : [])))) lines.push(paint('dim', `    ${advice}`));
  return lines;
}

/** The lines of an advice; of what another has a command for only who that is. */
function adviceLines({ advice, gives = [] }: Reason, where: string, told: Told): string[] {
  return (advice?.split('\n') ?? []).flatMap((line, index) => {
    const what = gives[index];
    if (what === undefined) return [line];
    const before = told.get(what);
    if (before === undefined) told.set(what, where);
    return before === undefined ? [line] : before === where ? [] : [`${what}: once is enough, as said for ${before}`];
  });
}

/** Why fixes were left out, but for those that wait for `--unsafe`, which the counts tell. */
function whyLeftOut(findings: readonly FindingReport[]): string[] {
  return [...new Set(findings.flatMap(({ status, skipped }) => (status !== 'skipped' || skipped === undefined || skipped.startsWith('unsafe') ? [] : [skipped])))];
}

function explain(reason: Reason | undefined): string {
  if (!reason) return '';
  return `${reason.rule}: ${reason.message}${reason.line ? ` (line ${reason.line})` : ''}`;
}

function counts({ summary }: Report, paint: SummaryOptions['paint']): string[] {
  const { verdicts, serviceVerdicts, fixes, unsafe, errors, left, targets, files } = summary;
  const services = Object.values(serviceVerdicts).reduce((sum, number) => sum + number, 0);
  const both = (verdict: Verdict) => (verdicts[verdict] ?? 0) + (serviceVerdicts[verdict] ?? 0);
  const counted = services === 0 ? `${targets} ${targets === 1 ? 'target' : 'targets'}` : `${targets} ${targets === 1 ? 'target' : 'targets'} and ${services} ${services === 1 ? 'service' : 'services'}`;
  const parts = [
    fixes.pending > 0 ? `${fixes.pending} to fix` : '',
    fixes.applied > 0 ? `${fixes.applied} fixed` : '',
    unsafe > 0 ? `${unsafe} unsafe left out` : '',
    count(both('nonroot'), 'non-root already'),
    count(both('drops'), 'drop by themselves'),
    count(both('refused'), 'refused'),
    count(both('unknown'), 'unknown'),
    count(errors, errors === 1 ? 'error' : 'errors'),
  ].filter(Boolean);
  const lines = [paint('bold', `${counted} in ${files} ${files === 1 ? 'file' : 'files'}: ${parts.join(', ') || 'nothing to do'}`)];
  if (unsafe > 0) lines.push(`--unsafe applies the ${unsafe} that rest on something out of sight`);
  if (left > 0) lines.push(`${left} left under vendor, testdata, fixtures or the like; name them to have them changed`);
  return lines;
}

function count(number: number | undefined, what: string): string {
  return number ? `${number} ${what}` : '';
}
