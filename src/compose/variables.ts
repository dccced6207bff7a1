/** Variables by name. What a shell would add is out of sight. */
export type Variables = ReadonlyMap<string, string>;

/** A text with its variables replaced. */
export interface Interpolated {
  text: string;
  /** Variables that have neither a value in sight nor a default: compose takes the shell's, else an empty text. */
  unset: string[];
}

/**
 * Replaces `$NAME`, `${NAME}` and its forms with `:-`, `-`, `:?`, `?`, `:+`, `+`, and `$$`, as compose does
 * (compose-spec, "Interpolation"). A dollar sign that begins none of these stays.
 * A variable without a value stays as it is written.
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  const unset: string[] = [];
  return { text: text.includes('$') ? replace(text, variables, unset) : text, unset };
}

/** The variables that a text names, defaults or not. */
export function variablesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name!))];
}

const NAME = /[A-Za-z_]\w*/y;

/** Nobody nests defaults that deep; what is below stays as it is written. */
const MAX_NESTED = 50;

function replace(text: string, variables: Variables, unset: string[], depth = 0): string {
  if (depth > MAX_NESTED) return text;
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) break;
    result += text.slice(at, dollar);
    const part = partAt(text, dollar, variables, unset, depth);
    result += part.text;
    at = part.end;
  }
  return result + text.slice(at);
}

function partAt(text: string, dollar: number, variables: Variables, unset: string[], depth: number): { text: string; end: number } {
  if (text[dollar + 1] === '$') return { text: '$', end: dollar + 2 };
  const braced = text[dollar + 1] === '{';
  NAME.lastIndex = dollar + (braced ? 2 : 1);
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return { text: '$', end: dollar + 1 };
  const after = NAME.lastIndex;
  if (!braced) return { text: valueOf(name, `$${name}`, variables, unset), end: after };
  const close = closingBrace(text, after);
  if (close < 0) return { text: '$', end: dollar + 1 };
  const operator = /^:?[-?+]/.exec(text.slice(after, close))?.[0] ?? '';
  const word = text.slice(after + operator.length, close);
  return { text: braceValue(name, operator, word, text.slice(dollar, close + 1), variables, unset, depth), end: close + 1 };
}

function braceValue(name: string, operator: string, word: string, written: string, variables: Variables, unset: string[], depth: number): string {
  const value = variables.get(name);
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return isSet ? replace(word, variables, unset, depth + 1) : '';
  if (isSet) return value;
  return operator.endsWith('-') ? replace(word, variables, unset, depth + 1) : valueOf(name, written, variables, unset);
}

function valueOf(name: string, written: string, variables: Variables, unset: string[]): string {
  const value = variables.get(name);
  if (value !== undefined) return value;
  unset.push(name);
  return written;
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '$' && text[at + 1] === '{') depth += 1;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

/**
 * The variables of a `.env` file: `NAME=value`, `export NAME=value`, quotes, comments behind a blank, references to
 * variables above.
 */
export function readEnvFile(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    const match = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (!match) continue;
    variables.set(match[1]!, envValue(match[2]!, variables));
  }
  return variables;
}

function envValue(written: string, variables: Variables): string {
  const quoted = /^(['"])(.*?)\1(\s+#.*)?$/.exec(written);
  if (quoted?.[1] === "'") return quoted[2]!;
  if (quoted) return interpolate(quoted[2]!.replace(/\\n/g, '\n').replace(/\\(["\\])/g, '$1'), variables).text;
  return interpolate(written.replace(/(^|\s+)#.*$/, ''), variables).text;
}
