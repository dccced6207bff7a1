import type { Dockerfile } from '../dockerfile/parse.ts';
import { ignoreComments, mistypedIgnores } from '../facts/comments.ts';
import { historyOf } from '../facts/history.ts';
import { userOf } from '../facts/user.ts';
import { nearest } from '../nearest.ts';
import { stageLabel, type Target, type Unit } from '../project.ts';
import type { Note } from './report.ts';

/** A last stage that starts something and that no builder in sight names is no target: say so, since it may be what is shipped. */
export function noteOnLastStage(unit: Unit, targets: readonly Target[]): Note[] {
  const { stages } = unit.dockerfile;
  const last = stages.at(-1)!;
  const starts = last.instructions.some(({ keyword }) => keyword === 'CMD' || keyword === 'ENTRYPOINT');
  if (!starts || targets.length === 0 || targets.some(({ stage }) => stage.index === last.index) || userOf(historyOf(last, unit)).kind === 'nonroot') return [];
  const named = targets.map(stageLabel).join(', ');
  return [{ line: last.from.line, message: `the last stage is left: what builds here names ${named} alone; put it into targets: of the configuration if somebody runs it` }];
}

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
