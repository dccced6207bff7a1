import { posix } from 'node:path';
import type { Mount } from '../../compose/read.ts';
import { globMatches } from '../../images/glob.ts';
import type { LinkedService, Project, Target } from '../../project.ts';
import { baseEntry, historyOf } from '../history.ts';
import type { Judgement, Reason } from '../judgement.ts';
import { development } from '../keep-away/development.ts';
import { judge } from '../keep-away/index.ts';
import { dropsByItself } from '../keep-away/drops.ts';
import { livesInRootHome } from '../keep-away/root-home.ts';
import { needsRoot, scriptNeedsRoot } from '../keep-away/needs-root.ts';
import { devContainer, windows } from '../keep-away/not-for-us.ts';
import { startsNothing, startsPrompt, unknownBase } from '../keep-away/starts-nothing.ts';
import { startsOthers } from '../keep-away/starts-others.ts';
import { memo } from '../memo.ts';
import { portsOf } from '../ports.ts';
import { serversOf } from '../servers.ts';
import { startOf, wordsOf } from '../start.ts';
import { effectiveUser, isRoot } from '../user.ts';
import { developed, serviceFix } from './fix.ts';
import { serviceInstalls } from './installs.ts';
import { generatedHeader, serviceOptOut } from './opt-out.ts';
import { changesTo, powersOf } from './powers.ts';
import { remainsFor } from './remains.ts';
import { sourceTree } from './source-tree.ts';
import { builtFor, hostPath, serviceTarget } from './target.ts';
import { variantChange } from './variant.ts';

/** What is to be said of a service that runs a ready-made image, before anybody mends it. Lines are those of its file. */
export const judgeService = memo((linked: LinkedService, project: Project): Judgement => {
  const { verdict, reasons } = judged(linked, project);
  const from = serviceTarget(linked, project)?.stage.base;
  const named = (text: string) => (from === undefined || linked.service.image === undefined ? text : text.replaceAll(from, linked.service.image));
  return {
    verdict,
    reasons: reasons.map(({ line, message, advice, ...reason }) => ({ ...reason, message: named(message), ...(advice === undefined ? {} : { advice: named(advice) }), ...(line !== undefined && OWN_LINE.has(reason.rule) ? { line } : {}) })),
  };
});

/** Rules whose reasons name lines of the compose file; others speak of the Dockerfile that stands for the service. */
const OWN_LINE = new Set<Reason['rule']>(['opted-out', 'generated-file']);

/** Whom a service starts as, as far as that can be said: what `user:` says, else what its image does. */
export const userOfService = memo((linked: LinkedService, project: Project): string => {
  const { user } = linked.service;
  if (user !== undefined && user.trim() !== '') return user;
  const target = serviceTarget(linked, project);
  return target ? effectiveUser(target).text : 'unknown';
});

function judged(linked: LinkedService, project: Project): Judgement {
  const { service } = linked;
  const [unset] = service.unset.filter(({ key }) => key === 'user');
  if (unset) {
    const advice = `give it a value in .env, or a default: \${${unset.name}:-1000}; shells do not export UID and GID by themselves`;
    return unknown({ rule: 'unknown-user', message: `user: ${service.user ?? ''} rests on ${unset.name}, which has no value in sight`, advice });
  }
  const [lost] = linked.unresolved;
  if (lost) return unknown({ rule: 'not-in-sight', message: lost.message, advice: 'run unroot where that file is' });
  if (service.user !== undefined && !isRoot(service.user)) return { verdict: 'nonroot', reasons: [{ rule: 'already-nonroot', message: `it runs as ${service.user}` }] };
  if (service.build && !builtFor(linked, project)) return powered(linked) ?? unknown(unseenBuild(linked));
  if (service.image === undefined && !service.build) return unknown({ rule: 'not-in-sight', message: 'it names no image and builds none: a part of a service of another file' });
  const target = serviceTarget(linked, project);
  if (!target) return powered(linked) ?? unknown(unknownImage(linked));
  const foreign = windows(target);
  if (foreign) return refused(foreign);
  const user = effectiveUser(target);
  if (user.kind === 'nonroot') return { verdict: 'nonroot', reasons: [{ rule: 'already-nonroot', message: `${service.image ?? 'what it builds'} runs as ${user.text}` }] };
  for (const rule of RULES) {
    const reason = rule({ linked, project, target });
    if (reason) return { verdict: verdictOf(reason), reasons: [reason, ...installsBeside(reason, linked, project)] };
  }
  const fix = serviceFix(linked, project);
  return 'refused' in fix ? { verdict: verdictOf(fix.refused), reasons: [fix.refused] } : { verdict: 'fixable', reasons: [] };
}

/**
 * Whether a service that runs a target of a Dockerfile here has a verdict of its own: it sets a user, or starts
 * something else than what the image's entrypoint drops for.
 */
