import { commentsOf, lineAt, type YamlComment } from '../../compose/yaml.ts';
import type { ComposeFile } from '../../compose/file.ts';
import type { LinkedService } from '../../project.ts';
import type { Reason } from '../judgement.ts';
import { memo } from '../memo.ts';

/** RULES A3 for compose: `# unroot ignore=compose-user <reason>` in the service, right above it, or above everything. */
export function serviceOptOut({ file, source }: LinkedService, transform: string): Reason | undefined {
  for (const { comment, transforms, reason } of optOuts(file)) {
    if (transforms !== undefined && !transforms.includes(transform)) continue;
    if (!speaksOf(comment, file, source.key.start)) continue;
    return { rule: 'opted-out', message: `a comment asks to leave it: ${reason ?? 'no reason is given'}`, line: lineAt(file.text, comment.start) };
  }
  return undefined;
}

/** A header that says that something generates the file. */
export const generatedHeader = memo((file: ComposeFile): Reason | undefined => {
  if (!GENERATED.test(file.text.slice(0, 2000))) return undefined;
  const first = file.documents[0]?.pairs[0]?.key.start ?? 0;
  const header = commentsOf(file.text).find((comment) => comment.start < first && GENERATED.test(comment.text));
  return header && { rule: 'generated-file', message: `its header says that it is generated: ${header.text}`, line: lineAt(file.text, header.start), advice: 'change what it is generated from' };
});

const GENERATED = /\b(do not edit|don't edit|auto-?generated|file (is|was|has been) (\w+ )?generated|generated (by|from|via|with)\b)/i;

interface OptOut {
  comment: YamlComment;
  transforms: string[] | undefined;
  reason: string | undefined;
}

const optOuts = memo((file: ComposeFile): OptOut[] => {
  if (!file.text.includes('unroot')) return [];
  return commentsOf(file.text).flatMap((comment) => {
    const match = /^unroot\s+ignore(?:=(\S*))?(?:\s+(.*))?$/.exec(comment.text);
    return match ? [{ comment, transforms: match[1]?.split(',').filter(Boolean), reason: match[2] }] : [];
  });
});

/** Whether a comment stands in the service, right above its name, or above everything in the file. */
function speaksOf(comment: YamlComment, file: ComposeFile, service: number): boolean {
  const { text } = file;
  const starts = [...file.services.values()].map(({ key }) => key.start);
  if (comment.start < (file.documents[0]?.pairs[0]?.key.start ?? 0)) return true;
  const next = starts.filter((start) => start > comment.start).sort((one, other) => one - other)[0];
  const isAbove = next !== undefined && comment.alone && text.slice(comment.end, next).split('\n').slice(1, -1).every((line) => line.trim().startsWith('#'));
  if (isAbove) return next === service;
  const inside = starts.filter((start) => start < comment.start).sort((one, other) => other - one)[0];
  return inside === service;
}
