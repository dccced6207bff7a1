import { globMatches } from '../images/glob.ts';
import { kindredOf } from '../images/recipes.ts';
import type { Family } from '../images/types.ts';
import { programs } from './catalogue.ts';
import type { Program } from './types.ts';

/** The program that a command starts; undefined for one that the catalogue does not have. */
export function programOf(command: string): Program | undefined {
  return index().get(command) ?? (PHP_FPM.test(command) ? index().get('php-fpm') : undefined);
}

/** `php-fpm8.2`, `php-fpm81`, `php7.4-fpm`: distributions put the version into the name. */
const PHP_FPM = /^php(\d[\d.]*)?-fpm(\d[\d.]*)?$/;

let built: Map<string, Program> | undefined;

function index(): Map<string, Program> {
  built ??= new Map(programs.flatMap((program) => program.commands.map((command) => [command, program])));
  return built;
}

/** The account of a program's package in a family; undefined where it has none there. */
export function packageAccount({ account }: Program, family: Family): string | undefined {
  return typeof account === 'object' ? (account[family] ?? account[kindredOf(family)]) : account;
}

/** Whether a distribution's package brings a program: by the globs that it states, else by the beginning of its commands. */
export function isPackageOf({ commands, packages }: Program, name: string): boolean {
  const globs = packages ?? commands.map((command) => `${command.replace(/[^a-z].*$/i, '').toLowerCase()}*`).filter((glob) => glob.length > 3);
  return globs.some((glob) => globMatches(glob, name));
}

/**
 * What a program writes in a family.
 * @param names its command, and the packages that brought it: one of them may have its version
 */
export function programWrites(program: Program, family: Family, names: readonly string[]): string[] {
  const version = versionIn(names);
  return pathsOf(program, family).flatMap((path) => (!path.includes('VERSION') ? [path] : version === undefined ? [] : [path.replace('VERSION', version)]));
}

/** Whether all the paths that a program writes can be told from the names of its command and packages. */
export function knowsItsPaths(program: Program, family: Family, names: readonly string[]): boolean {
  return versionIn(names) !== undefined || !pathsOf(program, family).some((path) => path.includes('VERSION'));
}

function pathsOf({ writes }: Program, family: Family): string[] {
  return Array.isArray(writes) ? writes : (writes?.[family] ?? writes?.[kindredOf(family)] ?? []);
}

/** `8.2` of `php-fpm8.2` or `php8.2-fpm`. */
function versionIn(names: readonly string[]): string | undefined {
  return names.map((name) => /^[a-z]+-?[a-z]*?(\d[\d.]*)/.exec(name)?.[1]).find((one) => one !== undefined);
}

/** Whether it was run with packages as a family has them. */
export function isVerified({ verified }: Program, family: Family): boolean {
  return verified === true || (verified?.includes(kindredOf(family)) ?? false);
}
