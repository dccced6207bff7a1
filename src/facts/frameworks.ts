import { posix } from 'node:path';
import { stageNamed, type Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { commandsOf, mentions, option, unwrap } from './commands.ts';
import { type Copy, copiesOf, originOf } from './copies.ts';
import { historyOf } from './history.ts';
import { memo } from './memo.ts';
import { startOf } from './start.ts';
import { unpackedServerState } from './unpacked-servers.ts';

/** A directory of state that a framework keeps beside the code of the application. */
export interface FrameworkState {
  /** Absolute. */
  path: string;
  framework: string;
  /** Whether what already lies in it stays root's. */
  isFlat?: boolean;
}

interface Framework {
  name: string;
  /** Commands that start it, by name. */
  starts: RegExp;
  /** A file beside the code that shows that it is this framework, and what its text must hold. */
  manifest: string;
  holds: RegExp;
  /** Directories that it writes, relative to the code. */
  state: string[];
}

/** RULES E1: frameworks by their manifests, with what they write in production (their own deployment guides). */
const FRAMEWORKS: Framework[] = [
  { name: 'Next.js', starts: /^(next|node|npm|yarn|pnpm)$/, manifest: 'package.json', holds: /"next"\s*:/, state: ['.next/cache'] },
  { name: 'Nuxt', starts: /^(nuxt|nuxi)$/, manifest: 'package.json', holds: /"nuxt"\s*:/, state: ['.nuxt/cache'] },
  { name: 'Rails', starts: /^(rails|puma|unicorn|bundle|thrust|foreman)$/, manifest: 'Gemfile', holds: /^\s*gem\s+["']rails["']/m, state: ['tmp', 'log', 'storage'] },
  { name: 'Laravel', starts: /^(php|php-fpm|apache2-foreground|frankenphp)$/, manifest: 'composer.json', holds: /"laravel\/framework"\s*:/, state: ['storage', 'bootstrap/cache'] },
  { name: 'Symfony', starts: /^(php|php-fpm|apache2-foreground|frankenphp)$/, manifest: 'composer.json', holds: /"symfony\/framework-bundle"\s*:/, state: ['var'] },
  { name: 'Strapi', starts: /^(strapi|npm|yarn|node)$/, manifest: 'package.json', holds: /"@strapi\/strapi"\s*:/, state: ['public/uploads', '.tmp'] },
  { name: 'Ghost', starts: /^(node|ghost)$/, manifest: 'package.json', holds: /"ghost"\s*:/, state: ['content'] },
];

/** The state directories of the framework that a target runs, as far as its manifest is in sight. */
export const frameworkState = memo((target: Target): FrameworkState[] => {
  const { cwd } = historyOf(target.stage, target.unit);
  if (cwd === undefined || cwd === '/') return [...elixirState(target), ...distilleryState(target), ...unpackedServerState(target)];
  const started = startOf(target).commands.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const found = [...elixirState(target), ...distilleryState(target), ...unpackedServerState(target), ...railsDatabase(target, cwd, started)];
  for (const { name, starts, manifest, holds, state } of FRAMEWORKS) {
    if (!started.some((command) => starts.test(command))) continue;
    const origin = originOf(target, posix.join(cwd, manifest));
    const text = origin === undefined || origin === 'elsewhere' ? undefined : origin.text;
    if (text !== undefined && holds.test(text)) found.push(...state.map((path) => ({ path: posix.join(cwd, path), framework: name })));
  }
  return found;
});

/** An Elixir release that is copied from the stage that builds it. */
export interface ElixirRelease {
  copy: Copy;
  /** Where it lies in the image. */
  path: string;
  /** Whether its scripts have the mode 0744, as they had before Elixir 1.12; undefined where the version is not in sight. */
  isClosed: boolean | undefined;
}

export const elixirReleases = memo((target: Target): ElixirRelease[] =>
  copiesOf(historyOf(target.stage, target.unit)).flatMap((copy) => {
    const { from, destination, step } = copy;
    const isRelease = from !== undefined && destination !== undefined && destination !== '/' && /\/_build\/\S*\/?rel\/[^\s/]+\/?(\s|"|$)/.test(step.instruction.args);
    return isRelease ? [{ copy, path: destination, isClosed: isOldElixir(copy) }] : [];
  }),
);

/** By the tag of the image that the release is built in: `1.18-otp-27`. */
function isOldElixir({ from, step: { unit, stage } }: Copy): boolean | undefined {
  const builder = stageNamed(unit.dockerfile.stages, from!, stage.index);
  const base = builder && historyOf(builder, unit).base;
  if (base?.kind !== 'image' || !/(^|\/)elixir$/.test(base.reference.repo)) return undefined;
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(base.reference.tag ?? '') ?? [];
  return major === undefined ? undefined : Number(major) === 1 && Number(minor) < 12;
}

/** Distillery's release fills its settings in at each start, into `var` beside its `bin`, and ends where it can't (hexdocs.pm/distillery). */
export function distilleryState(target: Target): FrameworkState[] {
  const { variables, cwd } = historyOf(target.stage, target.unit);
  if (variables('REPLACE_OS_VARS') === undefined) return [];
  return startOf(target).commands.flatMap(({ words, command }) => {
    const [, root] = /^(\/.+)\/bin\/[^/]+$/.exec(resolvePath(command.cwd ?? cwd, words[0]?.value) ?? '') ?? [];
    return root !== undefined && /^(foreground|console|start|start_boot)$/.test(words[1]?.value ?? '') ? [{ path: variables('RELEASE_MUTABLE_DIR') ?? posix.join(root, 'var'), framework: 'a release of Distillery' }] : [];
  });
}

/** The start script of a release copies its configuration to `tmp` beside it, and ends where it can't. */
function elixirState(target: Target): FrameworkState[] {
  if (historyOf(target.stage, target.unit).variables('RELEASE_TMP') !== undefined) return [];
  return elixirReleases(target).map(({ path }) => ({ path: posix.join(path, 'tmp'), framework: 'the start script of an Elixir release' }));
}

/** Rails keeps SQLite's files in `db` where its configuration says so, or where `rails new` was not told of another database. */
function railsDatabase(target: Target, cwd: string, started: readonly string[]): FrameworkState[] {
  if (!started.some((name) => /^(rails|puma|bundle|thrust)$/.test(name))) return [];
  const origin = originOf(target, posix.join(cwd, 'config/database.yml'));
  const text = origin === undefined || origin === 'elsewhere' ? undefined : origin.text;
  const inSight = text !== undefined && /^\s*database:\s*["']?db\/\S+\.sqlite3/m.test(text);
  return inSight || (text === undefined && makesRailsApp(target)) ? [{ path: posix.join(cwd, 'db'), framework: 'Rails (SQLite)' }] : [];
}

function makesRailsApp(target: Target): boolean {
  return historyOf(target.stage, target.unit).steps.some(
    (step) =>
      mentions(step, 'rails new') &&
      commandsOf(step).some((command) => {
        const { name, words } = unwrap(command);
        return name === 'rails' && words[1]?.value === 'new' && option(words, 'd', 'database') === undefined;
      }),
  );
}
