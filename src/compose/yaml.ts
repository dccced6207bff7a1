/** The only door to yaml. */
import { type Document, isAlias, isCollection, isMap as isYamlMap, isNode, isScalar, isSeq, Lexer, LineCounter, parseAllDocuments, parseDocument } from 'yaml';
import { CONFLICT, conflictLine } from '../conflict.ts';

/** What is wrong with a YAML text, and where (line from 1). */
export class YamlError extends Error {
  override name = 'YamlError';
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * The documents of a YAML text as plain data, merge keys filled in.
 * @throws YamlError for text that is no YAML
 */
export function readYaml(text: string): unknown[] {
  const data: unknown[] = [];
  for (const document of documentsOf(text, true).documents) {
    try {
      data.push(document.toJS());
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      throw new YamlError(1, error.message); // an alias without its anchor, or too many of them
    }
  }
  return data;
}

/** The documents of a text, and where an offset of theirs stands in it. */
function documentsOf(text: string, merge: boolean): { documents: Document[]; original: (offset: number) => number } {
  const conflict = conflictLine(text);
  if (conflict !== undefined) throw new YamlError(conflict, CONFLICT);
  const documents: Document[] = [];
  const { parsed, original } = parsePadded(text, merge);
  for (const document of parsed) {
    if ('empty' in document && document.empty) continue;
    const [error] = document.errors ?? [];
    if (error) throw new YamlError(error.linePos?.[0].line ?? 1, whatIsWrong(error, text));
    documents.push(document as Document);
  }
  return { documents, original };
}

function whatIsWrong(error: { code: string; message: string }, text: string): string {
  if (isTooDeep(error)) return 'it is nested too deep to be read; unroot reads what people write';
  return /\{\{|\{%|<%/.test(text) ? 'this looks like a template; run unroot on what it renders to' : firstLine(error.message);
}

const PAD = ' '.repeat(64);

/**
 * go-yaml, with which compose reads, lets the lines of a collection in brackets begin wherever they like; yaml wants
 * them further in than their key. Where it says so the line is moved in, which changes nothing but offsets.
 */
function parsePadded(text: string, merge: boolean): { parsed: ReturnType<typeof parseAllDocuments>; original: (offset: number) => number } {
  const padded: number[] = [];
  for (let current = text; ; ) {
    // Keys are not checked for being unique here: yaml takes quadratic time for it.
    const parsed = parseAllDocuments(current, { merge, logLevel: 'error', uniqueKeys: false });
    const at = [...parsed].flatMap(({ errors }) => errors ?? []).find(({ code, message }) => code === 'BAD_INDENT' && message.startsWith('Flow '))?.pos[0];
    const line = at === undefined || padded.length >= MAX_PADDED ? undefined : current.lastIndexOf('\n', at - 1) + 1;
    if (line === undefined || current.startsWith(PAD, line)) return { parsed, original: padded.length === 0 ? (offset) => offset : (offset) => offset - PAD.length * padded.filter((start) => start < offset).length };
    padded.push(line);
    padded.sort((one, other) => one - other);
    for (let index = padded.indexOf(line) + 1; index < padded.length; index += 1) padded[index]! += PAD.length;
    current = current.slice(0, line) + PAD + current.slice(line);
  }
}

/** Each is read for: more lines than anybody has written so. */
const MAX_PADDED = 50;

function isTooDeep({ code, message }: { code: string; message: string }): boolean {
  return code === 'RESOURCE_EXHAUSTION' || /call stack/.test(message);
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

/** The line, from 1, on which a value stands in a YAML text: its key's line, or the nearest that is there. */
export function lineOf(text: string, path: readonly (string | number)[]): number {
  const lines = new LineCounter();
  let node: unknown = parseDocument(text, { lineCounter: lines, logLevel: 'error', uniqueKeys: false }).contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (!isCollection(node)) break;
    const pair = isYamlMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const at = pair ? pair.key : node.get(part, true);
    if (isNode(at)) offset = at.range?.[0] ?? offset;
    node = pair ? pair.value : at;
  }
  return lines.linePos(offset).line;
}

export type Data = Record<string, unknown>;

/** Whether a value is a YAML mapping. */
export function isMap(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A node of a YAML text with its place in it: offsets are UTF-16 and end-exclusive, and leave out the
 * anchor and the tag in front of it. The end of a block collection or block scalar is behind its last line end.
 */
interface Node {
  start: number;
  end: number;
  anchor: string | undefined;
  /** As written: `!reset`, `!override`, `!!str`. */
  tag: string | undefined;
}

export interface YamlScalar extends Node {
  kind: 'scalar';
  /** The text, quotes and line folding resolved; of a plain scalar what stands there, so that `010` and `22:22` stay what they are. */
  value: string;
  style: 'plain' | 'single' | 'double' | 'literal' | 'folded';
}

export interface YamlMap extends Node {
  kind: 'map';
  /** Written in braces. */
  flow: boolean;
  pairs: YamlPair[];
}

export interface YamlPair {
  key: YamlScalar;
  /** An empty plain scalar where nothing is written. */
  value: YamlNode;
  /** Written with `? `. */
  explicit: boolean;
}

export interface YamlList extends Node {
  kind: 'list';
  /** Written in brackets. */
  flow: boolean;
  items: YamlNode[];
}

export interface YamlAlias extends Node {
  kind: 'alias';
  name: string;
  target: Exclude<YamlNode, YamlAlias>;
}

export type YamlNode = YamlScalar | YamlMap | YamlList | YamlAlias;

/** More nodes than any file of people has, once every alias is replaced by what it stands for. */
const MAX_EXPANDED = 1_000_000;

/**
 * The documents of a YAML text as nodes with their places. Aliases and merge keys stay as they are written.
 * @throws YamlError for text that is no YAML, duplicate keys, an alias without its anchor, one inside its own anchor,
 * and aliases that multiply beyond all measure
 */
export function parseYaml(text: string): YamlNode[] {
  const { documents, original } = documentsOf(text, false);
  return documents.flatMap((document) => {
    if (document.contents === null) return [];
    const root = new Converter(text, original).node(document.contents);
    expandedSize(root, text, new Map());
    return [root];
  });
}

const STYLES: Record<string, YamlScalar['style']> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

class Converter {
  private readonly anchors = new Map<string, YamlNode>();
  private readonly text: string;
  private readonly original: (offset: number) => number;

  constructor(text: string, original: (offset: number) => number) {
    this.text = text;
    this.original = original;
  }

  node(from: unknown): YamlNode {
    if (isAlias(from)) return this.alias(from.source, this.original(from.range![0]), this.original(from.range![1]));
    const place = this.place(from as { range?: [number, number, number] | null; anchor?: string; tag?: string });
    if (isYamlMap(from)) {
      const map: YamlMap = { kind: 'map', flow: from.flow === true, pairs: [], ...place };
      this.register(map);
      for (const { key, value } of from.items) this.addPair(map, key, value);
      rejectDuplicates(map, this.text);
      return map;
    }
    if (isSeq(from)) {
      const list: YamlList = { kind: 'list', flow: from.flow === true, items: [], ...place };
      this.register(list);
      for (const item of from.items) list.items.push(this.node(item));
      return list;
    }
    const scalar: YamlScalar = { kind: 'scalar', value: '', style: 'plain', ...place };
    if (isScalar(from)) {
      scalar.style = STYLES[from.type ?? 'PLAIN'] ?? 'plain';
      scalar.value = scalar.style === 'plain' ? (from.source ?? '') : String(from.value);
    }
    this.register(scalar);
    return scalar;
  }

  private place({ range, anchor, tag }: { range?: [number, number, number] | null; anchor?: string; tag?: string }): Node {
    const [start, end] = range ?? [0, 0];
    return { start: this.original(start), end: this.original(end), anchor, tag };
  }

  private register(node: YamlNode): void {
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
  }

  /** An alias means the last anchor of its name that stands before it. */
  private alias(name: string, start: number, end: number): YamlAlias {
    const target = this.anchors.get(name);
    if (!target) throw new YamlError(lineAt(this.text, start), `the alias *${name} has no anchor &${name} before it`);
    return { kind: 'alias', name, target: target as YamlAlias['target'], start, end, anchor: undefined, tag: undefined };
  }

  private addPair(map: YamlMap, key: unknown, value: unknown): void {
    const named = key === null || key === undefined ? undefined : this.node(key);
    const name = named?.kind === 'alias' ? named.target : named;
    if (name === undefined) return;
    if (name.kind !== 'scalar') throw new YamlError(lineAt(this.text, name.start), 'a key is a map or a list, which compose does not know; of a template, run unroot on what is made of it');
    const written = value === null || value === undefined ? emptyAt(name.end) : this.node(value);
    map.pairs.push({ key: name, value: written, explicit: this.isExplicit(name) });
  }

  private isExplicit({ start, anchor, tag }: YamlScalar): boolean {
    let at = start;
    if (anchor !== undefined || tag !== undefined) at = this.text.lastIndexOf('\n', at - 1) + 1;
    else while (at > 0 && ' \t'.includes(this.text[at - 1]!)) at -= 1;
    return anchor !== undefined || tag !== undefined ? /^[ \t-]*\?[ \t]/.test(this.text.slice(at, start)) : at < start && this.text[at - 1] === '?';
  }
}

function emptyAt(offset: number): YamlScalar {
  return { kind: 'scalar', value: '', style: 'plain', start: offset, end: offset, anchor: undefined, tag: undefined };
}

function rejectDuplicates(map: YamlMap, text: string): void {
  const seen = new Set<string>();
  for (const { key, value } of map.pairs) {
    if (seen.has(key.value)) throw new YamlError(lineAt(text, key.start), `the key ${key.value} stands twice in one map; ${isMergeKey(key) ? 'write one with a list: <<: [*a, *b]' : 'remove one'}`);
    if (isMergeKey(key) && !bringsMaps(value)) throw new YamlError(lineAt(text, key.start), '<< takes over the keys of a map or of a list of maps, and this is neither; remove it');
    seen.add(key.value);
  }
}

function bringsMaps(value: YamlNode): boolean {
  const node = value.kind === 'alias' ? value.target : value;
  return node.kind === 'map' || (node.kind === 'list' && node.items.every((item) => (item.kind === 'alias' ? item.target : item).kind === 'map'));
}

/** Whether a key is `<<`, which takes over the keys of other maps. */
export function isMergeKey({ value, style }: YamlScalar): boolean {
  return value === '<<' && style === 'plain';
}

/** Nodes below a node with aliases replaced; what contains itself or grows beyond measure is refused. */
function expandedSize(node: YamlNode, text: string, known: Map<YamlNode, number | 'open'>): number {
  if (node.kind === 'scalar') return 1;
  if (node.kind === 'alias') {
    if (known.get(node.target) === 'open') throw new YamlError(lineAt(text, node.start), `the alias *${node.name} stands inside what its own anchor names`);
    return checkedSize(expandedSize(node.target, text, known), node, text);
  }
  const before = known.get(node);
  if (typeof before === 'number') return before;
  known.set(node, 'open');
  let size = 1;
  if (node.kind === 'map') for (const { value } of node.pairs) size += expandedSize(value, text, known);
  else for (const item of node.items) size += expandedSize(item, text, known);
  known.set(node, size);
  return checkedSize(size, node, text);
}

function checkedSize(size: number, { start }: YamlNode, text: string): number {
  if (size > MAX_EXPANDED) throw new YamlError(lineAt(text, start), `aliases multiply to more than ${MAX_EXPANDED} values here; write them out or remove them`);
  return size;
}

/** A comment of a YAML text, without its `#`; offsets with it. */
export interface YamlComment {
  start: number;
  end: number;
  text: string;
  /** Whether nothing stands before it on its line. */
  alone: boolean;
}

/** The comments of a YAML text, in order. */
export function commentsOf(text: string): YamlComment[] {
  const comments: YamlComment[] = [];
  let at = 0;
  for (const token of new Lexer().lex(text)) {
    // The lexer marks documents and scalars with characters that are not in the text.
    if (text.startsWith(token, at)) at += token.length;
    else continue;
    if (!token.startsWith('#') || text[at - token.length - 1]?.trim()) continue;
    const start = at - token.length;
    comments.push({ start, end: at, text: token.slice(1).trim(), alone: text.slice(text.lastIndexOf('\n', start - 1) + 1, start).trim() === '' });
  }
  return comments;
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
