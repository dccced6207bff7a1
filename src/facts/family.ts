import type { Family } from '../images/types.ts';
import { commandsOf, unwrap } from './commands.ts';
import type { History } from './history.ts';
import { managersOf } from './installs.ts';
import { memo } from './memo.ts';

/** The distribution family of a chain: the catalogue's answer, else what the file's own commands prove. */
export const familyOf = memo((history: History): Family => {
  const { base } = history;
  if (base.kind === 'scratch') return 'scratch';
  const known = base.kind === 'image' ? base.facts?.family : undefined;
  return known !== undefined && known !== 'unknown' ? known : provenFamily(history);
});

function provenFamily(history: History): Family {
  const managers = managersOf(history);
  if (managers.has('apk')) return 'alpine';
  if (managers.has('apt-get') || managers.has('apt')) return 'debian';
  if (managers.has('microdnf')) return 'ubi-minimal';
  if (managers.has('tdnf')) return 'azurelinux';
  if (managers.has('zypper')) return 'opensuse';
  if (managers.has('pacman')) return 'arch';
  // yum and dnf are also Amazon Linux's, which has no useradd: only a useradd in the file proves it.
  return makesAccounts(history) ? 'rhel' : 'unknown';
}

function makesAccounts(history: History): boolean {
  return history.steps.some((step) => commandsOf(step).some((command) => unwrap(command).name === 'useradd'));
}
