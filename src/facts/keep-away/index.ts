import type { Target } from '../../project.ts';
import type { Judgement, Reason } from '../judgement.ts';
import { effectiveUser } from '../user.ts';
import { memo } from '../memo.ts';
import { closedFolder } from './closed-folder.ts';
import { closedInStage } from './closed-in-stage.ts';
import { development } from './development.ts';
import { lowPortElsewhere } from './low-port.ts';
import { dropsByItself } from './drops.ts';
import { installsAtStart } from './installs-at-start.ts';
import { devContainer, generatedFile, githubAction, looksLikeJson, onbuildRun, shellTakesOneWord, windows } from './not-for-us.ts';
import { needsRoot, scriptNeedsRoot } from './needs-root.ts';
import { optedOut, optOutFrom } from './opt-out.ts';
import { livesInRootHome } from './root-home.ts';
import { startsNothing, startsPrompt, unknownBase } from './starts-nothing.ts';
import { startsOthers } from './starts-others.ts';
import { tooLarge } from './too-large.ts';
import { toolImage } from './tool-image.ts';
import { rootlessVariant } from './rootless-variant.ts';
import { scriptOutOfSight } from './unseen-script.ts';

/** A reason to leave a target alone, or none. */
export type KeepAway = (target: Target) => Reason | undefined;

/** In order: the first that applies decides. Cheap and certain ones come first. */
const REFUSALS: KeepAway[] = [
  optedOut,
  generatedFile,
  githubAction,
  devContainer,
  looksLikeJson,
  shellTakesOneWord,
  tooLarge,
  unknownBase,
  startsNothing,
  startsPrompt,
  rootlessVariant,
  dropsByItself,
  startsOthers,
  needsRoot,
  installsAtStart,
  scriptNeedsRoot,
  onbuildRun,
  scriptOutOfSight,
  development,
  toolImage,
  livesInRootHome,
  closedFolder,
  closedInStage,
  lowPortElsewhere,
];

/** Whether a file is one that a transform may change, whatever becomes of its user. */
export function isOursToChange(target: Target, transform: string): boolean {
  return !isTheirs(target) && optOutFrom(target, [transform]) === undefined;
}

const isTheirs = memo((target: Target): boolean => [windows, generatedFile, githubAction, devContainer, looksLikeJson].some((rule) => rule(target)));

/** What is to be said of a target before anybody mends it. Answered once per target. */
export const judge = memo((target: Target): Judgement => {
  const user = effectiveUser(target);
  const foreign = windows(target);
  if (foreign) return { verdict: 'refused', reasons: [foreign] };
  if (user.kind === 'nonroot') {
    return { verdict: 'nonroot', reasons: [{ rule: 'already-nonroot', message: `it runs as ${user.text}` }] };
  }
  for (const rule of REFUSALS) {
    const reason = rule(target);
    if (reason) return { verdict: verdictOf(reason), reasons: [reason] };
  }
  return { verdict: 'fixable', reasons: [] };
});

function verdictOf({ rule }: Reason): Judgement['verdict'] {
  if (rule === 'drops-by-itself') return 'drops';
  return rule === 'unknown-base' ? 'unknown' : 'refused';
}
