import { posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import type { Target } from '../project.ts';
import { resolvePath, type ShellCommand } from '../shell/read.ts';
import { commandsOf, mentions } from './commands.ts';
import { copiesOf } from './copies.ts';
import { type History, historyOf, type Step } from './history.ts';
import { installedPrograms } from './programs.ts';
import { startOf } from './start.ts';

/** A path that a server writes, as its build was told. */
export interface BuiltWrite {
  /** Absolute. */
  path: string;
  kind: 'file' | 'directory';
  /** The option of `configure` that names it, or the prefix that it is seen from. */
  by: string;
}

/**
 * What nginx, OpenResty or Tengine writes where the Dockerfile builds it: its pid file, its logs and
 * its temporary directories (nginx.org/en/docs/configure.html; openresty puts nginx below its own prefix).
 */
export function builtNginxWrites(target: Target): BuiltWrite[] {
  const { commands, unseen } = startOf(target);
  const started = commands.find(({ name }) => name === 'nginx' || name === 'openresty');
  if (started ? installedPrograms(target).some(({ name }) => name === started.name) : unseen.length === 0) return [];
  const build = lastBuild(target);
  if (!build || (!started && !isBrought(build, target))) return [];
  const { options, prefix } = build;
  const named = (option: string, byDefault: string): { path: string; by: string } => {
    const value = options.get(option);
    return value === undefined ? { path: posix.join(prefix, byDefault), by: `the prefix ${prefix}` } : { path: posix.resolve(prefix, value), by: `--${option}=${value}` };
  };
  const logs = [named('error-log-path', 'logs/error.log'), named('http-log-path', 'logs/access.log')];
  const files = [named('pid-path', 'logs/nginx.pid'), ...logs].map((one) => ({ ...one, kind: 'file' as const }));
  return [...files, ...temporary(TEMPORARY.map(([option, byDefault]) => named(option, byDefault)), prefix)];
}

const TEMPORARY = ['client-body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => [`http-${name}-temp-path`, `${name.replace('-', '_')}_temp`] as const);

/** nginx makes these when it starts: the directory above them is its own where nothing else lies there. */
function temporary(all: { path: string; by: string }[], prefix: string): BuiltWrite[] {
  const [above, ...others] = new Set(all.map(({ path }) => posix.dirname(path)));
  const isOwn = above !== undefined && others.length === 0 && above !== prefix && /(^|\/)(cache|lib|tmp)\/[^/]+/.test(above);
  return isOwn ? [{ path: above, by: all[0]!.by, kind: 'directory' }] : all.map((one) => ({ ...one, kind: 'directory' }));
}

interface Build {
  options: Map<string, string>;
  /** What nginx's own relative paths are seen from. */
  prefix: string;
  step: Step;
}

/** Whether what is built comes into the target: built in its own stages, or copied to where its build says that it is. */
function isBrought({ options, prefix, step }: Build, { stage, unit }: Target): boolean {
  const own = historyOf(stage, unit);
  const places = [prefix, options.get('sbin-path')];
  return own.steps.includes(step) || copiesOf(own).some(({ from, destination }) => from !== undefined && destination !== undefined && places.some((place) => place !== undefined && isWithin(place, destination)));
}

/** The `configure` of the target's own stages, else of the nearest stage before it. */
function lastBuild({ stage, unit }: Target): Build | undefined {
  const own = historyOf(stage, unit);
  const earlier = unit.dockerfile.stages.slice(0, stage.index).reverse().map((one) => historyOf(one, unit));
  for (const history of [own, ...earlier]) {
    const build = buildIn(history);
    if (build) return build;
  }
  return undefined;
}

function buildIn({ steps }: History): Build | undefined {
  for (const step of steps.toReversed()) {
    if (!mentions(step, 'configure')) continue;
    const configure = commandsOf(step).findLast(isConfigure);
    // A prefix that who builds chooses says nothing of where it is.
    if (configure) return configure.words.some(({ value, text }) => value === undefined && /^["']?--prefix=/.test(text)) ? undefined : buildOf(configure, step);
  }
  return undefined;
}

/** `./configure`, `./auto/configure` of nginx: by its options, or by where it is run. */
function isConfigure({ words, cwd }: ShellCommand): boolean {
  if (posix.basename(words[0]?.value ?? '') !== 'configure') return false;
  return words.some(({ value }) => /--(http-[\w-]+-path|with-http_)/.test(value ?? '')) || SOURCES.test(posix.basename(cwd ?? ''));
}

const SOURCES = /^(nginx|(ngx_)?openresty|tengine)\b/i;

function buildOf({ words, cwd }: ShellCommand, step: Step): Build {
  // A variable holds several options in one word.
  const options = new Map<string, string>();
  for (const word of words.slice(1).flatMap(({ value }) => value?.trim().split(/\s+/) ?? [])) {
    const [, name, value] = /^--([\w-]+)=["']?([^"']+)/.exec(word) ?? [];
    if (name !== undefined && value !== undefined) options.set(name, value);
  }
  const folder = posix.basename(cwd ?? '');
  const isOpenresty = SOURCES.test(folder) ? /^(ngx_)?openresty/i.test(folder) : mentions(step, /openresty-[\d$]/) && !mentions(step, /\bnginx-[\d$]/);
  const prefix = resolvePath(undefined, options.get('prefix')) ?? (isOpenresty ? '/usr/local/openresty' : '/usr/local/nginx');
  return { options, step, prefix: isOpenresty ? posix.join(prefix, 'nginx') : prefix };
}
