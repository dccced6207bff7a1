import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from '../commands.ts';
import { copiesOf } from '../copies.ts';
import { familyOf } from '../family.ts';
import { historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import type { KeepAway } from './index.ts';

/** RULES E5: what the account would have to read is closed to others than root, and nobody here may open it. */
export const closedFolder: KeepAway = (target) => keysOfServers(target) ?? closedPrograms(target);

/**
 * What is copied to where Debian's packages openssl and ssl-cert let nobody in but root and the group
 * ssl-cert (modes 0700 and 0710): the keys of a server that reads them before it changes its user.
 */
function keysOfServers(target: Target): Reason | undefined {
  const history = historyOf(target.stage, target.unit);
  const family = familyOf(history);
  if (family !== 'debian' && family !== 'ubuntu') return undefined;
  const copy = copiesOf(history).find(({ destination }) => destination !== undefined && /^\/etc\/ssl\/private(\/|$)/.test(destination));
  const isOpened = copy && history.steps.some((step) => mentions(step, /\/etc\/ssl|ssl-cert/) && commandsOf(step).some((command) => /^(chmod|chown|chgrp|usermod|adduser|gpasswd)$/.test(unwrap(command).name ?? '')));
  if (!copy || isOpened) return undefined;
  return {
    rule: 'closed-file',
    message: `${copy.sources.join(' ')} goes to /etc/ssl/private, which is closed to others than root`,
    line: copy.step.instruction.line,
    advice: 'put it into a directory of its own, with COPY --chown, then run unroot again',
  };
}

/** `RUN chmod -R 700 /usr/local/bin`: none of the programs there is the account's to run. */
function closedPrograms(target: Target): Reason | undefined {
  for (const step of historyOf(target.stage, target.unit).steps) {
    if (!mentions(step, CLOSES)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      if (name !== 'chmod' || !hasFlag(words, 'R', 'recursive')) continue;
      const [mode, ...paths] = operands(words).map(({ value }) => value);
      const closed = /^0?[0-7][0-7]0$/.test(mode ?? '') && paths.find((path) => PROGRAMS.test(resolvePath(command.cwd, path) ?? ''));
      if (closed) return { rule: 'closed-file', message: `RUN ${words.map(({ text }) => text).join(' ')} closes the programs in ${closed} to others than root`, line: step.instruction.line, advice: 'let others read and run them, then run unroot again' };
    }
  }
  return undefined;
}

/** A mode that gives others nothing. */
const CLOSES = /chmod\s+(-\w+\s+)*0?[0-7][0-7]0\b/;

/** Where programs are looked for. */
const PROGRAMS = /^(\/usr(\/local)?)?\/s?bin$/;
