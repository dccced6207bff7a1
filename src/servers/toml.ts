import { type ConfigFile, ConfigurationError, type Directive, type Word } from './types.ts';

/**
 * The settings of a TOML file, as far as programs' configurations need it (toml.io, v1.0): tables and arrays of tables,
 * bare, quoted and dotted keys, strings of four kinds, arrays and inline tables; numbers, dates and the like as they
 * are written.
 * @throws ConfigurationError for what is no TOML
 */
export function parseToml(file: ConfigFile): Directive[] {
  return new Reader(file).settings();
}

/** A setting as a directive without a block. */
export function setting(way: readonly string[], word: Word, file: ConfigFile): Directive {
  return { name: way.join('.'), args: [word], block: undefined, inside: undefined, file, start: word.start, end: word.end };
}

class Reader {
  private at: number;
  private readonly found: Directive[] = [];
  private readonly file: ConfigFile;
  private readonly text: string;

  constructor(file: ConfigFile) {
    this.file = file;
    this.text = file.text;
    this.at = file.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  settings(): Directive[] {
    let table: string[] = [];
    /** How often an array of tables was opened. */
    const opened = new Map<string, number>();
    for (;;) {
      this.skip(true);
      if (this.at >= this.text.length) return this.found;
      if (this.text.startsWith('[[', this.at)) {
        this.at += 2;
        const name = this.key();
        this.expect(']]');
        const number = opened.get(name.join('.')) ?? 0;
        opened.set(name.join('.'), number + 1);
        table = [...name, String(number)];
      } else if (this.text[this.at] === '[') {
        this.at += 1;
        table = this.key();
        this.expect(']');
      } else this.pair(table);
      this.skip(false);
      if (this.at < this.text.length && !/[\r\n]/.test(this.text[this.at]!)) this.fail('more stands on the line than belongs there');
    }
  }

  private pair(table: readonly string[]): void {
    const name = this.key();
    this.expect('=');
    this.value([...table, ...name]);
  }

  /** `a.b."c d"` */
  private key(): string[] {
    const parts: string[] = [];
    do {
      this.skip(false);
      const quote = this.text[this.at];
      const bare = /^[\w-]+/.exec(this.text.slice(this.at, this.at + 200))?.[0];
      if (quote === '"' || quote === "'") parts.push(this.string(quote).value);
      else if (bare !== undefined) {
        parts.push(bare);
        this.at += bare.length;
      } else this.fail('a key is missing');
      this.skip(false);
    } while (this.text[this.at] === '.' && (this.at += 1));
    return parts;
  }

  private value(way: readonly string[]): void {
    this.skip(false);
    const char = this.text[this.at];
    if (char === '[') this.array(way);
    else if (char === '{') this.inline(way);
    else if (char === '"' || char === "'") this.found.push(setting(way, this.string(char), this.file));
    else {
      const start = this.at;
      const written = /^[^\s,\]}#]+/.exec(this.text.slice(start, start + 200))?.[0];
      if (written === undefined) this.fail('a value is missing');
      this.at += written.length;
      this.found.push(setting(way, { text: written, value: written, start, end: this.at }, this.file));
    }
  }

  private array(way: readonly string[]): void {
    this.at += 1;
    for (let index = 0; ; index += 1) {
      this.skip(true);
      if (this.text[this.at] === ']') break;
      this.value([...way, String(index)]);
      this.skip(true);
      if (this.text[this.at] === ',') this.at += 1;
      else if (this.text[this.at] !== ']') this.fail('an array is not closed');
    }
    this.at += 1;
  }

  private inline(way: readonly string[]): void {
    this.at += 1;
    for (;;) {
      this.skip(true);
      if (this.text[this.at] === '}') break;
      this.pair(way);
      this.skip(true);
      if (this.text[this.at] === ',') this.at += 1;
      else if (this.text[this.at] !== '}') this.fail('a table in braces is not closed');
    }
    this.at += 1;
  }

  private string(quote: string): Word {
    const long = quote.repeat(3);
    const mark = this.text.startsWith(long, this.at) ? long : quote;
    const start = this.at + mark.length;
    for (this.at = start; this.at < this.text.length && !this.text.startsWith(mark, this.at); this.at += 1) {
      if (quote === '"' && this.text[this.at] === '\\') this.at += 1;
      if (mark === quote && this.text[this.at] === '\n') break;
    }
    if (!this.text.startsWith(mark, this.at)) this.fail('a string is not closed');
    const text = this.text.slice(start, this.at);
    const word = { text, value: quote === '"' ? text.replace(/\\(["\\])/g, '$1') : text, start, end: this.at };
    this.at += mark.length;
    return word;
  }

  private expect(mark: string): void {
    this.skip(false);
    if (!this.text.startsWith(mark, this.at)) this.fail(`${mark} is missing`);
    this.at += mark.length;
  }

  /** White space and comments. */
  private skip(lines: boolean): void {
    for (; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at]!;
      if (char === '#') {
        const newline = this.text.indexOf('\n', this.at);
        this.at = (newline < 0 ? this.text.length : newline) - 1;
      } else if (char !== ' ' && char !== '\t' && !(lines && (char === '\r' || char === '\n'))) return;
    }
  }

  private fail(message: string): never {
    throw new ConfigurationError(this.text.slice(0, this.at).split('\n').length, message);
  }
}
