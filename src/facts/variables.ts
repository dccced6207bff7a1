import { resolve } from 'node:path';
import { properties } from '../dockerfile/inside.ts';
import { memo } from '../memo.ts';
import { historyOf, type Step } from './history.ts';
import { type PlacedText, textOfFile, textOfInstruction } from './placed-text.ts';
import type { Run } from './runs.ts';
import { unquoted } from './start-places.ts';

/** A variable of a container's environment, where it is set. */
export interface PlacedVariable {
  name: string;
  /** As the container sees it; undefined where that is not known. */
  value: string | undefined;
  /** As it is written, quotes gone; undefined where it is set out of sight. */
  place: PlacedText | undefined;
  /** For the reader. */
  where: string;
  /** What keeps it from being changed there, beside its place. */
  closed: string | undefined;
}

/** The variables of a run: the service's own before those of its env files, before the image's. */
export const variablesOf = memo((run: Run): Map<string, PlacedVariable> => {
  const found = new Map<string, PlacedVariable>();
  for (const variable of [...imageVariables(run), ...envFileVariables(run), ...serviceVariables(run)]) found.set(variable.name, variable);
  return found;
});

function imageVariables({ target }: Run): PlacedVariable[] {
  const history = historyOf(target.stage, target.unit);
  const found: PlacedVariable[] = [];
  /** The defaults of the ARGs so far. */
  const defaults = new Map<string, PlacedText>();
  for (const { instruction, unit } of history.steps) {
    if (instruction.keyword !== 'ENV' && instruction.keyword !== 'ARG') continue;
    // What stands for a service stands in no file: its own variables come after these.
    if (target.standsFor && unit === target.unit && instruction.keyword === 'ENV') continue;
    for (const { name, value = '', at } of properties(instruction, unit.dockerfile.escape)) {
      const place = at === undefined ? undefined : unquoted(textOfInstruction(unit, instruction, at, at + value.length));
      if (instruction.keyword === 'ARG') {
        if (place) defaults.set(name, place);
        continue;
      }
      const argument = place && argumentIn(place.text);
      const behind = argument === undefined ? undefined : defaults.get(argument);
      found.push({ name, value: history.variables(name) ?? undefined, place: behind ?? place, where: `ENV ${name}`, closed: behind && overriddenBy(argument!, target.services) });
    }
  }
  return found;
}

/** `ENV PORT=$PORT`: the ARG whose default it may be. */
function argumentIn(text: string): string | undefined {
  return /^\$\{?(\w+)\}?$/.exec(text)?.[1];
}

/** What a `$NAME` in an instruction stands for: the variable of the chain that was set last before it. */
export function variableAt(name: string, step: Step, run: Run): PlacedVariable | undefined {
  const { steps } = historyOf(run.target.stage, run.target.unit);
  for (const earlier of steps.slice(0, steps.indexOf(step)).toReversed()) {
    const { instruction, unit } = earlier;
    if (instruction.keyword !== 'ENV' && instruction.keyword !== 'ARG') continue;
    const property = properties(instruction, unit.dockerfile.escape).find((one) => one.name === name);
    if (property?.value === undefined || property.at === undefined) continue;
    const place = unquoted(textOfInstruction(unit, instruction, property.at, property.at + property.value.length));
    const behind = argumentIn(place.text);
    if (behind !== undefined) return variableAt(behind, earlier, run);
    return { name, value: place.text, place, where: `${instruction.keyword} ${name}`, closed: instruction.keyword === 'ARG' ? overriddenBy(name, run.target.services) : undefined };
  }
  return undefined;
}

function overriddenBy(name: string, services: Run['target']['services']): string | undefined {
  const builder = services.find(({ service }) => service.build?.args.some((one) => one.name === name));
  return builder && `service ${builder.service.name} builds it with its own ${name}`;
}

function serviceVariables({ service, target }: Run): PlacedVariable[] {
  if (!service) return [];
  const own = new Set(target.services.map(({ source }) => source.name));
  return service.service.variables.map(({ name, value, place, valueAt }): PlacedVariable => {
    const { file } = place;
    const others = place.sharedWith.filter((name) => !own.has(name));
    const closed = file.path === undefined ? 'it is not part of this run' : others.length > 0 ? `${others.join(', ')} would change too` : undefined;
    const text = valueAt && { text: file.text.slice(valueAt.start, valueAt.end), path: file.path ?? file.absolute, at: (offset: number) => valueAt.start + offset, closed };
    return { name, value, place: text, where: `${name} of service ${service.service.name}`, closed: undefined };
  });
}

function envFileVariables({ service, root, disk }: Run): PlacedVariable[] {
  if (!service) return [];
  return service.service.envFiles.flatMap((name) => {
    const absolute = resolve(service.directory, name);
    const text = disk.read(absolute);
    if (text === undefined) return [];
    return settingsIn(text).map(({ name: variable, from, to, value }): PlacedVariable => {
      const whole = textOfFile(absolute, root, disk, text);
      return { name: variable, value, place: { ...whole, text: text.slice(from, to), at: (offset) => from + offset }, where: `${variable} in ${name}`, closed: undefined };
    });
  });
}

/** The settings of an env file with their places, quotes left out. */
function settingsIn(text: string): { name: string; value: string; from: number; to: number }[] {
  const found: { name: string; value: string; from: number; to: number }[] = [];
  for (const match of text.matchAll(/^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(["']?)([^\r\n]*?)\2[ \t]*(?:[ \t]#[^\r\n]*)?\r?$/gm)) {
    const [whole, name, quote, value] = match as unknown as [string, string, string, string];
    const from = match.index + whole.indexOf('=') + 1 + /^[ \t]*/.exec(whole.slice(whole.indexOf('=') + 1))![0].length + quote.length;
    found.push({ name, value, from, to: from + value.length });
  }
  return found;
}
