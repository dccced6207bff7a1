import { countsOf, growthOf, lastWordsOf, nameOfTarget, portsOf, usersOf, type VerifiedTarget, type VerifyReport } from './verify-report.ts';

const WORDS = { holds: 'holds', differs: '**differs**', unproven: 'could not be shown' } as const;

/** The result as a section for a pull request. */
export function verifyMarkdown(report: VerifyReport): string {
  const { targets, left, errors, engine, summary, strict } = report;
  const head = ['### Built and run before and after', '', `${engine}${strict ? ', also as a locked-down cluster would run it' : ''}: ${countsOf(summary)}.`];
  const rows = targets.map((target) => `| ${code(nameOfTarget(target))} | ${WORDS[target.outcome]} | ${usersOf(target)} | ${portsOf(target).join(', ')} | ${growthOf(target)} |`);
  const table = rows.length > 0 ? ['', '| target | result | runs as | ports | image |', '|---|---|---|---|---|', ...rows] : [];
  const details = targets.filter(({ outcome, notes }) => outcome !== 'holds' || notes.length > 0).flatMap(detailsOf);
  const rest = [...left.map((one) => `- ${code(nameOfTarget(one))} was left: ${plain(one.why)}`), ...errors.map(({ path, message }) => `- ${code(path)}: ${plain(message)}`)];
  return `${[...head, ...table, ...details, ...(rest.length > 0 ? ['', ...rest] : [])].join('\n')}\n`;
}

function detailsOf(target: VerifiedTarget): string[] {
  const { why, differences, notes } = target;
  const items = [...(why === undefined ? [] : [plain(why)]), ...differences.map(({ rule, message }) => `**${rule}**: ${plain(message)}`), ...notes.map((note) => `note: ${plain(note)}`)];
  const words = lastWordsOf(target);
  const log = words.length > 0 ? ['', '<details><summary>its last words</summary>', '', fence(words), '', '</details>'] : [];
  return ['', `${code(nameOfTarget(target))}`, '', ...items.map((item) => `- ${item}`), ...log];
}

/** What programs say may hold anything. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}

/** Longer than any run of backticks inside. */
function fence(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)));
  const mark = '`'.repeat(longest + 1);
  return [mark, ...lines, mark].join('\n');
}
