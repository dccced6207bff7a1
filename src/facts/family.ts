import { FAMILIES, accountRecipe, type FamilyFacts } from '../images/recipes.ts';
import type { Family } from '../images/types.ts';
import { commandsOf, mentions, unwrap } from './commands.ts';
import type { History } from './history.ts';
import { managersOf } from './installs.ts';
import { memo } from './memo.ts';

/** The distribution family of a chain: what the file's own commands prove, else the catalogue's answer. */
export const familyOf = memo((history: History): Family => {
  const { base } = history;
  if (base.kind === 'scratch') return 'scratch';
  const known = knownFamily(history);
  return known === 'unknown' || contradictedBase(history) !== undefined ? provenFamily(history) : known;
});

/**
 * The package manager by which the file shows that its base is not of the family that the catalogue
 * says: the catalogue knows an image as it was read, and tags move on. Undefined where nothing does.
 */
export const contradictedBase = memo((history: History): string | undefined => {
  const known = knownFamily(history);
  if (known === 'unknown') return undefined;
  const used = [...managersOf(history)];
  const fits = used.length === 0 || used.some((manager) => FAMILIES[known].managers.includes(manager));
  return fits || FAMILIES[known].managers.length === 0 ? undefined : used[0];
});

/** The release of Alpine 3 that the base's tag tells, `Infinity` for the newest; undefined where it does not. */
export function alpineRelease({ base }: History): number | undefined {
  if (base.kind !== 'image') return undefined;
  const { repo, tag, digest } = base.reference;
  if (repo === 'library/alpine' && ((tag === undefined && digest === undefined) || /^(latest|edge|3)$/.test(tag ?? ''))) return Infinity;
  const [, release] = (repo === 'library/alpine' ? /^3\.(\d+)/ : /alpine-?3\.(\d+)/).exec(tag ?? '') ?? [];
  return release === undefined ? undefined : Number(release);
}

function knownFamily({ base }: History): Family {
  return base.kind === 'image' ? (base.facts?.family ?? 'unknown') : 'unknown';
}

/** The family by its package manager, in an order that lets the one that only it has decide. */
function provenFamily(history: History): Family {
  const managers = managersOf(history);
  if (managers.has('apk')) return 'alpine';
  if (managers.has('apt-get') || managers.has('apt') || managers.has('aptitude')) return 'debian';
  if (managers.has('microdnf')) return 'ubi-minimal';
  if (managers.has('tdnf')) return 'azurelinux';
  if (managers.has('zypper')) return 'opensuse';
  if (managers.has('pacman')) return 'arch';
  // The file system of all that have yum or dnf is alike, and without useradd lines do.
  if (managers.has('yum') || managers.has('dnf')) return toolsIn(history) === 'shadow' ? 'rhel' : 'amazonlinux';
  const tools = toolsIn(history);
  return tools === 'busybox' ? 'busybox' : tools === 'shadow' ? 'rhel' : 'unknown';
}

/**
 * How a chain's distribution makes an account: the commands; undefined where there is no shell or
 * where nothing shows that there is one. A tool that the file itself uses is there.
 */
export function accountCommands(history: History, name: string, id: number): string[] | undefined {
  const family = familyOf(history);
  if (family === 'unknown') return hasShellStep(history) ? accountRecipe('lines', '/sbin/nologin', name, id) : undefined;
  const { accounts, noLogin } = FAMILIES[family];
  if (accounts === 'none') return undefined;
  return accountRecipe(accounts === 'lines' && toolsIn(history) === 'shadow' ? 'shadow' : accounts, noLogin, name, id);
}

/** The tools with which the file itself makes accounts, whatever its distribution; undefined where it makes none. */
const toolsIn = memo((history: History): FamilyFacts['accounts'] | undefined => {
  let found: FamilyFacts['accounts'] | undefined;
  for (const step of history.steps) {
    if (!mentions(step, /user|group|shadow/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const says = (pattern: RegExp) => words.some(({ value }) => value !== undefined && pattern.test(value));
      if (name === 'useradd' || name === 'groupadd') found = command.conditional ? found : 'shadow';
      else if ((name === 'adduser' || name === 'addgroup') && says(/^-[DSH]+$/)) found ??= command.conditional ? undefined : 'busybox';
      // MariaDB's pattern: shadow-utils come for the account and go again.
      else if (says(/^(remove|erase|del|purge|autoremove)$/) && says(/^shadow(-utils|-tools)?$/)) found = undefined;
    }
  }
  return found;
});

/** Whether a RUN in shell form of the chain shows that /bin/sh is there. */
function hasShellStep({ steps }: History): boolean {
  return steps.some(({ instruction, shell }) => instruction.keyword === 'RUN' && instruction.json === undefined && /\/?(ba|da|a)?sh$/.test(shell[0] ?? ''));
}
