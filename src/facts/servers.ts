import { posix } from 'node:path';
import { type Installation, type InstallationName, installations } from '../servers/defaults.ts';
import { readServer } from '../servers/index.ts';
import { type Templates, templatesIn, withFilled, withTemplates } from '../servers/templates.ts';
import type { ConfigFile, ConfigFiles, ServerConfiguration } from '../servers/types.ts';
import { isPackageOf, programOf } from '../programs/lookup.ts';
import type { LinkedService, Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { mentions, option } from './commands.ts';
import { alpineRelease, familyOf } from './family.ts';
import { baseEntry, type History, historyOf } from './history.ts';
import { ImageFiles } from './image-files.ts';
import { packagesOf } from './installs.ts';
import { memo } from './memo.ts';
import { isApplet, isOfMaker } from './programs.ts';
import { MountedFiles } from './mounted-files.ts';
import { type Run, runsOf } from './runs.ts';
import { type Started, startOf } from './start.ts';

/** A server that a target starts, with its configuration as the image holds it. */
export interface ConfiguredServer {
  /** The command that starts it. */
  name: string;
  installation: Installation;
  configuration: ServerConfiguration;
  /** Templates that are filled in when it starts, and where they go. */
  templates: Templates | undefined;
  /** The files as the image has them. */
  image: ImageFiles;
}

/** The servers that a target starts in any of its runs. */
export const serversOf = memo((target: Target): ConfiguredServer[] => {
  const all = runsOf(target).flatMap(serversIn);
  // Runs that mount nothing over the image's files read the same ones.
  return all.filter((one, index) => all.findIndex((other) => other.name === one.name && isSame(one.configuration, other.configuration)) === index);
});

function isSame(one: ServerConfiguration, other: ServerConfiguration): boolean {
  return one.files.length === other.files.length && one.files.every(({ path, text }, index) => other.files[index]!.path === path && other.files[index]!.text === text);
}

/** The servers that a run starts whose configurations can be read, in order. */
export const serversIn = memo((run: Run): ConfiguredServer[] => {
  const commands = startOf(run.target).commands;
  const own = run.service && commands.some(({ service }) => service === run.service);
  const found: ConfiguredServer[] = [];
  for (const started of commands) {
    if (started.payload || started.service !== (own ? run.service : undefined)) continue;
    const installed = installationOf(started, run.target);
    if (!installed || !readsConfiguration(started, installed) || found.some(({ installation }) => installation.kind === installed.kind)) continue;
    const server = configured(started, installed, run);
    if (!isTold(server, started)) found.push(server);
  }
  return found;
});

/** Whether the command line alone says how a server is configured: Traefik reads options where it finds no file (doc.traefik.io, "Configuration Discovery"). */
function isTold({ configuration: { kind, files, gaps } }: ConfiguredServer, { words }: Started): boolean {
  return kind === 'traefik' && files.length === 0 && (gaps.length === 0 || words.some(({ value }) => /^--entrypoints\./i.test(value ?? '')));
}

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
  traefik: 'traefik',
  h2o: 'h2o',
};

/** The installation that a command starts: that of the base image, else that of the distribution's package. */
function installationOf({ name }: Started, target: Target): Installation | undefined {
  const program = COMMANDS[name ?? ''];
  if (program === undefined || isApplet(name!, target)) return undefined;
  const history = historyOf(target.stage, target.unit);
  const entry = baseEntry(history.base);
  const own = entry && OF_IMAGES[entry.id]?.startsWith(`${program} `) ? OF_IMAGES[entry.id] : undefined;
  if (own !== undefined) return installations[own];
  if (program === 'apache' && entry?.cmd?.[0] === 'apache2-foreground') return installations['apache php'];
  // No distribution has this command: it comes with a server that the file builds as the image does.
  if (name === 'httpd-foreground') return withoutFiles(installations['apache image']);
  const packaged = packageOf(program, history);
  return packaged === undefined || isPackaged(name!, history) ? packaged : withoutFiles(packaged);
}

/** How the distribution's package of a program lays it out. */
function packageOf(program: string, history: History): Installation | undefined {
  const family = familyOf(history);
  if (program === 'nginx' && isOfMaker(programOf(program)!, history)) return installations['nginx old-image'];
  if (program === 'nginx' && history.steps.some((step) => mentions(step, /\bpkgs\.nginx\.com\b|plus-pkgs\.nginx\.com|nginx-plus/))) return nginxPlus();
  if (program === 'nginx' && family === 'alpine') return nginxOfAlpine(history);
  const byFamily = `${program} ${family === 'ubuntu' ? 'debian' : family}`;
  if (byFamily in installations) return installations[byFamily as InstallationName];
  const byPackage = `${program} package`;
  return byPackage in installations ? installations[byPackage as InstallationName] : undefined;
}

/** NGINX Plus lies where nginx.org's package does; how its own server is written was not read. */
function nginxPlus(): Installation {
  const { moves: _, ...rest } = installations['nginx image'];
  return rest;
}

