import { basename, dirname } from 'node:path';
import { insertSetting, isRefused } from '../compose/edit.ts';
import { lineAt } from '../compose/yaml.ts';
import type { FileEdit } from '../edit.ts';
import { lookUp } from '../images/lookup.ts';
import { parseReference } from '../images/reference.ts';
import { FIRST_OPEN } from '../ports/read.ts';
import type { LinkedService, Target } from '../project.ts';
import { apacheMove } from './apache-move.ts';
import { clusterThatRuns } from './clusters.ts';
import { baseEntry, historyOf } from './history.ts';
import type { Reason } from './judgement.ts';
import { insertLines, runLines } from './lines.ts';
import { type Listening, listeningOf, type Obstacle, type PortPlace } from './listening.ts';
import { memo } from './memo.ts';
import { nginxMove } from './nginx-move.ts';
import { packagePlace, userPlace } from './places.ts';
import { portElsewhere } from './port-elsewhere.ts';
import { isPortTaken } from './port-taken.ts';
import { programOf } from '../programs/lookup.ts';
import { usersOf } from './port-users.ts';
import { type Run, runsOf } from './runs.ts';
import type { ConfiguredServer } from './servers.ts';
import { startOf } from './start.ts';
import { traefikMove } from './traefik-move.ts';

/** How the ports below 1024 of a target are moved, all of them or none. */
export interface PortMove {
  target: Target;
  ports: MovedPort[];
  /** Where the first of them is said: what is wrong is there. */
  place: PortPlace | undefined;
  /** In all files that know one of them. Two targets that share a place have the same edit. */
  edits: FileEdit[];
  /** The files that say where it listens; the others only name it. */
  saidIn: Set<string>;
  /** With one of these nothing is moved. */
  obstacles: Obstacle[];
  doubts: Reason[];
}

export interface MovedPort {
  from: number;
  to: number;
  /** For the reader: `nginx.conf:3 listens on 80`. */
  said: string;
}

/** Where ports go, beside 8000 above. */
export type PortMapping = Readonly<Record<string, number>>;

/**
 * What has to be done so that a target listens on no port below 1024, in each of its runs; undefined where it
 * listens on none.
 */
export const portMove = memo((target: Target, mapping: PortMapping = {}): PortMove | undefined => {
  const low = runsOf(target).flatMap((run) => listeningOf(run).flatMap((listening) => (listening.port < FIRST_OPEN ? [{ run, listening }] : [])));
  if (low.length === 0) return undefined;
  const to = newPorts(target, low.map(({ listening }) => listening.port), mapping);
  const move: PortMove = { target, ports: [], place: low.flatMap(({ listening }) => listening.places)[0], edits: [], saidIn: new Set(low.flatMap(({ listening }) => listening.places.map(({ path }) => path))), obstacles: [], doubts: [] };
  for (const { run, listening } of low) moveOne(run, listening, to.get(listening.port)!, move);
  move.edits.push(...imageEdits(target, low.map(({ listening }) => listening), to));
  for (const { listening } of low) if (target.standsFor && listening.unset) setVariable(target.standsFor, listening.unset, to.get(listening.port)!, move);
  for (const { edits, obstacles, doubts } of [nginxMove(target, to), apacheMove(target, to), traefikMove(target, to)]) {
    for (const edit of edits) addEdit(move.edits, edit);
    move.obstacles.push(...obstacles);
    for (const message of doubts) move.doubts.push({ rule: 'port-out-of-sight', message });
  }
  move.doubts.push(...outsiders(target, to));
  return move;
});

/** A new port for each: what the configuration asks for, else 8000 above, else the next that nothing in the container uses. */
function newPorts(target: Target, ports: readonly number[], mapping: PortMapping): Map<number, number> {
  const chosen = new Map<number, number>();
  for (const from of [...new Set(ports)].sort((one, other) => one - other)) {
    let to = mapping[String(from)] ?? from + 8000;
    while ([...chosen.values()].includes(to) || isPortTaken(target, to)) to += 1;
    chosen.set(from, to);
  }
  return chosen;
}

function moveOne(run: Run, listening: Listening, to: number, move: PortMove): void {
  const { port, said } = listening;
  if (!move.ports.some(({ from }) => from === port)) move.ports.push({ from: port, to, said });
  const users = usersOf(run, listening);
  for (const { path, start, end, before, after } of [...listening.places, ...users.places]) addEdit(move.edits, { path, start, end, text: `${before}${to}${after}` });
  for (const obstacle of [...listening.obstacles, ...users.obstacles]) if (!move.obstacles.some(({ message }) => message === obstacle.message)) move.obstacles.push(obstacle);
  for (const message of [...listening.doubts, ...users.doubts]) if (!move.doubts.some((doubt) => doubt.message === message)) move.doubts.push({ rule: 'port-out-of-sight', message });
}

function addEdit(edits: FileEdit[], edit: FileEdit): void {
  const isKnown = edits.some(({ path, start, end, text }) => path === edit.path && start === edit.start && end === edit.end && text === edit.text);
  if (!isKnown) edits.push(edit);
}

/** The variable by which a ready-made image is told another port. */
function setVariable(linked: LinkedService, { name, value }: NonNullable<Listening['unset']>, to: number, move: PortMove): void {
  const edit = insertSetting(linked, 'environment', name, value(to), { shared: false });
  if (isRefused(edit)) move.obstacles.push({ message: `${name} can't be set for service ${linked.source.name}: ${edit.refused}`, advice: `set ${name}=${value(to)} there by hand, and change what names the port with it` });
  else addEdit(move.edits, { path: edit.path, start: edit.start, end: edit.end, text: edit.text });
}

