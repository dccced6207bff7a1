import { isWithin } from '../image-paths.ts';
import type { FileEdit } from '../edit.ts';
import { stageNamed, type Target } from '../project.ts';
import { resolvePath, type ShellWord } from '../shell/read.ts';
import { shellWord } from '../shell/word.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from './commands.ts';
import { copiesOf } from './copies.ts';
import { historyOf, type Step } from './history.ts';
import { memo } from './memo.ts';
import { unpackedHome } from './unpacked-servers.ts';

/** A Tomcat that a file unpacks, and that its archive closes to others than root. */
export interface ClosedTomcat {
  /** Where it lies; absolute. */
  home: string;
  /** The RUN that unpacks it. */
  step: Step;
  /** What opens it in that RUN; undefined where nothing can be added there. */
  edit: FileEdit | undefined;
}

/** Tomcat's archive lets nobody but its owner read the configuration, and since 8.5 run anything (docker-library/tomcat#35 and #68). */
export const closedTomcat = memo((target: Target): ClosedTomcat | undefined => {
  const home = unpackedHome('Tomcat', target);
  if (home === undefined) return undefined;
  const { stage, unit } = target;
  const own = historyOf(stage, unit);
  const taken = copiesOf(own).filter(({ from, destination }) => from !== undefined && destination !== undefined && isWithin(home, destination));
  if (taken.some(({ chown, chmod }) => chown !== undefined || chmod !== undefined)) return undefined;
  const sources = taken.flatMap(({ from }) => stageNamed(unit.dockerfile.stages, from!, stage.index) ?? []);
  const steps = [...sources.map((one) => historyOf(one, unit)), own].flatMap((history) => history.steps);
  const step = steps.find((one) => mentions(one, ARCHIVE) && commandsOf(one).some((command) => /^(bsd)?tar$/.test(unwrap(command).name ?? '')));
  return step === undefined || steps.some((one) => opens(one, home)) ? undefined : { home, step, edit: own.steps.includes(step) ? openedIn(step, home, target) : undefined };
});

const ARCHIVE = /apache-tomcat-|tomcat\.tar/;

/** Whether a RUN gives others, or another, what lies in a directory. */
function opens(step: Step, home: string): boolean {
  return mentions(step, /chmod|chown|--no-same-permissions|umask/) && commandsOf(step).some((command) => {
    const { name, words } = unwrap(command);
    if (name === 'umask' || words.some(({ value }) => value === '--no-same-permissions')) return true;
    // What a variable or a pattern names may be it.
    const reaches = ({ value, text }: ShellWord) => value === undefined || /[*?]/.test(text) || isWithin(home, resolvePath(command.cwd, value) ?? '/') || isWithin(resolvePath(command.cwd, value) ?? '/', home);
    return (name === 'chmod' || name === 'chown' || name === 'chgrp' || name === 'find') && (name === 'find' || hasFlag(words, 'R', 'recursive')) && operands(words).slice(name === 'find' ? 0 : 1).some(reaches);
  });
}

/**
 * `&& chmod -R a+rX` at the end of the RUN that unpacks it, as its own image does: a RUN of its own would copy all of it into a
 * further layer.
 */
function openedIn({ instruction, unit, user, shell }: Step, home: string, target: Target): FileEdit | undefined {
  const { text, escape, eol } = unit.dockerfile;
  const { json, args, heredocs, start, end } = instruction;
  const isPlain = unit === target.unit && json === undefined && heredocs.length === 0 && user === undefined && /(^|\/)(ba|da|a)?sh$/.test(shell[0] ?? '');
  if (!isPlain || /[;&|(\\`]$/.test(args) || /\s#/.test(args)) return undefined;
  const last = text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
  const indent = text.lastIndexOf('\n', end - 1) < start ? '    ' : /^[ \t]*/.exec(last)![0];
  return { path: unit.file.path, start: end, end, text: ` ${escape}${eol}${indent}&& chmod -R a+rX ${shellWord(home)}` };
}
