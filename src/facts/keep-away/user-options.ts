import type { Target } from '../../project.ts';
import { resolvePath, type ShellWord } from '../../shell/read.ts';
import { operands, option } from '../commands.ts';
import { originOf } from '../copies.ts';
import { historyOf } from '../history.ts';
import type { Started } from '../start.ts';

/** How a server is told to change its user, as its manual has it. */
interface Switch {
  short: string[];
  long: string[];
  /** Where its configuration is named, and what it is called where it is not; the keys by which that says the same. */
  configuration?: { short: string | undefined; long: string; named: string | undefined; keys: RegExp };
}

const SWITCHES: Record<string, Switch> = {
  gunicorn: { short: ['u', 'g'], long: ['user', 'group'], configuration: { short: 'c', long: 'config', named: 'gunicorn.conf.py', keys: /^\s*(user|group)\s*=\s*["']?([\w-]+)/gm } },
  uwsgi: { short: [], long: ['uid', 'gid'], configuration: { short: undefined, long: 'ini', named: undefined, keys: /^\s*(uid|gid)\s*[=:]\s*["']?([\w-]+)/gm } },
  celery: { short: [], long: ['uid', 'gid'] },
  memcached: { short: ['u'], long: ['user'] },
};

/**
 * What a server is told to change to, by an option or by a configuration in sight: `-u www-data`.
 * Its master stays root for that, and as anybody else it fails or ignores it. Undefined where it is told nothing, or root.
 */
export function userOption(started: Started, target: Target): string | undefined {
  const { name, words } = started;
  const known = name === undefined ? undefined : SWITCHES[name];
  if (!known) return undefined;
  const options = [...known.short.map((one) => [`-${one}`, option(words, one, undefined)] as const), ...known.long.map((one) => [`--${one}`, option(words, undefined, one)] as const)];
  const given = options.find(([, word]) => word !== undefined && isOther(word.value ?? word.text));
  if (given) return `${given[0]} ${given[1]!.value ?? given[1]!.text}`;
  const text = known.configuration && configurationOf(started, known.configuration, target);
  const key = text === undefined ? undefined : [...text.matchAll(known.configuration!.keys)].find((match) => isOther(match[2]!));
  return key && `${key[1]} = ${key[2]} in its configuration`;
}

/** The text of the configuration that a server reads, as far as it is copied from the build context. */
function configurationOf({ words, command }: Started, { short, long, named }: NonNullable<Switch['configuration']>, target: Target): string | undefined {
  const given = option(words, short, long)?.value ?? operands(words).find(isConfiguration)?.value ?? named;
  const path = resolvePath(command.cwd ?? historyOf(target.stage, target.unit).cwd, given?.replace(/^(file|python):/, ''));
  const origin = path === undefined ? undefined : originOf(target, path);
  return origin === undefined || origin === 'elsewhere' ? undefined : origin.text;
}

function isConfiguration({ value }: ShellWord): boolean {
  return /\.(ini|ya?ml|xml)$/.test(value ?? '');
}

function isOther(user: string): boolean {
  return !/^["']?(root|0|None|False|null)["']?$/.test(user);
}
