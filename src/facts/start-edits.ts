import { join } from 'node:path';
import { type Instruction, sourceOffset } from '../dockerfile/parse.ts';
import type { Comment } from '../dockerfile/scan.ts';
import type { FileEdit } from '../edit.ts';
import type { SourceFile, Target, Unit } from '../project.ts';
import { readFlow } from '../shell/flow.ts';
import type { ShellCommand, ShellWord } from '../shell/read.ts';
import { edited, removalOf, type ScriptEdit } from '../shell/remove.ts';
import { broughtFile } from '../brought.ts';
import { originOf } from './copies.ts';
import { baseEntry, historyOf, type StartPart } from './history.ts';
import { unwrap } from './commands.ts';
import { serviceEdits } from './service-edits.ts';
import { findScript, keepsArguments, looksLikeScript, type StartScript } from './start.ts';
import { type StartText, unitOf } from './start-texts.ts';

/** The edits that take what is gone out of a start text; a reason where that can't be done. */
export function startEdits(text: StartText, target: Target): FileEdit[] | string {
  const edits = removalOf(text.script, text.flow, text.gone);
  if (!edits) return 'would leave a block without a command';
  const rest = edited(text.script, edits);
  const { place } = text;
  if (place.kind === 'file') return scriptEdits(place.script, text, edits, target);
  if (rest.trim() === '') return 'is all that is started';
  if (place.kind === 'service') return serviceEdits(place, text, edits, passesOn('service', target) ? programAlone(rest, target) : undefined);
  return instructionEdits(place.part, place.word, text, edits, rest, target);
}

function scriptEdits(started: StartScript, { script }: StartText, edits: readonly ScriptEdit[], target: Target): FileEdit[] | string {
  const { copy, source } = started.file!;
  const { context } = copy.step.unit;
  if (context === undefined) return 'stands in a script that is not in the build context';
  const brought = broughtFile(join(context, source!), target.unit.file.root, target.disk);
  if ('why' in brought) return `stands in ${source}, which unroot leaves: ${brought.why}`;
  if (brought.file.text !== script) return `stands in ${source}, which is not what the image has`;
  return edits.map((edit) => ({ path: brought.file.path, ...edit }));
}

/** The file of the build context that a start script is, as far as it may be changed. */
export function scriptFile({ file }: StartScript, target: Target): SourceFile | undefined {
  const context = file?.copy.step.unit.context;
  const brought = context === undefined || file?.source === undefined ? undefined : broughtFile(join(context, file.source), target.unit.file.root, target.disk);
  return brought && 'file' in brought ? brought.file : undefined;
}

function instructionEdits(part: StartPart, word: number | undefined, { script }: StartText, edits: readonly ScriptEdit[], rest: string, target: Target): FileEdit[] {
  const { instruction } = part;
  const unit = unitOf(instruction, target);
  const { path } = unit.file;
  const at = (logical: number) => sourceOffset(instruction, logical);
  const program = isPlainShell(part) && passesOn(part, target) ? programAlone(rest, target) : undefined;
  const argsEnd = instruction.argsAt + instruction.args.length;
  if (word === undefined) {
    if (program) return withComments(instruction, unit, [{ path, start: at(instruction.argsAt), end: endOf(instruction, argsEnd), text: jsonList(program) }]);
    const ranges = edits.map(({ start, end }) => ({ path, start: at(instruction.argsAt + start), end: end === script.length ? endOf(instruction, argsEnd) : at(instruction.argsAt + end), text: '' }));
    return withComments(instruction, unit, ranges);
  }
  const ranges = jsonWords(instruction.args);
  const range = (index: number) => ranges[index]!;
  const shell = shellBefore(part.words!, word);
  if (program && shell !== undefined && word === part.words!.length - 1) {
    const separator = instruction.args.slice(range(shell).end, range(shell + 1).start);
    const text = program.map((one) => JSON.stringify(one)).join(/^,\s*$/.test(separator) && !separator.includes('\n') ? separator : ', ');
    return [{ path, start: at(instruction.argsAt + range(shell).start), end: endOf(instruction, instruction.argsAt + range(word).end), text }];
  }
  return [{ path, start: at(instruction.argsAt + range(word).start), end: endOf(instruction, instruction.argsAt + range(word).end), text: JSON.stringify(rest.trim()) }];
}

/** Where the character before a logical offset ends in the text. */
function endOf(instruction: Instruction, logical: number): number {
  return sourceOffset(instruction, logical - 1) + 1;
}

function jsonList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
}

/** Where the strings of a JSON array stand, quotes included. */
function jsonWords(args: string): { start: number; end: number }[] {
  return [...args.matchAll(/"(?:[^"\\]|\\.)*"/g)].map((match) => ({ start: match.index, end: match.index + match[0].length }));
}

