import { isSpace } from './characters.ts';

/** What a heredoc operator in an instruction says. */
export interface HeredocMark {
  name: string;
  /** Whether variables in the body are expanded: no part of the name is quoted. */
  expand: boolean;
  /** `<<-`: tabs at the start of the body's lines are dropped. */
  chomp: boolean;
}

const MARK = /^\d*<<(-?)[\t\n\f\r ]*([^<]*)$/;

/**
 * The here-documents that a logical line opens, in order. BuildKit (frontend/dockerfile/parser and
 * /shell) splits the line into words with its quotes and escapes left in place; a word that begins
 * with `<<` opens one. A line that its lexer can't read opens none.
 */
export function heredocMarks(logical: string): HeredocMark[] {
  const words = splitWords(logical, { rawQuotes: true, rawEscapes: true });
  const marks: HeredocMark[] = [];
  for (const word of words ?? []) {
    const mark = markOf(word);
    if (mark) marks.push(mark);
  }
  return marks;
}

function markOf(word: string): HeredocMark | undefined {
  const match = MARK.exec(word);
  const name = match?.[2];
  if (!match || !name) return undefined;
  const plain = splitWords(name, { rawQuotes: false, rawEscapes: false });
  if (plain?.length !== 1) return undefined;
  const raw = splitWords(name, { rawQuotes: true, rawEscapes: false });
  return { name: plain[0]!, expand: quotes(plain[0]!) === quotes(raw?.[0] ?? ''), chomp: match[1] === '-' };
}

function quotes(text: string): number {
  return text.split(/['"]/).length - 1;
}

interface LexOptions {
  rawQuotes: boolean;
  rawEscapes: boolean;
}

/** The words of a line as BuildKit's shell lexer splits them with no variable set; undefined on a lexing error. */
function splitWords(line: string, options: LexOptions): string[] | undefined {
  try {
    return new WordLexer(line, options).words();
  } catch (error) {
    if (error instanceof LexError) return undefined;
    throw error;
  }
}

class LexError extends Error {}

class WordLexer {
  private readonly chars: string[];
  private readonly rawQuotes: boolean;
  private rawEscapes: boolean;
  private at = 0;
  /** The word being read. Shared with nested substitutions, which clear it: a quirk of BuildKit's that we keep. */
  private word = '';

  constructor(line: string, options: LexOptions) {
    this.chars = [...line];
    this.rawQuotes = options.rawQuotes;
    this.rawEscapes = options.rawEscapes;
  }

  words(): string[] {
    return this.readUntil(undefined, this.rawEscapes).words;
  }

  private readUntil(stop: string | undefined, rawEscapes: boolean): { text: string; words: string[] } {
    const before = this.rawEscapes;
    this.rawEscapes = rawEscapes;
    try {
      return this.read(stop);
    } finally {
      this.rawEscapes = before;
    }
  }

  private read(stop: string | undefined): { text: string; words: string[] } {
    const words: string[] = [];
    let text = '';
    this.word = '';
    const finish = () => {
      if (this.word !== '') words.push(this.word);
      this.word = '';
      return { text, words };
    };
    const add = (char: string) => {
      if (!isSpace(char.codePointAt(0)!)) this.word += char;
      else if (this.word !== '') {
        words.push(this.word);
        this.word = '';
      }
    };

    for (let char = this.chars[this.at]; char !== undefined; char = this.chars[this.at]) {
      if (char === stop) {
        this.at += 1;
        return finish();
      }
      if (char === '$') {
        const value = this.readDollar();
        text += value;
        for (const part of value) add(part);
      } else if (char === "'" || char === '"' || char === '<') {
        const value = char === '<' ? this.readAngle() : char === "'" ? this.readSingle() : this.readDouble();
        text += value;
        this.word += value;
      } else if (char === '\\') {
        this.at += 1;
        const escaped = this.chars[this.at];
        const kept = this.rawEscapes ? '\\' : '';
        this.word += kept + (escaped ?? '');
        text += kept + (escaped ?? '');
        if (escaped === undefined) break;
        this.at += 1;
      } else {
        this.at += 1;
        add(char);
        text += char;
      }
    }
    if (stop !== undefined) throw new LexError();
    return finish();
  }

  private readSingle(): string {
    const close = this.chars.indexOf("'", this.at + 1);
    if (close < 0) throw new LexError();
    const inner = this.chars.slice(this.at + 1, close).join('');
    this.at = close + 1;
    return this.rawQuotes ? `'${inner}'` : inner;
  }

  private readDouble(): string {
    const quote = this.rawQuotes ? '"' : '';
    let text = quote;
    this.at += 1;
    for (;;) {
      const char = this.chars[this.at];
      if (char === undefined) throw new LexError();
      if (char === '"') {
        this.at += 1;
        return text + quote;
      }
      if (char === '$') {
        text += this.readDollar();
        continue;
      }
      this.at += 1;
      if (char !== '\\') {
        text += char;
        continue;
      }
      const escaped = this.chars[this.at];
      if (this.rawEscapes) text += '\\';
      if (escaped === undefined) continue;
      if (escaped === '"' || escaped === '$' || escaped === '\\') {
        text += escaped;
        this.at += 1;
      } else text += '\\';
    }
  }

  /** `<<` and the white space after it stay one word, so that `<< EOF` is found. */
  private readAngle(): string {
    this.at += 1;
    if (this.chars[this.at] !== '<') return '<';
    this.at += 1;
    let space = '';
    for (let char = this.chars[this.at]; char === ' ' || char === '\t' || char === '\r' || char === '\n'; char = this.chars[this.at]) {
      space += char;
      this.at += 1;
    }
    return `<<${space}`;
  }

  /** A variable is unset here, so a substitution gives back its own text or fails. */
  private readDollar(): string {
    this.at += 1;
    if (this.chars[this.at] !== '{') return `$${this.readName()}`;
    this.at += 1;
    const first = this.chars[this.at];
    if (first === undefined || first === '{' || first === '}' || first === ':') throw new LexError();
    const name = this.readName();
    let operator = this.chars[this.at++];
    if (operator === '}') return `\${${name}}`;
    if (operator === '/') return this.readReplacement(name);
    const colon = operator === ':' ? ':' : '';
    if (colon) operator = this.chars[this.at++];
    const trims = operator === '#' || operator === '%';
    if (!colon && !['+', '-', '?', '#', '%'].includes(operator ?? '')) throw new LexError();
    if (colon && trims) throw new LexError();
    return `\${${name}${colon}${operator ?? '\uFFFD'}${this.readUntil('}', trims).text}}`;
  }

  private readReplacement(name: string): string {
    if (this.chars[this.at] === '/') this.at += 1;
    const pattern = this.readUntil('/', true).text;
    return `\${${name}/${pattern}/${this.readUntil('}', true).text}}`;
  }

  private readName(): string {
    const first = this.chars[this.at] ?? '';
    if (/\p{Nd}/u.test(first)) return this.readWhile(/\p{Nd}/u);
    if ('@*#?-$!0'.includes(first) && first !== '') {
      this.at += 1;
      return first;
    }
    return this.readWhile(/[\p{L}\p{Nd}_]/u);
  }

  private readWhile(allowed: RegExp): string {
    const start = this.at;
    while (this.at < this.chars.length && allowed.test(this.chars[this.at]!)) this.at += 1;
    return this.chars.slice(start, this.at).join('');
  }
}
