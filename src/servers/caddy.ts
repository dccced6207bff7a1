import { posix } from 'node:path';
import { portNumber, spotIn } from './address.ts';
import { parseCaddyfile } from './caddy-syntax.ts';
import { readFiles } from './include.ts';
import type { ConfigFiles, Directive, Listener, PortSpot, ServerConfiguration, Upstream, Word, WrittenPath } from './types.ts';

/** What a Caddyfile says. */
export function readCaddyfile(entry: string, files: ConfigFiles): ServerConfiguration {
  const snippets = snippetNames(entry, files);
  const { directives, read, gaps } = readFiles(entry, files, {
    parse: parseCaddyfile,
    isInclude: ({ name, args }) => name === 'import' && args[0] !== undefined && !snippets.has(args[0].value),
    patternOf: ({ args, file }) => posix.resolve(posix.dirname(file.path), args[0]!.value),
    isOptional: ({ args }) => /[*?[]/.test(args[0]!.value),
  });
  const result: ServerConfiguration = { kind: 'caddy', files: read, directives, listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps };
  const options = directives[0] && isOptions(directives[0]) ? directives[0] : undefined;
  const addresses = sitesOf(options ? directives.slice(1) : directives).flatMap((site) => addressesOf(site).map((word) => ({ word, site })));
  const ports = defaultPorts(options, files);
  const listeners = [...addresses.flatMap(({ word, site }) => listenersAt(word, site, ports, options, files)), ...automatic(addresses, options, ports)];
  result.listeners.push(...listeners, ...listeners.flatMap(withHttp3));
  visit(directives, [], (directive, parents) => {
    result.upstreams.push(...upstreamsOf(directive, parents));
    if (directive.name === 'output' && directive.args[0]?.value === 'file' && directive.args[1]) result.writes.push(writeOf(directive, directive.args[1]));
    if (directive.name === 'storage' && directive.args[0]?.value === 'file_system' && directive.args[1]) result.writes.push({ ...writeOf(directive, directive.args[1]), kind: 'directory' });
  });
  return result;
}

/** The block without a name that stands first. */
function isOptions({ name, block }: Directive): boolean {
  return name === '' && block !== undefined;
}

function snippetNames(entry: string, files: ConfigFiles): Set<string> {
  const file = files.read(entry);
  return new Set([...(file?.text.matchAll(/^\s*\(([\w.-]+)\)\s*\{/gm) ?? [])].map(([, name]) => name!));
}

/** Sites; a file without braces is one site, whose addresses stand on its first line. */
function sitesOf(directives: readonly Directive[]): Directive[] {
  const [first] = directives;
  if (first && !first.block && first.name !== 'import') return [first];
  return directives.filter(({ name, block }) => block && !/^&?\(/.test(name));
}

/** The addresses of a site: words apart by blanks or commas. */
function addressesOf(site: Directive): Word[] {
  const { text } = site.file;
  const start = site.start + (/["`]/.test(text[site.start]!) ? 1 : 0);
  const name: Word = { text: site.name, value: site.name, start, end: start + site.name.length };
  return [name, ...site.args].flatMap((word) => {
    let at = 0;
    return word.text.split(',').flatMap((part) => {
      const start = word.start + at;
      at += part.length + 1;
      return part === '' ? [] : [{ text: part, value: part, start, end: start + part.length }];
    });
  });
}

interface Ports {
  http: number;
  https: number;
}

function defaultPorts(options: Directive | undefined, files: ConfigFiles): Ports {
  const of = (name: string, otherwise: number) => {
    const word = options?.block?.find((one) => one.name === name)?.args[0];
    return (word && valueOf(word.value, files).port) ?? otherwise;
  };
  return { http: of('http_port', 80), https: of('https_port', 443) };
}

/** A port in a word: a number, `{$PORT}`, `{$PORT:80}`. */
function valueOf(text: string, files: ConfigFiles): { port: number | undefined; variable: string | undefined } {
  const match = /^\{(?:\$|env\.)(\w+)(?::(\d+))?\}$/.exec(text);
  if (!match) return { port: portNumber(text), variable: undefined };
  return { port: portNumber(files.variable(match[1]!) ?? match[2]), variable: match[1]! };
}

/** `:80`, `http://example.com`, `example.com:8443`, `https://*.example.com`. */
function listenersAt(word: Word, site: Directive, ports: Ports, options: Directive | undefined, files: ConfigFiles): Listener[] {
  const [, scheme = '', host = '', written] = /^(?:(https?):\/\/)?(\[[^\]]*\]|\{[^}]*\}|[^:/{]*)?(?::(\{[^}]*\}|\d+))?/.exec(word.text)!;
  if (written === undefined && scheme === '' && /^\{/.test(host)) return [{ address: host, port: undefined, variable: /\w+/.exec(host)?.[0], protocol: 'tcp', tls: false, spot: undefined, directive: site, conditions: [] }];
  if (written === undefined) return [];
  const { port, variable } = valueOf(written, files);
  const prefix = (scheme === '' ? 0 : scheme.length + 3) + host.length + 1;
  const tls = scheme === 'https' || port === ports.https || (scheme === '' && host !== '' && port !== ports.http && !/^(off|disable_certs)$/.test(optionOf(options, 'auto_https') ?? ''));
  return [{ address: host, port, variable, protocol: 'tcp', tls, spot: variable === undefined ? spotIn(site.file, word, { host, port: written, at: prefix }) : undefined, directive: site, conditions: [] }];
}

/** Where it speaks TLS it speaks HTTP/3 too, over UDP (caddyserver.com/docs/caddyfile/options, protocols). */
function withHttp3(listener: Listener): Listener[] {
  return listener.tls ? [{ ...listener, protocol: 'udp' }] : [];
}

function optionOf(options: Directive | undefined, name: string): string | undefined {
  return options?.block?.find((one) => one.name === name)?.args[0]?.value;
}

interface SiteAddress {
  word: Word;
  site: Directive;
}

/**
 * What Caddy listens on by itself: `http_port` for sites of `http://` and for redirects to HTTPS,
 * `https_port` for sites with a name and no port. Both are written in the block of global options,
 * which is "for internal use only" and changes nothing for clients (caddyserver.com/docs/caddyfile/options).
 */
function automatic(addresses: readonly SiteAddress[], options: Directive | undefined, ports: Ports): Listener[] {
  const named = addresses.filter(({ word }) => !/:(\d+|\{[^}]*\})(\/|$)/.test(word.text.replace(/^https?:\/\//, '')) && !word.text.startsWith('{'));
  const secure = named.filter(({ word }) => !word.text.startsWith('http://') && word.text.replace(/^https:\/\//, '') !== '');
  const [{ site } = { site: undefined }] = named;
  if (!site) return [];
  const isOff = optionOf(options, 'auto_https') === 'off';
  const redirects = secure.length > 0 && !isOff && optionOf(options, 'auto_https') !== 'disable_redirects';
  const wanted: ('http_port' | 'https_port')[] = [];
  if (redirects || named.some(({ word }) => word.text.startsWith('http://'))) wanted.push('http_port');
  if (secure.length > 0) wanted.push('https_port');
  return wanted.map((name, index) => ({
    address: '',
    port: name === 'http_port' ? ports.http : ports.https,
    variable: undefined,
    protocol: 'tcp',
    tls: name === 'https_port' && !isOff,
    spot: optionSpot(name, options, site, index === 0, index === wanted.length - 1),
    directive: options ?? site,
    conditions: [],
  }));
}

/** Where a global option names a port, or would: in the block of options, or in one of its own at the head. */
function optionSpot(name: string, options: Directive | undefined, site: Directive, isFirst: boolean, isLast: boolean): PortSpot | undefined {
  const word = options?.block?.find((one) => one.name === name)?.args[0];
  if (word) return /^\d+$/.test(word.text) ? spotIn(options!.file, word, { host: '', port: word.text, at: 0 }) : undefined;
  const { file } = options ?? site;
  const eol = file.text.includes('\r\n') ? '\r\n' : '\n';
  if (options) return { file, start: options.inside!, end: options.inside!, before: `${eol}\t${name} `, after: '' };
  const at = file.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  return { file, start: at, end: at, before: `${isFirst ? `{${eol}` : ''}\t${name} `, after: isLast ? `${eol}}${eol}${eol}` : eol };
}

function visit(directives: readonly Directive[], parents: readonly Directive[], see: (directive: Directive, parents: readonly Directive[]) => void): void {
  for (const directive of directives) {
    see(directive, parents);
    if (directive.block) visit(directive.block, [...parents, directive], see);
  }
}

const PROXIES = /^(reverse_proxy|php_fastcgi|forward_auth|proxy)$/;

/** `reverse_proxy /api/* web:80 api`, `to web:80` of its block, `php_fastcgi php:9000`. */
function upstreamsOf(directive: Directive, parents: readonly Directive[]): Upstream[] {
  const { name, args } = directive;
  const isTo = name === 'to' && PROXIES.test(parents.at(-1)?.name ?? '');
  if (!PROXIES.test(name) && !isTo) return [];
  return args.flatMap((word) => {
    if (/^[/@*]/.test(word.value) || word.value.startsWith('unix/')) return [];
    const match = /^(?:(https?|h2c|fcgi):\/\/)?(\[[^\]]*\]|[^:/{}]+)(?::(\d+))?$/.exec(word.text);
    if (!match) return [];
    const [, scheme = '', host, written] = match as unknown as [string, string | undefined, string, string | undefined];
    const at = (scheme === '' ? 0 : scheme.length + 3) + host.length + (written === undefined ? 0 : 1);
    const port = written === undefined ? (scheme === 'https' ? 443 : name === 'php_fastcgi' ? undefined : 80) : portNumber(written);
    return [{ host, port, spot: spotIn(directive.file, word, { host, port: written, at }), directive }];
  });
}

function writeOf(directive: Directive, word: Word): WrittenPath {
  return { path: word.value, kind: 'file', directive: `${directive.name} ${directive.args[0]!.value}`, file: directive.file, start: word.start, end: word.end };
}