/** Alpine 3.13 moved the servers of nginx from conf.d to http.d; before 3.5 they stood in nginx.conf. */
function nginxOfAlpine(history: History): Installation {
  const release = alpineRelease(history);
  if (release === undefined || release < 5) return withoutFiles(installations['nginx alpine']);
  return installations[release < 13 ? 'nginx old-alpine' : 'nginx alpine'];
}

/** Whether the file installs a package that brings a program. One that is built or fetched has other files. */
function isPackaged(name: string, history: History): boolean {
  const program = programOf(name);
  return program !== undefined && packagesOf(history).some((one) => isPackageOf(program, one.name));
}

/** The places of an installation whose own files are not known. */
function withoutFiles({ kind, entry, root, source }: Installation): Installation {
  return { kind, entry, root, source, files: {} };
}

/** Caddy's `file-server`, `respond` and `reverse-proxy` read no Caddyfile (caddyserver.com/docs/command-line). */
function readsConfiguration({ words }: Started, { kind }: Installation): boolean {
  return kind !== 'caddy' || !/^(file-server|respond|reverse-proxy)$/.test(words[1]?.value ?? '');
}

/** Installations by the catalogue's entry. */
const OF_IMAGES: Record<string, InstallationName> = {
  nginx: 'nginx image',
  'nginx-1.16': 'nginx old-image',
  'nginx-unprivileged': 'nginx unprivileged',
  openresty: 'openresty image',
  httpd: 'apache image',
  'php-apache': 'apache php',
  haproxy: 'haproxy image',
  'haproxy-2.3': 'haproxy image',
  caddy: 'caddy image',
  traefik: 'traefik image',
};

function configured(started: Started, installation: Installation, { target, service, disk }: Run): ConfiguredServer {
  const image = new ImageFiles(target, installation);
  // What stands for a service has its mounts as copies, which hide nothing.
  const mounting = target.standsFor ?? service;
  const files = mounting ? new MountedFiles(image, mounting, disk) : image;
  const entry = entryOf(started, installation);
  const templates = fillsTemplates(installation, target, service) ? templatesIn(files) : undefined;
  const atStart = changesAtStart(started, installation, target, files);
  const configuration = readServer(installation.kind, entry, withTemplates(withFilled(files, atStart.filled), templates), installation.root);
  configuration.gaps.push(...atStart.gaps);
  return { name: started.name!, installation, configuration, templates, image };
}

/** Whether the entrypoint of the nginx image runs in front of the server. */
function fillsTemplates(installation: Installation, target: Target, linked: LinkedService | undefined): boolean {
  if (linked?.service.entrypoint !== undefined) return false;
  return (installation === installations['nginx image'] || installation === installations['nginx unprivileged']) && !historyOf(target.stage, target.unit).entrypoint;
}

/** What the start command does to configurations before the server reads them. */
interface AtStart {
  /** Templates that `envsubst` fills in. */
  filled: ConfigFile[];
  gaps: string[];
}

function changesAtStart({ service: own }: Started, installation: Installation, target: Target, files: ConfigFiles): AtStart {
  const folder = posix.dirname(installation.entry);
  const inFolder = (path: string | undefined): path is string => path !== undefined && (path === folder || path.startsWith(`${folder}/`));
  const result: AtStart = { filled: [], gaps: [] };
  for (const { name, words, command, service, script } of startOf(target).commands) {
    if (service !== own) continue;
    const to = command.redirects.filter(({ operator }) => operator.startsWith('>')).map(({ target: word }) => resolvePath(command.cwd, word.value)).find(inFolder);
    const from = command.redirects.find(({ operator }) => operator === '<')?.target.value;
    const template = name === 'envsubst' && to !== undefined && from !== undefined ? files.read(resolvePath(command.cwd, from) ?? '') : undefined;
    if (template) result.filled.push({ ...template, path: to!, template: true });
    else if (to !== undefined || (name !== undefined && CHANGES_FILES.test(name) && words.some(({ value }) => inFolder(resolvePath(command.cwd, value))))) result.gaps.push(`${script?.path ?? 'the start command'} changes ${to ?? folder} when it starts`);
  }
  return result;
}

const CHANGES_FILES = /^(sed|perl|cp|mv|ln|tee|dockerize|confd|gomplate|consul-template|j2|jinja2|crudini|augtool|patch|erb)$/;

const ENTRY_OPTIONS: Record<string, [short: string, long: string | undefined]> = {
  nginx: ['c', undefined],
  apache: ['f', undefined],
  haproxy: ['f', undefined],
  caddy: ['c', 'config'],
  lighttpd: ['f', undefined],
  traefik: ['', 'configFile'],
  h2o: ['c', 'conf'],
};

/** The file that the command names, else the installation's own. */
function entryOf({ words, command }: Started, { kind, entry, root }: Installation): string {
  const named = option(words, ...ENTRY_OPTIONS[kind]!)?.value;
  const base = kind === 'nginx' ? posix.dirname(entry) : kind === 'apache' ? root : command.cwd;
  return resolvePath(base, named) ?? entry;
}
