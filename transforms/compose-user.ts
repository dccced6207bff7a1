import { deleteKey, type Edited, insertItem, insertKey, insertSettings, isRefused, replaceInside, replaceText, sharersOf } from '../src/compose/edit.ts';
import { scalarOf, textOf } from '../src/compose/layers.ts';
import type { FileEdit } from '../src/edit.ts';
import { parseReference } from '../src/images/reference.ts';
import { dataReasons, type Given } from '../src/facts/services/data.ts';
import { judgeService, standsAlone } from '../src/facts/services/judge.ts';
import { type ServiceFix, serviceFix } from '../src/facts/services/fix.ts';
import { sharedData } from '../src/facts/services/shared-data.ts';
import { serviceTarget } from '../src/facts/services/target.ts';
import type { Opened } from '../src/facts/services/tmpfs.ts';
import { type Reason, unique } from '../src/facts/judgement.ts';
import { lackingSysctl, needingSysctl, PORT_START, sysctlEdit } from '../src/facts/port-sysctl.ts';
import type { LinkedService, Project, Target } from '../src/project.ts';
import type { Finding, Transform, TransformOptions } from '../src/transform.ts';

export const composeUser: Transform = {
  name: 'compose-user',
  summary: 'a compose service of a ready-made image gets user: where that image is known to work so',
  docs: `A service that builds nothing here is judged by its image: one that runs as somebody else already, or
that changes user by itself (postgres, redis, mysql and their like), is left alone and said to be so.

One that is known to work as another user gets user: "uid:gid", where the file's own order has it, and
what goes with it: a tmpfs for run-time directories that belong to root in the image, variables for
entrypoints that would do what only root can. An image that only works without root under another tag
(gitea, passbolt, qdrant) gets that tag, with what lies elsewhere in it: mounts, ports and whoever names
them, variables; all of it or nothing, and unsafe. Data that root may have written makes the fix unsafe; the
report has the command that gives it to the account, once, and that leaves mounted source alone.

It stays away from services that ask for root on purpose: docker.sock, privileged, devices, namespaces of
the host, PUID and its kin, init containers that chown. Each is listed with its reason and with what
remains for it. Services with the source mounted over where they work get a user once you name one:
"development" in the configuration.`,
  setsUser: true,
  example: 'nginx-runs-as-its-own-account',
  *apply({ project, options }) {
    const done = new Set<string>();
    const given: Given[] = [];
    for (const linked of project.services) {
      if (done.has(keyOf(linked)) || isLaidOver(linked, project) || !standsAlone(linked, project)) continue;
      done.add(keyOf(linked));
      const target = serviceTarget(linked, project);
      if (!target || judgeService(linked, project).verdict !== 'fixable') continue;
      const fix = serviceFix(linked, project, options.user);
      if ('refused' in fix) continue;
      yield finding(linked, target, fix, project, options, done, given);
    }
  },
};

function keyOf({ file, source }: LinkedService): string {
  return `${file.absolute}\n${source.name}`;
}

/** Whether a service gets what it is laid over gets: it names no user and no image of its own. */
function isLaidOver({ base, source, file }: LinkedService, project: Project): boolean {
  if (!base || !project.files.has(base.file.absolute) || base.file === file) return false;
  return !source.maps.some(({ node }) => node.pairs.some(({ key }) => key.value === 'user' || key.value === 'image'));
}

