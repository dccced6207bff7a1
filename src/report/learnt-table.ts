import { type LearntReport, nameOfTarget } from './verify-report.ts';

type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string;

/** What was learnt, for people: what each target writes, what a person must see to, and where it was recorded. */
export function learntTable({ targets, recorded, errors }: LearntReport, paint: Paint): string {
  const lines = targets.flatMap((target) => {
    const { why, paths, findings } = target;
    const word = why !== undefined ? paint('yellow', 'unproven') : paths.length > 0 ? paint('green', 'writes') : paint('dim', 'writes nothing of its own');
    return [`${nameOfTarget(target)}  ${word}${paths.length > 0 ? `  ${paths.join(' ')}` : ''}`, ...[...(why === undefined ? [] : [why]), ...findings].map((line) => `    ${line}`)];
  });
  const failed = errors.map(({ path, message }) => `${path}  ${paint('red', 'error')}  ${message}`);
  const end = recorded.length > 0 ? recorded.map(({ path, isNew }) => `${path} ${isNew ? 'was made' : 'was changed'}; unroot now gives these paths to the account`) : ['nothing to record'];
  return [...lines, ...failed, ...end.map((line) => paint('bold', line))].map((line) => `${line}\n`).join('');
}
