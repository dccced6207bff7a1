import { historyOf } from '../src/facts/history.ts';
import { type InstallPlan, installPlan, sharersOf } from '../src/facts/install-plan.ts';
import type { Reason } from '../src/facts/judgement.ts';
import { isOursToChange } from '../src/facts/keep-away/index.ts';
import { type Problem, startInstalls } from '../src/facts/start-installs.ts';
import { unitOf } from '../src/facts/start-texts.ts';
import { startOf } from '../src/facts/start.ts';
import { effectiveUser } from '../src/facts/user.ts';
import { judgeService } from '../src/facts/services/judge.ts';
import { builtFor, serviceTarget } from '../src/facts/services/target.ts';
import type { LinkedService, Project, Target } from '../src/project.ts';
import type { Finding, Transform } from '../src/transform.ts';

export const runtimeInstall: Transform = {
  name: 'runtime-install',
  summary: 'packages that are installed at every start are installed while the image is built',
  docs: `apt-get, apk, dnf, yum, microdnf, pip, npm, yarn, pnpm, bundle and composer in CMD, ENTRYPOINT, the
scripts that they run and a service's own command become a RUN: behind what they need and before USER,
with the flags that they had. What else is started stays, in exec form where that means the same.

What the build already brings is only taken out of the start. Packages join a step that installs with
the same command and the same options.

It stays away from what depends on the start: variables that only the start sets, conditions, loops,
failures that are ignored, installs in the background, directories that a mount would hide, and package
managers that it does not know well enough. Those are shown with the reason.

A service of a ready-made image stays as it is; the report has the Dockerfile and the lines of compose
that would mend it.`,
  setsUser: false,
  example: 'apt-get-in-the-start-command-becomes-a-run',
  *apply({ project }) {
    for (const target of project.targets) if (isOurs(target)) yield* findings(target);
    for (const linked of project.services) yield* shown(linked, project);
  },
};

/** A service of a ready-made image: its report says what to build instead. */
function* shown(linked: LinkedService, project: Project): Iterable<Finding> {
  const reasons = judgeService(linked, project).reasons.filter(({ rule }) => rule === 'installs-at-start');
  const target = builtFor(linked, project) ? undefined : serviceTarget(linked, project);
  if (!target || reasons.length === 0) return;
  const { start, end } = linked.source.key;
  yield { target, path: linked.path, start, end, message: 'installs packages at its start', safety: 'manual', reasons, edits: [], user: undefined };
}

function isOurs(target: Target): boolean {
  return effectiveUser(target).kind !== 'nonroot' && isOursToChange(target, 'runtime-install');
}

/** One finding for what can move, and one for each start that must be changed by hand. */
function findings(target: Target): Finding[] {
  const { move, byHand } = installPlan(target);
  const stuck = byHand.map((problem) => manual(target, problem));
  if (!move) return stuck;
  const together = sharersOf(target, isOurs);
  return [...('message' in together ? [manual(target, together)] : [fix(target, move, together)]), ...stuck];
}

function fix(target: Target, { installs, edits, steps, doubts }: NonNullable<InstallPlan['move']>, together: readonly Target[]): Finding {
  const reasons = [...baseDoubts(target), ...doubts.map((message): Reason => ({ rule: 'installs-at-start', message, line: lineOf(target) }))];
  const where = [...new Set(installs.map((install) => install.where))].join(', ');
  const step = steps.map((line) => line.trim().replace(/ [\\`]$/, '')).join(' ');
  return {
    ...place(target),
    message: `${where} installs packages; ${steps.length > 0 ? `the build does it: ${step}` : 'the build brings them already'}`,
    safety: reasons.length > 0 ? 'unsafe' : 'safe',
    reasons,
    edits,
    user: undefined,
    together,
    verify: (after) => (startInstalls(after).some(({ problem, moves }) => problem === undefined && moves.length > 0) ? 'packages would still be installed at the start' : undefined),
  };
}

function manual(target: Target, { message, advice }: Problem): Finding {
  const reason: Reason = { rule: 'installs-at-start', message, line: lineOf(target), advice };
  return { ...place(target), message: 'installs packages at its start', safety: 'manual', reasons: [reason], edits: [], user: undefined };
}

/** What is known of the base says what its shell, its entrypoint and its packages are. */
function baseDoubts(target: Target): Reason[] {
  const { base } = historyOf(target.stage, target.unit);
  if (base.kind === 'image' && base.facts?.verified) return [];
  return [{ rule: 'unverified-base', message: `${base.text} is not in the catalogue as a verified image`, line: target.stage.from.line }];
}

function place(target: Target) {
  const own = startOf(target).parts.filter((part) => unitOf(part.instruction, target) === target.unit);
  const instruction = own.at(-1)?.instruction ?? target.stage.from;
  return { target, path: target.unit.file.path, start: instruction.start, end: instruction.end };
}

function lineOf(target: Target): number {
  return startOf(target).parts.at(-1)?.instruction.line ?? target.stage.from.line;
}
