import { posix } from 'node:path';
import { portNumber, splitAddress, splitUrl, spotIn } from './address.ts';
import { readFiles } from './include.ts';
import { parseNginx } from './nginx-syntax.ts';
import type { ConfigFiles, Directive, Listener, ServerConfiguration, Upstream, Word, WrittenPath } from './types.ts';

/**
 * What an nginx configuration says.
 * @param entry the path of nginx.conf
 * @param prefix what relative paths of logs and the like are seen from (`--prefix`); includes are seen from the entry's directory
 */
export function readNginx(entry: string, files: ConfigFiles, prefix: string): ServerConfiguration {
  const { directives, read, gaps } = readFiles(entry, files, {
    parse: parseNginx,
    isInclude: ({ name, block }) => name === 'include' && block === undefined,
    patternOf: ({ args }) => posix.resolve(posix.dirname(entry), args[0]?.value ?? ''),
    isOptional: ({ args }) => /[*?[]/.test(args[0]?.value ?? ''),
    isData: ({ name }) => /^(map|geo|types|charset_map|split_clients)$/.test(name),
  });
  const result: ServerConfiguration = { kind: 'nginx', files: read, directives, listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps };
  const names = upstreamNames(directives);
  visit(directives, [], (directive, parents) => {
    const context = parents[0]?.name;
    if (directive.name === 'server' && directive.block && parents.length === 1) result.listeners.push(...listenersOf(directive, context!, files));
    if (directive.name === 'user' && parents.length === 0) result.users.push(directive);
    result.upstreams.push(...upstreamsOf(directive, parents, names, files));
    result.writes.push(...writesOf(directive, prefix));
  });
  return result;
}

/** Every directive with those around it, the outermost first. */
function visit(directives: readonly Directive[], parents: readonly Directive[], see: (directive: Directive, parents: readonly Directive[]) => void): void {
  for (const directive of directives) {
    see(directive, parents);
    if (directive.block) visit(directive.block, [...parents, directive], see);
  }
}

/** A server of `http` without `listen` listens on 80 as root, on 8000 else (ngx_http_core_module, listen). */
function listenersOf(server: Directive, context: string, files: ConfigFiles): Listener[] {
  const listens = server.block!.filter(({ name, args }) => name === 'listen' && args.length > 0);
  if (listens.length > 0) return listens.flatMap((listen) => listenerOf(listen, files) ?? []);
  if (context !== 'http') return [];
  const indent = indentOf(server.block![0]) ?? `${indentOf(server) ?? ''}    `;
  const eol = server.file.text.includes('\r\n') ? '\r\n' : '\n';
  const at = server.inside!;
  const spot = { file: server.file, start: at, end: at, before: `${eol}${indent}listen `, after: ';' };
  return [{ address: '', port: 80, variable: undefined, protocol: 'tcp', tls: false, spot, directive: server, conditions: [] }];
}

/** What stands in front of a directive on its line; undefined where that is not only white space. */
function indentOf(directive: Directive | undefined): string | undefined {
  if (!directive) return undefined;
  const { file, start } = directive;
  const before = file.text.slice(file.text.lastIndexOf('\n', start - 1) + 1, start);
  return /^[ \t]*$/.test(before) ? before : undefined;
}

function listenerOf(listen: Directive, files: ConfigFiles): Listener | undefined {
  const [word, ...flags] = listen.args as [Word, ...Word[]];
  if (word.value.startsWith('unix:')) return undefined;
  const address = splitAddress(word.text);
  const has = (flag: string) => flags.some(({ value }) => value === flag);
  const variable = listen.file.template ? /^\$\{?(\w+)\}?$/.exec(address.port ?? '')?.[1] : undefined;
  return {
    address: address.host,
    port: portNumber(variable === undefined ? (address.port ?? '80') : files.variable(variable)),
    variable,
    protocol: has('udp') || has('quic') ? 'udp' : 'tcp',
    tls: has('ssl') || has('quic'),
    spot: variable === undefined ? spotIn(listen.file, word, address) : undefined,
    directive: listen,
    conditions: [],
  };
}

function upstreamNames(directives: readonly Directive[]): Set<string> {
  const names = new Set<string>();
  visit(directives, [], ({ name, args }) => {
    if (name === 'upstream' && args[0]) names.add(args[0].value);
  });
  return names;
}

const PASSES = /^(proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$/;

/** `proxy_pass http://web:80/`, `fastcgi_pass php:9000`, `server web:80` of an upstream, and variables set to such. */
function upstreamsOf(directive: Directive, parents: readonly Directive[], names: ReadonlySet<string>, files: ConfigFiles): Upstream[] {
  const { name, args } = directive;
  const isServer = name === 'server' && directive.block === undefined && parents.at(-1)?.name === 'upstream';
  const word = PASSES.test(name) || isServer ? args[0] : name === 'set' && /^\w+:\/\//.test(args[1]?.value ?? '') ? args[1] : undefined;
  if (!word || word.value.startsWith('unix:')) return [];
  const address = splitUrl(word.text);
  // In an upstream stand hosts, whatever the upstreams are called.
  if (address.host === '' || (!isServer && names.has(address.host))) return [];
  const port = address.port === undefined ? defaultPort(address.scheme, isServer || name === 'proxy_pass') : portNumber(address.port);
  const variable = directive.file.template ? /^\$\{?(\w+)\}?$/.exec(address.host)?.[1] : undefined;
  const host = variable === undefined ? address.host : (files.variable(variable) ?? address.host);
  return [{ host, ...(variable === undefined ? {} : { variable }), port, spot: spotIn(directive.file, word, address), directive }];
}

function defaultPort(scheme: string, isHttp: boolean): number | undefined {
  if (scheme === 'https' || scheme === 'grpcs') return 443;
  return scheme === 'http' || scheme === 'grpc' || isHttp ? 80 : undefined;
}

const FILES = /^(pid|error_log|access_log|lock_file)$/;
const DIRECTORIES = /^((client_body|proxy|fastcgi|uwsgi|scgi)_temp_path|(proxy|fastcgi|uwsgi|scgi)_cache_path|proxy_store|fastcgi_store)$/;

function writesOf(directive: Directive, prefix: string): WrittenPath[] {
  const { name, args, file } = directive;
  const isFile = FILES.test(name);
  const [word] = args;
  if (!word || !(isFile || DIRECTORIES.test(name)) || /^(off|on|stderr|syslog:|memory:|\/dev\/)/.test(name === 'error_log' && word.value === 'off' ? '' : word.value)) return [];
  const known = word.value.replace(/\$.*$/, '');
  const cut = known !== word.value;
  const path = posix.resolve(prefix, cut ? known.slice(0, known.lastIndexOf('/') + 1) : known);
  return [{ path, kind: isFile && !cut ? 'file' : 'directory', directive: name, file, start: word.start, end: word.end }];
}
