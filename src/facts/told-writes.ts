import { isWithin } from '../image-paths.ts';
import type { Target } from '../project.ts';
import type { Directive } from '../servers/types.ts';
import { copiesOf } from './copies.ts';
import { baseEntry, historyOf } from './history.ts';
import { memo } from './memo.ts';
import { serversOf } from './servers.ts';
import { startOf } from './start.ts';

/**
 * Whether what is mounted at a path is only read: nothing names it to a program that writes what is named and nothing else.
 * @param named answers the paths that something says are written; asked of few programs
 */
export function isOnlyRead(path: string, named: () => readonly string[], target: Target): boolean {
  if (WRITTEN.test(path) || !writesWhatIsNamed(target)) return false;
  const written = [...named(), ...serversOf(target).flatMap(({ configuration }) => configuration.writes.map((write) => write.path))];
  return !written.some((one) => isWithin(one, path) || isWithin(path, one));
}

/** Folders for what servers write, whatever their configuration says. */
const WRITTEN = /(^|\/)(logs?|caches?|te?mp|run)(\/|$)/;

/**
 * Whether a target's program writes nothing but what the catalogue, its configuration and its start command name, so
 * that what else is mounted into it is only read: a server of files and its like, never one that runs others' code.
 */
const writesWhatIsNamed = memo((target: Target): boolean => {
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  if (!entry || !(entry.id in SETTINGS)) return false;
  const programs = new Set([...(entry.entrypoint ?? []), ...(entry.cmd ?? []).slice(0, 1)].map((path) => path.split('/').at(-1)));
  const { commands, scripts, partly } = startOf(target);
  const startsMore = commands.some(({ name }) => name === undefined || !(programs.has(name) || programs.has(`${name}-foreground`) || BESIDES.has(name)));
  if (startsMore || scripts.length > 0 || partly) return false;
  return !hasSettingsOfItsOwn(target, SETTINGS[entry.id]!) && !serversOf(target).some(({ configuration }) => stores(configuration.directives));
});

/** By entry of the catalogue: where settings may name other places to write and nobody here reads them; undefined where they are read. */
const SETTINGS: Record<string, string | undefined> = {
  nginx: undefined,
  'nginx-1.16': undefined,
  openresty: undefined,
  httpd: undefined,
  caddy: undefined,
  registry: '/etc/docker/registry',
};

/** What start commands call around a server. */
const BESIDES = new Set(['envsubst', 'echo', 'sleep', 'wait', 'test', '[', ':', 'true', 'cat', 'exec', 'sh', 'bash']);

function hasSettingsOfItsOwn(target: Target, place: string | undefined): boolean {
  if (place === undefined) return false;
  const { services, standsFor } = target;
  const holds = (path: string | undefined) => path !== undefined && (path === place || path.startsWith(`${place}/`));
  const mounted = [...services, ...(standsFor ? [standsFor] : [])].flatMap(({ service }) => service.mounts.flatMap(({ source, target: at }) => (source === undefined ? [] : [at])));
  return [...mounted, ...copiesOf(historyOf(target.stage, target.unit)).map(({ destination }) => destination)].some(holds);
}

/** Whether visitors may put files there: WebDAV, and what a proxy stores below its root. */
function stores(directives: readonly Directive[]): boolean {
  return directives.some(({ name, block }) => /^(dav|dav_methods|(proxy|fastcgi|uwsgi|scgi)_store)$/i.test(name) || (block !== undefined && stores(block)));
}
