import type { SyntaxNode, Word } from './unbash.ts';

/** What a word is, undefined where that depends on something out of sight. */
export type WordValue = (word: Word) => string | undefined;

type TestExpression = Extract<SyntaxNode, { type: `Test${'Unary' | 'Binary' | 'Logical' | 'Not' | 'Group'}` }>;

/**
 * Whether a condition holds: comparisons of texts and numbers, joined by `&&`, `||` and `!`.
 * @returns undefined where that depends on something out of sight, such as who runs it or which files there are
 */
export function truthOf(node: SyntaxNode, value: WordValue): boolean | undefined {
  switch (node.type) {
    case 'CompoundList': {
      const [only, ...more] = node.commands;
      return only && more.length === 0 ? truthOf(only, value) : undefined;
    }
    case 'Statement':
      return node.background ? undefined : truthOf(node.command, value);
    case 'AndOr':
      return node.commands.slice(1).reduce<boolean | undefined>(
        (left, right, index) => joined(node.operators[index]!, left, truthOf(right, value)),
        truthOf(node.commands[0]!, value),
      );
    case 'Pipeline': {
      if (node.commands.length !== 1) return undefined;
      const inner = truthOf(node.commands[0]!, value);
      const negations = node.prefixes.filter(({ type }) => type === 'Negation').length;
      return inner === undefined || negations % 2 === 0 ? inner : !inner;
    }
    case 'TestCommand':
      return expressionHolds(node.expression, value);
    case 'Command':
      return commandHolds(node, value);
    default:
      return undefined;
  }
}

function joined(operator: '&&' | '||', left: boolean | undefined, right: boolean | undefined): boolean | undefined {
  const decides = operator === '||';
  if (left === decides || right === decides) return decides;
  return left === undefined || right === undefined ? undefined : !decides;
}

/** `[[ … ]]`, whose right side is a pattern. */
function expressionHolds(expression: TestExpression, value: WordValue): boolean | undefined {
  switch (expression.type) {
    case 'TestGroup':
      return expressionHolds(expression.expression, value);
    case 'TestNot': {
      const inner = expressionHolds(expression.operand, value);
      return inner === undefined || expression.negations.length % 2 === 0 ? inner : !inner;
    }
    case 'TestLogical':
      return expression.operands
        .slice(1)
        .reduce<boolean | undefined>((left, right) => joined(expression.operator, left, expressionHolds(right, value)), expressionHolds(expression.operands[0]!, value));
    case 'TestUnary':
      return unaryHolds(expression.operator, value(expression.operand));
    case 'TestBinary': {
      const [left, right] = [value(expression.left), value(expression.right)];
      if (left === undefined || right === undefined) return undefined;
      const isPattern = /[*?[]/.test(expression.right.text) && !/^["']/.test(expression.right.text);
      return isPattern ? undefined : binaryHolds(left, expression.operator, right);
    }
  }
}

/** `[ … ]` and `test …`, `true` and `false`. */
function commandHolds(node: Extract<SyntaxNode, { type: 'Command' }>, value: WordValue): boolean | undefined {
  const name = node.name && value(node.name);
  if (name === 'true' || name === ':') return true;
  if (name === 'false') return false;
  if (name !== '[' && name !== 'test') return undefined;
  const words = node.args.map((argument) => (argument.type === 'Word' ? value(argument) : undefined));
  return wordsHold(name === '[' ? words.slice(0, -1) : words);
}

function wordsHold(words: (string | undefined)[]): boolean | undefined {
  if (words[0] === '!') {
    const inner = wordsHold(words.slice(1));
    return inner === undefined ? undefined : !inner;
  }
  const [first, second, third] = words;
  if (words.length === 1) return first === undefined ? undefined : first !== '';
  if (words.length === 2) return first === undefined ? undefined : unaryHolds(first, second);
  if (words.length !== 3 || first === undefined || second === undefined || third === undefined) return undefined;
  return binaryHolds(first, second, third);
}

function unaryHolds(operator: string, operand: string | undefined): boolean | undefined {
  if (operand === undefined) return undefined;
  if (operator === '-n') return operand !== '';
  return operator === '-z' ? operand === '' : undefined;
}

function binaryHolds(left: string, operator: string, right: string): boolean | undefined {
  if (operator === '=' || operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  const [one, other] = [Number(left), Number(right)];
  if (left === '' || right === '' || Number.isNaN(one) || Number.isNaN(other)) return undefined;
  switch (operator) {
    case '-eq':
      return one === other;
    case '-ne':
      return one !== other;
    case '-gt':
      return one > other;
    case '-ge':
      return one >= other;
    case '-lt':
      return one < other;
    case '-le':
      return one <= other;
    default:
      return undefined;
  }
}

/** Whether a word matches a pattern of `case`; undefined for one that is more than texts and `*`. */
export function matchesPattern(text: string, pattern: string): boolean | undefined {
  if (/[?[\]\\]/.test(pattern)) return undefined;
  const parts = pattern.split('*');
  if (parts.length === 1) return text === pattern;
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const found = index === 0 ? (text.startsWith(part) ? 0 : -1) : index === parts.length - 1 ? (text.length - part.length >= at && text.endsWith(part) ? text.length - part.length : -1) : text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
