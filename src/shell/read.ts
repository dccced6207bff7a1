import { type SyntaxNode, type Word, type WordPart, forEachChild, parse } from './unbash.ts';

/** A word of a command. Offsets are UTF-16 into the script, end-exclusive. */
export interface ShellWord {
  /** As written, quotes included. */
  text: string;
  /** What the shell makes of it; undefined where that depends on something out of sight. */
  value: string | undefined;
  pos: number;
  end: number;
}

/** One simple command, wherever it stands: in a list, a condition, a loop, a function, a substitution. */
export interface ShellCommand {
  /** Its name and arguments; empty for bare assignments and redirections. */
  words: ShellWord[];
  redirects: { operator: string; target: ShellWord }[];
  assignments: { name: string; value: string | undefined }[];
  pos: number;
  end: number;
  /** Whether it stands in an if, case, loop, function or substitution, so that it may not run. */
  conditional: boolean;
  /** Where it runs, as far as `cd` tells. */
  cwd: string | undefined;
}

export interface ShellScript {
  commands: ShellCommand[];
  /** Whether the whole script was understood; if not, the commands are what could be read. */
  complete: boolean;
}

export type Lookup = (name: string) => string | undefined;

/**
 * The commands of a shell script in the order of the text. POSIX sh is read as Bash.
 * @param lookup values of variables set outside the script
 * @param cwd where the script starts
 */
export function readShell(script: string, lookup: Lookup = () => undefined, cwd?: string): ShellScript {
  const reader = new Reader(lookup, cwd);
  const parsed = parse(script);
  reader.visit(parsed, false);
  return { commands: reader.commands, complete: !(parsed.errors && parsed.errors.length > 0) };
}

/** Nodes whose commands may or may not run. */
const CONDITIONAL = new Set([
  ...['If', 'Case', 'For', 'While', 'ArithmeticFor', 'Select', 'Function', 'Coproc'],
  ...['CommandExpansion', 'ProcessSubstitution'],
]);

class Reader {
  readonly commands: ShellCommand[] = [];
  private readonly variables = new Map<string, string | undefined>();
  private readonly outer: Lookup;
  private cwd: string | undefined;

  constructor(outer: Lookup, cwd: string | undefined) {
    this.outer = outer;
    this.cwd = cwd;
  }

  visit(node: SyntaxNode, conditional: boolean): void {
    if (node.type === 'Subshell') {
      const before = this.cwd;
      forEachChild(node, (child) => this.visit(child, conditional));
      this.cwd = before;
      return;
    }
    if (node.type === 'Command') this.take(node, conditional);
    const inside = conditional || CONDITIONAL.has(node.type);
    forEachChild(node, (child) => this.visit(child, inside));
  }

  private take(node: Extract<SyntaxNode, { type: 'Command' }>, conditional: boolean): void {
    const words: ShellWord[] = [];
    if (node.name) words.push(this.word(node.name));
    for (const argument of node.args) {
      if (argument.type === 'Word') words.push(this.word(argument));
      else words.push({ text: argument.text, value: this.assignmentText(argument), pos: argument.pos, end: argument.end });
    }
    const assignments = node.prefix
      .filter((item) => item.type === 'Assignment')
      .map((item) => ({ name: item.name, value: item.value.type === 'Word' ? this.word(item.value).value : undefined }));
    const redirects = [];
    for (const item of node.redirects) {
      if (item.type === 'Redirect' && item.target) redirects.push({ operator: item.operator, target: this.word(item.target) });
    }
    this.commands.push({ words, redirects, assignments, pos: node.pos, end: node.end, conditional, cwd: this.cwd });
    this.remember(words, assignments, conditional);
  }

  /** `export A=b` and the like: the word as the shell hands it over. */
  private assignmentText(item: { name: string; value: { type: string } }): string | undefined {
    if (item.value.type !== 'Word') return undefined;
    const { value } = this.word(item.value as Word);
    return value === undefined ? undefined : `${item.name}=${value}`;
  }

  /** What later commands see of this one: variables, the directory. */
  private remember(words: ShellWord[], assignments: { name: string; value: string | undefined }[], conditional: boolean): void {
    const set = (name: string, value: string | undefined) =>
      this.variables.set(name, conditional && this.lookup(name) !== value ? undefined : value);
    if (words.length === 0) for (const { name, value } of assignments) set(name, value);
    const name = words[0]?.value;
    if (name === 'export' || name === 'local' || name === 'readonly' || name === 'declare') {
      for (const { value, text } of words.slice(1)) {
        const key = /^\w+(?==)/.exec(text)?.[0];
        if (key) set(key, value?.slice(key.length + 1));
      }
    }
    if (name === 'cd' || name === 'pushd') this.cwd = resolvePath(this.cwd, words[1] ? words[1].value : this.lookup('HOME'));
    if (name === 'popd') this.cwd = undefined;
  }

  private lookup(name: string): string | undefined {
    return this.variables.has(name) ? this.variables.get(name) : this.outer(name);
  }

  private word(word: Word): ShellWord {
    const { text, pos, end } = word;
    return { text, value: this.value(word), pos, end };
  }

  private value(word: Word): string | undefined {
    if (word.parts) return this.join(word.parts);
    return word.value.startsWith('~') && (word.value.length === 1 || word.value[1] === '/')
      ? join(this.lookup('HOME'), word.value.slice(1))
      : word.value;
  }

  private join(parts: readonly WordPart[]): string | undefined {
    let value = '';
    for (const part of parts) {
      const piece = this.part(part);
      if (piece === undefined) return undefined;
      value += piece;
    }
    return value;
  }

  private part(part: WordPart): string | undefined {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'AnsiCQuoted':
        return part.value;
      case 'Glob':
        return part.text;
      case 'DoubleQuoted':
        return this.join(part.parts);
      case 'SimpleExpansion':
        return this.lookup(part.text.slice(1));
      case 'ParameterExpansion':
        return this.parameter(part);
      default:
        return undefined;
    }
  }

  private parameter(part: Extract<WordPart, { type: 'ParameterExpansion' }>): string | undefined {
    if (part.prefix || part.index) return undefined;
    const value = this.lookup(part.parameter);
    const { operation } = part;
    if (!operation) return value;
    if (operation.type !== 'Default') return undefined;
    if (['-', ':-', '=', ':='].includes(operation.operator)) return value || this.value(operation.operand);
    return ['?', ':?'].includes(operation.operator) ? value : undefined;
  }
}

function join(base: string | undefined, rest: string): string | undefined {
  return base === undefined ? undefined : base + rest;
}

/** `path` seen from `base`, without `.` and `..`; undefined where that is not known. */
export function resolvePath(base: string | undefined, path: string | undefined): string | undefined {
  if (path === undefined || (base === undefined && !path.startsWith('/'))) return undefined;
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
