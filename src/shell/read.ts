import { matchesPattern, truthOf } from './conditions.ts';
import { type ParsedScript, type SyntaxNode, type Word, type WordPart, forEachChild, parse } from './unbash.ts';

/** A word of a command. Offsets are UTF-16 into the script, end-exclusive. */
export interface ShellWord {
  /** As written, quotes included. */
  text: string;
  /** What the shell makes of it; undefined where that depends on something out of sight. */
  value: string | undefined;
  /** The same with variables that are out of sight as they are written; undefined where something else is out of sight, or nothing is. */
  open?: string | undefined;
  pos: number;
  end: number;
}

/** One simple command, wherever it stands: in a list, a condition, a loop, a function, a substitution. */
export interface ShellCommand {
  /** Its name and arguments; empty for bare assignments and redirections. */
  words: ShellWord[];
  redirects: { operator: string; target: ShellWord }[];
  /** With the place of the value, where it is a word. */
  assignments: { name: string; value: string | undefined; pos?: number; end?: number }[];
  pos: number;
  end: number;
  /** Whether it stands in an if, case, loop, function or substitution, so that it may not run. */
  conditional: boolean;
  /** Where it runs, as far as `cd` tells. */
  cwd: string | undefined;
}

export interface ShellScript {
  commands: ShellCommand[];
  /** The functions that it defines, by name; their bodies are among the commands. */
  functions: ReadonlySet<string>;
  /** Whether the whole script was understood; if not, the commands are what could be read. */
  complete: boolean;
}

export type Lookup = (name: string) => string | undefined;

/**
 * The commands of a shell script in the order of the text, without those behind a condition that can't
 * hold. POSIX sh is read as Bash.
 * @param lookup values of variables set outside the script
 * @param cwd where the script starts
 * @param args what it is called with (`$1` and so on); undefined where that is not known
 */
export function readShell(script: string, lookup: Lookup = () => undefined, cwd?: string, args?: readonly string[]): ShellScript {
  const { commands, functions, complete } = interpret(script, lookup, cwd, args);
  return { commands, functions, complete };
}

/** A script with its syntax, and the commands by the nodes that they are read from; a node that can't run has none. */
export interface Interpreted extends ShellScript {
  syntax: ParsedScript;
  byNode: ReadonlyMap<SyntaxNode, ShellCommand>;
}

/** What `readShell` answers, with the syntax that it rests on, for those who ask in which control flow a command stands. */
export function interpret(script: string, lookup: Lookup, cwd: string | undefined, args: readonly string[] | undefined): Interpreted {
  const source = withoutCarriageReturns(script);
  const reader = new Reader(MAY_SUBSTITUTE.test(source), lookup, cwd, args);
  const syntax = parse(source);
  reader.visit(syntax, false);
  return { commands: reader.commands, functions: reader.functions, complete: !(syntax.errors && syntax.errors.length > 0), syntax, byNode: reader.byNode };
}

/**
 * Files with CRLF run once the carriage returns are gone, as a `dos2unix` at build time has it.
 * Blanks stand in for them, so that every offset stays what it is.
 */
function withoutCarriageReturns(script: string): string {
  return script.includes('\r\n') ? script.replaceAll('\\\r\n', ' \\\n').replaceAll('\r\n', ' \n') : script;
}

/** Nodes whose commands may or may not run. */
const CONDITIONAL = new Set([
  ...['For', 'While', 'ArithmeticFor', 'Select', 'Coproc'],
  ...['CommandExpansion', 'ProcessSubstitution'],
]);

