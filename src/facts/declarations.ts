import { expand, type Variables } from '../dockerfile/expand.ts';
import { properties } from '../dockerfile/inside.ts';
import type { Instruction } from '../dockerfile/parse.ts';

/** The ARGs before the first FROM, by name: null for one without a default. */
export type Globals = ReadonlyMap<string, string | null | undefined>;

/** A value that an ENV or ARG gives a name. */
interface Declared {
  /** Which of the declarations it is. */
  at: number;
  stage: number;
  value: string | undefined;
}

/**
 * The ENVs and ARGs of a chain of stages, in order. They are read, each once and before those that
 * come after it, when a variable is asked for; so a value costs the same however many there are.
 */
export class Declarations {
  private readonly all: { instruction: Instruction; escape: string; stage: number; globals: Globals }[] = [];
  private readonly environment = new Map<string, Declared[]>();
  private readonly args = new Map<string, Declared[]>();
  private read = 0;
  private readonly given: Readonly<Record<string, string>>;

  /** @param given what the base image sets */
  constructor(given: Readonly<Record<string, string>>) {
    this.given = given;
  }

  /** @param stage which of the chain's it stands in: an ARG holds in its own only */
  add(instruction: Instruction, escape: string, stage: number, globals: Globals): void {
    this.all.push({ instruction, escape, stage, globals });
  }

  /** What an instruction of a stage sees that stands behind all so far: ENV beats ARG, that of the base too, and the last one counts. */
  variablesIn(stage: number): Variables {
    return this.variables(this.all.length, stage);
  }

  /** What the image keeps for the container: ENV without ARG. */
  environmentSoFar(): Variables {
    return this.variables(this.all.length, undefined);
  }

  private variables(before: number, stage: number | undefined): Variables {
    return (name) => {
      this.readUpTo(before);
      const kept = lastBefore(this.environment.get(name), before);
      if (kept) return kept.value;
      if (Object.hasOwn(this.given, name)) return this.given[name];
      const argument = stage === undefined ? undefined : lastBefore(this.args.get(name), before);
      return argument?.stage === stage ? argument?.value : undefined;
    };
  }

  private readUpTo(end: number): void {
    for (; this.read < end; this.read += 1) {
      const at = this.read;
      const { instruction, escape, stage, globals } = this.all[at]!;
      const isArg = instruction.keyword === 'ARG';
      const scope = this.variables(at, stage);
      for (const { name, value } of properties(instruction, escape)) {
        const isGlobal = isArg && value === undefined;
        const declared = { at, stage, value: isGlobal ? (globals.get(name) ?? undefined) : expand(value ?? '', scope, escape) };
        const known = (isArg ? this.args : this.environment).get(name);
        if (known) known.push(declared);
        else (isArg ? this.args : this.environment).set(name, [declared]);
      }
    }
  }
}

/** The last one in front of a place. */
function lastBefore(declared: readonly Declared[] | undefined, before: number): Declared | undefined {
  let [from, to] = [0, declared?.length ?? 0];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (declared![middle]!.at < before) from = middle + 1;
    else to = middle;
  }
  return declared?.[from - 1];
}
