import { CONFLICT, conflictLine } from '../conflict.ts';
import { trimSpace } from './characters.ts';
import { type Flag, readFlags, readJsonForm } from './flags.ts';
import { type Comment, DockerfileError, type ScannedInstruction, scan, splitKeyword } from './scan.ts';

/** A Dockerfile, stage by stage. Offsets everywhere are UTF-16 into `text`, end-exclusive. */
export interface Dockerfile {
  text: string;
  /** What the file's lines end with: that of its first line. */
  eol: '\n' | '\r\n';
  escape: '\\' | '`';
  directives: { name: string; value: string; line: number }[];
  comments: Comment[];
  /** What stands before the first FROM: ARGs. */
  globals: Instruction[];
  stages: Stage[];
  instructions: Instruction[];
}

export interface Stage {
  index: number;
  /** In lower case, as BuildKit compares it. */
  name: string | undefined;
  from: Instruction;
  /** What FROM names, as written. */
  base: string;
  platform: string | undefined;
  /** Without the FROM. */
  instructions: Instruction[];
}

export interface Instruction extends ScannedInstruction {
  flags: Flag[];
  /** What follows the keyword and its flags, on one line, trimmed. */
  args: string;
  /** Offset of `args` in `logical`. */
  argsAt: number;
  /** The arguments where they are a JSON array. */
  json: string[] | undefined;
}

const JSON_KEYWORDS = new Set(['ADD', 'CMD', 'COPY', 'ENTRYPOINT', 'RUN', 'SHELL', 'VOLUME']);
const KEYWORDS = new Set([
  ...JSON_KEYWORDS,
  ...['ARG', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER', 'ONBUILD', 'STOPSIGNAL', 'USER', 'WORKDIR'],
]);

/** Instructions in which braces are a template engine's. A command or a variable may hold them for a program. */
const UNTEMPLATED = new Set(['ADD', 'COPY', 'EXPOSE', 'USER', 'VOLUME', 'WORKDIR']);

/**
 * Reads a Dockerfile into stages and instructions.
 * @param text as read, BOM and line ends included
 * @throws DockerfileError, with the line, for what no builder accepts
 */
export function parseDockerfile(text: string): Dockerfile {
  const conflict = conflictLine(text);
  if (conflict !== undefined) throw new DockerfileError(conflict, CONFLICT);
  const { instructions: scanned, comments, directives, escape } = scan(text);
  const instructions = scanned.map((one) => instructionOf(one, escape));
  const first = instructions.findIndex((one) => one.keyword === 'FROM');
  if (first < 0) throw new DockerfileError(instructions[0]!.line, 'the file has no FROM');
  const globals = instructions.slice(0, first);
  const early = globals.find((one) => one.keyword !== 'ARG');
  if (early) throw new DockerfileError(early.line, `${early.keyword} stands before the first FROM; only ARG may`);
  return {
    text,
    eol: text[text.indexOf('\n') - 1] === '\r' ? '\r\n' : '\n',
    escape,
    directives,
    comments,
    globals,
    stages: stagesOf(instructions.slice(first)),
    instructions,
  };
}

function instructionOf(scanned: ScannedInstruction, escape: string): Instruction {
  const { keyword, line, logical, rest } = scanned;
  if (!KEYWORDS.has(keyword)) throw new DockerfileError(line, unknownInstruction(keyword, logical));
  const after = logical.slice(rest);
  const { flags, end } = readFlags(after, escape);
  const args = trimSpace(after.slice(end));
  const json = jsonOf(keyword, args);
  if (json === 'invalid') throw new DockerfileError(line, `a JSON array after ${keyword} may hold strings only`);
  if (UNTEMPLATED.has(keyword) && /\{\{.*\}\}|\{%.*%\}/.test(args)) throw new DockerfileError(line, `${keyword} holds a template; run unroot on what it renders to`);
  // No variable of a builder has a dot in its name; properties that Maven and its kin fill in do.
  if ((keyword === 'FROM' || UNTEMPLATED.has(keyword)) && /\$\{\w+(\.[\w-]+)+\}/.test(args)) throw new DockerfileError(line, `${keyword} holds a template, of Maven or the like; run unroot on what it renders to`);
  if (args === '' && keyword !== 'CMD' && keyword !== 'ENTRYPOINT' && !(keyword === 'RUN' && scanned.heredocs.length > 0)) {
    throw new DockerfileError(line, `${keyword} needs an argument`);
  }
  if ((keyword === 'ENV' || keyword === 'LABEL') && !/[\t\v\f\r =]/.test(args)) {
    throw new DockerfileError(line, `${keyword} needs a name and a value`);
  }
  const { start, end: last, endLine, pieces, heredocs } = scanned;
  const argsAt = args === '' ? logical.length : logical.indexOf(args, rest + end);
  return { keyword, start, end: last, line, endLine, logical, pieces, rest, heredocs, flags, args, argsAt, json };
}

/** The JSON form of the arguments; for HEALTHCHECK that of its command, ONBUILD has it checked only. */
function jsonOf(keyword: string, args: string): string[] | 'invalid' | undefined {
  if (JSON_KEYWORDS.has(keyword)) return readJsonForm(args);
  if (keyword === 'HEALTHCHECK') return readJsonForm(args.slice(splitKeyword(args)[1]));
  if (keyword !== 'ONBUILD') return undefined;
  const [inner, rest] = splitKeyword(args);
  return jsonOf(inner, args.slice(rest)) === 'invalid' ? 'invalid' : undefined;
}

function unknownInstruction(keyword: string, logical: string): string {
  if (/^(<{7}|={7}|>{7}|\|{7})/.test(logical)) return CONFLICT;
  if (/^(\{\{|\{%|<%)/.test(logical)) return 'this looks like a template; run unroot on what it renders to';
  return keyword === '' ? 'a line holds nothing but a continuation' : `unknown instruction ${keyword}`;
}

function stagesOf(instructions: Instruction[]): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') stages.push(stageOf(instruction, stages.length));
    else stages.at(-1)!.instructions.push(instruction);
  }
  return stages;
}

function stageOf(from: Instruction, index: number): Stage {
  if (/\{\{|\{%|<%|%\w+%/.test(from.args)) {
    throw new DockerfileError(from.line, 'FROM holds a template; run unroot on what it renders to');
  }
  const words = from.args.split(/[\t\v\f\r ]+/);
  if (words.length !== 1 && (words.length !== 3 || words[1]!.toUpperCase() !== 'AS')) {
    throw new DockerfileError(from.line, 'FROM takes an image, or an image AS a name');
  }
  return {
    index,
    name: words[2]?.toLowerCase(),
    from,
    base: words[0]!,
    platform: from.flags.find((flag) => flag.name === 'platform')?.value,
    instructions: [],
  };
}

/** Where a place in an instruction's logical line stands in the text. */
export function sourceOffset(instruction: ScannedInstruction, logicalOffset: number): number {
  const { pieces } = instruction;
  let last = pieces[0]!;
  for (const piece of pieces) {
    if (piece[0] > logicalOffset) break;
    last = piece;
  }
  return last[1] + (logicalOffset - last[0]);
}