function finding(linked: LinkedService, target: Target, fix: ServiceFix, project: Project, { user: wish, sysctl }: TransformOptions, done: Set<string>, given: Given[]): Finding {
  const { source, path } = linked;
  const place = { target, path, start: source.key.start, end: source.key.end };
  const message = `runs as root; ${intent(fix)}`;
  const others = [...relatives(linked, project), ...linked.overlays];
  const odd = others.find((other) => !wantsTheSame(other, fix, project, wish));
  if (odd) return byHand(place, message, `${odd.source.name} in ${odd.path} would get it too, and ${reasonAgainst(odd, project)}`);
  const shared = [linked, ...others].map((one) => sharedData(one, fix.user, project, wish));
  const clash = shared.find((one) => one.clash)?.clash;
  if (clash) return { ...place, message, safety: 'manual', reasons: [clash], edits: [], user: undefined };
  const edits = editsOf(linked, fix, others.length > 0);
  const low = sysctl ? needingSysctl(target, [linked]) : [];
  edits.push(...low.map((one) => sysctlEdit(one, others.length > 0)));
  const failed = edits.find(isRefused);
  if (failed) return byHand(place, message, failed.refused, adviceFor(fix));
  for (const other of others) done.add(keyOf(other));
  const alike = others.filter((other) => isChangedWith(other, project));
  const data = [linked, ...alike].flatMap((one) => dataReasons(one, fix, project, given));
  const doubts = unique([...fix.doubts, ...alike.flatMap((other) => doubtsOf(other, project, wish)), ...data, ...shared.flatMap((one) => one.doubts)]);
  return {
    ...place,
    message: low.length > 0 ? `${message}, and let it listen below 1024 (${PORT_START})` : message,
    safety: doubts.length > 0 ? 'unsafe' : 'safe',
    reasons: [...doubts, ...(fix.notes ?? [])],
    edits: edits as FileEdit[],
    also: others,
    user: fix.user,
    verify: (after) => wrongAfter(after, fix, [linked, ...others]) ?? lackingSysctl(low, after),
  };
}

function intent({ user, name, tmpfs, tag, remove }: ServiceFix): string {
  if (remove) return `take user: away, so that it runs as ${user}, which its image says`;
  if (tag !== undefined) return `take its variant without root, ${tag}`;
  const paths = tmpfs.map((entry) => entry.slice(0, entry.indexOf(':')));
  return `make it run as ${name === undefined ? user : `${name} (${user})`}${paths.length > 0 ? `, with ${paths.join(', ')} in memory` : ''}`;
}

function adviceFor({ user, tmpfs, opened = [], environment }: ServiceFix): string {
  return [`user: "${user}"`, ...opened.map(({ target, options }) => `tmpfs: ${target}:${options.join(',')}`), ...tmpfs.map((entry) => `tmpfs: ${entry}`), ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)].join(', ');
}

function byHand(place: Pick<Finding, 'target' | 'path' | 'start' | 'end'>, message: string, why: string, advice?: string): Finding {
  const reason: Reason = { rule: 'shared-text', message: why, advice: advice === undefined ? 'set user: on each service by itself' : `write by hand: ${advice}` };
  return { ...place, message, safety: 'manual', reasons: [reason], edits: [], user: undefined };
}

/** Other services that get what is written into this one, by anchors, merge keys and extends. */
function relatives(linked: LinkedService, project: Project): LinkedService[] {
  const names = new Set(sharersOf(linked));
  if (names.size === 0) return [];
  return linked.stack.services.filter((other) => names.has(other.source.name) && other.source !== linked.source && project.services.includes(other));
}

/** Whether a service that gets the change too is to have it, or has a user of its own in any case. */
function wantsTheSame(other: LinkedService, fix: ServiceFix, project: Project, wish: string | undefined): boolean {
  const { verdict } = judgeService(other, project);
  if (verdict === 'nonroot') return other.service.user !== undefined && fix.tmpfs.length === 0;
  if (verdict !== 'fixable') return false;
  const its = serviceFix(other, project, wish);
  return !('refused' in its) && its.user === fix.user && its.tag === fix.tag && sameEntries(its, fix);
}

function sameEntries(one: ServiceFix, other: ServiceFix): boolean {
  return one.tmpfs.join() === other.tmpfs.join() && JSON.stringify(one.opened) === JSON.stringify(other.opened) && JSON.stringify(one.environment) === JSON.stringify(other.environment);
}

/** Whether a service that gets the same change is changed by it; one that names a user of its own is settled by itself. */
function isChangedWith(other: LinkedService, project: Project): boolean {
  return judgeService(other, project).verdict === 'fixable' && (!other.base || isLaidOver(other, project));
}

/** What the same change rests on for another service. */
function doubtsOf(other: LinkedService, project: Project, wish: string | undefined): Reason[] {
  const its = serviceFix(other, project, wish);
  return 'refused' in its ? [] : its.doubts;
}

function reasonAgainst(other: LinkedService, project: Project): string {
  const [reason] = judgeService(other, project).reasons;
  return reason ? reason.message : 'needs another user';
}

