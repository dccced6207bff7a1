import { sourceOffset } from '../dockerfile/parse.ts';
import type { Instruction } from '../dockerfile/parse.ts';
import type { FileEdit } from '../edit.ts';
import type { Target } from '../project.ts';
import type { Account } from './account.ts';
import { historyOf } from './history.ts';
import type { Reason } from './judgement.ts';
import { MOVED_WORKDIR, movableHome, movableWorkdir } from './root-paths.ts';

/** What a target's own WORKDIR and HOME become where they are root's home and nothing else is there (RULES E7). */
export function leaveRootHome(target: Target, { home, uid }: Account): { edits: FileEdit[]; doubts: Reason[] } {
  const { unit } = target;
  const steps = historyOf(target.stage, unit).steps.map(({ instruction }) => instruction);
  const workdir = movableWorkdir(unit);
  if (workdir && steps.includes(workdir)) return { edits: [replaceRoot(workdir, target, MOVED_WORKDIR)], doubts: [] };
  const own = movableHome(unit);
  if (!own || !steps.includes(own)) return { edits: [], doubts: [] };
  const moved = home ?? (uid === undefined ? '/tmp' : '/');
  const doubt: Reason = { rule: 'lives-in-root-home', message: `ENV HOME=/root becomes ${moved}, where files of root's home are missing`, line: own.line };
  return { edits: [replaceRoot(own, target, moved)], doubts: [doubt] };
}

function replaceRoot(instruction: Instruction, { unit }: Target, path: string): FileEdit {
  const start = sourceOffset(instruction, instruction.logical.indexOf('/root'));
  return { path: unit.file.path, start, end: start + '/root'.length, text: path };
}
