import { posix } from 'node:path';
import { commandsOf, mentions, unwrap } from './commands.ts';
import { baseEntry, type History, historyOf, type Step } from './history.ts';
import { managesPackages } from './installs.ts';
import { memo } from './memo.ts';
import type { Target } from '../project.ts';

/** Whom a container starts as. */
export interface EffectiveUser {
  kind: 'root' | 'nonroot' | 'unknown';
  /** As the image configuration would say it: a name, `uid`, `uid:gid`, or `root`. */
  text: string;
  /** Whether the file's own USER says it; else the base does. */
  own: boolean;
}

/** The effective user of a target: its last USER, else its base's. */
export function effectiveUser(target: Target): EffectiveUser {
  return userOf(historyOf(target.stage, target.unit));
}

/** The effective user at the end of a history. */
export const userOf = memo((history: History): EffectiveUser => {
  if (history.user) return ownUser(history.user.value, history.user.instruction.args);
  return baseUser(history);
});

function ownUser(value: string | undefined, written: string): EffectiveUser {
  if (value === undefined) return { kind: 'unknown', text: written, own: true };
  return { kind: isRoot(value) ? 'root' : 'nonroot', text: value || 'root', own: true };
}

/** Whether a USER value means uid 0: `root`, `0`, `00`, `+0`, with or without a group, or nothing at all. */
export function isRoot(user: string): boolean {
  const name = user.split(':')[0]!.trim();
  return name === '' || name === 'root' || /^[+-]?0+$/.test(name);
}

/** The user that the base's own configuration names. */
export function baseUser(history: History): EffectiveUser {
  const { base } = history;
  if (base.kind === 'scratch') return { kind: 'root', text: 'root', own: false };
  const entry = baseEntry(base);
  if (entry && entry.user !== 'unknown') {
    if (entry.user === 'root') return { kind: 'root', text: 'root', own: false };
    return { kind: 'nonroot', text: String(entry.user.uid ?? entry.user.name ?? 'nonroot'), own: false };
  }
  return provesRoot(history) ? { kind: 'root', text: 'root', own: false } : { kind: 'unknown', text: 'unknown', own: false };
}

/** Whether a step that runs as the base's user does what only root can: then that user is root. */
function provesRoot(history: History): boolean {
  return history.steps.some((step) => step.user === undefined && needsRoot(step));
}

const ROOT_TOOLS = new Set(['useradd', 'adduser', 'groupadd', 'addgroup', 'usermod', 'chown', 'a2enmod', 'update-ca-certificates', 'ldconfig']);

const ANY_ROOT_TOOL = new RegExp([...ROOT_TOOLS].join('|'));

function needsRoot(step: Step): boolean {
  if (!managesPackages(step) && !mentions(step, ANY_ROOT_TOOL)) return false;
  const commands = commandsOf(step).map((command) => ({ ...unwrap(command), command }));
  if (commands.some(({ through }) => through.includes('sudo'))) return false;
  return managesPackages(step) || commands.some(({ words }) => ROOT_TOOLS.has(posix.basename(words[0]?.value ?? '')));
}
