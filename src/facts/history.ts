import { type ImageFacts, lookUp } from '../images/lookup.ts';
import type { ImageEntry } from '../images/types.ts';
import { parseReference, type Reference, withOpenTag } from '../images/reference.ts';
import { expand, type Variables } from '../dockerfile/expand.ts';
import { properties } from '../dockerfile/inside.ts';
import type { Dockerfile, Instruction, Stage } from '../dockerfile/parse.ts';
import { type BuiltImage, imageKey, type LinkedService, stageNamed, type Unit } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { Declarations, type Globals } from './declarations.ts';
import { memo } from './memo.ts';
import { MOVED_WORKDIR, movableWorkdir } from './root-paths.ts';

/** What a chain of stages rests on. */
export type Base =
  | { kind: 'scratch'; text: string }
  | { kind: 'image'; text: string; reference: Reference; facts: ImageFacts | undefined }
  /** A variable without a default in anything but the tag, or a text that is no image reference. */
  | { kind: 'unresolved'; text: string };

/** What the catalogue knows of a base; undefined where it is none of its images. */
export function baseEntry(base: Base): ImageEntry | undefined {
  return base.kind === 'image' ? base.facts?.entry : undefined;
}

/** The same of what a target is built on. */
export function entryOf({ stage, unit }: BuiltImage): ImageEntry | undefined {
  return baseEntry(historyOf(stage, unit).base);
}

/** One instruction of the chain, with what holds when it runs. */
export interface Step {
  instruction: Instruction;
  stage: Stage;
  /** The Dockerfile that it stands in: another one where the base is built here. */
  unit: Unit;
  /** The last USER, variables replaced; undefined while it is the base's own. */
  user: UserSetting | undefined;
  /** The absolute working directory; undefined where it rests on something unknown. */
  cwd: string | undefined;
  variables: Variables;
  /** What runs the shell form. */
  shell: readonly string[];
}

export interface UserSetting {
  instruction: Instruction;
  /** Undefined where a variable in it is not known. */
  value: string | undefined;
}

export interface StartPart {
  instruction: Instruction;
  /** The exec form's words, else the shell form's text. */
  words: string[] | undefined;
  script: string;
  shell: readonly string[];
}

/** What building a stage does, from its base on, and the configuration that the image ends with. */
export interface History {
  base: Base;
  /** From the one that rests on the base to the stage itself. */
  stages: Stage[];
  steps: Step[];
  user: UserSetting | undefined;
  cwd: string | undefined;
  variables: Variables;
  /** Those that the image keeps for the container: ENV without ARG. */
  environment: Variables;
  entrypoint: StartPart | undefined;
  cmd: StartPart | undefined;
  /** Whether the file resets the base's ENTRYPOINT or CMD. */
  volumes: { path: string | undefined; instruction: Instruction }[];
  ports: { port: number; protocol: string; instruction: Instruction }[];
}

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** The history of a stage. Answered once per stage. */
export const historyOf = memo((stage: Stage, own: Unit): History => {
  const chain = chainOf(stage, own);
  const stages = chain.map((link) => link.stage);
  const [first] = chain as [BuiltImage, ...BuiltImage[]];
  const base = baseOf(first, own);
  const facts = base.kind === 'image' ? base.facts : undefined;
  const history: History = {
    base,
    stages,
    steps: [],
    user: undefined,
    cwd: base.kind === 'scratch' ? '/' : facts ? (facts.entry.workdir ?? '/') : undefined,
    variables: () => undefined,
    environment: () => undefined,
    entrypoint: undefined,
    cmd: undefined,
    volumes: [],
    ports: [],
  };
  let shell: readonly string[] = DEFAULT_SHELL;
  const declarations = new Declarations(facts?.entry.env ?? {});

  for (const [number, { stage: member, unit }] of chain.entries()) {
    const { dockerfile } = unit;
    const globals = globalsOf(dockerfile, unit);
    let cmdHere = false;
    let variables = declarations.variablesIn(number);

    for (const instruction of member.instructions) {
      const { keyword } = instruction;
      history.steps.push({ instruction, stage: member, unit, user: history.user, cwd: history.cwd, variables, shell });
      const word = (text: string) => expand(text, variables, dockerfile.escape);
      if (keyword === 'ENV' || keyword === 'ARG') {
        declarations.add(instruction, dockerfile.escape, number, globals);
        variables = declarations.variablesIn(number);
      } else if (keyword === 'USER') {
        history.user = { instruction, value: word(instruction.args) };
      } else if (keyword === 'WORKDIR') {
        history.cwd = movableWorkdir(unit) === instruction ? MOVED_WORKDIR : resolvePath(history.cwd, word(instruction.args));
      } else if (keyword === 'SHELL') {
        shell = instruction.json ?? shell;
      } else if (keyword === 'VOLUME') {
        const paths = instruction.json ?? instruction.args.split(/\s+/);
        // What looks like JSON and is none names paths that nobody meant.
        const isMeant = instruction.json !== undefined || !instruction.args.startsWith('[');
        for (const path of isMeant ? paths : [instruction.args]) history.volumes.push({ path: isMeant ? resolvePath(history.cwd, word(path)) : undefined, instruction });
      } else if (keyword === 'EXPOSE') {
        history.ports.push(...exposed(instruction, word));
      } else if (keyword === 'CMD') {
        history.cmd = startPart(instruction, shell);
        cmdHere = true;
      } else if (keyword === 'ENTRYPOINT') {
        history.entrypoint = startPart(instruction, shell);
        if (!cmdHere) history.cmd = undefined;
      }
    }
    history.variables = variables;
  }
  history.environment = declarations.environmentSoFar();
  return history;
});

