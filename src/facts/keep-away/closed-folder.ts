import { copiesOf } from '../copies.ts';
import { familyOf } from '../family.ts';
import { commandsOf, mentions, unwrap } from '../commands.ts';
import { historyOf } from '../history.ts';
import type { KeepAway } from './index.ts';

/**
 * RULES E5: what is copied to where Debian's packages openssl and ssl-cert let nobody in but root and the group
 * ssl-cert (modes 0700 and 0710): the keys of a server that reads them before it changes its user.
 */
export const closedFolder: KeepAway = (target) => {
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
};
