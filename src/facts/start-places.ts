import { join, posix } from 'node:path';
import type { Found } from '../compose/layers.ts';
import { offsetsOf } from '../compose/scalars.ts';
import { parseYaml, YamlError } from '../compose/yaml.ts';
import { memo } from '../memo.ts';
import { readShell, type ShellCommand, type ShellWord } from '../shell/read.ts';
import { carriedScript, unwrap } from './commands.ts';
import { originOf } from './copies.ts';
import { type History, historyOf, type StartPart } from './history.ts';
import { argumentsOf, execWords, partOf, type PlacedText, textOfFile, textOfInstruction } from './placed-text.ts';
import type { Run } from './runs.ts';
import { startOf, type StartScript } from './start.ts';

/** A word of a command where it is written: quotes gone, variables as they are. */
export type PlacedWord = PlacedText;

/** A command that may run when a container starts, wrappers passed. */
export interface PlacedCommand {
  name: string | undefined;
  words: PlacedWord[];
  /** `PORT=80 node server.js`: variables that it is given. */
  assignments: { name: string; value: PlacedWord }[];
  /** For the reader: the start command, a script's path, a service. */
  where: string;
}

/** All commands that a run may start, in scripts in sight too, each word where it stands. */
export const placedCommands = memo((run: Run): PlacedCommand[] => {
  const history = historyOf(run.target.stage, run.target.unit);
  const own = ownWords(run);
  const all = own ? commandOf(own, `service ${run.service!.service.name}`) : imageCommands(history);
  return [...all, ...startOf(run.target).scripts.flatMap((script) => scriptCommands(script, run)), ...packageCommands(all, run)];
});

/** The words that a service starts instead of the image's; undefined where it leaves that to the image. */
function ownWords({ service, target }: Run): PlacedWord[] | undefined {
  const layers = service?.service.layers;
  const [entrypoint, command] = [layers?.get('entrypoint'), layers?.get('command')];
  if (!entrypoint && !command) return undefined;
  const history = historyOf(target.stage, target.unit);
  const image = history.entrypoint ? partWords(history, history.entrypoint) : [];
  return [...(entrypoint ? composeWords(entrypoint) : image), ...(command ? composeWords(command) : [])];
}

/** The words of `command:` or `entrypoint:`: the items of a list, or a text that compose splits as a shell does. */
export function composeWords(found: Found): PlacedWord[] {
  if (found.node.kind === 'list') return found.node.items.flatMap((item) => (item.kind === 'scalar' ? [placedScalar({ ...found, node: item })!] : []));
  const whole = placedScalar(found);
  if (!whole) return [];
  const [first, ...more] = readShell(whole.text).commands;
  return first && more.length === 0 ? first.words.map((word) => plainWord(word, whole)) : [whole];
}

/** A scalar of a compose file as it is written, variables of compose included; undefined for what is no scalar. */
export function placedScalar({ node, place }: Found): PlacedText | undefined {
  if (node.kind !== 'scalar') return undefined;
  const { file, sharedWith } = place;
  const offsets = offsetsOf(file.text, node);
  const closed = file.path === undefined ? 'it is not part of this run' : sharedWith.length > 0 ? `${sharedWith.join(', ')} would change too` : undefined;
  return { text: node.value, path: file.path ?? file.absolute, at: (offset) => offsets?.[offset], closed };
}

function imageCommands(history: History): PlacedCommand[] {
  const { entrypoint, cmd } = history;
  const shellForm = entrypoint ? (entrypoint.words ? undefined : entrypoint) : cmd && !cmd.words ? cmd : undefined;
  if (shellForm) return shellCommands(shellText(history, shellForm), 'the start command');
  const words = [...(entrypoint ? partWords(history, entrypoint) : []), ...(cmd ? partWords(history, cmd) : [])];
  return words.length > 0 ? commandOf(words, 'the start command') : [];
}

/** The words of one instruction; a shell form behind an entrypoint becomes its arguments. */
function partWords(history: History, part: StartPart): PlacedWord[] {
  if (part.words) return execWords(unitOf(history, part), part.instruction);
  const text = shellText(history, part);
  return [...part.shell.map((word) => ({ ...text, text: word, at: () => undefined })), text];
}

function shellText(history: History, part: StartPart): PlacedText {
  return argumentsOf(unitOf(history, part), part.instruction);
}

function unitOf(history: History, { instruction }: StartPart) {
  return history.steps.find((step) => step.instruction === instruction)!.unit;
}

/** A command of words as they are handed over, and those of the script that it carries. */
function commandOf(words: readonly PlacedWord[], where: string): PlacedCommand[] {
  const shell = words.map(({ text }): ShellWord => ({ text, value: text, pos: 0, end: 0 }));
  return placed(words, shell, [], where);
}

/** The commands of a shell script in a placed text. */
export function shellCommands(whole: PlacedText, where: string, depth = 0): PlacedCommand[] {
  return readShell(whole.text).commands.flatMap((command) => {
    const words = command.words.map((word) => plainWord(word, whole));
    return placed(words, words.map(({ text }) => ({ text, value: text, pos: 0, end: 0 })), assignmentsOf(command, whole), where, depth);
  });
}

