import type { Target } from '../project.ts';
import { installations } from '../servers/defaults.ts';
import type { Directive, Listener, Word } from '../servers/types.ts';
import { textOfFile } from './placed-text.ts';
import { type Run, runsOf } from './runs.ts';
import { addOnce, doubtOnce, indentAt, type ServerMove, whereIs } from './server-move.ts';
import { serversIn } from './servers.ts';

/**
 * Redirects that nginx makes up itself carry the port that it listens on unless that is the scheme's own
 * (ngx_http_core_module, port_in_redirect), and $server_port is that port. A `user` makes it warn at every start once
 * it is no longer root.
 * @param moved the new port by the old one
 */
export function nginxMove(target: Target, moved: ReadonlyMap<number, number>): ServerMove {
  const move: ServerMove = { edits: [], obstacles: [], doubts: [] };
  for (const run of runsOf(target)) {
    for (const { configuration, installation } of serversIn(run)) {
      if (configuration.kind !== 'nginx') continue;
      for (const user of configuration.users) if (installation === installations['nginx image'] || installation === installations['nginx old-image']) needlessUser(user, run, move);
      const listeners = configuration.listeners.filter(({ port }) => port !== undefined && moved.has(port));
      visit(configuration.directives, [], (directive, around) => {
        if (directive.name === 'server' && directive.block && around[0]?.name === 'http') server(directive, around, listeners, run, move);
        else if (namesPort(directive) && !around.some(({ name }) => name === 'server') && directive.name !== 'log_format') move.obstacles.push({ message: `${whereIs(directive, run)} uses $server_port outside of a server`, advice: undefined });
      });
    }
  }
  return move;
}

/** `user nginx;` is what the image's nginx was built with, so that it says nothing as root either (nginx/docker-nginx, --user=nginx). */
function needlessUser({ args, file, start, end }: Directive, run: Run, move: ServerMove): void {
  if (args.length !== 1 || args[0]!.value !== 'nginx' || file.source === undefined) return;
  const { text } = file;
  const whole = textOfFile(file.source, run.root, run.disk, text, file.offset);
  const lineEnd = text.indexOf('\n', end) < 0 ? text.length : text.indexOf('\n', end) + 1;
  const isAlone = indentAt(text, start) === '' && /^[ \t]*\r?\n?$/.test(text.slice(end, lineEnd));
  if (whole.closed === undefined) addOnce(move, { path: whole.path, start: file.offset + start, end: file.offset + (isAlone ? lineEnd : end), text: '' });
}

function visit(directives: readonly Directive[], around: readonly Directive[], see: (directive: Directive, around: readonly Directive[]) => void): void {
  for (const directive of directives) {
    see(directive, around);
    if (directive.block) visit(directive.block, [...around, directive], see);
  }
}

function server(directive: Directive, around: readonly Directive[], listeners: readonly Listener[], run: Run, move: ServerMove): void {
  const own = listeners.filter((listener) => listener.directive === directive || directive.block!.includes(listener.directive));
  const last = own.at(-1);
  if (!last || last.directive.file.source === undefined) return;
  if (!isSilent(directive, around)) {
    const text = textOfFile(last.directive.file.source, run.root, run.disk, last.directive.file.text, last.directive.file.offset);
    if (text.closed === undefined) addOnce(move, { path: text.path, ...redirectLine(last.directive, directive, last.directive.file.offset) });
  }
  const ports = new Set(directive.block!.filter(({ name }) => name === 'listen').map((listen) => own.find((one) => one.directive === listen)?.port));
  visit(directive.block!, [directive], (inner, within) => {
    if (!namesPort(inner)) return;
    const [port] = ports;
    const isOpen = ports.size > 1 || (port === undefined && ports.size === 1);
    if (inner.file.source === undefined && PARAMETER.test(inner.name)) tellApplication(inner, within.at(-1)!, isOpen ? undefined : own[0]!.port!, run, move);
    else if (isOpen) move.obstacles.push({ message: `${whereIs(inner, run)} uses $server_port where the server listens on several ports`, advice: undefined });
    else for (const word of inner.args) fillIn(word, inner, own[0]!.port!, run, move);
  });
}