export const standsAlone = memo((linked: LinkedService, project: Project): boolean => {
  const built = builtFor(linked, project);
  const { service } = linked;
  if (!built) return true;
  if (service.user !== undefined) return !isRoot(service.user) || effectiveUser(built).kind === 'nonroot';
  if (developed(linked, project)) return true;
  return judge(built).verdict === 'drops' && (service.command !== undefined || service.entrypoint !== undefined) && judgeService(linked, project).verdict !== 'drops';
});

function unseenBuild({ service }: LinkedService): Reason {
  const { inline, context, dockerfile } = service.build!;
  if (inline) return { rule: 'not-in-sight', message: 'its dockerfile_inline has variables of compose, or is not written as a block behind |', advice: 'move it into a Dockerfile' };
  return { rule: 'not-in-sight', message: `what it builds, ${dockerfile ?? 'Dockerfile'} in ${context}, is not part of this run`, advice: 'run unroot where the Dockerfile is' };
}

interface Asked {
  linked: LinkedService;
  project: Project;
  target: Target;
}

/** In order: the first that applies decides. */
const RULES: ((asked: Asked) => Reason | undefined)[] = [
  ({ linked }) => serviceOptOut(linked, 'compose-user'),
  ({ linked }) => generatedHeader(linked.file),
  ({ target }) => devContainer(target),
  drops,
  startsMore,
  ({ linked }) => powersOf(linked),
  changesByItself,
  ({ target, linked }) => withRemains(needsRoot(target), linked),
  ({ linked, project }) => serviceInstalls(linked, project),
  ({ target }) => unknownBase(target),
  ({ target }) => startsNothing(target),
  ({ target }) => startsPrompt(target),
  ({ target, linked }) => withRemains(scriptNeedsRoot(target), linked),
  replacedEntrypoint,
  coveredEntrypoint,
  forDevelopment,
  rootHome,
  lowPort,
];

/** What a service that is root for another reason installs when it starts: that belongs into an image all the same. */
function installsBeside({ rule }: Reason, linked: LinkedService, project: Project): Reason[] {
  return rule === 'drops-by-itself' || rule === 'starts-others' || rule === 'needs-root' ? [serviceInstalls(linked, project) ?? []].flat() : [];
}

function verdictOf({ rule }: Reason): Judgement['verdict'] {
  if (rule === 'drops-by-itself') return 'drops';
  return rule === 'unknown-base' ? 'unknown' : 'refused';
}

function refused(reason: Reason): Judgement {
  return { verdict: 'refused', reasons: [reason] };
}

function unknown(reason: Reason): Judgement {
  return { verdict: 'unknown', reasons: [reason] };
}

function powered(linked: LinkedService): Judgement | undefined {
  const reason = powersOf(linked);
  return reason && refused(reason);
}

function unknownImage({ service }: LinkedService): Reason {
  return { rule: 'unknown-base', message: `which image ${service.image} is depends on a variable without a value in sight`, advice: 'give the variable a default in the file, or a value in .env' };
}

function withRemains(reason: Reason | undefined, linked: LinkedService): Reason | undefined {
  return reason && { ...reason, advice: remainsFor(linked) };
}

/** An init or a supervisor, and the variant of the image that does without. */
function startsMore({ linked, target, project }: Asked): Reason | undefined {
  const reason = withRemains(startsOthers(target), linked);
  const change = reason && variantChange(linked, project);
  if (change && !('stuck' in change)) return undefined;
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  return reason && entry?.rootless !== undefined ? { ...reason, advice: `it has a variant without root: ${entry.rootless}${change ? `, which is not taken here: ${change.stuck}` : entry.notes === undefined ? '' : ` (${entry.notes})`}` } : reason;
}

/** The image drops by itself, unless the service takes away the capabilities that this asks for, and it then stays root. */
function drops({ linked, target }: Asked): Reason | undefined {
  const reason = dropsByItself(target) ?? handsBack(target);
  if (!reason) return undefined;
  return staysRoot(linked, target) ? undefined : { ...reason, advice: 'leave it: the start prepares its data as root, then changes user' };
}

/** A shell that ends in the image's own entrypoint, with what that drops for: `sh -c "… exec docker-entrypoint.sh redis-server"`. */
function handsBack(target: Target): Reason | undefined {
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  const own = posix.basename(entry?.entrypoint?.[0] ?? '');
  if (!entry || entry.drop !== 'entrypoint' || own === '') return undefined;
  const found = startOf(target).commands.find(({ name, words }) => name === own && words[1] !== undefined && [...(entry.dropsFor ?? entry.cmd ?? []), '-*'].some((pattern) => globMatches(pattern, words[1]!.value ?? '')));
  return found && { rule: 'drops-by-itself', message: `the start command ends in the entrypoint of ${base.text}, which changes to an unprivileged user by itself` };
}

/** What starts it is a script of the image that nobody here has read, in the place of the one that is known. */
function replacedEntrypoint({ linked, target }: Asked): Reason | undefined {
  const [script] = startOf(target).unseen;
  if (linked.service.entrypoint === undefined || script === undefined) return undefined;
  return { rule: 'script-out-of-sight', message: `its entrypoint ${script} is not in sight, and takes the place of the image's own`, advice: `read it, and set user: where it needs no root` };
}

