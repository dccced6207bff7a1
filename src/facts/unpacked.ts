import { posix } from 'node:path';
import { globMatches } from '../images/glob.ts';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { commandsOf, unwrap } from './commands.ts';
import { copiesOf, namesCopiedInto } from './copies.ts';
import { type History, historyOf } from './history.ts';

/**
 * Whether a base's server unpacks archives here (RULES E3): one lands where it looks for them, what lands
 * there is not in sight, or nothing does and it is for later. Where applications lie there unpacked, the
 * directory stays root's: whoever may write it may replace them.
 * @param archives a glob such as `/usr/local/tomcat/webapps/*.war`
 */
export function unpacksAny(archives: string, target: Target): boolean {
  const directory = posix.dirname(archives);
  const isArchive = (name: string) => globMatches(posix.basename(archives), posix.basename(name));
  const history = historyOf(target.stage, target.unit);
  const within = (path: string | undefined) => path !== undefined && (path === directory || path.startsWith(`${directory}/`));
  const copies = copiesOf(history).filter(({ destination }) => within(destination));
  const copied = namesCopiedInto(target, directory);
  const laid = namesLaidBy(history, within);
  if ([...copied, ...laid, ...copies.map(({ destination }) => destination!)].some(isArchive)) return true;
  const isInSight = copies.every(({ destination, from }) => destination !== directory || (from === undefined && copied.length > 0));
  return !isInSight || (copies.length === 0 && laid.length === 0);
}

/** What RUN commands name that put something into a directory, without what is taken out again; an unpacked archive does not lie there itself. */
function namesLaidBy(history: History, within: (path: string | undefined) => boolean): string[] {
  const laid: string[] = [];
  for (const command of history.steps.flatMap(commandsOf)) {
    const { name, words } = unwrap(command);
    const touched = [...words.slice(1), ...command.redirects.map(({ target }) => target)];
    const isThere = within(command.cwd) || touched.some(({ value }) => within(resolvePath(command.cwd, value)));
    if (name === undefined || !isThere || /^(mkdir|chown|chmod|chgrp|ls|cd)$/.test(name)) continue;
    const names = touched.map(({ value, text }) => value ?? text);
    if (name === 'rm') laid.splice(0, laid.length, ...laid.filter((one) => !names.some((gone) => posix.basename(gone) === posix.basename(one))));
    else laid.push(...(UNPACKS.test(name) ? names.filter((one) => !ARCHIVE.test(one)) : names));
  }
  return laid;
}

const UNPACKS = /^(unzip|jar|(bsd)?tar|7za?)$/;
const ARCHIVE = /\.(war|jar|zip|ear|t(ar\.)?(gz|xz|bz2)|tar)$/;
