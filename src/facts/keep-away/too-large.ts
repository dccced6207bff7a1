import { commandsOf, mentions, unwrap } from '../commands.ts';
import { historyOf } from '../history.ts';
import { directoriesMadeBy, MAKES_DIRECTORIES } from '../writes.ts';
import type { KeepAway } from './index.ts';

/** A text that is smaller holds no more of anything than is weighed. */
const LARGE_TEXT = 16_384;

/** Of directories, volumes and accounts together. The largest file that a person wrote has some fifty. */
export const MAX_PLACES = 1_000;

const MAKES_ACCOUNTS = new Set(['useradd', 'adduser', 'groupadd', 'addgroup', 'usermod']);
const MAY_MAKE_ACCOUNTS = /user|group/;

/** Directories, volumes and accounts are weighed each against each: a file with thousands of them would take minutes. */
export const tooLarge: KeepAway = ({ unit, stage }) => {
  const { steps, volumes } = historyOf(stage, unit);
  if (steps.every((step) => step.unit.dockerfile.text.length < LARGE_TEXT)) return undefined;
  let places = volumes.length;
  for (const step of steps) {
    if (!mentions(step, MAKES_DIRECTORIES) && !mentions(step, MAY_MAKE_ACCOUNTS)) continue;
    for (const command of commandsOf(step)) places += MAKES_ACCOUNTS.has(unwrap(command).name ?? '') ? 1 : directoriesMadeBy(command).length;
  }
  if (places <= MAX_PLACES) return undefined;
  return { rule: 'too-large', message: `it makes ${places} directories, volumes and accounts, and unroot weighs ${MAX_PLACES} at the most`, line: stage.from.line, advice: 'make them in a script that is copied, and write USER by hand' };
};
