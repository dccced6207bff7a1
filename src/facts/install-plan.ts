import { areApart, type FileEdit } from '../edit.ts';
import type { Target } from '../project.ts';
import { historyOf } from './history.ts';
import { buildSteps } from './install-steps.ts';
import { memo } from './memo.ts';
import { runElsewhere } from './run-elsewhere.ts';
import { scriptFile, startEdits } from './start-edits.ts';
import { keyOfText, type StartText } from './start-texts.ts';
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
  const brought = broughtByBase(target);
  const steps = buildSteps(target, installs.filter(({ text, cwd }) => !brought.some((one) => one.text === text && one.cwd === cwd)));
  if (steps.problem) return steps.problem;
  const taken: FileEdit[] = [];
  for (const text of starts.flatMap(({ texts }) => texts)) {
    if (text.gone.size === 0) continue;
    const edits = startEdits(text, target);
    if (typeof edits === 'string') return { message: `${first!.where} runs ${first!.text}, which ${edits}`, advice: 'install it in a RUN of the Dockerfile and take it out of the start' };
    // Several starts may run one text.
    const more = edits.filter((edit) => !taken.some((one) => one.path === edit.path && one.start === edit.start && one.end === edit.end && one.text === edit.text));
    if (!more.every((edit) => areApart([edit], taken.filter(({ path }) => path === edit.path)))) {
      return { message: `${first!.where} runs ${first!.text} in a text that several services start in different ways`, advice: 'install it in a RUN of the Dockerfile and take it out of the start' };
    }
    taken.push(...more);
  }
  const doubts = [...starts.flatMap((start) => start.doubts), ...steps.doubts, ...runByOthers(taken, target)];
  return { installs, edits: [...steps.edits, ...taken], steps: steps.done, doubts: [...new Set(doubts)] };
}

/** What people or machines run outside of the image would no longer install. */
function runByOthers(edits: readonly FileEdit[], target: Target): string[] {
  const scripts = startInstalls(target).flatMap(({ texts }) => texts.flatMap(({ place }) => (place.kind === 'file' ? scriptFile(place.script, target) ?? [] : [])));
  return [...new Map(scripts.map((script) => [script.path, script])).values()].flatMap((script) => {
    const by = edits.some(({ path }) => path === script.path) ? runElsewhere(script.absolute, target) : undefined;
    return by === undefined ? [] : [`${by} runs ${script.path} too, which installs nothing from now on`];
  });
}

/** What targets that this one builds on are to install instead of a text that starts both. */
function broughtByBase(target: Target): MovedInstall[] {
  const { stages } = historyOf(target.stage, target.unit);
  const own = textsOf(target).map(({ key }) => key);
  const bases = target.project.targets.filter((one) => one !== target && stages.includes(one.stage) && textsOf(one).some(({ key }) => own.includes(key)));
  return bases.flatMap((base) => startInstalls(base).flatMap(({ problem, moves }) => (problem ? [] : moves)));
}

/** The other targets that start with a text which this one's plan changes; one that can't be mended along is a problem. */
export function sharersOf(target: Target, isOurs: (target: Target) => boolean): Target[] | Problem {
  const changed = textsOf(target).filter(({ text }) => text.gone.size > 0);
  const sharers: Target[] = [];
  for (const other of target.project.targets) {
    if (other === target) continue;
    const own = textsOf(other);
    const shared = changed.find(({ key }) => own.some((one) => one.key === key));
    if (!shared) continue;
    const isMended = isOurs(other) && installPlan(other).move !== undefined && own.every(({ key, problem }) => problem === undefined || !changed.some((one) => one.key === key));
    if (!isMended) {
      const { place } = shared.text;
      return {
        message: `${place.kind === 'file' ? place.script.path : 'the start command'} is what ${other.unit.file.path}${other.stage.name === undefined ? '' : ` (${other.stage.name})`} starts with too, and there its installs have to stay`,
        advice: 'install in a RUN of both, then take it out of the start',
      };
    }
    sharers.push(other);
  }
  return sharers;
}

function textsOf(target: Target): { key: string; text: StartText; problem: Problem | undefined }[] {
  return startInstalls(target).flatMap(({ texts, problem }) => texts.map((text) => ({ key: keyOfText(text, target), text, problem })));
}
