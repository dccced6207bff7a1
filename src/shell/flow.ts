import { interpret, type Lookup, type ShellCommand } from './read.ts';
import { type SyntaxNode, type TestExpression, forEachChild } from './unbash.ts';

/** A script as the control flow that its commands stand in. Offsets are UTF-16 into the script, end-exclusive. */
export interface ShellFlow {
  body: FlowList;
  /** Every command of the script, those in substitutions included, in the order of the text. */
  commands: ShellCommand[];
  /** Whether the whole script was understood. */
  complete: boolean;
}

interface Place {
  pos: number;
  end: number;
}

/** One command. */
export interface FlowCommand extends Place {
  kind: 'command';
  command: ShellCommand;
  /** The variables that its words, assignments and redirections rest on. */
  uses: string[];
  /** Whether something in it is the output of other commands. */
  substitutes: boolean;
}

/** Statements one after the other: lines, and what `;` and `&` part. */
export interface FlowList extends Place {
  kind: 'list';
  items: FlowItem[];
}

export interface FlowItem extends Place {
  node: FlowNode;
  /** Whether the script goes on without waiting for it: `&`, which `end` includes. */
  background: boolean;
}

/** `a && b || c`: each operator stands behind the part of its index, and all bind alike, from the left. */
export interface FlowChain extends Place {
  kind: 'chain';
  parts: FlowNode[];
  operators: ('&&' | '||')[];
}

/** `{ …; }`, or `( … )`, whose directory and variables end with it. */
export interface FlowGroup extends Place {
  kind: 'group';
  body: FlowList;
  redirected: boolean;
}

export interface FlowIf extends Place {
  kind: 'if';
  condition: FlowList;
  then: FlowList;
  otherwise: FlowList | undefined;
  /** Whether there are further conditions (`elif`), which are not told apart here. */
  elif: boolean;
}

/** `a | b`, and `! a`. */
export interface FlowPipeline extends Place {
  kind: 'pipeline';
  parts: FlowNode[];
  negated: boolean;
}

/** `[[ -d path ]]`: a test of one thing. */
export interface FlowTest extends Place {
  kind: 'test';
  operator: string;
  /** What is tested; undefined where that is not literal. */
  operand: string | undefined;
  negated: boolean;
}

/** What runs its commands any number of times, or later, or depending on something that it tests. */
export interface FlowOther extends Place {
  kind: 'other';
  /** For the reader: `a loop`. */
  what: string;
}

export type FlowNode = FlowCommand | FlowList | FlowChain | FlowGroup | FlowIf | FlowPipeline | FlowTest | FlowOther;

/**
 * Which commands of a script run in which control flow. POSIX sh is read as Bash.
 * @param lookup values of variables set outside the script
 * @param cwd where the script starts
 */
export function readFlow(script: string, lookup: Lookup = () => undefined, cwd?: string): ShellFlow {
  const { syntax, byNode, commands, complete } = interpret(script, lookup, cwd, undefined);
  const builder = new Builder(byNode);
  return { body: builder.list(syntax), commands, complete };
}

/** The commands of a script that stand in a node, however deep. */
export function commandsIn(flow: ShellFlow, node: { pos: number; end: number }): ShellCommand[] {
  return flow.commands.filter(({ pos, end }) => pos >= node.pos && end <= node.end);
}

const OTHERS: Partial<Record<SyntaxNode['type'], string>> = {
  For: 'a loop',
  ArithmeticFor: 'a loop',
  While: 'a loop',
  Select: 'a loop',
  Case: 'a case',
  Function: 'a function',
  Coproc: 'a coprocess',
};

class Builder {
  private readonly byNode: ReadonlyMap<SyntaxNode, ShellCommand>;

  constructor(byNode: ReadonlyMap<SyntaxNode, ShellCommand>) {
    this.byNode = byNode;
  }

  list(syntax: Extract<SyntaxNode, { type: 'Script' | 'CompoundList' }>): FlowList {
    const items = syntax.commands.map(({ command, background, pos, end }) => ({ node: this.node(command), background: background === true, pos, end }));
    return { kind: 'list', items, pos: syntax.pos, end: syntax.end };
  }

  private node(syntax: SyntaxNode): FlowNode {
    const place = { pos: syntax.pos, end: syntax.end };
    switch (syntax.type) {
      case 'Command': {
        const command = this.byNode.get(syntax);
        return command ? { kind: 'command', command, ...expansionsIn(syntax), ...place } : { kind: 'other', what: 'a branch that never runs', ...place };
      }
      case 'AndOr':
        return { kind: 'chain', parts: syntax.commands.map((part) => this.node(part)), operators: [...syntax.operators], ...place };
      case 'Pipeline': {
        const negated = syntax.prefixes.filter(({ type }) => type === 'Negation').length % 2 === 1;
        return { kind: 'pipeline', parts: syntax.commands.map((part) => this.node(part)), negated, ...place };
      }
      case 'Subshell':
      case 'BraceGroup':
        return { kind: 'group', body: this.list(syntax.body), redirected: false, ...place };
      case 'Redirected': {
        const inner = this.node(syntax.command);
        return inner.kind === 'group' ? { ...inner, redirected: true, ...place } : { kind: 'other', what: inner.kind === 'other' ? inner.what : 'a redirected block', ...place };
      }
      case 'If':
        return {
          kind: 'if',
          condition: this.list(syntax.clause),
          then: this.list(syntax.then),
          otherwise: syntax.else && this.list(syntax.else),
          elif: syntax.elif.length > 0,
          ...place,
        };
      case 'TestCommand':
        return testIn(syntax.expression, false, place) ?? { kind: 'other', what: 'a test', ...place };
      default:
        return { kind: 'other', what: OTHERS[syntax.type] ?? 'a block', ...place };
    }
  }
}

function testIn(expression: TestExpression, negated: boolean, place: Place): FlowTest | undefined {
  if (expression.type === 'TestNot') return testIn(expression.operand, negated !== (expression.negations.length % 2 === 1), place);
  if (expression.type === 'TestGroup') return testIn(expression.expression, negated, place);
  if (expression.type !== 'TestUnary') return undefined;
  const { text, value } = expression.operand;
  return { kind: 'test', operator: expression.operator, operand: /[$`]/.test(text) ? undefined : value, negated, ...place };
}

/** What a command's text rests on: variables by name, and whether it runs commands of its own. */
function expansionsIn(syntax: SyntaxNode): { uses: string[]; substitutes: boolean } {
  const uses = new Set<string>();
  let substitutes = false;
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'SimpleExpansion') uses.add(node.text.slice(1));
    if (node.type === 'ParameterExpansion') uses.add(node.parameter);
    if (node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution' || node.type === 'ArithmeticExpansion') substitutes = true;
    forEachChild(node, visit);
  };
  forEachChild(syntax, visit);
  return { uses: [...uses], substitutes };
}
