import { installPlan } from '../install-plan.ts';
import { startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** RULES B3: packages are installed at the start, where only root can. What could move into the build has moved before this is asked. */
export const installsAtStart: KeepAway = (target) => {
  const { move, byHand } = installPlan(target);
  const line = startOf(target).parts.at(-1)?.instruction.line ?? target.stage.from.line;
  const [problem] = byHand;
  if (problem) return { rule: 'installs-at-start', ...problem, line };
  const install = move?.installs.find(({ install: { verb } }) => verb === 'install') ?? move?.installs[0];
  return install && { rule: 'installs-at-start', message: `${install.where} runs ${install.text}`, line, advice: 'install it in a RUN, as the transform runtime-install does' };
};