const PARAMETER = /^(fastcgi|uwsgi|scgi)_param$/;

/** What the image's own file of parameters tells an application is said again behind it, with the port that it was: the last one counts. */
function tellApplication({ name, args }: Directive, { block, file, start, end, name: around }: Directive, port: number | undefined, run: Run, move: ServerMove): void {
  const variable = args[0]!.value;
  if (file.source === undefined || block!.some((one) => one.name === name && one.file.source !== undefined && one.args[0]?.value === variable)) return;
  const text = textOfFile(file.source, run.root, run.disk, file.text, file.offset);
  if (port === undefined || text.closed !== undefined) {
    const message = `the application behind ${around} at ${whereIs({ file, start }, run)} is told the new port as ${variable}`;
    doubtOnce(move, message);
    return;
  }
  const brace = end - 1;
  const at = file.text.slice(0, brace).trimEnd().length;
  const indent = indentAt(file.text, block!.findLast((one) => one.file === file)?.start) ?? (file.text.slice(at, brace).includes('\n') ? `${indentAt(file.text, start) ?? ''}    ` : undefined);
  const eol = file.text.includes('\r\n') ? '\r\n' : '\n';
  addOnce(move, { path: text.path, start: at + file.offset, end: at + file.offset, text: `${indent === undefined ? ' ' : `${eol}${indent}`}${name} ${variable} ${port};` });
}

/** Whether nothing that the server answers carries its port: a setting says so, or it only sends away to URLs that are written in full. */
function isSilent(server: Directive, around: readonly Directive[]): boolean {
  const says = (directives: readonly Directive[]) => directives.some(({ name, args }) => (name === 'port_in_redirect' || name === 'absolute_redirect') && args[0]?.value === 'off');
  if (says(server.block!) || around.some(({ block }) => block && says(block))) return true;
  return server.block!.every(({ name, args }) => QUIET.test(name) || (name === 'return' && /^(\d+)$/.test(args[0]?.value ?? '') && (args.length === 1 || /^https?:\/\//.test(args[1]!.value))));
}

const QUIET = /^(listen|server_name|server_tokens|charset|error_log|access_log|ssl_\w+|keepalive_timeout)$/;

/** A line of its own below the last `listen`, or behind it where that shares its line. */
function redirectLine(directive: Directive, server: Directive, offset: number): { start: number; end: number; text: string } {
  const { text } = directive.file;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  if (directive === server) {
    const indent = indentAt(text, server.block![0]?.start) ?? `${indentAt(text, server.start) ?? ''}    `;
    return { start: server.inside! + offset, end: server.inside! + offset, text: `${eol}${indent}port_in_redirect off;` };
  }
  const indent = indentAt(text, directive.start);
  const lineEnd = text.indexOf('\n', directive.end) < 0 ? text.length : text.indexOf('\n', directive.end);
  const rest = text.slice(directive.end, lineEnd);
  // A comment behind the directive stays with it.
  const isAlone = indent !== undefined && /^[ \t]*(#.*)?\r?$/.test(rest);
  const at = (isAlone ? directive.end + rest.trimEnd().length : directive.end) + offset;
  return { start: at, end: at, text: isAlone ? `${eol}${indent}port_in_redirect off;` : ' port_in_redirect off;' };
}

function namesPort({ args }: Directive): boolean {
  return args.some(({ text }) => SERVER_PORT.test(text));
}

const SERVER_PORT = /\$(?:server_port\b|\{server_port\})/;

/** Where a server has one port, that is what $server_port says. */
function fillIn(word: Word, { file }: Directive, port: number, run: Run, move: ServerMove): void {
  for (const match of file.text.slice(word.start, word.end).matchAll(new RegExp(SERVER_PORT, 'g'))) {
    const text = file.source === undefined ? undefined : textOfFile(file.source, run.root, run.disk, file.text, file.offset);
    const start = word.start + match.index + file.offset;
    if (text && text.closed === undefined) addOnce(move, { path: text.path, start, end: start + match[0].length, text: String(port) });
    else move.obstacles.push({ message: `$server_port is used in ${file.path}, which can't be changed`, advice: undefined });
  }
}
