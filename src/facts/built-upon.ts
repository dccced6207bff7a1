import type { FileEdit } from '../edit.ts';
import type { Stage } from '../dockerfile/parse.ts';
import type { BuiltImage, Target, Unit } from '../project.ts';
import { historyOf, parentOf } from './history.ts';
import { judge } from './keep-away/index.ts';
import { insertLinesInto } from './lines.ts';
import { below } from './places.ts';

/** What a stage does that root did for it until now. */
const NEEDS_ROOT = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);

/** The nearest target that a target builds on and that is fixed too: its account is there already. */
export function fixedParent(target: Target): Target | undefined {
  const { stages } = historyOf(target.stage, target.unit);
  for (const stage of stages.slice(0, -1).toReversed()) {
    const parent = target.project.targets.find((one) => one.stage === stage);
    if (parent && judge(parent).verdict === 'fixable') return parent;
  }
  return undefined;
}

/** Whether a target has work of its own for root, so that it needs root back and its own USER. */
export function worksItself({ stage }: Target): boolean {
  return doesWork(stage);
}

/**
 * RULES F and B7: stages built on a target that is no longer root, here or in other Dockerfiles, get
 * root back where they do more than metadata, and where they stay root.
 */
export function rootAgain(target: Target): FileEdit[] {
  return target.project.units.flatMap((unit) =>
    unit.dockerfile.stages
      .filter((stage) => isDirectlyOn({ stage, unit }, target) && (doesWork(stage) || staysRoot(stage, target)))
      .map((stage) => giveRoot(stage, unit)),
  );
}

function isDirectlyOn(one: BuiltImage, target: Target): boolean {
  return one.stage !== target.stage && parentOf(one)?.stage === target.stage;
}

/** Whether a stage works before it says for itself who works. */
function doesWork({ instructions }: Stage): boolean {
  const first = instructions.find(({ keyword }) => NEEDS_ROOT.has(keyword) || keyword === 'USER');
  return first !== undefined && first.keyword !== 'USER';
}

/** Whether a stage is a target that is left alone: what it starts keeps its root. */
function staysRoot(stage: Stage, { project }: Target): boolean {
  const own = project.targets.find((one) => one.stage === stage);
  return own !== undefined && ['drops', 'refused', 'unknown'].includes(judge(own).verdict) && !stage.instructions.some(({ keyword }) => keyword === 'USER');
}

function giveRoot(stage: Stage, unit: Unit): FileEdit {
  return insertLinesInto(unit, below(unit.dockerfile, stage.from), ['USER root']);
}