/** The stages that a stage is built of, the one nearest to the base first; those of other Dockerfiles here, too. */
function chainOf(stage: Stage, unit: Unit): BuiltImage[] {
  const chain = new Map<Stage, BuiltImage>();
  // Images that are built on each other in a circle are nobody's base.
  for (let link: BuiltImage | undefined = { stage, unit }; link && !chain.has(link.stage); link = parentOf(link)) chain.set(link.stage, link);
  return [...chain.values()].reverse();
}

/** What a stage is built on, if it is of this repository: an earlier stage, or an image that another Dockerfile builds. */
export function parentOf({ stage, unit }: BuiltImage): BuiltImage | undefined {
  const text = fromText(stage, unit) ?? '';
  const earlier = stageNamed(unit.dockerfile.stages, text, stage.index);
  if (earlier) return { stage: earlier, unit };
  if (unit.images.size === 0) return undefined;
  const reference = parseReference(text);
  return reference && unit.images.get(imageKey(reference));
}

/** What FROM means once the ARGs before it are filled in. */
function fromText(stage: Stage, unit: Unit): string | undefined {
  const { dockerfile, aliases } = unit;
  const globals = globalsOf(dockerfile, unit);
  const text = expand(stage.base, (name) => globals.get(name), dockerfile.escape);
  return text !== undefined && aliases?.has(text) && !stageNamed(dockerfile.stages, text, stage.index) ? aliases.get(text) : text;
}

/** The ARGs before the first FROM: `null` for one without a default, which is empty unless who builds says otherwise, as compose may. */
const globalsOf = memo((dockerfile: Dockerfile, { services }: Unit): Globals => {
  const given = givenArgs(services);
  const globals = new Map<string, string | null | undefined>(given);
  for (const instruction of dockerfile.globals) {
    for (const { name, value } of properties(instruction, dockerfile.escape)) {
      globals.set(name, value === undefined ? (given.get(name) ?? null) : expand(value, (other) => globals.get(other), dockerfile.escape));
    }
  }
  return globals;
});

/** The build arguments that all services which build a Dockerfile give the same value. */
function givenArgs([first, ...others]: readonly LinkedService[]): Map<string, string> {
  const agreed = (first?.service.build?.args ?? []).filter(({ name, value }) => others.every(({ service }) => service.build?.args.some((one) => one.name === name && one.value === value)));
  return new Map(agreed.flatMap(({ name, value }) => (value === undefined || value.includes('$') ? [] : [[name, value]])));
}

function baseOf({ stage, unit }: BuiltImage, { config, source }: Unit): Base {
  const text = fromText(stage, unit);
  if (text === 'scratch') return { kind: 'scratch', text };
  const reference = text ? parseReference(text) : undefined;
  if (text && reference) return { kind: 'image', text, reference, facts: lookUp(reference, config?.images) ?? source?.lookUp(text, reference) };
  const open = parseReference(withOpenTag(stage.base) ?? '');
  const facts = open && lookUp(open, config?.images);
  return open && facts ? { kind: 'image', text: stage.base, reference: open, facts } : { kind: 'unresolved', text: stage.base };
}

function startPart(instruction: Instruction, shell: readonly string[]): StartPart {
  return { instruction, words: instruction.json, script: instruction.args, shell };
}

/** Ports of an EXPOSE: `80`, `80/tcp`, `8000-8005`. */
function exposed(instruction: Instruction, word: (text: string) => string | undefined): History['ports'] {
  const ports: History['ports'] = [];
  for (const text of instruction.args.split(/\s+/)) {
    const match = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(word(text) ?? '');
    if (!match) continue;
    const first = Number(match[1]);
    const last = Math.min(Number(match[2] ?? first), 65_535);
    for (let port = first; port <= last; port += 1) ports.push({ port, protocol: match[3]?.toLowerCase() ?? 'tcp', instruction });
  }
  return ports;
}
