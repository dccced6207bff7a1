import type { FileEdit } from '../edit.ts';
import type { Stage } from '../dockerfile/parse.ts';
import { stageNamed, type Target } from '../project.ts';
import { historyOf } from './history.ts';
import { insertLines } from './lines.ts';
import { below } from './places.ts';

/** What a stage does that root did for it until now. */
const NEEDS_ROOT = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);

/** RULES F: stages built on a target that is no longer root get root back, where they do more than metadata. */
export function rootAgain(target: Target): FileEdit[] {
  const { dockerfile } = target.unit;
  return dockerfile.stages
    .filter((stage) => buildsOn(stage, target) && doesWork(stage))
    .map((stage) => insertLines(target, below(dockerfile, stage.from), ['USER root']));
}

function buildsOn(stage: Stage, target: Target): boolean {
  const { dockerfile } = target.unit;
  if (stageNamed(dockerfile.stages, stage.base, stage.index) === target.stage) return true;
  return stage !== target.stage && historyOf(stage, target.unit).stages.at(-2) === target.stage;
}

/** Whether a stage works before it says for itself who works. */
function doesWork({ instructions }: Stage): boolean {
  const first = instructions.find(({ keyword }) => NEEDS_ROOT.has(keyword) || keyword === 'USER');
  return first !== undefined && first.keyword !== 'USER';
}
