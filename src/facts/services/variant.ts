import { insertSettings, isRefused, replaceInside, replaceText } from '../../compose/edit.ts';
import { keyIn, scalarOf, textOf } from '../../compose/layers.ts';
import type { Mount } from '../../compose/read.ts';
import type { FileEdit } from '../../edit.ts';
import { isWithin, plainPath } from '../../image-paths.ts';
import { type RootlessVariant, rootlessVariant } from '../../images/rootless.ts';
import type { LinkedService, Project, Target } from '../../project.ts';
import { baseEntry, historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { memo } from '../memo.ts';
import { usersOf } from '../port-users.ts';
import { runsOf } from '../runs.ts';
import { type Data, dataOf } from './data.ts';
import { giveMovedAway } from './give-away.ts';
import { variablesFor } from './powers.ts';
import { serviceTarget } from './target.ts';

/** How a service comes to run the variant of its image that does without root. */
export interface VariantChange {
  variant: RootlessVariant;
  /** The tag apart: mounts, ports and what names them, variables. */
  edits: FileEdit[];
  doubts: Reason[];
  /** Paths of data whose command is among the doubts. */
  moved: string[];
}

/**
 * The change to the variant without root of a service's image: all of it, or why it can't be made. Undefined where there
 * is no such variant, or where another tag would be no change of the same: a digest names other bytes.
 */
export const variantChange = memo((linked: LinkedService, project: Project): VariantChange | { stuck: string } | undefined => {
  const { service } = linked;
  const target = serviceTarget(linked, project);
  const base = target && historyOf(target.stage, target.unit).base;
  if (base?.kind !== 'image' || service.build || service.user !== undefined || base.reference.digest !== undefined) return undefined;
  const entry = baseEntry(base);
  const variant = entry && rootlessVariant(entry, base.reference.tag);
  return variant && changeTo(variant, linked, target!, project);
});

function changeTo(variant: RootlessVariant, linked: LinkedService, target: Target, project: Project): VariantChange | { stuck: string } {
  const change: VariantChange = { variant, edits: [], doubts: [], moved: [] };
  const stuck = [meansElse(variant, linked, project), ...ports(variant, target, change), ...mounts(variant, linked, project, change), ...environment(variant, linked, change)].find((one) => one !== undefined);
  return stuck === undefined ? change : { stuck };
}

/** What the service says that the variant takes for something else. */
function meansElse({ stuckOn = {}, paths = {} }: RootlessVariant, linked: LinkedService, project: Project): string | undefined {
  const { service } = linked;
  const moved = Object.keys(paths);
  if (moved.length > 0 && (service.command !== undefined || service.entrypoint !== undefined)) return 'it names what to start by itself';
  for (const [name, value] of variablesFor(linked, project)) {
    if (stuckOn.variables?.includes(name)) return `${name} is set`;
    const path = moved.find((one) => value === one || value?.includes(`${one}/`));
    if (path !== undefined) return `${name} names ${path}`;
  }
  const mount = service.mounts.find(({ target }) => stuckOn.mounts?.some((path) => isWithin(plainPath(target), path)) ?? moved.some((path) => target.startsWith(`${path}/`)));
  return mount && `${mount.source ?? 'a volume'} is mounted at ${mount.target}`;
}

/** The container's side of its ports, and whoever asks for them. */
function ports({ ports: moves = {} }: RootlessVariant, target: Target, change: VariantChange): (string | undefined)[] {
  return Object.entries(moves).flatMap(([from, to]) =>
    runsOf(target).map((run) => {
      const taken = [...(run.service?.service.ports ?? []).map(({ target: port }) => port), ...(run.service?.service.expose ?? []).map(({ port }) => port)].includes(to);
      if (taken) return `its port ${from} is ${to} there, which it names already`;
      const { places, obstacles, doubts } = usersOf(run, { port: Number(from), protocol: 'tcp' });
      change.edits.push(...places.map(({ path, start, end, before, after }) => ({ path, start, end, text: `${before}${to}${after}` })));
      change.doubts.push(...doubts.map((message): Reason => ({ rule: 'port-out-of-sight', message })));
      return obstacles[0] && `its port ${from} is ${to} there, and ${obstacles[0].message}`;
    }),
  );
}

function mounts({ paths = {}, once = {}, then, user, tag }: RootlessVariant, linked: LinkedService, project: Project, change: VariantChange): (string | undefined)[] {
  return Object.entries(paths).map(([from, to]) => {
    const index = linked.service.layers.items('volumes').findIndex((item) => plainPath(textOf(keyIn(item, 'target')) ?? textOf(item)?.split(':').at(1) ?? '') === from);
    const data = dataOf(linked, project).find(({ path }) => path === from);
    if (!data || index < 0) return `its data at ${from} is in no volume or folder that could be mounted at ${to}`;
    if (data.kind === 'remote' || data.mount.source === undefined) return `its data at ${from} is in ${data.kind === 'remote' ? 'a volume on another machine' : 'a volume without a name'}`;
    if (data.sharers.length > 0) return `${data.sharers[0]!.service.name} has its data too`;
    const edit = mountedAt(linked, index, data.mount, to);
    if ('refused' in edit) return `the mount of its data can't be changed: ${edit.refused}`;
    change.edits.push(edit);
    change.moved.push(from);
    change.doubts.push(movedData(data, to, once[to], then, user, tag, linked, project));
    return undefined;
  });
}

function mountedAt(linked: LinkedService, index: number, { target }: Mount, to: string) {
  const long = linked.service.at('volumes', index, 'target');
  if (long) return replaceText(long, to);
  const found = linked.service.at('volumes', index)!;
  const value = scalarOf(found)?.value ?? '';
  const at = value.lastIndexOf(`:${target}`) + 1;
  return at > 0 && /^(:|$)/.test(value.slice(at + target.length)) ? replaceInside(found, at, at + target.length, to) : { refused: 'it rests on a variable' };
}

function movedData(data: Data, to: string, once: string | undefined, then: string | undefined, user: string, tag: string, linked: LinkedService, project: Project): Reason {
  const { name } = linked.service;
  return {
    rule: 'data',
    message: `${name} keeps data at ${data.path}, which its variant has at ${to}${once === undefined ? '' : ' in other folders'}: what is there already has to be made ready for it, and ${user} must own it`,
    advice: giveMovedAway(data, to, once, then, user, tag, linked, project),
    service: name,
  };
}

function environment({ environment: settings = {} }: RootlessVariant, linked: LinkedService, change: VariantChange): (string | undefined)[] {
  return insertSettings(linked, 'environment', settings).map((edit) => {
    if (isRefused(edit)) return `${Object.keys(settings).join(', ')} can't be set: ${edit.refused}`;
    change.edits.push(edit);
    return undefined;
  });
}
