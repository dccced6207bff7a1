import type { Dockerfile } from '../../dockerfile/parse.ts';
import type { Comment } from '../../dockerfile/scan.ts';
import { memo } from '../../memo.ts';
import { commentsByLine, ignoreComments } from '../comments.ts';
import { historyOf } from '../history.ts';
import type { KeepAway } from './index.ts';

/** RULES A3: a comment that asks to leave this finding alone, ours or another scanner's, in the target's own chain. */
export const optedOut: KeepAway = ({ unit, stage }) => {
  const { dockerfile } = unit;
  const { stages } = dockerfile;
  const chain = new Set(historyOf(stage, unit).stages);
  for (const { comment, words } of optOuts(dockerfile)) {
    const next = stages.findIndex((one) => one.from.start > comment.start);
    const inStage = stages[(next < 0 ? stages.length : next) - 1];
    // A comment right above a FROM speaks of the stage that follows; one at the top of the file, of all.
    const followed = next >= 0 && isAttached(comment, stages[next]!.from.line, dockerfile) ? stages[next] : undefined;
    if (inStage === undefined || chain.has(inStage) || (followed && chain.has(followed))) {
      return { rule: 'opted-out', message: `a comment asks to leave it: ${words}`, line: comment.line };
    }
  }
  return undefined;
};

/** The transforms that end root in a Dockerfile. */
const ACCOUNTS = new Set(['run-as-user', 'scratch-user']);

/** The comments of a file that opt out of what takes it off root, with what they say. */
const optOuts = memo((dockerfile: Dockerfile): { comment: Comment; words: string }[] => {
  const own = ignoreComments(dockerfile).filter(({ transforms }) => transforms === undefined || transforms.some((name) => ACCOUNTS.has(name)));
  const others = MAY_OPT_OUT.test(dockerfile.text) ? dockerfile.comments.filter(({ text }) => isOptOut(text)) : [];
  const all = [...own.map(({ comment, reason }) => ({ comment, words: reason ?? 'no reason is given' })), ...others.map((comment) => ({ comment, words: comment.text }))];
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
