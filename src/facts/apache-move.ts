import type { Target } from '../project.ts';
import { portNumber, splitAddress } from '../servers/address.ts';
import type { Directive } from '../servers/types.ts';
import { textOfFile } from './placed-text.ts';
import { type Run, runsOf } from './runs.ts';
import { addOnce, doubtOnce, indentAt, type ServerMove, whereIs } from './server-move.ts';
import { serversIn } from './servers.ts';

/**
 * Redirects that Apache makes up itself, and SERVER_PORT, carry the port of the request's Host, else that of ServerName,
 * else that of the virtual host's address (httpd, server/core.c, ap_get_server_port): ServerName says the one that it was.
 * @param moved the new port by the old one
 */
export function apacheMove(target: Target, moved: ReadonlyMap<number, number>): ServerMove {
  const move: ServerMove = { edits: [], obstacles: [], doubts: [] };
  for (const run of runsOf(target)) {
    for (const { configuration, installation } of serversIn(run)) {
      if (configuration.kind !== 'apache') continue;
      const seen = new Set<string>();
      for (const host of hostsIn(configuration.directives)) {
        // The image's own is named by the RUN that moves it.
        if (installation.files[host.file.path] === host.file.text) continue;
        const addresses = host.args.map(({ text }) => text).join(' ');
        const ports = [...new Set(host.args.map(({ text }) => portNumber(splitAddress(text).port)))];
        if (ports.some((port) => port !== undefined && moved.has(port))) nameHost(host, ports, !seen.has(addresses), run, move);
        seen.add(addresses);
      }
    }
  }
  return move;
}

/** The virtual hosts, in order. */
function hostsIn(directives: readonly Directive[]): Directive[] {
  return directives.flatMap((directive) => (/^virtualhost$/i.test(directive.name) ? [directive] : hostsIn(directive.block ?? [])));
}

/** @param isFirst whether it is the one that is taken for names that no other has, so that a name of its own changes nothing */
function nameHost(host: Directive, ports: readonly (number | undefined)[], isFirst: boolean, run: Run, move: ServerMove): void {
  const { file, inside, block } = host;
  const text = file.source === undefined ? undefined : textOfFile(file.source, run.root, run.disk, file.text, file.offset);
  const named = block!.find(({ name }) => /^servername$/i.test(name));
  const word = named?.args[0];
  if (word && splitAddress(word.text.replace(/^https?:\/\//, '')).port !== undefined) return;
  const [port] = ports;
  if (ports.length > 1 || (!word && !isFirst) || (named && named.file !== file) || !text || text.closed !== undefined) {
    doubtOnce(move, `the virtual host at ${whereIs(host, run)} may redirect to its new port`);
  } else if (word) addOnce(move, { path: text.path, start: file.offset + word.end, end: file.offset + word.end, text: `:${port}` });
  else {
    const indent = indentAt(file.text, block![0]?.file === file ? block![0].start : undefined) ?? `${indentAt(file.text, host.start) ?? ''}    `;
    const at = file.offset + inside!;
    addOnce(move, { path: text.path, start: at, end: at, text: `${file.text.includes('\r\n') ? '\r\n' : '\n'}${indent}ServerName localhost:${port}` });
  }
}
