import type { Stage } from '../dockerfile/parse.ts';
import { stageNamed, type Target } from '../project.ts';
import { copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import { historyOf } from './history.ts';

/**
 * RULES D, scratch: what the account's stage is built from, and its name; undefined where the
 * number alone must do: no image with a shell is in use, a number counts stages from here on, or the
 * target has accounts already.
 */
export function accountStage(target: Target): { name: string; from: string } | undefined {
  const { dockerfile } = target.unit;
  const { stages } = dockerfile;
  if (target.unit.config?.scratch === 'numeric' || hasPasswd(target) || isCountedOn(target)) return undefined;
  const donor = stages.slice(0, target.stage.index).findLast((stage) => restsOnImage(stage, stages) && hasShell(stage, target));
  if (!donor) return undefined;
  const platform = donor.platform === undefined ? '' : `--platform=${donor.platform} `;
  return { name: freeName(stages), from: `${platform}${donor.base}` };
}

/** Whether a stage further down names this one or a later one by number, which a new stage would shift. */
function isCountedOn({ unit, stage }: Target): boolean {
  const numbers = unit.dockerfile.instructions.flatMap(({ flags }) => flags.filter(({ name }) => name === 'from').map(({ value }) => Number(value)));
  return numbers.some((number) => number >= stage.index);
}

/** An image rather than a stage: the account does not wait for a build, and nothing new is pulled. */
function restsOnImage(stage: Stage, stages: readonly Stage[]): boolean {
  return stageNamed(stages, stage.base, stage.index) === undefined && stage.base !== 'scratch';
}

function hasPasswd(target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  return copiesOf(history).some(({ destination, sources }) => destination === '/etc/passwd' || (destination === '/etc' && sources.some((source) => source?.endsWith('passwd'))) || destination === '/');
}

function hasShell(stage: Stage, target: Target): boolean {
  const history = historyOf(stage, target.unit);
  const family = familyOf(history);
  if (family === 'scratch' || family === 'distroless' || family === 'windows') return false;
  return family !== 'unknown' || history.steps.some(({ instruction }) => instruction.keyword === 'RUN' && !instruction.json);
}

function freeName(stages: readonly Stage[]): string {
  const taken = new Set(stages.map(({ name }) => name));
  const names = ['account', 'unroot-account'];
  return names.find((name) => !taken.has(name)) ?? `account-${stages.length}`;
}
