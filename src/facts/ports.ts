import { basename } from 'node:path';
import type { Target } from '../project.ts';
import type { Listener, ServerConfiguration } from '../servers/types.ts';
import { commandsOf, unwrap } from './commands.ts';
import { type History, historyOf } from './history.ts';
import { clusterThatRuns } from './clusters.ts';
import { memo } from './memo.ts';
import { installedPrograms } from './programs.ts';
import { runLinesOf } from './run-lines.ts';
import { serversOf } from './servers.ts';
import { startOf } from './start.ts';

/** A port below 1024 that a target listens on. */
export interface LowPort {
  port: number;
  because: string;
  /** What in sight runs it: compose with a network of the container's own, with the host's, a cluster, or nothing. */
  runs: 'private network' | 'shared network' | 'cluster' | 'nothing in sight';
  /** The file that says so. */
  where: string | undefined;
}

/** The ports below 1024 that a target listens on, as EXPOSE, its start command and the catalogue say. */
export const portsOf = memo((target: Target): LowPort[] => {
  const history = historyOf(target.stage, target.unit);
  const found = new Map<number, string>();
  const servers = serversOf(target);
  // A server whose whole configuration is in sight listens where that says, whatever EXPOSE says.
  const isSettled = servers.length > 0 && servers.every(({ configuration }) => isComplete(configuration));
  if (!isSettled) for (const { port } of history.ports) found.set(port, `EXPOSE ${port}`);
  for (const { configuration } of servers) for (const listener of configuration.listeners) if (counts(listener, target) && listener.port !== undefined) found.set(listener.port, saysSo(listener, history));
  const entry = history.base.kind === 'image' ? history.base.facts?.entry : undefined;
  const start = startOf(target);
  const runsBase = start.from === 'base' || start.commands.some(({ name }) => name !== undefined && name === entry?.cmd?.[0]);
  // Another EXPOSE does not say that the server stopped listening on its own port.
  if (!isSettled && runsBase && entry?.start === 'server') for (const port of entry.ports ?? []) found.set(port, `${history.base.text} listens on ${port}`);
  for (const { program, name } of installedPrograms(target)) if (!(isSettled && servers.some((server) => server.name === name))) for (const port of program.ports ?? []) found.set(port, `${name} listens on ${port}`);
  const asp = aspPort(history);
  if (asp !== undefined) found.set(asp, `${history.base.text} listens on ${asp}`);
  for (const port of portsInWords(target)) found.set(port, `the start command names port ${port}`);
  const low = [...found].filter(([port]) => port < 1024 && port > 0);
  if (low.length === 0) return [];
  const network = networkOf(target);
  return low.map(([port, because]) => ({ port, because, ...network }));
});

/** Whether nothing of a configuration is out of sight, and no listener's port unknown. */
function isComplete({ gaps, listeners }: ServerConfiguration): boolean {
  return gaps.length === 0 && listeners.length > 0 && listeners.every(({ port }) => port !== undefined);
}

/** Whether what a listener rests on holds: Apache's own files listen on 443 only with a module that is not loaded by itself. */
function counts({ conditions, directive }: Listener, target: Target): boolean {
  const isSsl = conditions.some((condition) => /ssl|gnutls/i.test(condition));
  return !isSsl || directive.file.source !== undefined || enablesSsl(target);
}

function enablesSsl(target: Target): boolean {
  return historyOf(target.stage, target.unit).steps.some((step) => commandsOf(step).some((command) => unwrap(command).name === 'a2enmod' && command.words.some(({ value }) => value === 'ssl' || value === 'gnutls')));
}

/** `nginx.conf:3 listens on 80`, or the image that brings the configuration. */
function saysSo({ port, directive: { file, start } }: Listener, { base }: History): string {
  if (file.source === undefined) return `${base.text} listens on ${port}`;
  return `${basename(file.source)}:${file.text.slice(0, start).split('\n').length} listens on ${port}`;
}

/** Before .NET 8 the ASP.NET images listen on port 80 unless a variable says otherwise. */
function aspPort({ base, variables }: History): number | undefined {
  if (base.kind !== 'image' || !base.reference.repo.endsWith('/aspnet') || variables('ASPNETCORE_URLS') || variables('ASPNETCORE_HTTP_PORTS')) return undefined;
  return base.facts?.entry.ports?.find((port) => port < 1024);
}

/** `--port 80`, `-p 80`, `:80`, `0.0.0.0:80`, `--bind=:80`, `http.server 80`. */
function portsInWords(target: Target): number[] {
  const ports: number[] = [];
  for (const { words } of startOf(target).commands) {
    words.forEach(({ value }, index) => {
      const direct = /^(?:--?[\w-]*(?:port|bind|listen|address|addr|http)[\w-]*=)?(?:\[?[\w.:*]*\]?:)?(\d{1,5})$/i.exec(value ?? '')?.[1];
      if (direct === undefined) return;
      const before = words[index - 1]?.value ?? '';
      const named = /port|bind|listen|addr|http/i.test(before) || before === '-p' || before === '-b' || before === '-l' || /[:=]/.test(value!);
      if (named) ports.push(Number(direct));
    });
  }
  return ports;
}

function networkOf(target: Target): Pick<LowPort, 'runs' | 'where'> {
  const cluster = clusterThatRuns(target);
  if (cluster !== undefined) return { runs: 'cluster', where: cluster };
  const shared = [...target.services, ...target.probable].find(({ service }) => service.sharedNetwork);
  if (shared) return { runs: 'shared network', where: shared.path };
  const run = runLinesOf(target).find(({ sharedNetwork }) => sharedNetwork);
  if (run) return { runs: 'shared network', where: run.place };
  return target.services.length > 0 ? { runs: 'private network', where: target.services[0]!.path } : { runs: 'nothing in sight', where: undefined };
}
