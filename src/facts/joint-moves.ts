import { isAbsolute, relative, resolve } from 'node:path';
import type { FileEdit } from '../edit.ts';
import { type LinkedService, type Project, stageLabel, type Target } from '../project.ts';
import type { Reason } from './judgement.ts';
import { isOursToChange, judge } from './keep-away/index.ts';
import type { Obstacle } from './listening.ts';
import { judgeService } from './services/judge.ts';
import { generatedHeader, serviceOptOut } from './services/opt-out.ts';
import { builtFor, serviceTarget } from './services/target.ts';
import { variantChange } from './services/variant.ts';
import { type PortMapping, type PortMove, portMove } from './port-move.ts';

/** Targets whose ports have to move together, because they share what says them. */
export interface JointMove {
  /** Those that the move is for come first. */
  moves: PortMove[];
  /** Those that it is for. */
  wanted: Target[];
  edits: FileEdit[];
  obstacles: Obstacle[];
  doubts: Reason[];
}

/** All moves that take a low port from a target that is not to run as root, or does not already. */
export function jointMoves(project: Project, mapping: PortMapping = {}): JointMove[] {
  const targets = [...project.targets, ...readyMade(project)];
  // To know every port takes reading every command, and a project that nobody moves in is not read for it.
  if (!targets.some((target) => target.standsFor || isRid(target))) return [];
  const moves = targets.flatMap((target) => portMove(target, mapping) ?? []);
  return groupsOf(moves).flatMap((group) => {
    const wanted = group.filter(isWanted);
    return wanted.length === 0 ? [] : [joined(wanted, group.filter((move) => !wanted.includes(move)), project)];
  });
}

/** What stands for services of ready-made images whose root is, or can be, gone. */
function readyMade(project: Project): Target[] {
  return project.services.flatMap((linked) => {
    if (linked.service.build || builtFor(linked, project) || takesVariant(linked, project) || !/^(fixable|nonroot)$/.test(judgeService(linked, project).verdict)) return [];
    return serviceTarget(linked, project) ?? [];
  });
}

/** Whether it is to run a variant of its image that has ports of its own. */
function takesVariant(linked: LinkedService, project: Project): boolean {
  const change = variantChange(linked, project);
  return change !== undefined && !('stuck' in change) && change.variant.ports !== undefined;
}

/** Whether a move is for its own target's sake. */
function isWanted({ target, place }: PortMove): boolean {
  // An image that needs no root for its own port is its maker's matter.
  if (target.standsFor) return isOurs(target) && (place !== undefined || judgeService(target.standsFor, target.project).verdict === 'fixable');
  return isRid(target);
}

/** Whether the root of a stage is, or can be, gone but for its port. */
function isRid(target: Target): boolean {
  const { verdict, reasons } = judge(target);
  return (verdict === 'fixable' || verdict === 'nonroot' || reasons[0]?.rule === 'low-port-in-kubernetes') && isOurs(target);
}

function isOurs(target: Target): boolean {
  const { standsFor } = target;
  return standsFor ? serviceOptOut(standsFor, 'low-ports') === undefined && generatedHeader(standsFor.file) === undefined : isOursToChange(target, 'low-ports');
}

/** Moves that share a place, together. */
function groupsOf(moves: readonly PortMove[]): PortMove[][] {
  const groups: PortMove[][] = [];
  for (const move of moves) {
    const near = groups.filter((group) => group.some((other) => sharePlace(move, other)));
    for (const group of near) groups.splice(groups.indexOf(group), 1);
    groups.push([...near.flat(), move]);
  }
  return groups;
}

function sharePlace(one: PortMove, other: PortMove): boolean {
  return one.edits.some(({ path, start, end }) => other.edits.some((edit) => edit.path === path && (start < end ? edit.start < end && start < edit.end : edit.start === start && edit.end === end && edit.text === one.edits.find((own) => own.start === start && own.path === path)?.text)));
}

function joined(wanted: readonly PortMove[], along: readonly PortMove[], project: Project): JointMove {
  const moves = [...wanted, ...along];
  const edits: FileEdit[] = [];
  for (const edit of moves.flatMap((move) => move.edits)) if (!edits.some(({ path, start, end, text }) => path === edit.path && start === edit.start && end === edit.end && text === edit.text)) edits.push(edit);
  const obstacles = unique(moves.flatMap((move) => move.obstacles));
  for (const { target } of moves) if (!isOurs(target)) obstacles.push({ message: `${nameOf(target)} shares its files and is to be left alone`, advice: undefined });
  for (const edit of edits) if (edits.some((other) => other !== edit && clash(edit, other))) obstacles.push({ message: `${edit.path} would have to say two things at one place`, advice: undefined });
  obstacles.push(...readersElsewhere(edits, moves, project));
  return { moves, wanted: wanted.map(({ target }) => target), edits, obstacles: unique(obstacles), doubts: unique(moves.flatMap((move) => move.doubts)) };
}

function clash(one: FileEdit, other: FileEdit): boolean {
  return one.path === other.path && one.start < other.end && other.start < one.end;
}

/** Services that read a file that is changed and are none of those that are moved. Where a file only names one that is, its neighbours read it rightly. */
function readersElsewhere(edits: readonly FileEdit[], moves: readonly PortMove[], project: Project): Obstacle[] {
  const own = new Set(moves.flatMap(({ target }) => target.services.map(keyOf)));
  const paths = [...new Set(edits.map(({ path }) => path))];
  const said = new Set(moves.flatMap(({ saidIn }) => [...saidIn]));
  const stacks = new Set(moves.flatMap(({ target }) => target.services.map(({ stack }) => stack)));
  return project.services
    .filter((linked) => !own.has(keyOf(linked)))
    .flatMap((linked) =>
      paths.flatMap((path): Obstacle[] => {
        if (!said.has(path) && stacks.has(linked.stack)) return [];
        const way = wayOfReading(linked, resolve(project.disk.cwd, path));
        return way === undefined ? [] : [{ message: `service ${linked.service.name} ${way} ${path} too`, advice: undefined }];
      }),
    );
}

function keyOf({ file, source }: LinkedService): string {
  return `${file.absolute}\n${source.name}`;
}

function wayOfReading(linked: LinkedService, path: string): string | undefined {
  if (mounts(linked, path)) return 'mounts';
  return linked.service.envFiles.some((name) => resolve(linked.directory, name) === path) ? 'takes its environment from' : undefined;
}

function mounts({ service }: LinkedService, path: string): boolean {
  return service.mounts.some(({ type, source, directory, target }) => {
    if (type !== 'bind' || source === undefined || !/\/(etc|conf|nginx|apache2|httpd|haproxy|caddy)/.test(target)) return false;
    const way = relative(resolve(directory, source), path);
    return way === '' || (!way.startsWith('..') && !isAbsolute(way));
  });
}

function nameOf(target: Target): string {
  if (target.standsFor) return `service ${target.standsFor.source.name}`;
  return target.unit.dockerfile.stages.length > 1 ? `${target.unit.file.path} (${stageLabel(target)})` : target.unit.file.path;
}

function unique<T extends { message: string }>(items: readonly T[]): T[] {
  return items.filter((item, index) => items.findIndex(({ message }) => message === item.message) === index);
}
