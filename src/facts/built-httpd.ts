import { posix } from 'node:path';
import type { Target } from '../project.ts';
import { commandsOf, mentions } from './commands.ts';
import { type History, historyOf } from './history.ts';
import { installedPrograms } from './programs.ts';
import { startOf } from './start.ts';

/**
 * The directory that Apache httpd writes its pid file and its logs to where the Dockerfile builds it: `logs`
 * below its prefix (httpd.apache.org/docs/2.4/programs/configure.html, layout Apache); undefined where it is not built.
 */
export function builtHttpdLogs(target: Target): string | undefined {
  const { commands, unseen } = startOf(target);
  const started = commands.some(({ name }) => STARTERS.test(name ?? ''));
  if (!started && unseen.length === 0) return undefined;
  if (installedPrograms(target).some(({ name }) => name === 'httpd' || name === 'httpd-foreground')) return undefined;
  const prefix = builtPrefix(historyOf(target.stage, target.unit));
  return prefix === undefined ? undefined : posix.join(prefix, 'logs');
}

const STARTERS = /^(httpd|apachectl|httpd-foreground)$/;

/** `./configure --prefix=/usr/local/apache2 --enable-mods-shared=reallyall`: no other program has these options. */
function builtPrefix({ steps }: History): string | undefined {
  for (const step of steps.toReversed()) {
    if (!mentions(step, /--(enable-m(ods|pms)-shared|with-mpm|enable-so\b)/)) continue;
    for (const { words } of commandsOf(step)) {
      if (posix.basename(words[0]?.value ?? '') !== 'configure' || !words.some(({ value, text }) => OPTIONS.test(value ?? text))) continue;
      const prefix = words.find(({ value, text }) => /^["']?--prefix=/.test(value ?? text));
      const path = prefix === undefined ? '/usr/local/apache2' : prefix.value?.slice('--prefix='.length);
      if (path?.startsWith('/')) return path;
    }
  }
  return undefined;
}

const OPTIONS = /^["']?--(enable-m(ods|pms)-shared|with-mpm|enable-so$)/;
