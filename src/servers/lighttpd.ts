import { posix } from 'node:path';
import { portNumber, splitAddress, spotIn } from './address.ts';
import { readFiles } from './include.ts';
import { type ConfigFile, type ConfigFiles, ConfigurationError, type Directive, type Listener, type ServerConfiguration, type Upstream, type Word, type WrittenPath } from './types.ts';

/** What a lighttpd configuration says. */
export function readLighttpd(entry: string, files: ConfigFiles): ServerConfiguration {
  const { directives, read, gaps } = readFiles(entry, files, {
    parse: parseLighttpd,
    isInclude: ({ name }) => name === 'include' || name === 'include_shell',
    patternOf: ({ name, args }) => (name === 'include' && args.length === 1 ? posix.resolve(posix.dirname(entry), args[0]!.value) : undefined),
    isOptional: ({ args }) => /[*?[]/.test(args[0]?.value ?? ''),
  });
  const result: ServerConfiguration = { kind: 'lighttpd', files: read, directives, listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps };
  const variables = new Map<string, string>();
  visit(directives, (directive) => {
    const { name, args } = directive;
    const value = joined(args, variables, files);
    if (name.startsWith('var.') && value !== undefined) variables.set(name.slice(4), value).set(name, value);
    if (name === 'server.port') result.listeners.push(listenerOf(directive, args[0], value, files));
    if (name === 'server.username' || name === 'server.groupname') result.users.push(directive);
    result.listeners.push(...socketOf(directive));
    result.upstreams.push(...upstreamsOf(directive));
    result.writes.push(...writesOf(directive, value));
  });
  if (read.length > 0 && !result.listeners.some(({ directive }) => directive.name === 'server.port')) result.listeners.push(unwritten(read[0]!));
  return result;
}

/**
 * Assignments and conditions as directives. Tokens as lighttpd's configuration grammar has them: names,
 * numbers, "…" strings, `#` comments; `name = value`, `name += value`, `$FIELD["x"] == "y" { … }`.
 * @throws ConfigurationError for what is neither
 */
export function parseLighttpd(file: ConfigFile): Directive[] {
  return new Reader(file).block(false);
}

class Reader {
  private at = 0;
  private readonly file: ConfigFile;
  private readonly tokens: Token[];

  constructor(file: ConfigFile) {
    this.file = file;
    this.tokens = tokensOf(file.text);
  }

  block(nested: boolean): Directive[] {
    const directives: Directive[] = [];
    for (let token = this.tokens[this.at]; token; token = this.tokens[this.at]) {
      if (token.text === '}' && !token.quoted) {
        if (!nested) this.fail(token, 'unexpected }');
        this.at += 1;
        return directives;
      }
      directives.push(this.statement(token));
    }
    if (nested) throw new ConfigurationError(lineAt(this.file.text, this.file.text.length), 'a block is not closed');
    return directives;
  }

  private statement(first: Token): Directive {
    const start = this.at;
    if (/^\$|^else|^elseif/.test(first.text)) {
      while (this.tokens[this.at] && !(this.tokens[this.at]!.text === '{' && !this.tokens[this.at]!.quoted)) this.at += 1;
      const open = this.tokens[this.at] ?? this.fail(first, 'a condition has no block');
      const args = this.tokens.slice(start + 1, this.at).filter(({ quoted }) => quoted);
      this.at += 1;
      const block = this.block(true);
      return { name: first.text, args, block, inside: open.end, file: this.file, start: first.start, end: this.tokens[this.at - 1]!.end };
    }
    this.at += 1;
    const isInclude = /^include(_shell)?$/.test(first.text);
    const operator = this.tokens[this.at];
    if (!isInclude) {
      if (!operator || !/^(=|\+=|:=|=>)$/.test(operator.text)) this.fail(first, `${first.text} is given no value`);
      this.at += 1;
    }
    const args = this.value(first);
    return { name: first.text, args, block: undefined, inside: undefined, file: this.file, start: first.start, end: args.at(-1)?.end ?? first.end };
  }

  /** An expression's words: `a + b`, `( … )` with whatever is in it. */
  private value(first: Token): Word[] {
    const words: Word[] = [];
    let depth = 0;
    for (let token = this.tokens[this.at]; token; token = this.tokens[this.at]) {
      const isPlain = !token.quoted;
      if (isPlain && token.text === '(') depth += 1;
      else if (isPlain && token.text === ')') depth -= 1;
      else words.push(token);
      this.at += 1;
      const next = this.tokens[this.at];
      if (depth === 0 && !(isPlain && token.text === '+') && !(next && !next.quoted && next.text === '+')) return words;
    }
    if (depth !== 0 || words.length === 0) this.fail(first, `${first.text} is given no value`);
    return words;
  }

  private fail(token: Token, message: string): never {
    throw new ConfigurationError(lineAt(this.file.text, token.start), message);
  }
}

interface Token extends Word {
  quoted: boolean;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const token = /[ \t\r\n\ufeff]+|#[^\n]*|"((?:\\.|[^"\\])*)"|(=>|\+=|:=|==|!=|=~|!~|=\^|=\$|=|[(){}[\],+])|([^\s"#(){}[\],+=!]+)/g;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match || match.index !== at) throw new ConfigurationError(lineAt(text, at), `unexpected ${text[at]}`);
    const [whole, quoted, operator, name] = match;
    if (quoted !== undefined) tokens.push({ text: quoted, value: quoted.replace(/\\(.)/g, '$1'), start: at + 1, end: at + 1 + quoted.length, quoted: true });
    else if (operator !== undefined || name !== undefined) tokens.push({ text: whole, value: whole, start: at, end: at + whole.length, quoted: false });
  }
  return tokens;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function visit(directives: readonly Directive[], see: (directive: Directive) => void): void {
  for (const directive of directives) {
    see(directive);
    if (directive.block) visit(directive.block, see);
  }
}

/** `var.log_root + "/error.log"`; undefined where a part is not known. */
function joined(args: readonly Word[], variables: ReadonlyMap<string, string>, files: ConfigFiles): string | undefined {
  let value = '';
  for (const { text, value: own } of args) {
    if (text === '+') continue;
    const environment = /^env\.(\w+)$/.exec(text)?.[1];
    const part = environment === undefined ? (variables.get(text) ?? own) : files.variable(environment);
    if (part === undefined) return undefined;
    value += part;
  }
  return value;
}

function listenerOf(directive: Directive, word: Word | undefined, value: string | undefined, files: ConfigFiles): Listener {
  const variable = /^env\.(\w+)$/.exec(word?.text ?? '')?.[1];
  const spot = word && /^\d+$/.test(word.text) ? spotIn(directive.file, word, { host: '', port: word.text, at: 0 }) : undefined;
  return { address: '', port: portNumber(variable === undefined ? value : files.variable(variable)), variable, protocol: 'tcp', tls: false, spot, directive, conditions: [] };
}

/** `$SERVER["socket"] == ":81" { … }` opens a socket of its own. */
function socketOf(directive: Directive): Listener[] {
  const [field, address] = directive.args;
  if (!/^\$SERVER/.test(directive.name) || field?.value !== 'socket' || !address) return [];
  const split = splitAddress(address.text);
  const port = portNumber(split.port);
  return port === undefined ? [] : [{ address: split.host, port, variable: undefined, protocol: 'tcp', tls: false, spot: spotIn(directive.file, address, split), directive, conditions: [] }];
}

/** Without `server.port` it is 80. */
function unwritten(file: ConfigFile): Listener {
  const at = file.text.length;
  const eol = file.text.includes('\r\n') ? '\r\n' : '\n';
  const directive: Directive = { name: 'server.port', args: [], block: undefined, inside: undefined, file, start: 0, end: 0 };
  const spot = { file, start: at, end: at, before: `${file.text === '' || file.text.endsWith('\n') ? '' : eol}server.port = `, after: eol };
  return { address: '', port: 80, variable: undefined, protocol: 'tcp', tls: false, spot, directive, conditions: [] };
}

/** `"host" => "web", "port" => 80` in `proxy.server` and its kin. */
function upstreamsOf({ name, args, file, ...rest }: Directive): Upstream[] {
  if (!/^(proxy|fastcgi|scgi|uwsgi|ajp13|wstunnel)\.server$/.test(name)) return [];
  const found: Upstream[] = [];
  let host: string | undefined;
  args.forEach((word, index) => {
    const value = args[index + 2];
    if (args[index + 1]?.text !== '=>' || !value) return;
    if (word.value === 'host') host = value.value;
    if (word.value === 'port' && host !== undefined) {
      found.push({ host, port: portNumber(value.value), spot: spotIn(file, value, { host: '', port: value.text, at: 0 }), directive: { name, args, file, ...rest } });
    }
  });
  return found;
}

const FILES = /^(server\.(errorlog|breakagelog|pid-file)|accesslog\.filename)$/;
const DIRECTORIES = /^(server\.upload-dirs|compress\.cache-dir|deflate\.cache-dir)$/;

function writesOf({ name, args, file }: Directive, value: string | undefined): WrittenPath[] {
  const [word] = args;
  if (!word || value === undefined || !value.startsWith('/') || value.startsWith('/dev/') || !(FILES.test(name) || DIRECTORIES.test(name))) return [];
  return [{ path: value, kind: FILES.test(name) ? 'file' : 'directory', directive: name, file, start: word.start, end: word.end }];
}
