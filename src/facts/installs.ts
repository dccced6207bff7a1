import type { ShellCommand } from '../shell/read.ts';
import { commandsOf, type Invocation, mentions, operands, unwrap } from './commands.ts';
import type { History, Step } from './history.ts';
import { memo } from './memo.ts';

/** Package managers of distributions: the words that install, and the options that take a value. */
const MANAGERS: Record<string, { install: RegExp; takesValue: RegExp }> = {
  'apt-get': { install: /^install$/, takesValue: /^(-o|-c|-t|--option|--target-release)$/ },
  apt: { install: /^install$/, takesValue: /^(-o|-c|-t|--option|--target-release)$/ },
  aptitude: { install: /^install$/, takesValue: /^(-o|-t)$/ },
  apk: { install: /^(add|fix)$/, takesValue: /^(-t|--virtual|-X|--repository|-p|--root|--arch|--keys-dir)$/ },
  yum: { install: /^(install|localinstall|groupinstall)$/, takesValue: /^(-c|-x|--enablerepo|--disablerepo|--installroot)$/ },
  dnf: { install: /^(install|localinstall|groupinstall)$/, takesValue: /^(-c|-x|--enablerepo|--disablerepo|--installroot)$/ },
  microdnf: { install: /^install$/, takesValue: /^(--enablerepo|--disablerepo)$/ },
  tdnf: { install: /^install$/, takesValue: /^(--enablerepo|--disablerepo)$/ },
  zypper: { install: /^(install|in)$/, takesValue: /^(-r|--repo)$/ },
  pacman: { install: /^-S\w*$/, takesValue: /^$/ },
};

const ANY_MANAGER = new RegExp(`(${Object.keys(MANAGERS).join('|')}|dpkg|rpm|pip)`);

export interface Installed {
  name: string;
  manager: string;
  step: Step;
}

/** The distribution packages that the chain installs, without versions, in order. */
export const packagesOf = memo((history: History): Installed[] => history.steps.flatMap(packagesOfStep));

/** The distribution packages that one step installs. */
export const packagesOfStep = memo((step: Step): Installed[] => {
  if (!mentions(step, ANY_MANAGER)) return [];
  return commandsOf(step).flatMap((command) => {
    const invocation = unwrap(command);
    return packagesIn(invocation).map((name) => ({ name, manager: invocation.name!, step }));
  });
});

/** The packages that one command installs. */
function packagesIn(invocation: Invocation): string[] {
  const manager = MANAGERS[invocation.name ?? ''];
  if (!manager) return [];
  if (invocation.name === 'pacman') {
    return invocation.words.some((word) => manager.install.test(word.value ?? '')) ? names(operands(invocation.words)) : [];
  }
  const [verb, ...rest] = operands(invocation.words, manager.takesValue);
  return manager.install.test(verb?.value ?? '') ? names(rest) : [];
}

function names(words: { value: string | undefined }[]): string[] {
  return words.flatMap(({ value }) => (value === undefined ? [] : value.split(/\s+/).filter(Boolean).map(withoutVersion)));
}

/** `curl=7.1`, `bash>5`, `pkg/bookworm`, `gosu@edge` without what follows the name. */
function withoutVersion(text: string): string {
  return /^(\.?\/|https?:)/.test(text) ? text.slice(text.lastIndexOf('/') + 1) : text.replace(/[=<>~@/].*$/, '');
}

/** Whether a step runs a distribution's package manager, to install or to update. */
export function managesPackages(step: Step): boolean {
  if (!mentions(step, ANY_MANAGER)) return false;
  return commandsOf(step).some((command: ShellCommand) => {
    const { name } = unwrap(command);
    return name !== undefined && (name in MANAGERS || name === 'dpkg' || name === 'rpm' || name === 'pip' || name === 'pip3');
  });
}

/**
 * The package managers that the chain itself calls: they settle the distribution where the catalogue
 * can't. Those in a branch that may not run count only where there is one of them and no other.
 */
export const managersOf = memo((history: History): ReadonlySet<string> => {
  const certain = new Set<string>();
  const possible = new Set<string>();
  for (const step of history.steps) {
    if (!mentions(step, ANY_MANAGER)) continue;
    for (const command of commandsOf(step)) {
      const { name } = unwrap(command);
      if (name !== undefined && name in MANAGERS) (command.conditional ? possible : certain).add(name);
    }
  }
  if (certain.size > 0) return certain;
  return possible.size === 1 ? possible : new Set();
});
