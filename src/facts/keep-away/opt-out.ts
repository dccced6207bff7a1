import type { Dockerfile } from '../../dockerfile/parse.ts';
import type { Comment } from '../../dockerfile/scan.ts';
import { memo } from '../../memo.ts';
import type { Target } from '../../project.ts';
import { commentsByLine, ignoreComments } from '../comments.ts';
import { historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import type { KeepAway } from './index.ts';

/** RULES A3: a comment that asks to leave this finding alone, ours or another scanner's, in the target's own chain. */
export const optedOut: KeepAway = (target) => optOutFrom(target, ACCOUNTS);

/** The transforms that end root in a Dockerfile. Comments of other scanners are about what these do. */
const ACCOUNTS: readonly string[] = ['run-as-user', 'scratch-user'];

/** The comment that asks these transforms to leave a target. */
export function optOutFrom({ unit, stage }: Target, transforms: readonly string[]): Reason | undefined {
  const { dockerfile } = unit;
  const { stages } = dockerfile;
  const chain = new Set(historyOf(stage, unit).stages);
  for (const { comment, words, concerns } of optOuts(dockerfile)) {
    if (concerns !== undefined && !concerns.some((name) => transforms.includes(name))) continue;
    const next = stages.findIndex((one) => one.from.start > comment.start);
    const inStage = stages[(next < 0 ? stages.length : next) - 1];
    // A comment right above a FROM speaks of the stage that follows; one at the top of the file, of all.
    const followed = next >= 0 && isAttached(comment, stages[next]!.from.line, dockerfile) ? stages[next] : undefined;
    if (inStage === undefined || chain.has(inStage) || (followed && chain.has(followed))) {
      return { rule: 'opted-out', message: `a comment asks to leave it: ${words}`, line: comment.line };
    }
  }
  return undefined;
}

interface OptOut {
  comment: Comment;
  words: string;
  /** The transforms that it speaks of; undefined for all. */
  concerns: readonly string[] | undefined;
}

/** The comments of a file that opt out of something, with what they say. */
const optOuts = memo((dockerfile: Dockerfile): OptOut[] => {
  const own = ignoreComments(dockerfile).map(({ comment, reason, transforms }) => ({ comment, words: reason ?? 'no reason is given', concerns: transforms }));
  const others = MAY_OPT_OUT.test(dockerfile.text) ? dockerfile.comments.filter(({ text }) => isOptOut(text)) : [];
  const all = [...own, ...others.map((comment) => ({ comment, words: comment.text, concerns: ACCOUNTS }))];
  return all.sort((one, other) => one.comment.start - other.comment.start);
});

/** A cheap look at the whole file. */
const MAY_OPT_OUT = /trivy:ignore|checkov:skip|nosemgrep|hadolint/;

/** Other scanners' comments for the same finding. */
function isOptOut(text: string): boolean {
  return (
    /\btrivy:ignore:(AVD-)?DS-?0002\b/.test(text) ||
    /\bcheckov:skip=CKV_DOCKER_3\b/.test(text) ||
    /\bnosemgrep:.*missing-user/.test(text) ||
    /\bhadolint\s.*ignore=[\w,]*\bDL3002\b/.test(text)
  );
}

/** Whether nothing but comments stands between a comment and a line. */
function isAttached(comment: Comment, fromLine: number, dockerfile: Dockerfile): boolean {
  const comments = commentsByLine(dockerfile);
  let line = comment.line + 1;
  while (comments.has(line)) line += 1;
  return line === fromLine;
}
