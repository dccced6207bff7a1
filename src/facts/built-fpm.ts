import { posix } from 'node:path';
import type { Target } from '../project.ts';
import { programOf } from '../programs/lookup.ts';
import { resolvePath } from '../shell/read.ts';
import { commandsOf, mentions, option } from './commands.ts';
import { copiesOf } from './copies.ts';
import { baseEntry, type History, historyOf } from './history.ts';
import { installedPrograms } from './programs.ts';
import { startOf } from './start.ts';

/**
 * The log without which php-fpm does not start, where the Dockerfile builds it: `var/log/php-fpm.log` below its prefix
 * unless a configuration says otherwise (php.net/manual/en/install.fpm.configuration.php); undefined where it is not built.
 */
export function builtFpmLog(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const { base, steps } = history;
  const isFpm = (name: string) => programOf(name)?.commands.includes('php-fpm') ?? false;
  const started = startOf(target).commands.find(({ name }) => name !== undefined && isFpm(name))?.name;
  if (started === undefined || baseEntry(base)?.cmd?.[0] === started || installedPrograms(target).some(({ name }) => name === started) || isConfigured(history)) return undefined;
  for (const step of steps.toReversed()) {
    if (!mentions(step, '--enable-fpm')) continue;
    const configure = commandsOf(step).find(({ words }) => posix.basename(words[0]?.value ?? '') === 'configure' && words.some(({ value }) => value === '--enable-fpm'));
    if (!configure) continue;
    const prefix = resolvePath(undefined, option(configure.words, undefined, 'prefix')?.value ?? '/usr/local');
    const state = resolvePath(undefined, option(configure.words, undefined, 'localstatedir')?.value) ?? (prefix && posix.join(prefix, 'var'));
    return state && posix.join(state, 'log/php-fpm.log');
  }
  return undefined;
}

/** Whether a RUN says where it logs, or a configuration of the file's own may. */
function isConfigured(history: History): boolean {
  const isConfiguration = (path: string | undefined) => path !== undefined && /php-fpm\.(conf|d)\b/.test(path);
  return history.steps.some((step) => mentions(step, 'error_log')) || copiesOf(history).some(({ sources, destination }) => sources.some(isConfiguration) || isConfiguration(destination));
}
