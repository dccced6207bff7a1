import type { LinkedService, Target } from '../project.ts';
import { type FlowNode, readFlow, type ShellFlow } from '../shell/flow.ts';
import { readShell, type ShellWord } from '../shell/read.ts';
import { type History, historyOf, type StartPart } from './history.ts';
import type { StartScript } from './start.ts';

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
  script: string;
  flow: ShellFlow;
  /** What is to go. */
  gone: Set<FlowNode>;
}

/** The words that a container starts with, and where those that stand in sight are written. */
export interface StartWords {
  words: ShellWord[];
  placeOf: ReadonlyMap<ShellWord, TextPlace>;
}

/** Reads a text at its place, with the variables that the image sets. */
export function startText(place: TextPlace, script: string, history: History, cwd: string | undefined): StartText {
  return { place, script, flow: readFlow(script, (name) => history.environment(name) ?? undefined, cwd), gone: new Set() };
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

/** What a service starts instead; undefined where it leaves what the image starts. */
export function wordsOfService(linked: LinkedService, target: Target): StartWords | undefined {
  const { command, entrypoint } = linked.service;
  if (command === undefined && entrypoint === undefined) return undefined;
  const placeOf = new Map<ShellWord, TextPlace>();
  const take = (key: 'command' | 'entrypoint', value: string[] | string) =>
    splitCommand(value).map((text, index) => {
      const word = plainWord(text);
      placeOf.set(word, { kind: 'service', linked, key, word: index });
      return word;
    });
  const history = historyOf(target.stage, target.unit);
  const partWords = (part: StartPart | undefined) => (part ? (part.words ?? [...part.shell, part.script]).map(plainWord) : []);
  const head = entrypoint === undefined ? partWords(history.entrypoint) : take('entrypoint', entrypoint);
  // A service's entrypoint drops the image's CMD.
  const tail = command === undefined ? (entrypoint === undefined ? partWords(history.cmd) : []) : take('command', command);
  return { words: [...head, ...tail], placeOf };
}

/** Stands in for `$` where it is no more than a character. */
const DOLLAR = '\ue000';

/** Compose splits a string at blanks outside quotes and runs no shell. */
function splitCommand(value: string[] | string): string[] {
  if (Array.isArray(value)) return value;
  const { commands } = readShell(value.replaceAll('$', DOLLAR));
  if (commands.length !== 1) return value.split(/\s+/).filter(Boolean);
  return commands[0]!.words.map((word) => (word.value ?? word.text).replaceAll(DOLLAR, '$'));
}

function plainWord(value: string): ShellWord {
  return { text: value, value, pos: 0, end: 0 };
}
