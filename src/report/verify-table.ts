import { countsOf, growthOf, lastWordsOf, nameOfTarget, portsOf, usersOf, type VerifiedTarget, type VerifyReport } from './verify-report.ts';

type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string;

const STYLES = { holds: 'green', differs: 'red', unproven: 'yellow' } as const;
const LOG_LINES = 5;

/** The result as a table, for people: a row a target, and below it what is wrong. */
export function verifyTable(report: VerifyReport, paint: Paint): string {
  const rows = report.targets.map((target) => [nameOfTarget(target), target.outcome, usersOf(target), portsOf(target).join(' '), growthOf(target), `${target.seconds.toFixed(1)} s`]);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = report.targets.flatMap((target, index) => [rowOf(rows[index]!, widths, target, paint), ...below(target, paint)]);
  const left = report.left.map((one) => `${nameOfTarget(one)}  ${paint('yellow', 'left')}  ${one.why}`);
  const errors = report.errors.map(({ path, message }) => `${path}  ${paint('red', 'error')}  ${message}`);
  return [...lines, ...left, ...errors, paint('bold', countsOf(report.summary))].map((line) => `${line}\n`).join('');
}

function rowOf(cells: readonly string[], widths: readonly number[], { outcome }: VerifiedTarget, paint: Paint): string {
  const padded = cells.map((cell, column) => cell.padEnd(widths[column]!));
  padded[1] = paint(STYLES[outcome], padded[1]!);
  return padded.join('  ').trimEnd();
}

function below(target: VerifiedTarget, paint: Paint): string[] {
  const { why, differences, notes } = target;
  const lines = [...(why === undefined ? [] : [`    ${why}`]), ...differences.map(({ rule, message }) => `    ${rule}: ${message}`)];
  return [...lines, ...lastWordsOf(target).slice(-LOG_LINES).map((line) => paint('dim', `    | ${line}`)), ...notes.map((note) => paint('dim', `    ${note}`))];
}
