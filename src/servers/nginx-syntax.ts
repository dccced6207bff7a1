import { type ConfigFile, ConfigurationError, type Directive, type Word } from './types.ts';

/**
 * The directives of an nginx configuration, tokens as nginx reads them (nginx, src/core/ngx_conf_file.c,
 * ngx_conf_read_token): words apart by white space, quotes only at a word's start, `#` only there too,
 * `${name}` inside a word opens no block. Blocks of Lua code are passed over.
 * @throws ConfigurationError for a text that nginx would refuse at this level, and for templates in braces
 */
export function parseNginx(file: ConfigFile): Directive[] {
  const reader = new Reader(file);
  const directives = reader.block(false);
  return directives;
}

class Reader {
  private at: number;
  private readonly file: ConfigFile;
  private readonly text: string;

  constructor(file: ConfigFile) {
    this.file = file;
    this.text = file.text;
    this.at = file.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** Directives up to the closing brace, or the end of the text. */
  block(nested: boolean): Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      this.skip();
      const char = this.text[this.at];
      if (char === undefined) {
        if (nested) this.fail('a block is not closed');
        return directives;
      }
      if (char === '}') {
        if (!nested) this.fail('unexpected }');
        this.at += 1;
        return directives;
      }
      if (char === '{' || char === ';') this.fail(`unexpected ${char}`);
      directives.push(this.directive());
    }
  }

  private directive(): Directive {
    const start = this.at;
    const words: Word[] = [];
    for (;;) {
      this.skip();
      const char = this.text[this.at];
      if (char === undefined || char === '}') this.fail(`${words[0]?.value ?? 'a directive'} is not ended with ;`);
      if (char === ';' || char === '{') break;
      words.push(this.word());
    }
    const [name, ...args] = words as [Word, ...Word[]];
    const opens = this.text[this.at] === '{';
    this.at += 1;
    const inside = opens ? this.at : undefined;
    const block = !opens ? undefined : name.value.endsWith('_by_lua_block') ? this.lua() : this.block(true);
    return { name: name.value, args, block, inside, file: this.file, start, end: this.at };
  }

  /** White space and comments. */
  private skip(): void {
    for (; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at]!;
      if (char === '#') {
        const newline = this.text.indexOf('\n', this.at);
        this.at = newline < 0 ? this.text.length - 1 : newline;
      } else if (!isBlank(char)) return;
    }
  }

  private word(): Word {
    const quote = this.text[this.at];
    if (quote === '"' || quote === "'") return this.quoted(quote);
    const start = this.at;
    for (; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at]!;
      if (char === '\\') this.at += 1;
      else if (char === '$' && this.text[this.at + 1] === '{') this.at += 1;
      else if (isBlank(char) || char === ';' || char === '{') break;
    }
    this.at = Math.min(this.at, this.text.length);
    return this.wordOf(start, this.at);
  }

  private quoted(quote: string): Word {
    const start = this.at + 1;
    for (this.at = start; this.at < this.text.length && this.text[this.at] !== quote; this.at += 1) if (this.text[this.at] === '\\') this.at += 1;
    if (this.at >= this.text.length) this.fail('a quote is not closed');
    const word = this.wordOf(start, this.at);
    this.at += 1;
    return word;
  }

  private wordOf(start: number, end: number): Word {
    const text = this.text.slice(start, end);
    const value = text.replace(/\\(["'\\trn])/g, (_, char: string) => ESCAPES[char] ?? char);
    return { text, value, start, end };
  }

  /** Passes over Lua up to its closing brace: strings, long brackets and comments may hold braces of their own. */
  private lua(): Directive[] {
    let depth = 1;
    for (; this.at < this.text.length && depth > 0; this.at += 1) {
      const char = this.text[this.at]!;
      if (char === '{') depth += 1;
      else if (char === '}') depth -= 1;
      else if (char === '"' || char === "'") this.luaString(char);
      else if (char === '[' || this.text.startsWith('--', this.at)) this.luaLong(char === '-');
    }
    if (depth > 0) this.fail('a block of Lua is not closed');
    return [];
  }

  private luaString(quote: string): void {
    for (this.at += 1; this.at < this.text.length && this.text[this.at] !== quote && this.text[this.at] !== '\n'; this.at += 1) if (this.text[this.at] === '\\') this.at += 1;
  }

  /** `[[ … ]]`, `[==[ … ]==]`, and comments. */
  private luaLong(comment: boolean): void {
    const open = this.at + (comment ? 2 : 0);
    const level = /^\[(=*)\[/.exec(this.text.slice(open, open + 12))?.[1];
    if (level === undefined && !comment) return;
    const close = level === undefined ? '\n' : `]${level}]`;
    const end = this.text.indexOf(close, open);
    this.at = end < 0 ? this.text.length : end + close.length - 1;
  }

  private fail(message: string): never {
    const line = this.text.slice(0, this.at).split('\n').length;
    throw new ConfigurationError(line, message);
  }
}

const ESCAPES: Record<string, string> = { t: '\t', r: '\r', n: '\n' };

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n';
}