/** Lines that the Dockerfile needs: where the image's own files say the port, and where only the base's EXPOSE does. */
function imageEdits(target: Target, low: readonly Listening[], to: ReadonlyMap<number, number>): FileEdit[] {
  // What stands for a service of a ready-made image has no file.
  if (target.standsFor) return [];
  const edits: FileEdit[] = [];
  const commands = new Set(low.flatMap(({ port, defaults }) => defaults.flatMap(({ server, path }) => sedCommand(server, path, port, to.get(port)!))));
  const programs = low.flatMap(({ defaults }) => defaults.flatMap(({ server }) => programOf(server.name) ?? []));
  if (commands.size > 0) edits.push(insertLines(target, packagePlace(target, programs), runLines([...commands], target.unit.dockerfile.escape)));
  const variables = new Map(low.flatMap(({ port, unset }) => (unset ? [[unset.name, `ENV ${unset.name}=${unset.value(to.get(port)!)}`] as const] : [])));
  const exposed = exposedByBase(target, low).map((port) => to.get(port)!);
  const lines = [...variables.values(), ...(exposed.length > 0 ? [`EXPOSE ${[...new Set(exposed)].join(' ')}`] : [])];
  if (lines.length > 0) edits.push(insertLines(target, userPlace(target), lines));
  return edits;
}

function sedCommand({ installation }: ConfiguredServer, path: string, from: number, to: number): string[] {
  const expressions = installation.moves!(from, to)[path];
  return expressions ? [`sed -i ${expressions.map((expression) => `-e '${expression}'`).join(' ').replace(/^-e (?!.* -e )/, '')} ${path}`] : [];
}

/** Ports that the base exposes and the file does not: theirs can't be taken back, but the new one can be said. */
function exposedByBase(target: Target, low: readonly Listening[]): number[] {
  const history = historyOf(target.stage, target.unit);
  const entry = baseEntry(history.base);
  if (history.ports.length > 0) return [];
  return low.flatMap(({ port }) => (entry?.ports?.includes(port) ? [port] : []));
}

/** Services of ready-made images that are called as the target's folder, or beside one of its services as that, and publish something: a stack that runs what is built here. */
function alikeElsewhere({ unit, standsFor, services, probable, project }: Target): LinkedService[] {
  if (standsFor) return [];
  const folder = dirname(unit.file.absolute);
  // `server` is what half of the world calls its image.
  const near = COMMON.test(basename(folder)) ? probable.filter(({ file }) => file.absolute.startsWith(`${dirname(folder)}/`)) : probable;
  const places = new Set(services.map(({ source, directory }) => `${directory}\n${source.name}`));
  const alike = project.services.filter((one) => places.has(`${one.directory}\n${one.source.name}`) && !one.service.build && !services.includes(one) && one.service.image !== undefined && !isCatalogued(one.service.image));
  return [...new Set([...near, ...alike])].filter(({ service }) => service.ports.length > 0);
}

const COMMON = /^(server|client|app|application|web|website|www|site|api|frontend|backend|front|back|proxy|service|base|core|main|docker|image|src|build|worker|admin|dashboard|ui)$/i;

function isCatalogued(image: string): boolean {
  const reference = parseReference(image);
  return reference !== undefined && lookUp(reference) !== undefined;
}

/** Who may know the ports out of sight. */
function outsiders(target: Target, to: ReadonlyMap<number, number>): Reason[] {
  const doubts: Reason[] = [];
  const ports = [...to].map(([from, port]) => `${from} becomes ${port}`).join(', ');
  // An image that everybody has says nothing of whom else runs it.
  const elsewhere = target.standsFor ? [] : [...to].flatMap(([from, port]) => portElsewhere(target, from).map((place) => ({ ...place, port })));
  for (const { path, line, said, port } of elsewhere) doubts.push({ rule: 'port-elsewhere', message: `${path}:${line} says ${said}`, advice: `change the container's port there to ${port}` });
  const cluster = target.standsFor ? undefined : clusterThatRuns(target);
  if (cluster !== undefined && !elsewhere.some(({ path }) => path === cluster)) doubts.push({ rule: 'port-elsewhere', message: `${cluster} runs it too`, advice: `change the container's port there with it: ${ports}` });
  const pushed = target.unit.builders.find((builder) => builder.pushed);
  const unseen = target.services.length === 0 ? 'nothing here shows what runs it, so whoever publishes the port is not in sight' : pushed && !target.standsFor ? `${pushed.path} sends its image to a registry: whoever runs it elsewhere and publishes the port is not in sight` : undefined;
  if (unseen !== undefined) doubts.push({ rule: 'port-out-of-sight', message: unseen, advice: `publish the new port wherever it runs: ${ports}` });
  for (const linked of alikeElsewhere(target)) doubts.push(...alikeDoubts(linked, to, ports));
  const start = startOf(target);
  for (const path of start.unseen) doubts.push({ rule: 'script-out-of-sight', message: `the start script ${path} is not in the build context` });
  return doubts;
}

/** Each line of a service that probably runs the image and publishes a port that moves, else the service. @param ports what becomes what, for people */
function alikeDoubts({ service, source, path }: LinkedService, to: ReadonlyMap<number, number>, ports: string): Reason[] {
  const lines = service.ports.flatMap(({ target, place }): Reason[] => {
    const port = target === undefined ? undefined : to.get(target);
    if (port === undefined) return [];
    const { text } = place.file;
    return [{ rule: 'port-elsewhere', message: `${path}:${lineAt(text, place.start)} publishes ${text.slice(place.start, place.end)} of service ${source.name}, which probably runs it too`, advice: `change the container's port there to ${port}` }];
  });
  if (lines.length > 0) return lines;
  return [{ rule: 'port-elsewhere', message: `service ${source.name} in ${path} probably runs it too`, advice: `change the container's port there with it: ${ports}` }];
}
