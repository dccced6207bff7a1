/** The value of a variable: undefined where it is not known, `null` where it is known to be unset. */
export type Variables = (name: string) => string | null | undefined;

/**
 * A word of an instruction with its variables replaced and its quotes and escapes gone, as BuildKit
 * does it for FROM, COPY, ENV, EXPOSE, USER, VOLUME and WORKDIR.
 * @returns undefined where a variable is not known
 */
export function expand(word: string, variables: Variables, escape = '\\'): string | undefined {
  if (!/[$'"\\`]/.test(word)) return word;
  let result = '';
  let quote = '';
  for (let at = 0; at < word.length; at += 1) {
    const char = word[at]!;
    if (char === escape && quote !== "'") {
      const next = word[at + 1];
      if (quote === '"' && next !== '"' && next !== '$' && next !== escape) result += char;
      else if (next !== undefined) result += word[(at += 1)]!;
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === '$' && quote !== "'") {
      const found = substitution(word, at, variables, escape);
      if (found === undefined || found.value === undefined) return undefined;
      result += found.value;
      at = found.end - 1;
    } else result += char;
  }
  return result;
}

/** The substitution that starts at the `$` at `at`, and where it ends. */
function substitution(word: string, at: number, variables: Variables, escape: string): { value: string | undefined; end: number } | undefined {
  const plain = /^\$([A-Za-z_]\w*|\d+)/.exec(word.slice(at));
  if (plain) return { value: known(variables(plain[1]!)), end: at + plain[0].length };
  if (word[at + 1] !== '{') return { value: '$', end: at + 1 };
  const close = closingBrace(word, at + 2);
  const match = /^([A-Za-z_]\w*)(?:(:?[-+?])([\s\S]*))?$/.exec(word.slice(at + 2, close));
  if (close < 0 || !match) return undefined;
  return { value: modified(match[1]!, match[2], match[3] ?? '', variables, escape), end: close + 1 };
}

function known(value: string | null | undefined): string | undefined {
  return value === null ? '' : value;
}

function closingBrace(word: string, from: number): number {
  let depth = 1;
  for (let at = from; at < word.length; at += 1) {
    if (word[at] === '{') depth += 1;
    if (word[at] === '}' && (depth -= 1) === 0) return at;
  }
  return -1;
}

function modified(name: string, operator: string | undefined, operand: string, variables: Variables, escape: string): string | undefined {
  const value = variables(name);
  if (operator === undefined || value === undefined) return known(value);
  const isSet = value !== null && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return isSet ? expand(operand, variables, escape) : '';
  if (operator.endsWith('-')) return isSet ? value : expand(operand, variables, escape);
  return isSet ? value : undefined;
}
