import { isWithin } from '../../image-paths.ts';
import { kindredOf } from '../../images/recipes.ts';
import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { closedTomcat } from '../closed-tomcat.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from '../commands.ts';
import { copiesOf } from '../copies.ts';
import { familyOf } from '../family.ts';
import { historyOf } from '../history.ts';
import { packagesOf } from '../installs.ts';
import type { Reason } from '../judgement.ts';
import { startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** RULES E5: what the account would have to read is closed to others than root, and nobody here may open it. */
export const closedFolder: KeepAway = (target) => keysOfServers(target) ?? closedPrograms(target) ?? keyOfModSsl(target) ?? closedKey(target) ?? tomcatToOpen(target);

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

/** The package mod_ssl of RHEL makes a key for localhost that root alone may read, and its configuration names it. */
function keyOfModSsl(target: Target): Reason | undefined {
  const history = historyOf(target.stage, target.unit);
  const installed = kindredOf(familyOf(history)) === 'rhel' ? packagesOf(history).find(({ name }) => name === 'mod_ssl' || name === 'mod24_ssl') : undefined;
  const isTouched = history.steps.some((step) => mentions(step, /conf\.d\/ssl\.conf|pki\/tls\/private|localhost\.key/));
  const { commands, unseen } = startOf(target);
  if (!installed || isTouched || !(unseen.length > 0 || commands.some(({ name }) => /^(httpd|apachectl)$/.test(name ?? '')))) return undefined;
  return {
    rule: 'closed-file',
    message: `mod_ssl makes /etc/pki/tls/private/localhost.key, which root alone may read, and its configuration names it`,
    line: installed.step.instruction.line,
    advice: 'remove /etc/httpd/conf.d/ssl.conf where TLS ends elsewhere, or give the server a key of its account',
  };
}

/** `RUN chmod 400 /etc/ssl/host.key`: a private key of root's that the program reads, and that nobody here may open. */
function closedKey(target: Target): Reason | undefined {
  const { steps } = historyOf(target.stage, target.unit);
  const closed = new Map<string, Reason>();
  for (const step of steps) {
    if (!mentions(step, /chmod|chown|\brm\b|\bmv\b/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const [mode, ...rest] = operands(words).map(({ value }) => value);
      const paths = (name === 'rm' ? [mode, ...rest] : rest).flatMap((value) => resolvePath(command.cwd, value) ?? []);
      if (name === 'chmod' && /^0?[4-6]00$/.test(mode ?? '')) {
        for (const path of paths.filter((one) => KEY.test(one))) closed.set(path, { rule: 'closed-file', message: `RUN ${words.map(({ text }) => text).join(' ')} closes a key to others than root`, line: step.instruction.line, advice: 'give the key to the account that runs the program, then run unroot again' });
      } else if (name === 'chmod' || name === 'chown' || name === 'rm' || name === 'mv') {
        for (const path of closed.keys()) if (paths.some((one) => isWithin(path, one)) || mode === path) closed.delete(path);
      }
    }
  }
  return [...closed.values()][0];
}

/** What private keys of servers and of SSH are called. */
const KEY = /\.key$|key\.pem$|\/ssh_host_\w+_key$|\/id_(rsa|dsa|ecdsa|ed25519)$/;

/** An archive of Tomcat that is closed to others, where its RUN can't be made to open it. */
function tomcatToOpen(target: Target): Reason | undefined {
  const closed = closedTomcat(target);
  if (!closed || closed.edit) return undefined;
  return {
    rule: 'closed-file',
    message: `Tomcat's archive, unpacked in ${closed.home}, closes its configuration to others than root`,
    line: closed.step.instruction.line,
    advice: 'open it in the RUN that unpacks it, with chmod -R a+rX, as its own image does',
  };
}
