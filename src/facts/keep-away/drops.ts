import { posix } from 'node:path';
import { globMatches } from '../../images/glob.ts';
import { programOf } from '../../programs/lookup.ts';
import type { Target } from '../../project.ts';
import { readShell, type ShellCommand } from '../../shell/read.ts';
import { baseEntry, historyOf } from '../history.ts';
import { placeOf, type Started, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';
import { userOption } from './user-options.ts';

/** Programs whose purpose is to run another as somebody else. */
const DROPPERS = new Set(['gosu', 'su-exec', 'setpriv', 'runuser', 'chpst', 'setuidgid', 's6-setuidgid', 'su', 'sudo', 'start-stop-daemon', 'setuser', 'fixuid']);

/** RULES B1: it starts as root on purpose and drops by itself. */
export const dropsByItself: KeepAway = (target) => baseDrops(target) ?? fileDrops(target) ?? unseenDrops(target);

function fileDrops(target: Target) {
  for (const started of startOf(target).commands) {
    const dropper = dropperOf(started) ?? dropperInVariable(started);
    const told = dropper === undefined ? userOption(started, target) : undefined;
    // One of several services drops: the rest stays as it was started.
    if ((dropper === undefined && told === undefined) || started.script?.path.startsWith('/etc/init.d/')) continue;
    return {
      rule: 'drops-by-itself' as const,
      message: told === undefined ? `${placeOf(started)} runs ${dropper}` : `${started.name} changes its user: ${told}`,
      line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line,
      advice: 'leave it: a USER line would make the drop fail',
    };
  }
  return undefined;
}

/** The program by which a command changes user, undefined where it does not. */
function dropperOf({ name, words, through, command }: Started): string | undefined {
  if (through.includes('sudo') && words.length > 0) return 'sudo';
  if (through.includes('dockerize')) return dropOfDockerize(command);
  if (name === undefined) return undefined;
  if (programOf(name)?.need === 'drops') return name;
  if (!DROPPERS.has(name)) return undefined;
  // Without an account to change to these do something else: `su` alone is a prompt, `gosu --version` a check.
  const first = words[1]?.value ?? words[1]?.text;
  if (first === undefined || /^--(version|help)$/.test(first)) return undefined;
  if (name === 'setpriv') return words.some(({ value }) => /^--(reuid|euid|ruid)/.test(value ?? '')) ? name : undefined;
  if (name === 'start-stop-daemon') return words.some(({ value }) => /^(-c|--chuid)/.test(value ?? '')) ? name : undefined;
  return name;
}

/** `dockerize -euid 65534 app`, as a fork of it (kbase/dockerize) has it. */
function dropOfDockerize({ words }: ShellCommand): string | undefined {
  const at = words.findIndex(({ value }) => /^-e?uid$/.test(value ?? ''));
  const user = words[at + 1]?.value;
  return at > 0 && user !== undefined && user !== '0' ? `dockerize ${words[at]!.value} ${user}` : undefined;
}

/** `exec $drop /app/server` in a script that says `drop="gosu app"` where it is root: the program by which it changes user. */
function dropperInVariable({ name, command, script }: Started): string | undefined {
  const [first] = command.words.filter(({ value }) => value !== 'exec');
  const variable = name === undefined && script ? /^"?\$\{?(\w+)\}?"?$/.exec(first?.text ?? '')?.[1] : undefined;
  if (variable === undefined || !script!.text.includes(`${variable}=`)) return undefined;
  const given = readShell(script!.text).commands.flatMap(({ assignments }) => assignments.filter((one) => one.name === variable && one.pos !== undefined).map(({ pos, end }) => script!.text.slice(pos, end)));
  const dropped = given.flatMap((text) => /^["']?(\S+)\s/.exec(text)?.[1] ?? []);
  return dropped.find((program) => DROPPERS.has(posix.basename(program)));
}

/** A program that refuses root, behind an entrypoint that is not in sight: who starts it as root has that change the user. */
function unseenDrops(target: Target) {
  const { baseEntrypoint, commands } = startOf(target);
  const { base, entrypoint } = historyOf(target.stage, target.unit);
  const program = entrypoint || baseEntrypoint !== 'unknown' ? undefined : commands.find(({ name }) => name !== undefined && programOf(name)?.need === 'refuses-root');
  if (!program) return undefined;
  return {
    rule: 'drops-by-itself' as const,
    message: `${program.name} refuses to run as root, so the entrypoint of ${base.text} changes its user`,
    line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line,
    advice: 'leave it: the entrypoint prepares its data as root first',
  };
}

/** The base's own entrypoint drops, if the file keeps it and starts what it tests for. */
function baseDrops(target: Target) {
  const { base, entrypoint } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  if (!entry || entrypoint || (entry.drop !== 'entrypoint' && entry.drop !== 'daemon')) return undefined;
  const { argv } = startOf(target);
  const first = argv?.[0];
  const kept = first === undefined ? !startOf(target).parts.length : dropsFor(entry.dropsFor, entry.cmd, first);
  if (!kept) return undefined;
  return {
    rule: 'drops-by-itself' as const,
    message: `the entrypoint of ${base.text} changes to an unprivileged user by itself`,
    line: target.stage.from.line,
    advice: 'leave it: the entrypoint prepares its data as root first',
  };
}

function dropsFor(patterns: string[] | undefined, defaults: string[] | undefined, first: string): boolean {
  if (first === '/bin/sh' || first === 'sh' || first === 'bash' || first === '/bin/bash') return false;
  if (patterns) return patterns.some((pattern) => globMatches(pattern, first)) || first.startsWith('-');
  return defaults === undefined || defaults.length === 0 || first === defaults[0] || first.startsWith('-');
}
