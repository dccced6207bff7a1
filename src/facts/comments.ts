import type { Dockerfile } from '../dockerfile/parse.ts';
import type { Comment } from '../dockerfile/scan.ts';
import { memo } from '../memo.ts';

/** The whole-line comments of a Dockerfile by line. Directives are none. */
export const commentsByLine = memo(({ comments, directives }: Dockerfile): ReadonlyMap<number, Comment> => {
  const byLine = new Map(comments.map((comment) => [comment.line, comment]));
  for (const { line } of directives) byLine.delete(line);
  return byLine;
});

/** What `# unroot ignore=<transform> <reason>` asks for. */
export interface IgnoreComment {
  comment: Comment;
  /** The transforms that are to stay away; undefined for all. */
  transforms: string[] | undefined;
  /** Undefined where none is given. */
  reason: string | undefined;
}

/** The comments of a Dockerfile that ask unroot to leave something alone. */
export const ignoreComments = memo(({ comments, text }: Dockerfile): IgnoreComment[] => {
  if (!text.includes('unroot')) return [];
  return comments.flatMap((comment) => {
    const match = /^unroot\s+ignore(?:=(\S*))?(?:\s+(.*))?$/.exec(comment.text);
    return match ? [{ comment, transforms: match[1]?.split(',').filter(Boolean), reason: match[2] }] : [];
  });
});

/** Comments that look as if they asked for it and don't. */
export const mistypedIgnores = memo(({ comments, text }: Dockerfile): Comment[] =>
  text.includes('unroot') ? comments.filter((comment) => /^unroot\b\W*(ignore|skip|disable|exclude)/i.test(comment.text) && !/^unroot\s+ignore(=|\s|$)/.test(comment.text)) : [],
);