const MAX_DEPTH = 4;

function placed(words: readonly PlacedWord[], shell: ShellWord[], assignments: PlacedCommand['assignments'], where: string, depth = 0): PlacedCommand[] {
  const invocation = unwrap({ words: shell });
  const own = words.slice(words.length - invocation.words.length);
  // `env PORT=80 node server.js`
  const passed = words.slice(0, words.length - own.length).flatMap((word) => settingIn(word));
  const command: PlacedCommand = { name: invocation.name, words: own, assignments: [...assignments, ...passed], where };
  const script = depth < MAX_DEPTH ? carriedScript(invocation) : undefined;
  const carried = script === undefined ? undefined : own.find(({ text }) => text === script);
  return carried ? [command, ...shellCommands(carried, where, depth + 1)] : [command];
}

function settingIn(word: PlacedWord): PlacedCommand['assignments'] {
  const name = /^(\w+)=/.exec(word.text)?.[1];
  return name === undefined ? [] : [{ name, value: partOf(word, name.length + 1, word.text.length) }];
}

function assignmentsOf(command: ShellCommand, whole: PlacedText): PlacedCommand['assignments'] {
  const exported = command.words[0]?.value === 'export' ? command.words.slice(1).flatMap((word) => settingIn(plainWord(word, whole))) : [];
  return [...exported, ...command.assignments.flatMap(({ name, value, pos, end }) => (value === undefined || pos === undefined ? [] : [{ name, value: plainWord({ text: whole.text.slice(pos, end), value, pos, end: end! }, whole) }]))];
}

/** A shell's word without its quotes and escapes, variables as they are written. */
function plainWord({ text, pos }: ShellWord, whole: PlacedText): PlacedWord {
  return unquoted({ ...whole, text, at: (offset) => whole.at(pos + offset) });
}

/** A text without its quotes and escapes, variables as they are written. */
export function unquoted(whole: PlacedText): PlacedText {
  const { text } = whole;
  if (!/["'\\]/.test(text)) return whole;
  let plain = '';
  const offsets: number[] = [];
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else {
      if (char === '\\' && quote !== "'" && at + 1 < text.length) at += 1;
      plain += text[at];
      offsets.push(at);
    }
  }
  offsets.push(offsets.length > 0 ? offsets.at(-1)! + 1 : text.length);
  return { ...whole, text: plain, at: (offset) => (offsets[offset] === undefined ? undefined : whole.at(offsets[offset]!)) };
}

/** The commands of a start script in sight. */
function scriptCommands({ path, text, file }: StartScript, { root, disk }: Run): PlacedCommand[] {
  if (!file) return shellCommands({ text, path, at: () => undefined, closed: 'a RUN writes it' }, path);
  const { unit, instruction } = file.copy.step;
  if (file.heredoc) {
    const { start, end } = file.heredoc;
    const asWritten = unit.dockerfile.text.slice(start, end) === text;
    return shellCommands({ ...textOfInstruction(unit, instruction, 0, 0), text, at: (offset) => (asWritten ? start + offset : undefined) }, path);
  }
  const { context } = unit;
  if (file.source === undefined || context === undefined) return shellCommands({ text, path, at: () => undefined, closed: 'it is out of sight' }, path);
  return shellCommands(textOfFile(join(context, file.source), root, disk, text), path);
}

/** What `npm start` and its kin run, as package.json says. */
function packageCommands(commands: readonly PlacedCommand[], run: Run): PlacedCommand[] {
  return commands.flatMap(({ name, words }) => {
    if (name !== 'npm' && name !== 'yarn' && name !== 'pnpm' && name !== 'bun') return [];
    const [verb, next] = words.slice(1).flatMap(({ text }) => (text.startsWith('-') ? [] : [text]));
    const script = verb === 'run' || verb === 'run-script' ? next : verb;
    const body = script === undefined ? undefined : packageScript(script, run);
    return body ? shellCommands(body, `package.json (${script})`) : [];
  });
}

function packageScript(name: string, { target, root, disk }: Run): PlacedText | undefined {
  const { cwd } = historyOf(target.stage, target.unit);
  const manifest = cwd === undefined ? undefined : originOf(target, posix.join(cwd, 'package.json'));
  if (!manifest || manifest === 'elsewhere' || manifest.text === undefined || manifest.source === undefined) return undefined;
  const { context } = manifest.copy.step.unit;
  const scalar = context === undefined ? undefined : scalarAt(manifest.text, 'scripts', name);
  if (!scalar) return undefined;
  const file = textOfFile(join(context!, manifest.source), root, disk, manifest.text);
  const offsets = offsetsOf(manifest.text, scalar);
  return { ...file, text: scalar.value, at: (offset) => offsets?.[offset] };
}

/** A text in a JSON file, by its keys. */
function scalarAt(json: string, ...keys: string[]) {
  try {
    let node = parseYaml(json)[0];
    for (const key of keys) node = node?.kind === 'map' ? node.pairs.find((pair) => pair.key.value === key)?.value : undefined;
    return node?.kind === 'scalar' ? node : undefined;
  } catch (error) {
    if (error instanceof YamlError) return undefined; // its tools could not read it either
    throw error;
  }
}
