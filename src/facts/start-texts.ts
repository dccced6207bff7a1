import type { Instruction } from '../dockerfile/parse.ts';
import type { LinkedService, Target, Unit } from '../project.ts';
import { type FlowNode, readFlow, type ShellFlow } from '../shell/flow.ts';
import type { ShellWord } from '../shell/read.ts';
import { type History, historyOf, type StartPart } from './history.ts';
import { splitCommand, type StartScript } from './start.ts';

/** Where a text that runs at the start is written. */
export type TextPlace =
  /** CMD or ENTRYPOINT: in shell form, or in one word of the exec form. */
  | { kind: 'instruction'; part: StartPart; word: number | undefined }
  /** A script in the build context. */
  | { kind: 'file'; script: StartScript }
  /** A service's own command or entrypoint: one word of it. */
  | { kind: 'service'; linked: LinkedService; key: 'command' | 'entrypoint'; word: number };

/** A shell text that runs when a target starts. */
export interface StartText {
  place: TextPlace;
  /** What the shell gets. */
  script: string;
  /** The same as it is written at its place: a compose file has `$$` for each `$`. */
  written: string;
  flow: ShellFlow;
  /** What is to go. */
  gone: Set<FlowNode>;
}

/** The words that a container starts with, and where those that stand in sight are written. */
export interface StartWords {
  words: ShellWord[];
  placeOf: ReadonlyMap<ShellWord, TextPlace>;
}

/**
 * Reads a text at its place, with the variables that the image sets.
 * @param written as its file has it
 */
export function startText(place: TextPlace, written: string, history: History, cwd: string | undefined): StartText {
  const isService = place.kind === 'service';
  const script = isService ? written.replaceAll('$$', '$') : written;
  // What compose replaces (`$NAME`) looks like a variable of the container (`$$NAME`) from here on: none is known.
  const lookup = (name: string) => (isService ? undefined : (history.environment(name) ?? undefined));
  return { place, script, written, flow: readFlow(script, lookup, cwd), gone: new Set() };
}

/** What a text is known by, whichever target starts with it. */
export function keyOfText({ place }: StartText, target: Target): string {
  if (place.kind === 'file') return `file ${place.script.file!.copy.step.unit.context} ${place.script.file!.source}`;
  if (place.kind === 'instruction') return `instruction ${unitOf(place.part.instruction, target).file.path} ${place.part.instruction.start}`;
  const found = place.linked.service.at(place.key)!;
  return `service ${found.place.file.absolute} ${found.place.start} ${place.word}`;
}

/** The Dockerfile that an instruction of a target's chain stands in. */
export function unitOf(instruction: Instruction, target: Target): Unit {
  return historyOf(target.stage, target.unit).steps.find((step) => step.instruction === instruction)?.unit ?? target.unit;
}

/** Where a range of what the shell gets stands in the text as it is written. */
export function inWritten<T extends { start: number; end: number }>({ place, written, script }: StartText, range: T): T {
  if (place.kind !== 'service' || written.length === script.length) return range;
  const offsets: number[] = [];
  for (let at = 0; at <= written.length; at += written.startsWith('$$', at) ? 2 : 1) offsets.push(at);
  return { ...range, start: offsets[range.start]!, end: offsets[range.end]! };
}

/** What the image itself starts: ENTRYPOINT and CMD, a shell form in its shell. The base's entrypoint hands over and is left out. */
export function wordsOfImage(target: Target): StartWords {
  const { entrypoint, cmd, base } = historyOf(target.stage, target.unit);
  const placeOf = new Map<ShellWord, TextPlace>();
  const take = (part: StartPart | undefined) => (part ? wordsOfPart(part, placeOf) : []);
  // An ENTRYPOINT in shell form ignores CMD.
  const own = entrypoint && !entrypoint.words ? take(entrypoint) : [...take(entrypoint), ...take(cmd)];
  const inherited = base.kind === 'image' && !entrypoint && !cmd ? (base.facts?.entry.cmd ?? []) : [];
  return { words: [...own, ...inherited.map(plainWord)], placeOf };
}

function wordsOfPart(part: StartPart, placeOf: Map<ShellWord, TextPlace>): ShellWord[] {
  const words = (part.words ?? [...part.shell, part.script]).map(plainWord);
  words.forEach((word, index) => {
    if (part.words) placeOf.set(word, { kind: 'instruction', part, word: index });
    else if (index === words.length - 1) placeOf.set(word, { kind: 'instruction', part, word: undefined });
  });
  return words;
}

/** What a service starts instead; undefined where it leaves what the image starts. Words are as they are written, `$$` included. */
export function wordsOfService(linked: LinkedService, target: Target): StartWords | undefined {
  if (linked.service.command === undefined && linked.service.entrypoint === undefined) return undefined;
  const [command, entrypoint] = [rawCommand(linked, 'command'), rawCommand(linked, 'entrypoint')];
  if (command === undefined && entrypoint === undefined) return undefined;
  const placeOf = new Map<ShellWord, TextPlace>();
  const take = (key: 'command' | 'entrypoint', words: readonly ShellWord[]) => {
    words.forEach((word, index) => placeOf.set(word, { kind: 'service', linked, key, word: index }));
    return words;
  };
  const history = historyOf(target.stage, target.unit);
  const partWords = (part: StartPart | undefined) => (part ? (part.words ?? [...part.shell, part.script]).map(plainWord) : []);
  const head = entrypoint === undefined ? partWords(history.entrypoint) : take('entrypoint', entrypoint);
  // A service's entrypoint drops the image's CMD.
  const tail = command === undefined ? (entrypoint === undefined ? partWords(history.cmd) : []) : take('command', command);
  return { words: [...head, ...tail], placeOf };
}

/** The words of a service's command or entrypoint; places are in the text of a string, and those of nothing in a list. */
export function rawCommand({ service }: LinkedService, key: 'command' | 'entrypoint'): ShellWord[] | undefined {
  const node = service.at(key)?.node;
  if (node?.kind === 'scalar') return node.value.trim() === '' ? undefined : splitCommand(node.value);
  if (node?.kind !== 'list') return undefined;
  return node.items.map((item) => plainWord(item.kind === 'scalar' ? item.value : item.kind === 'alias' && item.target.kind === 'scalar' ? item.target.value : ''));
}

function plainWord(value: string): ShellWord {
  return { text: value, value, pos: 0, end: 0 };
}
