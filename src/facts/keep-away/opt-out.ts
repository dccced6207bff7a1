import type { Comment } from '../../dockerfile/scan.ts';
import type { KeepAway } from './index.ts';
import { historyOf } from '../history.ts';

/** RULES A3: a comment that asks to leave this finding alone, ours or another scanner's, in the target's own chain. */
export const optedOut: KeepAway = ({ unit, stage }) => {
  const { comments, stages } = unit.dockerfile;
  const chain = new Set(historyOf(stage, unit).stages);
  for (const comment of comments) {
    const words = optOut(comment.text);
    if (words === undefined) continue;
    const next = stages.findIndex((one) => one.from.start > comment.start);
    const inStage = stages[(next < 0 ? stages.length : next) - 1];
    // A comment right above a FROM speaks of the stage that follows; one at the top of the file, of all.
    const followed = next >= 0 && isAttached(comment, stages[next]!.from.line, comments) ? stages[next] : undefined;
    if (inStage === undefined || chain.has(inStage) || (followed && chain.has(followed))) {
      return { rule: 'opted-out', message: `a comment asks to leave it: ${words}`, line: comment.line };
    }
  }
  return undefined;
};

/** The transforms that end root in a Dockerfile. */
const ACCOUNTS = new Set(['run-as-user', 'scratch-user']);

/** What an opt-out comment says, undefined for another comment. */
function optOut(text: string): string | undefined {
  const own = /^unroot\s+ignore(?:=([\w,-]+))?\s*(.*)$/.exec(text);
  if (own) return own[1] === undefined || own[1].split(',').some((name) => ACCOUNTS.has(name)) ? own[2] || 'no reason is given' : undefined;
  const others =
    /\btrivy:ignore:(AVD-)?DS-?0002\b/.test(text) ||
    /\bcheckov:skip=CKV_DOCKER_3\b/.test(text) ||
    /\bnosemgrep:.*missing-user/.test(text) ||
    /\bhadolint\s.*ignore=[\w,]*\bDL3002\b/.test(text);
  return others ? text : undefined;
}

function isAttached(comment: Comment, fromLine: number, comments: readonly Comment[]): boolean {
  let line = comment.line + 1;
  while (comments.some((other) => other.line === line)) line += 1;
  return line === fromLine;
}
