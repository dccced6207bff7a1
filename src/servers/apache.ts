import { posix } from 'node:path';
import { type Address, portNumber, splitAddress, spotIn } from './address.ts';
import { parseApache } from './apache-syntax.ts';
import { readFiles } from './include.ts';
import { type ConfigFiles, ConfigurationError, type Directive, type Listener, type PortMention, type PortSpot, type ServerConfiguration, type Upstream, type Word, type WrittenPath } from './types.ts';

/**
 * What an Apache configuration says.
 * @param entry the path of httpd.conf or apache2.conf
 * @param root what relative paths are seen from, where no ServerRoot says so
 */
export function readApache(entry: string, files: ConfigFiles, root: string): ServerConfiguration {
  const context: Context = { files, root: serverRoot(entry, files) ?? root, defined: new Map() };
  const { directives, read, gaps } = readFiles(entry, files, {
    parse: parseApache,
    isInclude: ({ name }) => /^include(optional)?$/i.test(name),
    patternOf: ({ args }) => pathOf(args[0], context),
    isOptional: ({ name, args }) => /optional/i.test(name) || /[*?[]/.test(args[0]?.value ?? ''),
  });
  const result: ServerConfiguration = { kind: 'apache', files: read, directives, listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps };
  visit(directives, [], (directive, conditions) => {
    const name = directive.name.toLowerCase();
    if (name === 'define' && directive.args.length > 1) context.defined.set(directive.args[0]!.value, { directive, word: directive.args[1]! });
    if (name === 'listen') result.listeners.push(...listenerOf(directive, conditions, context));
    if (name === 'virtualhost' || name === 'namevirtualhost') result.mentions.push(...mentionsOf(directive, context));
    if (name === 'user' || name === 'group') result.users.push(directive);
    result.upstreams.push(...upstreamsOf(directive));
    result.writes.push(...writesOf(directive, name, context));
  });
  return result;
}

interface Context {
  files: ConfigFiles;
  root: string;
  /** What `Define NAME value` gave so far. */
  defined: Map<string, { directive: Directive; word: Word }>;
}

function serverRoot(entry: string, files: ConfigFiles): string | undefined {
  const file = files.read(entry);
  if (!file) return undefined;
  try {
    return parseApache(file).find(({ name }) => name.toLowerCase() === 'serverroot')?.args[0]?.value;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return undefined; // it becomes a gap when the file is read as a whole
  }
}

const CONDITIONS = /^(ifmodule|ifdefine|ifversion|ifdirective|ifsection|iffile|if|elseif|else)$/i;

/** Every directive in order, with the conditions around it. */
function visit(directives: readonly Directive[], conditions: readonly string[], see: (directive: Directive, conditions: readonly string[]) => void): void {
  for (const directive of directives) {
    see(directive, conditions);
    const { name, args, block } = directive;
    if (block) visit(block, CONDITIONS.test(name) ? [...conditions, [name, ...args.map(({ value }) => value)].join(' ')] : conditions, see);
  }
}

function listenerOf(listen: Directive, conditions: readonly string[], context: Context): Listener[] {
  const [word, protocol] = listen.args;
  if (!word) return [];
  const address = splitAddress(word.text);
  const { port, spot, variable } = portOf(listen, word, address, context);
  const tls = protocol?.value === 'https' || (protocol === undefined && port === 443);
  return [{ address: address.host, port, variable, protocol: 'tcp', tls, spot, directive: listen, conditions: [...conditions] }];
}

/** A port as written, or through the Define or the variable of the environment that it names. */
function portOf(directive: Directive, word: Word, address: Address, { files, defined }: Context): { port: number | undefined; spot: PortSpot | undefined; variable: string | undefined } {
  const name = /^\$\{(\w+)\}$/.exec(address.port ?? '')?.[1];
  if (name === undefined) return { port: portNumber(address.port), spot: address.port === undefined ? undefined : spotIn(directive.file, word, address), variable: undefined };
  const define = defined.get(name);
  if (!define) return { port: portNumber(files.variable(name)), spot: undefined, variable: name };
  return { port: portNumber(define.word.value), spot: spotIn(define.directive.file, define.word, { host: '', port: define.word.text, at: 0 }), variable: undefined };
}

/** `<VirtualHost *:80 [::]:80>`: a host that answers on that port only. */
function mentionsOf(directive: Directive, context: Context): PortMention[] {
  return directive.args.flatMap((word) => {
    const address = splitAddress(word.text);
    if (address.port === undefined || address.host === '') return [];
    const { port, spot } = portOf(directive, word, address, context);
    return port === undefined || !spot ? [] : [{ port, spot }];
  });
}

const PROXIES = /^(proxypass|proxypassmatch|proxypassreverse|balancermember|rewriterule|sethandler|proxyremote|proxy)$/i;

/** Every URL that a proxy directive names: `ProxyPass / http://web:80/`, `SetHandler "proxy:fcgi://php:9000"`. */
function upstreamsOf(directive: Directive): Upstream[] {
  if (!PROXIES.test(directive.name)) return [];
  return directive.args.flatMap((word) => {
    const match = /^(?:proxy:)?((https?|wss?|fcgi|ajp|h2c?|scgi|uwsgi):\/\/)([^/?|]*)/.exec(word.text);
    if (!match) return [];
    const address = splitAddress(match[3]!);
    if (address.host === '' || /[$%]/.test(address.host)) return [];
    const at = match[0].length - match[3]!.length + address.at;
    return [{ host: address.host, port: address.port === undefined ? DEFAULTS[match[2]!] : portNumber(address.port), spot: spotIn(directive.file, word, { ...address, at }), directive }];
  });
}

const DEFAULTS: Record<string, number | undefined> = { http: 80, ws: 80, h2c: 80, https: 443, wss: 443, h2: 443, ajp: 8009 };

const FILES = /^(errorlog|customlog|transferlog|forensiclog|pidfile|scoreboardfile|rewritelog)$/;
const DIRECTORIES = /^(cacheroot|coredumpdirectory|davlockdb|defaultruntimedir)$/;

function writesOf(directive: Directive, name: string, context: Context): WrittenPath[] {
  const isFile = FILES.test(name);
  const isLock = name === 'mutex' && /^(file|fcntl|flock):/.test(directive.args[0]?.value ?? '');
  const [word] = directive.args;
  if (!word || !(isFile || isLock || DIRECTORIES.test(name)) || /^(\||syslog|\/dev\/)/.test(word.value)) return [];
  const written = isLock ? { ...word, value: word.value.replace(/^\w+:/, '') } : word;
  const path = pathOf(written, context);
  if (path === undefined) return [];
  return [{ path, kind: isFile ? 'file' : 'directory', directive: directive.name, file: directive.file, start: word.start, end: word.end }];
}

/** The path that a word means, its variables filled in; undefined where one is not known. */
function pathOf(word: Word | undefined, { root, files, defined }: Context): string | undefined {
  if (!word) return undefined;
  let known = true;
  const path = word.value.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = defined.get(name)?.word.value ?? files.variable(name);
    known &&= value !== undefined;
    return value ?? '';
  });
  return known ? posix.resolve(root, path) : undefined;
}
