import { portNumber, splitAddress, spotIn } from './address.ts';
import { readFiles } from './include.ts';
import { type ConfigFile, type ConfigFiles, ConfigurationError, type Directive, type Listener, type ServerConfiguration, type Upstream, type Word, type WrittenPath } from './types.ts';

const SECTIONS = /^(global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|program|cache|http-errors|ring|log-forward|fcgi-app|crt-store|traces|log-profile|acme)$/;

/** What a haproxy configuration says. Its format knows no includes; several files are given to it one by one. */
export function readHaproxy(entry: string, files: ConfigFiles): ServerConfiguration {
  const { directives, read, gaps } = readFiles(entry, files, { parse: parseHaproxy, isInclude: () => false, patternOf: () => undefined, isOptional: () => false });
  const result: ServerConfiguration = { kind: 'haproxy', files: read, directives, listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps };
  for (const section of directives) {
    result.listeners.push(...listenersOf(section, files));
    for (const directive of section.block ?? []) {
      result.upstreams.push(...upstreamsOf(directive));
      result.writes.push(...writesOf(directive));
      if (section.name === 'global' && /^(user|group|uid|gid)$/.test(directive.name)) result.users.push(directive);
    }
  }
  return result;
}

/**
 * Sections as directives with a block, one directive a line. Words as haproxy reads them (cfgparse.c,
 * parse_line): quotes anywhere, a backslash escapes, `#` comments out the rest of the line.
 * @throws ConfigurationError for what stands before any section
 */
export function parseHaproxy(file: ConfigFile): Directive[] {
  const { text } = file;
  const sections: Directive[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let line = 1; at < text.length; line += 1) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const [name, ...args] = wordsIn(text, at, end);
    at = end + 1;
    if (!name) continue;
    const last = args.at(-1) ?? name;
    const directive: Directive = { name: name.value, args, block: undefined, inside: undefined, file, start: name.start, end: last.end };
    if (SECTIONS.test(name.value)) sections.push({ ...directive, block: [], inside: end });
    else if (/^\.(if|elif|else|endif|notice|warning|alert|diag)$/.test(name.value)) continue;
    else if (sections.length === 0) throw new ConfigurationError(line, `${name.value} stands in no section`);
    else {
      const section = sections.at(-1)!;
      section.block!.push(directive);
      section.end = directive.end;
    }
  }
  return sections;
}

/** The words of a line. A word that mixes quoted and plain parts has a text unlike its value. */
function wordsIn(text: string, from: number, to: number): Word[] {
  const words: Word[] = [];
  for (let at = from; at < to; ) {
    while (at < to && /\s/.test(text[at]!)) at += 1;
    if (at >= to || text[at] === '#') return words;
    const start = at;
    let value = '';
    let quote = '';
    for (; at < to && (quote !== '' || !/[\s#]/.test(text[at]!)); at += 1) {
      const char = text[at]!;
      if (char === '\\' && quote !== "'" && at + 1 < to) value += text[(at += 1)]!;
      else if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
      else value += char;
    }
    const isQuoted = /^["']/.test(text[start]!) && value === text.slice(start + 1, at - 1);
    words.push(isQuoted ? { text: value, value, start: start + 1, end: at - 1 } : { text: text.slice(start, at), value, start, end: at });
  }
  return words;
}

function listenersOf(section: Directive, files: ConfigFiles): Listener[] {
  if (!/^(frontend|listen|peers|log-forward|defaults)$/.test(section.name)) return [];
  const binds = section.block!.filter(({ name }) => name === 'bind' || name === 'dgram-bind');
  const own = binds.flatMap((bind) => addressesOf(bind, bind.args[0], files));
  // `listen web *:80` is how old versions wrote it.
  return section.name === 'frontend' || section.name === 'listen' ? [...addressesOf(section, section.args[1], files), ...own] : own;
}

/** `bind :80,:8080 ssl`: addresses apart by commas. */
function addressesOf(directive: Directive, word: Word | undefined, files: ConfigFiles): Listener[] {
  if (!word) return [];
  let at = 0;
  return word.text.split(',').flatMap((text) => {
    const from = at;
    at += text.length + 1;
    const family = /^(ipv4|ipv6|quic4|quic6|udp4?|udp6|tcp4?|tcp6)@/.exec(text)?.[0] ?? '';
    if (family === '' && /^(\/|[a-z]\w*@)/.test(text)) return [];
    const address = splitAddress(text.slice(family.length));
    if (address.port === undefined) return [];
    const variable = /^\$\{?(\w+)\}?$/.exec(address.port)?.[1];

    return [
      {
        address: address.host,
        port: portNumber(variable === undefined ? address.port : files.variable(variable)),
        variable,
        protocol: /^(quic|udp)/.test(family) || directive.name === 'dgram-bind' ? ('udp' as const) : ('tcp' as const),
        tls: directive.args.some(({ value }) => value === 'ssl') || family.startsWith('quic'),
        spot: variable === undefined ? spotIn(directive.file, word, { ...address, at: from + family.length + address.at }) : undefined,
        directive,
        conditions: [],
      },
    ];
  });
}

/** `server web1 web:80 check`. Without a port it is the client's own. */
function upstreamsOf(directive: Directive): Upstream[] {
  const word = /^(server|server-template|default-server|dispatch)$/.test(directive.name) ? directive.args[directive.name === 'dispatch' ? 0 : directive.name === 'server-template' ? 2 : 1] : undefined;
  if (!word || /^(\/|unix@|abns@|fd@)/.test(word.value)) return [];
  const address = splitAddress(word.text);
  if (address.host === '') return [];
  return [{ host: address.host, port: portNumber(address.port), spot: address.port === undefined ? undefined : spotIn(directive.file, word, address), directive }];
}

function writesOf(directive: Directive): WrittenPath[] {
  const { name, args, file } = directive;
  const word = name === 'pidfile' || name === 'server-state-file' || name === 'server-state-base' ? args[0] : name === 'stats' && args[0]?.value === 'socket' ? args[1] : undefined;
  if (!word || !/^(unix@)?\//.test(word.value)) return [];
  return [{ path: word.value.replace(/^unix@/, ''), kind: name === 'server-state-base' ? 'directory' : 'file', directive: name === 'stats' ? 'stats socket' : name, file, start: word.start, end: word.end }];
}
