import type { FileEdit } from '../edit.ts';
import type { Target } from '../project.ts';
import { buildSteps } from './install-steps.ts';
import { memo } from './memo.ts';
import { startEdits } from './start-edits.ts';
import { type InstallingStart, type MovedInstall, type Problem, startInstalls } from './start-installs.ts';

/** What can be done about the packages that a target installs at its start. */
export interface InstallPlan {
  /** What moves into the build; undefined where nothing can. */
  move: { installs: MovedInstall[]; edits: FileEdit[]; steps: string[]; doubts: string[] } | undefined;
  /** What has to be moved by hand, start by start. */
  byHand: Problem[];
}

/** All starts that can be mended are mended together, or none is. Answered once per target. */
export const installPlan = memo((target: Target): InstallPlan => {
  const starts = startInstalls(target);
  const stuck = starts.flatMap(({ problem }) => problem ?? []);
  const movable = starts.filter(({ problem }) => problem === undefined);
  if (movable.length === 0) return { move: undefined, byHand: stuck };
  const move = moveOf(movable, target);
  return 'message' in move ? { move: undefined, byHand: [...stuck, move] } : { move, byHand: stuck };
});

function moveOf(starts: readonly InstallingStart[], target: Target): NonNullable<InstallPlan['move']> | Problem {
  const installs = starts.flatMap(({ moves }) => moves);
  const [first] = installs;
  if (installs.every(({ install: { verb } }) => verb === 'update' || verb === 'clean')) {
    return { message: `${first!.where} runs ${first!.text}, and nothing in sight installs after it`, advice: 'take it out of the start, or install in a RUN what it is for' };
  }
  const steps = buildSteps(target, installs);
  if (steps.problem) return steps.problem;
  const taken: FileEdit[] = [];
  for (const text of starts.flatMap(({ texts }) => texts)) {
    if (text.gone.size === 0) continue;
    const edits = startEdits(text, target);
    if (typeof edits === 'string') return { message: `${first!.where} runs ${first!.text}, which ${edits}`, advice: 'install it in a RUN of the Dockerfile and take it out of the start' };
    taken.push(...edits);
  }
  return { installs, edits: [...steps.edits, ...taken], steps: steps.done, doubts: [...new Set([...starts.flatMap(({ doubts }) => doubts), ...steps.doubts])] };
}