/** A mount puts another script over the image's entrypoint, and nobody here has read it. */
function coveredEntrypoint({ linked: { service }, target, project }: Asked): Reason | undefined {
  const { base } = historyOf(target.stage, target.unit);
  const own = baseEntry(base)?.entrypoint?.[0];
  // `entrypoint: sh /entrypoint.sh` starts the same file.
  if (own === undefined || (service.entrypoint !== undefined && !wordsOf(service.entrypoint).includes(own))) return undefined;
  const mount = service.mounts.find((one) => (own.startsWith('/') ? one.target === own : posix.basename(one.target) === own && /\/s?bin\//.test(one.target)) && !isInSight(one, project));
  return mount && { rule: 'script-out-of-sight', message: `${mount.source ?? 'a volume'} takes the place of the image's entrypoint ${own}, and is not in sight`, advice: 'read it, and set user: where it needs no root' };
}

function isInSight(mount: Mount, { disk }: Project): boolean {
  const host = hostPath(mount);
  return host !== undefined && disk.stat(host)?.kind === 'file';
}

/** Redis 8 looks whether it may change user, and goes on as root where it may not (redis/docker-library-redis, docker-entrypoint.sh). */
function staysRoot({ service }: LinkedService, target: Target): boolean {
  const { base } = historyOf(target.stage, target.unit);
  const id = base.kind === 'image' ? base.facts?.entry.id : undefined;
  const names = (list: readonly string[]) => list.map((one) => one.toUpperCase().replace(/^CAP_/, ''));
  const dropped = names(service.capDrop);
  const added = names(service.capAdd);
  const lacks = (capability: string) => (dropped.includes('ALL') || dropped.includes(capability)) && !added.includes(capability) && !added.includes('ALL');
  return id === 'redis-8' && (lacks('SETUID') || lacks('SETGID'));
}

/** PUID and its kin: an entrypoint that is told whom to change to. */
function changesByItself({ linked, project }: Asked): Reason | undefined {
  const chosen = changesTo(linked, project);
  if (!chosen) return undefined;
  if (chosen.value !== undefined && isRoot(chosen.value)) return { rule: 'needs-root', message: `${chosen.name} is 0: it is told to stay root`, advice: `set ${chosen.name} to the owner of its data` };
  return { rule: 'drops-by-itself', message: `${chosen.name} tells its entrypoint whom to change to`, advice: 'leave it: user: would keep the entrypoint from it' };
}

/** RULES B6: the source is mounted over the place where it is started, or a development server is. */
function forDevelopment({ linked, project, target }: Asked): Reason | undefined {
  const { service } = linked;
  if (project.configFor(linked.file.absolute)?.development !== undefined) return undefined;
  const tree = sourceTree(linked, project, target);
  if (tree) return { rule: 'development', message: `${tree.source} is mounted over ${tree.target}, where it works`, advice: ADVICE };
  if (service.watched) return { rule: 'development', message: 'files are synced into it (develop.watch)', advice: ADVICE };
  const server = development(target);
  return server && { rule: 'development', message: server.message, advice: ADVICE };
}

const ADVICE = 'say whom it is to run as with "development" in the configuration, such as "${UID:-1000}:${GID:-1000}"; shells do not export UID, so put UID and GID into .env';

/** RULES E7: /root is closed to others. */
function rootHome({ linked, target }: Asked): Reason | undefined {
  const mount = linked.service.mounts.find(({ target: at }) => at === '/root' || at.startsWith('/root/'));
  if (mount) return { rule: 'lives-in-root-home', message: `${mount.source ?? 'a volume'} is mounted at ${mount.target}`, advice: 'mount it where the account may go, and tell the program' };
  return livesInRootHome(target);
}

/** RULES H: in the network of the host or of another container a port below 1024 is root's. */
function lowPort({ linked, target }: Asked): Reason | undefined {
  if (!linked.service.sharedNetwork) return undefined;
  const [low] = portsOf(target);
  const unseen = low ? undefined : unseenPort(target);
  if (unseen !== undefined) return { rule: 'low-port-in-kubernetes', message: `it listens on ${unseen} unless its configuration says otherwise, which is not in sight, and network_mode: ${linked.service.networkMode} leaves ports below 1024 to root`, advice: `listen on ${unseen + 8000}, and set user: then; as it is, ${remainsFor(linked)}` };
  return low && { rule: 'low-port-in-kubernetes', message: `${low.because}, and network_mode: ${linked.service.networkMode} leaves ports below 1024 to root`, advice: `listen on ${low.port + 8000}; as it is, ${remainsFor(linked)}` };
}

/** The port below 1024 that an image's server has by itself, where what it is told is out of sight. */
function unseenPort(target: Target): number | undefined {
  const { base } = historyOf(target.stage, target.unit);
  const ports = base.kind === 'image' ? (base.facts?.entry.ports ?? []) : [];
  return serversOf(target).some(({ configuration }) => configuration.gaps.length > 0) ? ports.find((port) => port < 1024) : undefined;
}
