import { everyHostPort } from '../ports/mentions.ts';
import { isOwnHost } from '../ports/read.ts';
import type { Target } from '../project.ts';
import { historyOf } from './history.ts';
import { listeningOf } from './listening.ts';
import { type Run, runsOf } from './runs.ts';
import { serversIn } from './servers.ts';
import { listensIn } from './source-ports.ts';
import { placedCommands } from './start-places.ts';
import { variablesOf } from './variables.ts';

/** Whether anything in sight uses a port in one of a target's containers, or only speaks of it: then another is taken. */
export function isPortTaken(target: Target, port: number): boolean {
  const { ports } = historyOf(target.stage, target.unit);
  return ports.some((exposed) => exposed.port === port) || listensIn(target.unit, port, target.disk).length > 0 || runsOf(target).some((run) => isTakenIn(run, port));
}

function isTakenIn(run: Run, port: number): boolean {
  if (listeningOf(run).some((listening) => listening.port === port)) return true;
  const published = run.service?.service.ports ?? [];
  if (published.some(({ target: first, lastTarget: last }) => first !== undefined && last !== undefined && first <= port && port <= last)) return true;
  // Somebody means it for something else.
  if (run.service?.service.expose.some(({ port: first, lastPort: last }) => first !== undefined && last !== undefined && first <= port && port <= last)) return true;
  const texts = [
    ...placedCommands(run).flatMap(({ words }) => words.map(({ text }) => text)),
    ...[...variablesOf(run).values()].map(({ value }) => value ?? ''),
    ...serversIn(run).flatMap(({ configuration }) => configuration.files.map(({ text }) => text)),
  ];
  return texts.some((text) => speaksOf(text, port));
}

/** Whether a text has a port other than behind the name of another host, whose it is then. */
function speaksOf(text: string, port: number): boolean {
  const others = everyHostPort(text).flatMap(({ host, from, written }) => (written && !isOwnHost(host) ? [from] : []));
  return [...text.matchAll(new RegExp(`(?<![\\d.])${port}(?![\\d.])`, 'g'))].some(({ index }) => !others.includes(index));
}
