import type { ComposeFile } from './file.ts';
import type { YamlNode } from './yaml.ts';

/** How a file writes lists: in brackets, or with dashes so far in from their key; and how far in it writes maps. */
export interface ListStyle {
  flow: boolean;
  indent: number;
  step: number;
}

interface Style extends ListStyle {
  quote: '"' | "'";
  /** Whether it quotes anything at all. */
  quotes: boolean;
}

const styles = new WeakMap<ComposeFile, Style>();

export function listStyle(file: ComposeFile): ListStyle {
  return styleOf(file);
}

/** The quotes that the file has more of. */
export function quoteStyle(file: ComposeFile): '"' | "'" {
  return styleOf(file).quote;
}

function styleOf(file: ComposeFile): Style {
  let style = styles.get(file);
  if (!style) {
    const counts = new Counts(file.text);
    for (const root of file.documents) counts.count(root, undefined);
    style = {
      flow: counts.flow > 0 && counts.lists.size === 0,
      indent: mostOf(counts.lists) ?? mostOf(counts.maps) ?? 2,
      step: mostOf(counts.maps) ?? 2,
      quotes: counts.single + counts.double > 0,
      quote: counts.single > counts.double ? "'" : '"',
    };
    styles.set(file, style);
  }
  return style;
}

class Counts {
  single = 0;
  double = 0;
  flow = 0;
  /** By indentation below their key, how many. */
  readonly lists = new Map<number, number>();
  readonly maps = new Map<number, number>();
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  count(node: YamlNode, key: number | undefined): void {
    if (node.kind === 'scalar') {
      if (node.style === 'single') this.single += 1;
      else if (node.style === 'double') this.double += 1;
    } else if (node.kind === 'list') {
      if (node.flow) this.flow += 1;
      else if (key !== undefined) add(this.lists, columnOf(this.text, node.start) - key);
      for (const item of node.items) this.count(item, undefined);
    } else if (node.kind === 'map') {
      const column = node.flow ? undefined : columnOf(this.text, node.start);
      if (column !== undefined && key !== undefined) add(this.maps, column - key);
      for (const pair of node.pairs) this.count(pair.value, column);
    }
  }
}

function add(counts: Map<number, number>, value: number): void {
  if (value >= 0) counts.set(value, (counts.get(value) ?? 0) + 1);
}

function mostOf(counts: ReadonlyMap<number, number>): number | undefined {
  return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0];
}

function columnOf(text: string, offset: number): number {
  return indentOf(text, offset).length;
}

export function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Blanks as wide as what stands before an offset on its line. */
export function indentOf(text: string, offset: number): string {
  return text.slice(lineStart(text, offset), offset).replace('\uFEFF', '').replace(/[^\s]/g, ' ');
}

/** The line end that the line of an offset has, or the one before it where it is the last. */
export function eolAt(text: string, offset: number): string {
  let newline = text.indexOf('\n', offset);
  if (newline < 0) newline = text.lastIndexOf('\n', offset);
  return newline > 0 && text[newline - 1] === '\r' ? '\r\n' : '\n';
}

/** Where a node's last character stands, trailing blank lines and comments left out; `otherwise` for one that is empty. */
export function leafEnd(node: YamlNode, text: string, otherwise: number): number {
  if (node.kind === 'map' && !node.flow) {
    const last = node.pairs.at(-1);
    return last ? leafEnd(last.value, text, last.key.end) : Math.max(node.end, otherwise);
  }
  if (node.kind === 'list' && !node.flow) {
    const last = node.items.at(-1);
    return last ? leafEnd(last, text, Math.max(last.end, otherwise)) : Math.max(node.end, otherwise);
  }
  if (node.kind !== 'scalar' || (node.style !== 'literal' && node.style !== 'folded')) return Math.max(node.end, otherwise);
  // What is kept at the end of a block (`|+`) belongs to it; else its trailing blank lines don't.
  const keeps = /^[|>]\d?\+/.test(text.slice(node.start, node.start + 3));
  const end = keeps ? node.end : node.start + text.slice(node.start, node.end).trimEnd().length;
  return text[end - 1] === '\n' ? end - (text[end - 2] === '\r' ? 2 : 1) : end;
}

/** A text in quotes. */
export function quote(value: string, style: '"' | "'"): string {
  if (style === "'" && !/[\n\t]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return `"${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}

/** A text without quotes where every YAML reader takes it for that text, else in the file's quotes. */
export function written(value: string, file: ComposeFile, inFlow: boolean): string {
  return isPlain(value, inFlow) ? value : quote(value, quoteStyle(file));
}

export function flowItem(value: string, file: ComposeFile): string {
  return styleOf(file).quotes || !isPlain(value, true) ? quote(value, quoteStyle(file)) : value;
}

/** Numbers, times, booleans and the like are told from texts by quotes. */
function isPlain(value: string, inFlow: boolean): boolean {
  if (inFlow && value.includes(',')) return false;
  return /^[A-Za-z/._][\w./:=,@+-]*$/.test(value) && !value.endsWith(':') && !/^(true|false|yes|no|on|off|y|n|null|\.inf|\.nan|~)$/i.test(value) && !/^\.?[\d_.]+$/.test(value);
}
