import type { Family } from '../images/types.ts';
import { programs } from './catalogue.ts';
import type { Program } from './types.ts';

/** The program that a command starts; undefined for one that the catalogue does not have. */
export function programOf(command: string): Program | undefined {
  return index().get(command);
}

let built: Map<string, Program> | undefined;

function index(): Map<string, Program> {
  built ??= new Map(programs.flatMap((program) => program.commands.map((command) => [command, program])));
  return built;
}

/** The account of a program's package in a family; undefined where it has none there. */
export function packageAccount({ account }: Program, family: Family): string | undefined {
  return typeof account === 'object' ? account[family] : account;
}

/** What a program writes in a family. */
export function programWrites({ writes }: Program, family: Family): string[] {
  return Array.isArray(writes) ? writes : (writes?.[family] ?? []);
}
