import { posix } from 'node:path';
import { type Installation, type InstallationName, installations } from '../servers/defaults.ts';
import { readServer } from '../servers/index.ts';
import { type Templates, templatesIn, withTemplates } from '../servers/templates.ts';
import type { ServerConfiguration } from '../servers/types.ts';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { option } from './commands.ts';
import { familyOf } from './family.ts';
import { type History, historyOf } from './history.ts';
import { ImageFiles } from './image-files.ts';
import { memo } from './memo.ts';
import { type Started, startOf } from './start.ts';

/** A server that a target starts, with its configuration as the image holds it. */
export interface ConfiguredServer {
  /** The command that starts it. */
  name: string;
  installation: Installation;
  configuration: ServerConfiguration;
  /** Templates that are filled in when it starts, and where they go. */
  templates: Templates | undefined;
}

/** The servers that a target starts whose configurations can be read, in order. */
export const serversOf = memo((target: Target): ConfiguredServer[] => {
  const history = historyOf(target.stage, target.unit);
  const found: ConfiguredServer[] = [];
  for (const started of startOf(target).commands) {
    const installed = started.payload ? undefined : installationOf(started, history);
    if (!installed || found.some(({ installation }) => installation.kind === installed.kind)) continue;
    found.push(configured(started, installed, target));
  }
  return found;
});

/** Commands that start a server, by the program in front of the installation's name. */
const COMMANDS: Record<string, string> = {
  nginx: 'nginx',
  'nginx-debug': 'nginx',
  openresty: 'openresty',
  'apache2-foreground': 'apache',
  'httpd-foreground': 'apache',
  apache2: 'apache',
  apache2ctl: 'apache',
  apachectl: 'apache',
  httpd: 'apache',
  haproxy: 'haproxy',
  caddy: 'caddy',
  lighttpd: 'lighttpd',
};

/** The installation that a command starts: that of the base image, else that of the distribution's package. */
function installationOf({ name }: Started, history: History): Installation | undefined {
  const program = COMMANDS[name ?? ''];
  if (program === undefined) return undefined;
  const entry = history.base.kind === 'image' ? history.base.facts?.entry : undefined;
  const own = entry && OF_IMAGES[entry.id]?.startsWith(`${program} `) ? OF_IMAGES[entry.id] : undefined;
  if (own !== undefined) return installations[own];
  if (program === 'apache' && entry?.cmd?.[0] === 'apache2-foreground') return installations['apache php'];
  const family = familyOf(history);
  const byFamily = `${program} ${family === 'ubuntu' ? 'debian' : family}`;
  if (byFamily in installations) return installations[byFamily as InstallationName];
  const byPackage = `${program} package`;
  return byPackage in installations ? installations[byPackage as InstallationName] : undefined;
}

/** Installations by the catalogue's entry. */
const OF_IMAGES: Record<string, InstallationName> = {
  nginx: 'nginx image',
  'nginx-unprivileged': 'nginx unprivileged',
  openresty: 'openresty image',
  httpd: 'apache image',
  'php-apache': 'apache php',
  haproxy: 'haproxy image',
  'haproxy-old': 'haproxy image',
  caddy: 'caddy image',
};

function configured(started: Started, installation: Installation, target: Target): ConfiguredServer {
  const files = new ImageFiles(target, installation);
  const entry = entryOf(started, installation);
  const templates = fillsTemplates(installation, target) ? templatesIn(files) : undefined;
  const configuration = readServer(installation.kind, entry, withTemplates(files, templates), installation.root);
  return { name: started.name!, installation, configuration, templates };
}

/** Whether the entrypoint of the nginx image runs in front of the server. */
function fillsTemplates(installation: Installation, target: Target): boolean {
  return (installation === installations['nginx image'] || installation === installations['nginx unprivileged']) && !historyOf(target.stage, target.unit).entrypoint;
}

const ENTRY_OPTIONS: Record<string, [short: string, long: string | undefined]> = {
  nginx: ['c', undefined],
  apache: ['f', undefined],
  haproxy: ['f', undefined],
  caddy: ['c', 'config'],
  lighttpd: ['f', undefined],
};

/** The file that the command names, else the installation's own. */
function entryOf({ words, command }: Started, { kind, entry, root }: Installation): string {
  const named = option(words, ...ENTRY_OPTIONS[kind]!)?.value;
  const base = kind === 'nginx' ? posix.dirname(entry) : kind === 'apache' ? root : command.cwd;
  return resolvePath(base, named) ?? entry;
}
