import { isSpace, skipSpace, trimSpace, trimSpaceEnd } from './characters.ts';
import { readFlags, readJsonForm } from './flags.ts';
import { type HeredocMark, heredocMarks } from './heredoc.ts';

/** One here-document of an instruction. Offsets are UTF-16, end-exclusive. */
export interface Heredoc extends HeredocMark {
  /** Where its content begins: the line after the instruction's, or after the heredoc before. */
  start: number;
  /** Where its content ends: the start of the terminator's line. */
  end: number;
  /** The content; with `<<-` without the tabs in front of its lines. */
  body: string;
}

/** One instruction as BuildKit delimits it. Offsets are UTF-16 into the text as read, end-exclusive. */
export interface ScannedInstruction {
  /** In upper case; empty for a line of nothing but a continuation. */
  keyword: string;
  /** The first character of its first line that is not white space. */
  start: number;
  /** The end of its last line, heredocs included, before the line end. */
  end: number;
  /** First and last line, from 1. */
  line: number;
  endLine: number;
  /** The instruction on one line: continuations joined, comments and blank lines inside dropped. */
  logical: string;
  /** Where the pieces of `logical` come from: `[offset in logical, offset in text]`, ascending. */
  pieces: [logical: number, source: number][];
  /** Offset in `logical` of what follows the keyword, its length if nothing does. */
  rest: number;
  heredocs: Heredoc[];
}

export interface Comment {
  /** From the `#` to the line end. */
  start: number;
  end: number;
  line: number;
  /** Without the `#` and the white space around. */
  text: string;
  /** Whether it stands inside a continued instruction. */
  inside: boolean;
}

export interface Scan {
  instructions: ScannedInstruction[];
  comments: Comment[];
  /** Parser directives (`syntax`, `escape`, `check`), names in lower case. */
  directives: { name: string; value: string; line: number }[];
  escape: '\\' | '`';
}

