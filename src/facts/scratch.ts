import { expand } from '../dockerfile/expand.ts';
import type { Stage } from '../dockerfile/parse.ts';
import type { Target } from '../project.ts';
import { copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import { historyOf } from './history.ts';

/**
 * RULES D, scratch: where the account's stage is built from, and its name; undefined where the
 * number alone must do: no image with a shell is in use, a builder for another platform must not
 * run here, or the target has accounts already.
 */
export function accountStage(target: Target): { name: string; image: string } | undefined {
  const { dockerfile } = target.unit;
  if (hasPasswd(target)) return undefined;
  const builder = dockerfile.stages.slice(0, target.stage.index).findLast((stage) => hasShell(stage, target) && stage.platform === undefined);
  if (!builder) return undefined;
  // A stage further up is named, not its image: no second pull, and a digest stays in one place.
  const image = expandsAlone(builder) ? builder.base : undefined;
  return image === undefined ? undefined : { name: freeName(dockerfile.stages), image };
}

function hasPasswd(target: Target): boolean {
  const history = historyOf(target.stage, target.unit.dockerfile);
  return copiesOf(history).some(({ destination, sources }) => destination === '/etc/passwd' || (destination === '/etc' && sources.some((source) => source?.endsWith('passwd'))) || destination === '/');
}

function hasShell(stage: Stage, target: Target): boolean {
  const history = historyOf(stage, target.unit.dockerfile);
  const family = familyOf(history);
  if (family === 'scratch' || family === 'distroless' || family === 'windows') return false;
  return family !== 'unknown' || history.steps.some(({ instruction }) => instruction.keyword === 'RUN' && !instruction.json);
}

/** Whether FROM's text means the same further down: no variable that a stage could shadow. */
function expandsAlone(stage: Stage): boolean {
  return stage.base !== '' && expand(stage.base, () => '') !== undefined;
}

function freeName(stages: readonly Stage[]): string {
  const taken = new Set(stages.map(({ name }) => name));
  const names = ['account', 'unroot-account'];
  return names.find((name) => !taken.has(name)) ?? `account-${stages.length}`;
}