function editsOf(linked: LinkedService, { user, tmpfs, opened = [], environment, tag, edits: moves = [], remove }: ServiceFix, shared: boolean): Edited[] {
  if (remove) return [deleteKey(linked, 'user', { shared })];
  if (tag !== undefined) return [retagged(linked, tag), ...moves];
  const { service } = linked;
  const edits: Edited[] = [userEdit(linked, user, shared)];
  if (tmpfs.length > 0 && !service.layers.has('tmpfs')) edits.push(insertKey(linked, 'tmpfs', tmpfs, { shared }));
  else for (const entry of tmpfs) edits.push(insertItem(linked, 'tmpfs', entry, { shared }));
  for (const one of opened) edits.push(openedTmpfs(linked, one, shared));
  const missing = Object.entries(environment).filter(([name, value]) => service.environment[name] !== value);
  edits.push(...insertSettings(linked, 'environment', Object.fromEntries(missing), { shared }));
  return edits;
}

/** The options that an entry of tmpfs lacks, behind what it has. */
function openedTmpfs({ service }: LinkedService, { target, options }: Opened, shared: boolean): Edited {
  const index = service.layers.items('tmpfs').findIndex((item) => textOf(item)?.split(':')[0] === target);
  const found = index < 0 ? undefined : service.at('tmpfs', index);
  const scalar = scalarOf(found);
  const list = service.layers.get('tmpfs')?.node;
  const inBrackets = list?.kind === 'list' && list.flow;
  if (!found || !scalar) return { refused: `the tmpfs on ${target} is root's in the container, and does not stand under tmpfs:` };
  return replaceText(found, `${scalar.value}${scalar.value.includes(':') ? ',' : ':'}${options.join(',')}`, { shared, block: !inBrackets });
}

/** A user that the service itself names is replaced; one that it gets from elsewhere gets another beside it. */
function userEdit(linked: LinkedService, user: string, shared: boolean): Edited {
  const found = linked.service.at('user');
  if (found && found.place.via === 'own' && found.place.file === linked.file) return replaceText(found, user, { shared });
  return insertKey(linked, 'user', { quoted: user }, { shared });
}

function retagged(linked: LinkedService, tag: string): Edited {
  const found = linked.service.at('image');
  const scalar = scalarOf(found);
  if (!found || !scalar || scalar.value.includes('$')) return { refused: 'its image rests on a variable' };
  const written = parseReference(scalar.value)?.tag;
  const from = written === undefined ? scalar.value.length : scalar.value.length - written.length;
  return replaceInside(found, from, scalar.value.length, written === undefined ? `:${tag}` : tag);
}

/** Every service that was to change says what was meant, as the result is read. */
function wrongAfter(after: Target, { user, tmpfs, opened = [], tag, moved = [], remove }: ServiceFix, changed: readonly LinkedService[]): string | undefined {
  for (const { file, source, base } of changed) {
    const now = after.project.services.find((one) => one.file.absolute === file.absolute && one.source.name === source.name && one.base?.file.absolute === base?.file.absolute);
    if (!now) return `the service ${source.name} would be gone`;
    if (remove) {
      if (now.service.user !== undefined) return `${source.name} would still have user: ${now.service.user}`;
      continue;
    }
    if (tag !== undefined) {
      if (!now.service.image?.endsWith(`:${tag}`)) return `the image of ${source.name} would be ${now.service.image}`;
      const left = now.service.mounts.find(({ target }) => moved.includes(target));
      if (left) return `${source.name} would still have ${left.target} mounted`;
      continue;
    }
    const written = scalarOf(now.service.at('user'))?.value;
    if (written !== user && !changed.some((one) => one.source.name === source.name && one.service.user !== undefined && one.service.user === now.service.user)) return `user: of ${source.name} would be ${written ?? 'missing'}, not ${user}`;
    const missing = tmpfs.find((entry) => !now.service.mounts.some(({ type, target }) => type === 'tmpfs' && entry.startsWith(`${target}:`)));
    if (missing !== undefined) return `${source.name} would lack the tmpfs ${missing}`;
    const closed = opened.find(({ target, options }) => !now.service.mounts.some((mount) => mount.type === 'tmpfs' && mount.target === target && options.every((option) => mount.options.includes(option))));
    if (closed) return `the tmpfs on ${closed.target} of ${source.name} would be closed to ${user}`;
  }
  return undefined;
}
