import type { Stage } from '../../dockerfile/parse.ts';
import { historyOf, parentOf } from '../history.ts';
import { userOf } from '../user.ts';
import type { KeepAway } from './index.ts';

/** A stage on which another one builds that only adds USER is root on purpose: who wants it otherwise has that one. */
export const rootlessVariant: KeepAway = ({ stage, unit }) => {
  const variant = unit.dockerfile.stages.find((other) => parentOf({ stage: other, unit })?.stage === stage && onlyChangesUser(other) && userOf(historyOf(other, unit)).kind === 'nonroot');
  if (variant === undefined) return undefined;
  const name = variant.name ?? String(variant.index);
  return {
    rule: 'rootless-variant',
    message: `stage ${name} is the same and runs as ${userOf(historyOf(variant, unit)).text}`,
    line: variant.from.line,
    advice: `build that one: --target ${name}`,
  };
};

const SAYS_NOTHING = new Set(['ARG', 'LABEL', 'MAINTAINER']);

function onlyChangesUser({ instructions }: Stage): boolean {
  const work = instructions.filter(({ keyword }) => !SAYS_NOTHING.has(keyword));
  return work.length > 0 && work.every(({ keyword }) => keyword === 'USER');
}
