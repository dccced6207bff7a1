import type { FlowChain, FlowItem, FlowList, FlowNode, ShellFlow } from './flow.ts';

/** A range of a script and what to put there. Offsets are UTF-16, end-exclusive. */
export interface ScriptEdit {
  start: number;
  end: number;
  text: string;
}

/**
 * The edits that take nodes out of a script and leave every other byte: comments, blank lines,
 * indentation, line ends. A statement that has its lines to itself goes with them.
 *
 * Of a chain any parts may go that leave it saying the same: whoever calls sees to it that what
 * is left before a `||` is still what it guards.
 * @returns undefined where something would be left that no shell reads: a block without a command
 */
export function removalOf(script: string, flow: ShellFlow, removed: ReadonlySet<FlowNode>): ScriptEdit[] | undefined {
  const remover = new Remover(script, removed);
  return remover.list(flow.body, true) ? remover.edits : undefined;
}

/** The script once the edits are made. */
export function edited(script: string, edits: readonly ScriptEdit[]): string {
  let result = '';
  let reached = 0;
  for (const { start, end, text } of edits.toSorted((one, other) => one.start - other.start)) {
    result += script.slice(reached, start) + text;
    reached = end;
  }
  return result + script.slice(reached);
}

class Remover {
  readonly edits: ScriptEdit[] = [];
  private readonly script: string;
  private readonly removed: ReadonlySet<FlowNode>;

  constructor(script: string, removed: ReadonlySet<FlowNode>) {
    this.script = script;
    this.removed = removed;
  }

  /** Answers whether the list is still one that a shell reads. */
  list({ items }: FlowList, mayBeEmpty = false): boolean {
    const kept = items.filter(({ node }) => !this.isGone(node));
    if (kept.length === 0 && !mayBeEmpty) return false;
    for (const run of this.runsOf(items)) this.takeStatements(run, items);
    return kept.every(({ node }) => this.inside(node));
  }

  private inside(node: FlowNode): boolean {
    switch (node.kind) {
      case 'list':
        return this.list(node);
      case 'group':
        return this.list(node.body);
      case 'chain':
        this.takeParts(node);
        return node.parts.every((part) => this.isGone(part) || this.inside(part));
      case 'if':
        return this.list(node.condition) && this.list(node.then) && (!node.otherwise || this.list(node.otherwise));
      case 'pipeline':
        return node.parts.every((part) => !this.isGone(part) && this.inside(part));
      default:
        return true;
    }
  }

  /** Whether nothing of a node is left. */
  private isGone(node: FlowNode): boolean {
    if (this.removed.has(node)) return true;
    if (node.kind === 'chain') return node.parts.every((part) => this.isGone(part));
    if (node.kind === 'group') return node.body.items.every((item) => this.isGone(item.node));
    return false;
  }

  /** Statements that go and stand right behind each other: they go as one, with what is between them. */
  private runsOf(items: readonly FlowItem[]): FlowItem[][] {
    const runs: FlowItem[][] = [];
    let before: FlowItem | undefined;
    for (const item of items) {
      const gone = this.isGone(item.node);
      const joined = gone && before && this.isGone(before.node) && /^[\s;]*$/.test(this.script.slice(before.end, item.pos));
      if (joined) runs.at(-1)!.push(item);
      else if (gone) runs.push([item]);
      before = item;
    }
    return runs;
  }

  private takeStatements(run: readonly FlowItem[], items: readonly FlowItem[]): void {
    const { script } = this;
    const first = run[0]!;
    const last = run.at(-1)!;
    const before = items[items.indexOf(first) - 1];
    const after = items[items.indexOf(last) + 1];
    const lineStart = script.lastIndexOf('\n', first.pos - 1) + 1;
    const rest = /^[ \t]*;?[ \t]*/.exec(script.slice(last.end))![0].length + last.end;
    const endsLine = rest >= script.length || /^\r?\n/.test(script.slice(rest, rest + 2));
    const ownsStart = script.slice(lineStart, first.pos).trim() === '';
    if (ownsStart && endsLine) this.takeLines(lineStart, rest);
    else if (after && !script.slice(last.end, after.pos).includes('\n')) this.take(first.pos, after.pos);
    else if (ownsStart) this.take(first.pos, rest);
    else if (before && before.end > lineStart) this.take(before.end, last.end);
    else this.take(first.pos - /[ \t]*$/.exec(script.slice(0, first.pos))![0].length, endsLine ? rest : last.end);
  }

  /** Takes whole lines, and one of two blank lines that would then meet. */
  private takeLines(start: number, contentEnd: number): void {
    const { script } = this;
    const newline = script.indexOf('\n', contentEnd);
    if (newline < 0) {
      // The last line goes with the line end before it, so that a file without a final newline stays one.
      const before = /\r?\n$/.exec(script.slice(0, start));
      return this.take(start - (before?.[0].length ?? 0), script.length);
    }
    let end = newline + 1;
    const blankBefore = start === 0 || /(^|\n)[ \t]*\r?\n$/.test(script.slice(0, start));
    const blankAfter = /^[ \t]*\r?\n/.exec(script.slice(end));
    if (blankBefore && blankAfter) end += blankAfter[0].length;
    this.take(start, end);
  }

  /** Parts of a chain, each with the operator that would be left over. */
  private takeParts({ parts, operators }: FlowChain): void {
    for (let at = 0; at < parts.length; at += 1) {
      if (!this.isGone(parts[at]!)) continue;
      const from = at;
      while (at + 1 < parts.length && this.isGone(parts[at + 1]!)) at += 1;
      const before = parts[from - 1];
      const after = parts[at + 1];
      if (after && (!before || operators[at] === '&&')) this.takeUpTo(parts[from]!.pos, parts[at]!.end, after.pos);
      else this.take(before!.end, parts[at]!.end);
    }
  }

  /** From a part to the next one; a comment between them stays. */
  private takeUpTo(start: number, end: number, next: number): void {
    const between = this.script.slice(end, next);
    const comment = /^[ \t]*#/m.exec(between);
    if (!comment) return this.take(start, next);
    const operator = /^\s*&&[ \t]*\r?\n?/.exec(between)?.[0].length ?? 0;
    this.take(start, end + operator + (/^[ \t]*/.exec(between.slice(operator))?.[0].length ?? 0));
  }

  private take(start: number, end: number): void {
    if (end > start) this.edits.push({ start, end, text: '' });
  }
}
