import { posix } from 'node:path';
import { stageNamed } from '../../project.ts';
import { isWithin } from '../../image-paths.ts';
import { resolvePath } from '../../shell/read.ts';
import { commandsOf, mentions, operands, unwrap } from '../commands.ts';
import { type Copy, copiesOf } from '../copies.ts';
import { type History, historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { type Chmod, chmodsOf, opens } from '../readable.ts';
import { candidatePaths, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** RULES E5: a start script out of sight, or a program, that another stage closes to all but its owner; COPY keeps the mode, and mv too. */
export const closedInStage: KeepAway = (target) => {
  const history = historyOf(target.stage, target.unit);
  const { unseen, commands } = startOf(target);
  const programs = commands.flatMap(({ payload, words }) => (payload ? (words[0]?.value ?? []) : []));
  for (const written of new Set([...unseen, ...programs])) {
    for (const path of candidatePaths(written, history.cwd)) {
      if (chmodsOf(path, history).length > 0) continue;
      const chmod = [path, ...movedFrom(path, history)].flatMap((one) => closing(one, history) ?? [])[0];
      if (chmod) return reasonFor(written, chmod);
    }
  }
  return undefined;
};

function reasonFor(script: string, { mode, step }: Chmod): Reason {
  return { rule: 'closed-file', message: `another stage gives ${script} the mode ${mode.text}, which COPY keeps`, line: step.instruction.line, advice: 'give it the mode 0755 there, then run unroot again' };
}

/** Where a RUN moves a file from: `mv /wheels/entrypoint.sh entrypoint.sh`. */
function movedFrom(path: string, { steps }: History): string[] {
  return steps.flatMap((step) => (!mentions(step, posix.basename(path)) ? [] : commandsOf(step).flatMap((command) => {
    const { name, words } = unwrap(command);
    const [from, to] = name === 'mv' || name === 'cp' ? operands(words).map(({ value }) => resolvePath(command.cwd, value)) : [];
    return from !== undefined && to !== undefined && (to === path || posix.join(to, posix.basename(from)) === path) ? [from] : [];
  })));
}

/** The last `chmod` on a file in the stage that it is copied from, where that leaves nobody but the owner to run it. */
function closing(path: string, history: History): Chmod | undefined {
  for (const copy of copiesOf(history)) {
    const stage = copy.from === undefined || copy.chmod !== undefined ? undefined : stageNamed(copy.step.unit.dockerfile.stages, copy.from, copy.step.stage.index);
    if (!stage) continue;
    const last = sourcesOf(copy, path).flatMap((source) => chmodsOf(source, historyOf(stage, copy.step.unit))).at(-1);
    if (last && /^\d+$/.test(last.mode.value ?? '') && !opens(last.mode.value, true)) return last;
  }
  return undefined;
}

/** Where a file may lie in the stage that it is copied from. */
function sourcesOf({ destination, sources }: Copy, path: string): string[] {
  if (destination === undefined || !isWithin(path, destination)) return [];
  return sources.flatMap((source) => {
    const from = resolvePath('/', source);
    if (from === undefined) return [];
    return posix.basename(from) === posix.basename(path) ? [from] : [posix.join(from, posix.relative(destination, path))];
  });
}
