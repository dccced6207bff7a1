import { insertSetting, isRefused } from '../compose/edit.ts';
import type { Setting } from '../compose/read.ts';
import type { LinkedService } from '../project.ts';
import { historyOf } from './history.ts';
import type { Obstacle, PortPlace } from './listening.ts';
import type { Run } from './runs.ts';
import { variablesOf } from './variables.ts';

/**
 * A proxy that is told of a service by labels or variables, without a port, takes one that the image exposes: Traefik the
 * lowest (doc.traefik.io, providers/docker, "Port Detection"), nginx-proxy the only one, else 80 (its README,
 * "Container Ports"). What a base exposes can't be taken back, so where the guess would be another one the port is said.
 * @returns a new setting of the service, or why it can't be written
 */
export function guessedPort(run: Run, port: number): PortPlace | Obstacle | undefined {
  const { service: linked } = run;
  if (!linked) return undefined;
  const before = exposedBy(run);
  const after = new Set([...exposedByBase(run), ...[...before].filter((one) => one !== port)]);
  const label = labelFor(linked);
  // Said even where the guess may come out right: it hangs on every other port that is exposed.
  if (label !== undefined && Math.min(...before) === port && after.size > 0) return setting(linked, 'labels', label);
  const variables = variablesOf(run);
  const guess = before.size === 1 ? [...before][0] : 80;
  const isTheOnlyOne = before.size === 1 && after.size === 0;
  if (variables.has('VIRTUAL_HOST') && !variables.has('VIRTUAL_PORT') && guess === port && !isTheOnlyOne) return setting(linked, 'environment', 'VIRTUAL_PORT');
  return undefined;
}

/** The ports that a container is said to have: by its image, and by what compose exposes and publishes. */
function exposedBy(run: Run): Set<number> {
  const { target, service } = run;
  const { ports } = historyOf(target.stage, target.unit);
  const composed = [...service!.service.ports.map((one) => one.target), ...service!.service.expose.map((one) => one.port)];
  return new Set([...ports.map((one) => one.port), ...exposedByBase(run), ...composed.filter((one) => one !== undefined)]);
}

/** What stays exposed whatever is written here. */
function exposedByBase({ target }: Run): number[] {
  const { base } = historyOf(target.stage, target.unit);
  return (base.kind === 'image' && base.facts?.entry.ports) || [];
}

/** The label by which Traefik would learn the port of a service that it serves; undefined where it knows, or does not serve it. */
function labelFor({ service }: LinkedService): string | undefined {
  const labels = [...service.labels, ...service.deployLabels];
  const value = (name: string) => labels.find((one) => one.name.toLowerCase() === name)?.value;
  if (value('traefik.enable')?.toLowerCase() === 'false' || labels.some(saysPort)) return undefined;
  const layer = labels.some(({ name }) => /^traefik\.tcp\.routers\./i.test(name)) ? 'tcp' : 'http';
  const names = (kind: string) => labels.flatMap(({ name }) => new RegExp(`^traefik\\.${layer}\\.${kind}\\.([^.]+)\\.`, 'i').exec(name)?.[1] ?? []);
  const served = labels.find(({ name, value: to }) => /^traefik\.(?:http|tcp)\.routers\.[^.]+\.service$/i.test(name) && !to?.includes('@'))?.value;
  const name = served ?? names('services')[0] ?? names('routers').find((router) => value(`traefik.${layer}.routers.${router}.service`.toLowerCase()) === undefined);
  if (name !== undefined) return `traefik.${layer}.services.${name}.loadbalancer.server.port`;
  if (value('traefik.frontend.rule') !== undefined) return 'traefik.port';
  // What every router hands over to stands elsewhere: api@internal, another@file.
  if (names('routers').length > 0) return undefined;
  // Its rule comes from Traefik's own configuration.
  return value('traefik.enable') === undefined ? undefined : `traefik.http.services.${service.name}.loadbalancer.server.port`;
}

function saysPort({ name }: Setting): boolean {
  return /^traefik\.((http|tcp)\.services\.[^.]+\.loadbalancer\.server\.(port|url)|(\w+\.)?port)$/i.test(name);
}

/** Stands in for the port where its place is asked for. */
const ANY_PORT = '65432';

function setting(linked: LinkedService, key: string, name: string): PortPlace | Obstacle {
  const edit = insertSetting(linked, key, name, ANY_PORT, { shared: false });
  const by = key === 'labels' ? 'Traefik' : 'nginx-proxy';
  if (isRefused(edit)) return { message: `${by} takes the port of service ${linked.service.name} from what the image exposes, and its ${key} can't be changed: ${edit.refused}`, advice: `set ${name} there by hand` };
  const at = edit.text.lastIndexOf(ANY_PORT);
  return { path: edit.path, start: edit.start, end: edit.end, before: edit.text.slice(0, at), after: edit.text.slice(at + ANY_PORT.length) };
}