/** What BuildKit itself would refuse. */
export class DockerfileError extends Error {
  override name = 'DockerfileError';
  /** From 1. */
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Go's bufio.MaxScanTokenSize: BuildKit reads no line that is longer, its `\n` aside. */
const MAX_LINE_BYTES = 65_535;
const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=[\t\f\r ]*([^\n]+?)[\t\f\r ]*$/;
const KNOWN_DIRECTIVES = new Set(['syntax', 'escape', 'check']);
const HEREDOC_KEYWORDS = new Set(['RUN', 'COPY', 'ADD']);

/**
 * Where the instructions of a Dockerfile begin and end, equal to BuildKit's own parser
 * (moby/buildkit, frontend/dockerfile/parser/parser.go).
 * @param text as read, BOM and line ends included
 * @throws DockerfileError for what BuildKit refuses at this level
 */
export function scan(text: string): Scan {
  const lines = new Lines(text);
  const result: Scan = { instructions: [], comments: [], directives: [], escape: '\\' };
  let mayBeDirective = true;

  while (lines.next()) {
    const first = lines.line === 1 && text.charCodeAt(0) === 0xfeff ? 1 : lines.start;
    const start = skipSpace(text, first, lines.end);
    if (mayBeDirective) mayBeDirective = readDirective(text.slice(start, lines.end), lines.line, result);
    if (start === lines.end) continue;
    if (text[start] === '#') {
      result.comments.push(comment(text, start, lines, false));
      continue;
    }
    result.instructions.push(readInstruction(text, start, lines, result));
  }

  if (result.instructions.length === 0) throw new DockerfileError(lines.line || 1, 'the file has no instructions');
  return result;
}

/** Walks the physical lines. Only `\n` ends a line; the `\r`s before it belong to the line end. */
class Lines {
  line = 0;
  start = 0;
  /** The end of the line's content. */
  end = 0;
  private following = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  next(): boolean {
    const { text } = this;
    if (this.following >= text.length) return false;
    this.line += 1;
    this.start = this.following;
    const newline = text.indexOf('\n', this.start);
    this.following = newline < 0 ? text.length : newline + 1;
    let end = newline < 0 ? text.length : newline;
    while (end > this.start && text.charCodeAt(end - 1) === 0x0d) end -= 1;
    this.end = end;
    const size = (newline < 0 ? text.length : newline) - this.start;
    if (size > MAX_LINE_BYTES / 3 && Buffer.byteLength(text.slice(this.start, this.start + size)) > MAX_LINE_BYTES) {
      throw new DockerfileError(this.line, `the line is longer than ${MAX_LINE_BYTES} bytes, which no builder reads`);
    }
    return true;
  }
}

/** Reads a directive if the line is one; answers whether the next line may still be one. */
function readDirective(line: string, number: number, into: Scan): boolean {
  if (line[0] !== '#') return false;
  const match = DIRECTIVE.exec(trimSpaceStart(line.slice(1)));
  const name = match?.[1]?.toLowerCase();
  const value = match?.[2];
  if (!name || !value || !KNOWN_DIRECTIVES.has(name)) return false;
  if (into.directives.some((directive) => directive.name === name)) {
    throw new DockerfileError(number, `only one ${name} directive can be used; remove this one`);
  }
  into.directives.push({ name, value, line: number });
  if (name === 'escape') {
    if (value !== '\\' && value !== '`') {
      throw new DockerfileError(number, `the escape directive takes \\ or \`, not ${value}`);
    }
    into.escape = value;
  }
  return true;
}

function trimSpaceStart(text: string): string {
  return text.slice(skipSpace(text, 0, text.length));
}

function comment(text: string, start: number, lines: Lines, inside: boolean): Comment {
  return { start, end: lines.end, line: lines.line, text: trimSpace(text.slice(start + 1, lines.end)), inside };
}

/** Reads from the instruction's first line, where `lines` stands, to its last. */
function readInstruction(text: string, start: number, lines: Lines, result: Scan): ScannedInstruction {
  const line = lines.line;
  const pieces: [number, number][] = [];
  let logical = '';
  const take = (from: number): boolean => {
    const stop = continuation(text, from, lines.end, result.escape);
    const end = stop < 0 ? lines.end : stop;
    if (end > from) {
      pieces.push([logical.length, from]);
      logical += text.slice(from, end);
    }
    return stop >= 0;
  };

  let end = lines.end;
  let continues = take(start);
  while (continues && lines.next()) {
    end = lines.end;
    const content = skipSpace(text, lines.start, lines.end);
    if (content === lines.end) continue;
    if (text[content] === '#') {
      result.comments.push(comment(text, content, lines, true));
      continue;
    }
    continues = take(lines.start);
  }

  const [keyword, rest] = splitKeyword(logical);
  const heredocs: Heredoc[] = [];
  for (const mark of marksOf(keyword, logical, rest, result.escape)) {
    heredocs.push(readHeredoc(text, mark, lines, line));
    end = lines.end;
  }
  return { keyword, start, end, line, endLine: lines.line, logical, pieces, rest, heredocs };
}

/**
 * Where the content of a line that is continued ends, -1 if the line is not continued. The last
 * character must be the escape, trailing blanks aside, and none may stand before it.
 */
function continuation(text: string, from: number, to: number, escape: string): number {
  let at = to;
  while (at > from && (text.charCodeAt(at - 1) === 0x20 || text.charCodeAt(at - 1) === 0x09)) at -= 1;
  if (at === from || text[at - 1] !== escape) return -1;
  return at - 1 === from || text[at - 2] !== escape ? at - 1 : -1;
}

/** The keyword in upper case, and the offset of what follows it. */
export function splitKeyword(logical: string): [keyword: string, rest: number] {
  const start = skipSpace(logical, 0, logical.length);
  const last = trimSpaceEnd(logical, start, logical.length);
  let end = start;
  while (end < last && !separatesWords(logical.charCodeAt(end))) end += 1;
  let rest = end;
  while (rest < logical.length && isSpace(logical.charCodeAt(rest))) rest += 1;
  return [logical.slice(start, end).toUpperCase(), rest];
}

/** The white space that BuildKit splits words at: tab, VT, FF, CR, space. */
function separatesWords(code: number): boolean {
  return code === 0x20 || code === 0x09 || (code >= 0x0b && code <= 0x0d);
}

/** The here-documents that an instruction opens; ONBUILD's are those of the instruction it carries. */
function marksOf(keyword: string, logical: string, rest: number, escape: string): HeredocMark[] {
  if (!logical.includes('<<')) return [];
  if (keyword === 'ONBUILD') {
    const [inner, innerRest] = splitKeyword(logical.slice(rest));
    return inner === 'ONBUILD' ? [] : marksOf(inner, logical, rest + innerRest, escape);
  }
  if (!HEREDOC_KEYWORDS.has(keyword)) return [];
  const args = logical.slice(rest);
  return Array.isArray(readJsonForm(args.slice(readFlags(args, escape).end))) ? [] : heredocMarks(logical);
}

function readHeredoc(text: string, mark: HeredocMark, lines: Lines, openedAt: number): Heredoc {
  let start = -1;
  let end = -1;
  while (lines.next()) {
    if (start < 0) start = lines.start;
    end = lines.start;
    const candidate = text.slice(lines.start, lines.end);
    if ((mark.chomp ? candidate.replace(/^\t+/, '') : candidate) === mark.name) {
      const body = text.slice(start, end);
      return { ...mark, start, end, body: mark.chomp ? body.replace(/^\t+/gm, '') : body };
    }
  }
  throw new DockerfileError(openedAt, `the here-document <<${mark.name} is never closed`);
}
