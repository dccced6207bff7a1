import type { Dockerfile } from '../dockerfile/parse.ts';
import { ignoreComments, mistypedIgnores } from '../facts/comments.ts';
import { nearest } from '../nearest.ts';
import type { Note } from './report.ts';

/** What to know of a Dockerfile's `# unroot ignore` comments: a reason that is missing, a name that is wrong. */
export function notesOn(dockerfile: Dockerfile, transforms: readonly string[]): Note[] {
  const notes = ignoreComments(dockerfile).flatMap(({ comment: { line }, transforms: names, reason }) => [
    ...(names ?? []).filter((name) => !transforms.includes(name)).map((name) => ({ line, message: unknownTransform(name, transforms) })),
    ...(names?.length === 0 ? [{ line, message: `the comment names no transform behind =; there are ${transforms.join(', ')}` }] : []),
    ...(reason === undefined ? [{ line, message: `the comment gives no reason; say why behind it: # unroot ignore${names?.length ? `=${names.join(',')}` : ''} REASON` }] : []),
  ]);
  const mistyped = mistypedIgnores(dockerfile).map(({ line }) => ({ line, message: 'unroot does not read this comment; write # unroot ignore=TRANSFORM REASON' }));
  return [...notes, ...mistyped].sort((one, other) => one.line - other.line);
}

function unknownTransform(name: string, transforms: readonly string[]): string {
  const meant = nearest(name, transforms);
  return `the comment names a transform that there is not: ${name}; ${meant ? `did you mean ${meant}?` : `there are ${transforms.join(', ')}`}`;
}