/** What a script, and a word of it, must hold to have commands inside words. Most don't, and need not be taken apart. */
const MAY_SUBSTITUTE = /`|[$<>]\(|\$\{[\s|]/;

/** A word that means what it says: nothing in it is special to a shell. */
const PLAIN = /^[\w./:@%+,-][\w./:=@%+,-]*$/;

class Reader {
  readonly commands: ShellCommand[] = [];
  readonly functions = new Set<string>();
  readonly byNode = new Map<SyntaxNode, ShellCommand>();
  private readonly variables = new Map<string, string | undefined>();
  /** Whether words may have commands inside. */
  private readonly nests: boolean;
  private readonly outer: Lookup;
  private cwd: string | undefined;
  private args: readonly string[] | undefined;

  constructor(nests: boolean, outer: Lookup, cwd: string | undefined, args: readonly string[] | undefined) {
    this.nests = nests;
    this.outer = outer;
    this.cwd = cwd;
    this.args = args;
  }

  visit(node: SyntaxNode, conditional: boolean): void {
    if (node.type === 'Subshell') {
      const before = this.cwd;
      forEachChild(node, (child) => this.visit(child, conditional));
      this.cwd = before;
      return;
    }
    if (node.type === 'Function') {
      this.functions.add(node.name.text);
      // Inside, $1 is the function's own.
      const before = this.args;
      this.args = undefined;
      forEachChild(node, (child) => this.visit(child, true));
      this.args = before;
      return;
    }
    if (node.type === 'If') return this.visitIf(node, conditional);
    if (node.type === 'Case') return this.visitCase(node, conditional);
    if (node.type === 'AndOr') return this.visitAndOr(node, conditional);
    if (node.type === 'Word' && !(this.nests && MAY_SUBSTITUTE.test(node.text))) return;
    if (node.type === 'Command') {
      this.take(node, conditional);
      if (!this.nests) return;
    }
    const inside = conditional || CONDITIONAL.has(node.type);
    forEachChild(node, (child) => this.visit(child, inside));
  }

  /** A branch whose condition can't hold is left out; one that must is not conditional. */
  private visitIf(node: Extract<SyntaxNode, { type: 'If' }>, conditional: boolean): void {
    let open = conditional;
    for (const { clause, then } of [node, ...node.elif]) {
      this.visit(clause, open);
      const holds = this.truth(clause);
      if (holds !== false) this.visit(then, open || holds === undefined);
      if (holds === true) return;
      open ||= holds === undefined;
    }
    if (node.else) this.visit(node.else, open);
  }

  private visitCase(node: Extract<SyntaxNode, { type: 'Case' }>, conditional: boolean): void {
    this.visit(node.word, conditional);
    const word = this.value(node.word);
    let open = conditional;
    for (const { pattern, body, terminator } of node.items) {
      const matches = word === undefined ? undefined : this.matchesAny(word, pattern);
      if (matches !== false) this.visit(body, open || matches === undefined);
      if (matches === true && terminator !== ';&' && terminator !== ';;&') return;
      open ||= matches === undefined;
    }
  }

  private matchesAny(word: string, patterns: readonly Word[]): boolean | undefined {
    const all = patterns.map((pattern) => {
      const value = this.value(pattern);
      return value === undefined ? undefined : matchesPattern(word, value);
    });
    return all.includes(true) ? true : all.includes(undefined) ? undefined : false;
  }

  /** `[ "$1" = x ] && set -- y "$@"`: what follows a condition that decides it is left out. */
  private visitAndOr(node: Extract<SyntaxNode, { type: 'AndOr' }>, conditional: boolean): void {
    let holds: boolean | undefined = true;
    let open = conditional;
    node.commands.forEach((command, index) => {
      const operator = index === 0 ? '&&' : node.operators[index - 1]!;
      const runs = operator === '&&' ? holds : holds === undefined ? undefined : !holds;
      if (runs === false) return;
      // What follows a command that is no comparison is taken to run, as after `cd x &&`.
      const isTest = index > 0 && this.isTest(node.commands[index - 1]!);
      open ||= runs === undefined && (isTest || operator === '||');
      this.visit(command, open);
      holds = this.truth(command);
    });
  }

  private isTest(node: SyntaxNode): boolean {
    if (node.type === 'TestCommand') return true;
    const name = node.type === 'Command' && node.name ? this.value(node.name) : undefined;
    return name === '[' || name === 'test';
  }

  private truth(node: SyntaxNode): boolean | undefined {
    return truthOf(node, (word) => this.value(word));
  }

  private take(node: Extract<SyntaxNode, { type: 'Command' }>, conditional: boolean): void {
    const words: ShellWord[] = [];
    if (node.name) this.addWords(node.name, words);
    for (const argument of node.args) {
      if (argument.type === 'Word') this.addWords(argument, words);
      else words.push({ text: argument.text, value: this.assignmentText(argument), pos: argument.pos, end: argument.end });
    }
    const assignments = node.prefix
      .filter((item) => item.type === 'Assignment')
      .map((item) => (item.value.type === 'Word' ? { name: item.name, value: this.word(item.value).value, pos: item.value.pos, end: item.value.end } : { name: item.name, value: undefined }));
    const redirects = [];
    for (const item of node.redirects) {
      if (item.type === 'Redirect' && item.target) redirects.push({ operator: item.operator, target: this.word(item.target) });
    }
    const command = { words, redirects, assignments, pos: node.pos, end: node.end, conditional, cwd: this.cwd };
    this.commands.push(command);
    this.byNode.set(node, command);
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
    if (name === 'set') this.setArguments(words, conditional);
    if (name === 'shift') this.args = conditional ? undefined : this.args?.slice(Number(words[1]?.value ?? 1));
  }

  /** `set -- a "$@"`. */
  private setArguments(words: ShellWord[], conditional: boolean): void {
    const dashes = words.findIndex(({ value }) => value === '--');
    if (dashes < 0) return;
    const values = words.slice(dashes + 1).map(({ value }) => value);
    this.args = conditional || values.includes(undefined) ? undefined : (values as string[]);
  }

  private lookup(name: string): string | undefined {
    if (/^\d+$/.test(name)) return name === '0' || !this.args ? undefined : (this.args[Number(name) - 1] ?? '');
    if (name === '#') return this.args && String(this.args.length);
    if (name === '@' || name === '*') return this.args?.join(' ');
    return this.variables.has(name) ? this.variables.get(name) : this.outer(name);
  }

  /** Adds the words that one written word becomes: `"$@"` is as many as there are arguments. */
  private addWords(word: Word, words: ShellWord[]): void {
    if (!this.args || !/^"?\$(@|\{@\}|\*)"?$/.test(word.text)) words.push(this.word(word));
    else for (const value of this.args) words.push({ text: value, value, pos: word.pos, end: word.end });
  }

  private word(word: Word): ShellWord {
    const { text, pos, end } = word;
    const value = this.value(word);
    return { text, value, open: value === undefined && word.parts ? this.join(word.parts, true) : undefined, pos, end };
  }

  private value(word: Word): string | undefined {
    const { text } = word;
    if (PLAIN.test(text)) return text;
    if (word.parts) return this.join(word.parts);
    return word.value.startsWith('~') && (word.value.length === 1 || word.value[1] === '/')
      ? join(this.lookup('HOME'), word.value.slice(1))
      : word.value;
  }

  private join(parts: readonly WordPart[], open = false): string | undefined {
    let value = '';
    for (const part of parts) {
      const piece = this.part(part, open);
      if (piece === undefined) return undefined;
      value += piece;
    }
    return value;
  }

  private part(part: WordPart, open: boolean): string | undefined {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'AnsiCQuoted':
        return part.value;
      case 'Glob':
        return part.text;
      case 'DoubleQuoted':
        return this.join(part.parts, open);
      case 'SimpleExpansion':
        return this.lookup(part.text.slice(1)) ?? (open ? part.text : undefined);
      case 'ParameterExpansion':
        return this.parameter(part) ?? (open ? part.text : undefined);
      default:
        return undefined;
    }
  }

  private parameter(part: Extract<WordPart, { type: 'ParameterExpansion' }>): string | undefined {
    if (part.prefix || part.index) return undefined;
    const value = this.lookup(part.parameter);
    const { operation } = part;
    if (!operation) return value;
    if (operation.type === 'Remove') return value === undefined ? undefined : removed(value, operation.operator, this.value(operation.operand));
    if (operation.type === 'Slice') return sliced(value, this.value(operation.offset), operation.length && this.value(operation.length));
    if (operation.type !== 'Default') return undefined;
    if (['-', ':-', '=', ':='].includes(operation.operator)) return value || this.value(operation.operand);
    return ['?', ':?'].includes(operation.operator) ? value : undefined;
  }
}

/** `${x#-}`, `${x%.conf}`: a literal text gone from an end. */
function removed(value: string, operator: string, pattern: string | undefined): string | undefined {
  if (pattern === undefined || /[*?[]/.test(pattern)) return undefined;
  if (operator.startsWith('#')) return value.startsWith(pattern) ? value.slice(pattern.length) : value;
  return value.endsWith(pattern) ? value.slice(0, value.length - pattern.length) : value;
}

/** `${x:0:1}`. */
function sliced(value: string | undefined, offset: string | undefined, length: string | undefined): string | undefined {
  if (value === undefined || !/^\d+$/.test(offset ?? '') || !/^\d+$/.test(length ?? '')) return undefined;
  return value.slice(Number(offset), Number(offset) + Number(length));
}

function join(base: string | undefined, rest: string): string | undefined {
  return base === undefined ? undefined : base + rest;
}

/** A path that does not begin at the root, or has steps that lead nowhere or back. */
const NOT_STRAIGHT = /^(?!\/)|\/(\.|\/|$)/;

/** `path` seen from `base`, without `.` and `..`; undefined where that is not known. */
export function resolvePath(base: string | undefined, path: string | undefined): string | undefined {
  if (path === undefined || (base === undefined && !path.startsWith('/'))) return undefined;
  const whole = path.startsWith('/') ? path : base === '/' ? `/${path}` : `${base}/${path}`;
  if (!NOT_STRAIGHT.test(whole)) return whole;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