/** The index of the plain shell that runs a word: `sh`, `-c`, word. A login shell reads profiles and stays. */
function shellBefore(words: readonly string[], word: number): number | undefined {
  const flags = words.slice(0, word).findLastIndex((one) => /^(\/(usr\/)?bin\/)?(sh|bash|ash|dash)$/.test(one));
  return flags >= 0 && words.slice(flags + 1, word).every((one) => /^-[ceux]+$/.test(one)) ? flags : undefined;
}

/** Comments in the middle of what goes move in front of the instruction. */
function withComments(instruction: Instruction, { dockerfile, file }: Unit, edits: FileEdit[]): FileEdit[] {
  const inside = dockerfile.comments.filter((comment: Comment) => comment.inside && edits.some(({ start, end }) => comment.start >= start && comment.end <= end));
  if (inside.length === 0) return edits;
  const lineStart = dockerfile.text.lastIndexOf('\n', instruction.start - 1) + 1;
  const text = inside.map(({ start, end }) => dockerfile.text.slice(start, end) + dockerfile.eol).join('');
  return [{ path: file.path, start: lineStart, end: lineStart, text }, ...edits];
}

/**
 * The words of a start that is nothing but one program, so that the exec form says the same and
 * signals reach it; undefined where the shell does more.
 */
function programAlone(rest: string, target: Target): string[] | undefined {
  const [only, ...others] = readFlow(rest).body.items;
  if (!only || others.length > 0 || only.background || only.node.kind !== 'command') return undefined;
  const { command, uses, substitutes } = only.node;
  if (uses.length > 0 || substitutes || command.assignments.length > 0 || command.redirects.length > 0) return undefined;
  const words = command.words[0]?.value === 'exec' ? command.words.slice(1) : command.words;
  if (words.length === 0 || words.some(isUnclear) || !isProgram(words[0]!.value!, command, target)) return undefined;
  return words.map(({ value }) => value!);
}

/** What a shell would still make something of: globs, braces, the home. */
function isUnclear({ text, value }: ShellWord): boolean {
  return value === undefined || (/[*?[{~]/.test(text) && text === value);
}

function isPlainShell({ words, shell }: StartPart): boolean {
  if (words) return true;
  return /^(\/(usr\/)?bin\/)?(sh|bash|ash|dash)$/.test(shell[0] ?? '') && shell.slice(1).every((word) => /^-[ceuxo]+$|^pipefail$/.test(word));
}

/** Whether the words of CMD are started as they are. An ENTRYPOINT takes further arguments in exec form that it has ignored so far. */
function passesOn(part: StartPart | 'service', target: Target): boolean {
  const { entrypoint, base } = historyOf(target.stage, target.unit);
  if (part === entrypoint) return false;
  if (entrypoint) return isHandedOn(entrypoint, target);
  const entry = baseEntry(base);
  if (base.kind !== 'image') return false;
  return entry !== undefined && (entry.drop === 'none' || entry.drop === 'server');
}

/** An init, or a script in sight that ends with `exec "$@"` and looks at none of it. */
function isHandedOn({ words }: StartPart, target: Target): boolean {
  if (!words) return false;
  const { name, words: inner } = unwrap({ words: words.map((value) => ({ text: value, value, pos: 0, end: 0 })) });
  if (inner.length === 0) return true;
  if (name !== undefined && /^(tini|tini-static|dumb-init|catatonit|docker-init)$/.test(name)) return true;
  if (inner.length > 1) return false;
  const script = findScript(target, { path: inner[0]!.value!, executed: true }, historyOf(target.stage, target.unit).cwd);
  if (typeof script !== 'object') return false;
  const flow = readFlow(script.text);
  return keepsArguments(flow.commands) && !/\$\{?[1-9#*]/.test(script.text);
}

/** What only a shell has, or does otherwise than the program of that name. */
const BUILTINS = /^(\.|:|\[|alias|bg|break|builtin|case|cd|command|continue|declare|echo|eval|exec|exit|export|false|fg|for|function|getopts|hash|if|jobs|kill|let|local|printf|pwd|read|readonly|return|set|shift|source|test|time|times|trap|true|type|typeset|ulimit|umask|unalias|unset|until|wait|while)$/;

/** Whether a word names a program that starts without a shell: a script of its own needs a `#!`. */
function isProgram(name: string, command: ShellCommand, target: Target): boolean {
  if (name === '' || BUILTINS.test(name) || name.includes('=')) return false;
  if (!name.includes('/') && !looksLikeScript(name)) return true;
  const script = findScript(target, { path: name, executed: true }, command.cwd ?? historyOf(target.stage, target.unit).cwd);
  if (typeof script === 'object') return script.text.startsWith('#!');
  const origin = name.startsWith('/') ? originOf(target, name) : undefined;
  return script === 'program' || (origin !== undefined && origin !== 'elsewhere' && origin.text === undefined);
}
