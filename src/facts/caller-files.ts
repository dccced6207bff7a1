import type { Target } from '../project.ts';
import { commandsOf } from './commands.ts';
import { copiesOf } from './copies.ts';
import { historyOf } from './history.ts';
import { runsWithVolume } from './run-lines.ts';

/** What says that a tool works on files of whoever calls it; undefined where nothing does. */
export function callerFiles(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const [volume] = history.volumes;
  if (volume) return `it is a tool with a VOLUME ${volume.path ?? volume.instruction.args} for its caller's files`;
  const place = runsWithVolume(target);
  if (place) return `${place} runs it with files of its caller mounted`;
  const { cwd } = history;
  if (cwd !== undefined && cwd !== '/' && !isFilled(target, cwd)) return `it is a tool that works in ${cwd}, an empty directory for its caller's files`;
  return undefined;
}

/** Whether anything is put into a directory: a copy, or a RUN that works in it. */
function isFilled(target: Target, directory: string): boolean {
  const history = historyOf(target.stage, target.unit);
  const within = (path: string | undefined) => path === undefined || path === directory || path.startsWith(`${directory}/`);
  if (copiesOf(history).some(({ destination }) => within(destination))) return true;
  return history.steps.some((step) => step.instruction.keyword === 'RUN' && (step.cwd === directory || commandsOf(step).some(({ words }) => words.some(({ value }) => value?.startsWith(directory)))));
}
