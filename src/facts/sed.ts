import type { Invocation } from './commands.ts';

/** One `s/old/new/` of a sed command. */
export interface Substitution {
  pattern: RegExp;
  /** As JavaScript's replace takes it. */
  replacement: string;
  /** Only lines that it matches are changed; undefined for every line. */
  lines: RegExp | undefined;
}

/** What a `sed -i` does to its files. */
export interface SedEdit {
  files: string[];
  /** In order; `unknown` where the script does what can't be told here. */
  edit: Substitution[] | 'unknown';
}

/** Reads a `sed -i`; undefined for another command, or a sed that changes no file. */
export function sedEdit({ name, words }: Invocation): SedEdit | undefined {
  if (name !== 'sed') return undefined;
  const scripts: (string | undefined)[] = [];
  const rest: (string | undefined)[] = [];
  let inPlace = false;
  let extended = false;
  for (let at = 1; at < words.length; at += 1) {
    const value = words[at]!.value;
    if (value !== undefined && /^(-[a-hj-zA-Z]*i.*|--in-place(=.*)?)$/.test(value) && !value.startsWith('--expression')) inPlace = true;
    if (value === '-e' || value === '--expression' || (value !== undefined && /^-[inrEsz]+e$/.test(value))) scripts.push(words[(at += 1)]?.value);
    else if (value?.startsWith('--expression=')) scripts.push(value.slice(13));
    else if (value === '-f' || value === '--file') scripts.push(undefined);
    else if (value?.startsWith('-') && value.length > 1) extended ||= value === '--regexp-extended' || /^-[a-zA-Z]*[rE]/.test(value);
    else rest.push(value);
  }
  if (!inPlace) return undefined;
  if (scripts.length === 0) scripts.push(rest.shift());
  const read = scripts.map((script) => (script === undefined ? undefined : substitutions(script, extended)));
  const edit = read.some((one) => one === undefined) ? 'unknown' : read.flatMap((one) => one!);
  return { files: rest.filter((file) => file !== undefined), edit };
}

/** The text after the substitutions. */
export function substituted(text: string, edit: readonly Substitution[]): string {
  return edit.reduce(
    (result, { pattern, replacement, lines }) =>
      result
        .split('\n')
        .map((line) => (lines === undefined || lines.test(line) ? line.replace(pattern, replacement) : line))
        .join('\n'),
    text,
  );
}

/** `/lines/s,old,new,g; s/…/…/`; undefined for any other command of sed. */
function substitutions(script: string, extended: boolean): Substitution[] | undefined {
  const found: Substitution[] = [];
  let at = 0;
  while (at < script.length) {
    if (/[\s;]/.test(script[at]!)) {
      at += 1;
      continue;
    }
    let lines: RegExp | undefined;
    if (script[at] === '/') {
      const close = delimited(script, at + 1, '/');
      if (close < 0) return undefined;
      lines = regularExpression(script.slice(at + 1, close), extended, '/', '');
      if (!lines) return undefined;
      at = close + 1;
      while (script[at] === ' ') at += 1;
    }
    if (script[at] === 'd' && lines) {
      found.push({ pattern: /^.*$/, replacement: '', lines });
      at += 1;
      continue;
    }
    const delimiter = script[at + 1];
    if (script[at] !== 's' || delimiter === undefined) return undefined;
    const middle = delimited(script, at + 2, delimiter);
    const end = middle < 0 ? -1 : delimited(script, middle + 1, delimiter);
    if (end < 0) return undefined;
    const flags = /^[gIiM]*/.exec(script.slice(end + 1))![0];
    const pattern = regularExpression(script.slice(at + 2, middle), extended, delimiter, `${flags.includes('g') ? 'g' : ''}${/i/i.test(flags) ? 'i' : ''}`);
    if (!pattern) return undefined;
    found.push({ pattern, replacement: replacementOf(script.slice(middle + 1, end), delimiter), lines });
    at = end + 1 + flags.length;
    if (at < script.length && !/[\s;}]/.test(script[at]!)) return undefined;
  }
  return found;
}

function delimited(script: string, from: number, delimiter: string): number {
  for (let at = from; at < script.length; at += 1) {
    if (script[at] === '\\') at += 1;
    else if (script[at] === delimiter) return at;
  }
  return -1;
}

/** A regular expression of POSIX as one of JavaScript; undefined where they can't be told to mean the same. */
function regularExpression(source: string, extended: boolean, delimiter: string, flags: string): RegExp | undefined {
  let result = '';
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at]!;
    const next = source[at + 1];
    if (char === '\\' && next !== undefined) {
      at += 1;
      if (next === delimiter && !/[(){}|+?]/.test(next)) result += `\\${next}`;
      else if (/[(){}|+?]/.test(next)) result += extended ? `\\${next}` : next;
      else if (/[sSwWbBdn]/.test(next) || !/[a-zA-Z0-9<>]/.test(next)) result += `\\${next}`;
      else return undefined;
    } else if (/[(){}|+?]/.test(char)) result += extended ? char : `\\${char}`;
    else if (char === '/') result += '\\/';
    else if (char === '[') {
      const close = source.indexOf(']', at + (source[at + 1] === '^' ? 3 : 2));
      if (close < 0) return undefined;
      const classes = source.slice(at, close + 1);
      if (/\[:|\[=|\[\./.test(classes)) return posixClasses(source, extended, delimiter, flags);
      result += classes.replace(/\\/g, '\\\\');
      at = close;
    } else result += char;
  }
  try {
    return new RegExp(result, flags);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `[[:space:]]` and its like, put into words that JavaScript has. */
function posixClasses(source: string, extended: boolean, delimiter: string, flags: string): RegExp | undefined {
  const plain = source.replace(/\[\[:(\w+):\]\]/g, (whole, name: string) => ({ space: '[ \t]', blank: '[ \t]', digit: '[0-9]', alpha: '[a-zA-Z]', alnum: '[a-zA-Z0-9]' })[name] ?? whole);
  return plain === source ? undefined : regularExpression(plain, extended, delimiter, flags);
}

function replacementOf(text: string, delimiter: string): string {
  let result = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    const next = text[at + 1];
    if (char === '\\' && next !== undefined) {
      at += 1;
      if (/\d/.test(next)) result += next === '0' ? '$&' : `$${next}`;
      else if (next === 'n') result += '\n';
      else if (next === 't') result += '\t';
      else result += next === delimiter || next !== '$' ? next : '$$';
    } else if (char === '&') result += '$&';
    else result += char === '$' ? '$$' : char;
  }
  return result;
}
