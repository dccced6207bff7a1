import { join, posix } from 'node:path';
import { readEnvFile, variablesIn } from '../../compose/variables.ts';
import type { ImageFacts } from '../../images/lookup.ts';
import { type AsUser, asUser, isHearsay } from '../../images/as-user.ts';
import type { ImageAccount } from '../../images/types.ts';
import type { LinkedService, Project, Target } from '../../project.ts';
import type { Directive } from '../../servers/types.ts';
import type { FileEdit } from '../../edit.ts';
import { shellWord } from '../../shell/word.ts';
import { doubtsOf } from '../doubts.ts';
import { baseEntry, historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { judge } from '../keep-away/index.ts';
import { serversOf } from '../servers.ts';
import { startOf } from '../start.ts';
import { effectiveUser } from '../user.ts';
import { writesOf } from '../writes.ts';
import { dataOf, hiddenFiles, isSource } from './data.ts';
import { giveNamelessAway } from './give-away.ts';
import { variablesFor } from './powers.ts';
import { remainsFor } from './remains.ts';
import { sourceTree } from './source-tree.ts';
import { isForSwarm } from './swarm.ts';
import { builtFor, hostPath, serviceTarget } from './target.ts';
import { closedTmpfs, filled, linkFollowed, type Opened, within } from './tmpfs.ts';
import { closedFiles } from './uses.ts';
import { variantChange } from './variant.ts';

/** What takes a service of a ready-made image off root. */
export interface ServiceFix {
  /** What `user:` says; for another tag, whom that runs as. */
  user: string;
  /** The account's name, where it has one. */
  name: string | undefined;
  /** Entries for `tmpfs`. */
  tmpfs: string[];
  /** Entries of `tmpfs` that are there and closed to the account. */
  opened?: Opened[];
  environment: Record<string, string>;
  /** Another tag of the image, which does not run as root; then no `user:` is needed. */
  tag: string | undefined;
  /** What goes with the other tag: mounts, ports and what names them, variables. */
  edits?: FileEdit[];
  /** Paths of data that the doubts have a command for already. */
  moved?: string[];
  /** Whether `user:` is taken away, because what is built here runs as somebody else already. */
  remove?: boolean;
  /** What it rests on that is out of sight, but for data that root wrote, which is asked for by itself. */
  doubts: Reason[];
  /** What has to be done with it, though nothing is open. */
  notes?: Reason[];
}

/** The number for images that any number suits. */
const ANY = 10_001;

/**
 * How a service that starts as root is taken off it, or why that can't be told. Asked only of services that
 * nothing else keeps root for.
 * @param wish what the user asks for with `--user`
 */
export function serviceFix(linked: LinkedService, project: Project, wish?: string): ServiceFix | { refused: Reason } {
  const target = serviceTarget(linked, project)!;
  const built = builtFor(linked, project);
  const own = built && effectiveUser(built);
  if (own?.kind === 'nonroot') return { user: own.text, name: undefined, tmpfs: [], environment: {}, tag: undefined, remove: true, doubts: onPurpose(linked) };
  const { base } = historyOf(target.stage, target.unit);
  const facts = base.kind === 'image' ? base.facts : undefined;
  if (!facts) return refuse('unknown-base', `what ${base.text} needs as another user is not known`, `try it: docker run --rm --user ${ANY}:${ANY} ${base.text}`);
  const swapped = rootless(linked, base.text, project);
  if (swapped) return swapped;
  // Whom the image runs as by itself, it works as.
  const needs = typeof facts.entry.user === 'string' ? asUser(facts.entry) : {};
  if (!needs) return byHand(facts, base.text, linked);
  if (typeof facts.entry.user === 'string' && isHearsay(facts.entry)) return refuse('conditions', `${base.text} is said to work as another user, which was not read in a primary source`, `try it: docker run --rm --user ${ANY}:${ANY} ${base.text}`);
  if (developed(linked, project)) {
    const user = project.configFor(linked.file.absolute)!.development!;
    return { user, name: undefined, tmpfs: [], environment: {}, tag: undefined, doubts: [{ rule: 'development', message: 'what the image itself has is root\'s: what its tools write beside the code must lie in what is mounted' }], notes: toBeSet(user, linked, project) };
  }
  const templates = linked.service.mounts.find(({ target: at }) => at.startsWith('/etc/nginx/templates'));
  if (templates && templatesOutput(target).length === 0) return refuse('conditions', `its templates in ${templates.source ?? 'a volume'} are not in sight, and its entrypoint turns them into /etc/nginx/conf.d, which is root's`, 'run unroot where the templates are');
  if (facts.entry.override === 'ok-writable' && !tellsWhere(facts, needs) && dataOf(linked, project).length === 0) return byHand(facts, base.text, linked);
  const variable = needs.rootFor?.find((name) => variablesFor(linked, project).has(name));
  if (variable !== undefined) return refuse('needs-root', `with ${variable} in its environment the entrypoint of ${base.text} writes where only root may`, 'say the same in a configuration file that is mounted');
  const developer = sourceTree(linked, project, target) && project.configFor(linked.file.absolute)?.development;
  const user = developer !== undefined ? { user: developer, name: undefined } : userFor(facts, needs, wish);
  if (!user && facts.accounts.length === 0) return refuse('conditions', `the account of ${base.text} for running it is not known`, 'look it up in the image, and set user:');
  if (!user) return refuse('unknown-accounts', `the number of the account ${facts.accounts[0]?.name ?? ''} in ${base.text} is not known`, `look it up: docker run --rm --entrypoint id ${base.text} ${facts.accounts[0]?.name ?? ''}`);
  const places = placesFor(target, linked, needs, user.user, project);
  if ('refused' in places) return places;
  const inMemory = [...places.tmpfs.map((entry) => entry.split(':')[0]), ...places.opened.map((one) => one.target)];
  if (isForSwarm(linked) && inMemory.length > 0) return refuse('conditions', `it needs a tmpfs on ${inMemory.join(', ')}, and docker stack deploy makes none of tmpfs:`, `mount them under volumes: as type: tmpfs, and set user: "${user.user}"`);
  const homeless = homelessProgram(target, linked, user);
  if (homeless) return homeless;
  return {
    ...user,
    tmpfs: places.tmpfs,
    ...(places.opened.length > 0 ? { opened: places.opened } : {}),
    environment: needs.environment ?? {},
    tag: undefined,
    doubts: [...onPurpose(linked), ...inSwarm(linked, places.tmpfs), ...ofImage(target, facts, needs), ...places.doubts, ...hiddenDefault(target), ...(developer === undefined ? [...writtenSource(target, linked, needs, project), ...closedFiles(linked, project), ...hiddenFiles(linked, user.user, project)] : []), ...privateKeys(target, linked, project), ...tooMuch(linked)],
    ...(developer === undefined ? {} : { notes: toBeSet(developer, linked, project) }),
  };
}

/** Variables of whoever develops that `.env` does not set: a shell has UID for itself alone, and no GID. */
function toBeSet(user: string, { directory }: LinkedService, { disk }: Project): Reason[] {
  const known = readEnvFile(disk.read(join(directory, '.env')) ?? '');
  const open = variablesIn(user).filter((name) => !known.has(name));
  if (open.length === 0) return [];
  const lines = open.map((name) => `${name}=${/GID|GROUP/i.test(name) ? '$(id -g)' : '$(id -u)'}`);
  const env = disk.display(join(directory, '.env'));
  return [{ rule: 'development', message: `user: rests on ${open.join(' and ')}, which shells do not export`, advice: `once for everybody who develops: printf '%s\\n' ${lines.join(' ')} >> ${shellWord(env)}` }];
}

/** Whether it builds what it runs, has the source mounted over that, and whoever develops is named in the configuration. */
export function developed(linked: LinkedService, project: Project): boolean {
  const built = builtFor(linked, project);
  return built !== undefined && project.configFor(linked.file.absolute)?.development !== undefined && judge(built).reasons[0]?.rule === 'development';
}

function refuse(rule: Reason['rule'], message: string, advice?: string): { refused: Reason } {
  return { refused: { rule, message, ...(advice === undefined ? {} : { advice }) } };
}

/** The image's own variant under another tag, where `user:` alone would not do. */
function rootless(linked: LinkedService, image: string, project: Project): ServiceFix | undefined {
  const change = variantChange(linked, project);
  if (!change || 'stuck' in change) return undefined;
  const { variant, edits, doubts, moved } = change;
  const swapped: Reason = { rule: 'unverified-base', message: `${image} is swapped for its variant ${variant.tag}, which was not run here` };
  return { user: variant.user, name: undefined, tmpfs: [], environment: {}, tag: variant.tag, edits, moved, doubts: [swapped, ...doubts, ...closedFiles(linked, project)] };
}

/** Whether it is known where the image's own program writes. A prompt writes nowhere by itself. */
function tellsWhere({ entry }: ImageFacts, needs: AsUser): boolean {
  return entry.start === 'prompt' || [entry.writes, entry.volumes, needs.open, needs.tmpfs].some((paths) => paths !== undefined && paths.length > 0);
}

function byHand({ entry }: ImageFacts, image: string, linked: LinkedService): { refused: Reason } {
  const variant = entry.rootless === undefined ? '' : ` or use its variant without root (${entry.rootless})`;
  if (entry.override === 'breaks') return refuse('needs-root', `${image} does not work as another user: ${entry.notes ?? 'its start needs root'}`, entry.rootless === undefined ? remainsFor(linked) : `use its variant without root: ${entry.rootless}`);
  if (entry.override === 'conditional' && entry.conditions?.length) return refuse('conditions', `${image} works as another user only if: ${entry.conditions.join('; ')}`, `see to that and set user:${variant}`);
  if (entry.override === 'ok-writable') return refuse('conditions', `${image} works as another user that may write what it writes, and where that is is not known`, `mount a volume on it and set user:${variant}`);
  return refuse('conditions', `whether ${image} works as another user is not known`, `try it: docker run --rm --user ${ANY}:${ANY} ${image}${variant}`);
}

/** Whom it runs as: the image's own user where that is none of root, its account for this purpose, or a number. */
function userFor({ entry, accounts }: ImageFacts, { ids }: AsUser, wish: string | undefined): Pick<ServiceFix, 'user' | 'name'> | undefined {
  if (typeof entry.user !== 'string') return numbered(entry.user);
  if (ids === 'group 0') return { user: `${uidOf(wish) ?? ANY}:0`, name: undefined };
  const [account] = accounts;
  if (ids !== 'any' && account) return numbered(account);
  if (ids === 'account') return undefined;
  const asked = wish !== undefined && /^\d+(:\d+)?$/.test(wish) ? (wish.includes(':') ? wish : `${wish}:${wish}`) : undefined;
  return { user: asked ?? `${ANY}:${ANY}`, name: undefined };
}

function uidOf(wish: string | undefined): string | undefined {
  return /^\d+/.exec(wish ?? '')?.[0];
}

/** Numbers with the group where they are known, else the name. */
function numbered({ name, uid, gid }: ImageAccount): Pick<ServiceFix, 'user' | 'name'> | undefined {
  if (uid === undefined) return undefined;
  return { user: gid === undefined ? String(uid) : `${uid}:${gid}`, name };
}

/** The places that it writes: what gets a tmpfs, and what doubts remain; or the one that it could not write. */
function placesFor(target: Target, linked: LinkedService, needs: AsUser, user: string, project: Project): { tmpfs: string[]; opened: Opened[]; doubts: Reason[] } | { refused: Reason } {
  const { service } = linked;
  const { base } = historyOf(target.stage, target.unit);
  const facts = base.kind === 'image' ? base.facts! : undefined;
  const data = dataOf(linked, project);
  const own = [...new Set([...(runsBase(target) ? (needs.tmpfs ?? []) : []), ...templatesOutput(target)])];
  const tmpfs = own.filter((path) => !service.mounts.some((mount) => within(path, linkFollowed(mount.target))));
  const open = [...(needs.open ?? []), ...(facts?.entry.worldWritable ?? []), '/tmp', '/var/tmp', '/dev'];
  const doubts: Reason[] = [];
  const opened = closedTmpfs(linked, [...own, ...filled(target)], user, facts?.entry.worldWritable);
  for (const { path, because } of writesOf(target)) {
    const mounted = service.mounts.find((mount) => within(linkFollowed(path), linkFollowed(mount.target)));
    if (mounted?.readOnly || mounted?.type === 'tmpfs' || data.some((one) => within(path, one.path) || within(one.path, path))) continue;
    if (mounted && isSource(mounted, project)) {
      doubts.push({ rule: 'write-sign', message: `${because}; ${path} is in ${mounted.source}, which is mounted out of the repository and belongs to whoever checked it out` });
      continue;
    }
    // Something else is started than the program that the image declares it for.
    if (because.startsWith('the base declares VOLUME') && startsSomethingElse(target)) continue;
    const volume = facts?.entry.volumes?.some((one) => within(path, one)) && open.some((one) => within(path, one));
    if (volume && !doubts.some(({ message }) => message.includes(`at ${path},`))) {
      doubts.push({ rule: 'data', message: `${service.name} keeps data at ${path}, in a volume without a name, which compose takes over when it makes the container anew: what root wrote there stays root's`, advice: giveNamelessAway(path, user, linked, facts?.family ?? 'unknown', project), service: service.name });
      continue;
    }
    // A volume of the image's that the program is told not to use.
    if (because.startsWith('the base declares VOLUME') && !facts?.entry.writes?.includes(path) && data.some((one) => isNamed(one.path, target))) continue;
    if (tmpfs.some((one) => within(linkFollowed(path), one)) || open.some((one) => within(path, one))) continue;
    return refuse('write-sign', `${because}, and ${path} is root's in the image`, `mount a volume on ${path} that belongs to ${user}, or build an image where it does`);
  }
  const [uid, gid] = user.split(':') as [string, string | undefined];
  return {
    tmpfs: tmpfs.map((path) => `${path}:uid=${uid},gid=${gid ?? uid},mode=0755`),
    opened,
    doubts: [...doubts, ...keptInMemory(target, tmpfs)],
  };
}

/** Whether the start command names a path. */
function isNamed(path: string, target: Target): boolean {
  return startOf(target).commands.some(({ words }) => words.some(({ value }) => value !== undefined && value.split('=').at(-1) === path));
}

/** Whether the image's own program is what is started, also by another that is told to: `/wait-for db:5432 -- nginx`. */
function runsBase(target: Target): boolean {
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  const start = startOf(target);
  const isOwn = (name: string | undefined) => name !== undefined && (name === entry?.cmd?.[0] || name === entry?.entrypoint?.[0]);
  return start.from === 'base' || start.commands.some(({ name, words }) => isOwn(name) || isOwn(words[words.findIndex(({ value }) => value === '--') + 1]?.value));
}

/** Whether all that starts is in sight, and none of it is the image's own program. */
function startsSomethingElse(target: Target): boolean {
  const { baseEntrypoint, unseen, opaque, partly } = startOf(target);
  return baseEntrypoint === undefined && !runsBase(target) && unseen.length === 0 && opaque.length === 0 && !partly;
}

/** Where the entrypoint of the nginx image puts what it makes of templates; without a template it writes nothing. */
function templatesOutput(target: Target): string[] {
  return serversOf(target).flatMap(({ templates }) => (templates ? [templates.output] : []));
}

/** A new conf.d has nothing of the image's: its default.conf is gone where no template takes its place. */
function hiddenDefault(target: Target): Reason[] {
  const hidden = serversOf(target).find(({ templates }) => templates?.output === '/etc/nginx/conf.d' && !templates.files.some(({ path }) => path === '/etc/nginx/conf.d/default.conf'));
  return hidden ? [{ rule: 'write-sign', message: "a tmpfs on /etc/nginx/conf.d for what its templates become hides the image's default.conf" }] : [];
}

/** `docker stack deploy` passes over `tmpfs` (docs.docker.com, Compose file version 3, tmpfs). */
function inSwarm({ service }: LinkedService, tmpfs: readonly string[]): Reason[] {
  return service.deployed && tmpfs.length > 0 ? [{ rule: 'conditions', message: 'its deploy: may be for docker stack deploy, which makes no tmpfs' }] : [];
}

/** Root that the file itself asks for is seldom an accident. */
function onPurpose({ service }: LinkedService): Reason[] {
  return service.user === undefined ? [] : [{ rule: 'asked-for-root', message: `the file asks for user: ${service.user}, for a reason that is not in sight` }];
}

/** What is open about the image and its start. Ports are no doubt: compose's own network lets anybody listen below 1024. */
function ofImage(target: Target, facts: ImageFacts, needs: AsUser): Reason[] {
  const settled = new Set<Reason['rule']>(['data', 'low-port', ...(onlyArguments(target, facts) ? (['unknown-program', 'unreadable-start', 'script-out-of-sight'] as const) : [])]);
  const found: Reason[] = doubtsOf(target).filter(({ rule }) => !settled.has(rule)).map(({ line: _, ...reason }) => reason);
  if (needs.doubt !== undefined) found.push({ rule: 'unverified-base', message: needs.doubt });
  if (facts.entry.unverified?.includes('accounts')) found.push({ rule: 'unknown-accounts', message: `the number of ${facts.accounts[0]?.name ?? 'its account'} in the image was not read in a primary source` });
  for (const { configuration } of serversOf(target)) for (const gap of configuration.gaps) if (!found.some(({ message }) => message.includes(gap))) found.push({ rule: 'write-sign', message: `${gap}, so what the server writes is not known in full` });
  return found;
}

/** Whether what the service names goes to the image's own entrypoint: `command: --config /etc/x.yml`. */
function onlyArguments(target: Target, { entry }: ImageFacts): boolean {
  const { baseEntrypoint, argv, commands } = startOf(target);
  return entry.start === 'server' && baseEntrypoint !== undefined && argv !== undefined && commands.length === 1 && !argv[0]?.includes('/');
}

/** A server that speaks TLS reads its key as the account. Keys that are mounted from here, and their modes, are told with what is mounted. */
function privateKeys(target: Target, linked: LinkedService, project: Project): Reason[] {
  const servers = serversOf(target).filter(({ configuration }) => configuration.kind !== 'caddy'); // keeps its keys among its data
  return servers.flatMap(({ configuration: { listeners, directives } }): Reason[] => {
    const listener = listeners.find(({ tls, directive }) => tls && directive.file.source !== undefined);
    const keys = keysIn(directives);
    const unseen = keys.find((key) => !isMountedFromHere(key, linked, project));
    if (!listener || (keys.length > 0 && unseen === undefined)) return [];
    return [{ rule: 'closed-file', message: `it listens with TLS on ${listener.port ?? 'a port'}, and reads its private key${unseen === undefined ? '' : ` ${unseen}`} as the account`, advice: 'let the account read the key' }];
  });
}

/** The paths of private keys that a configuration names, nginx's relative ones from where its settings lie. */
function keysIn(directives: readonly Directive[]): string[] {
  return directives.flatMap(({ name, args, block }) => {
    const key = /^(ssl_certificate_key|sslcertificatekeyfile)$/i.test(name) ? args[0]?.value : undefined;
    return [...(key === undefined ? [] : [posix.resolve('/etc/nginx', key)]), ...keysIn(block ?? [])];
  });
}

function isMountedFromHere(path: string, { service }: LinkedService, { disk }: Project): boolean {
  const mount = service.mounts.find((one) => within(path, one.target));
  const host = mount && hostPath(mount);
  return host !== undefined && disk.stat(join(host, posix.relative(mount!.target, path)))?.kind === 'file';
}

/** A program that keeps settings in its home, which a number without an account does not have. */
function homelessProgram(target: Target, linked: LinkedService, { name }: Pick<ServiceFix, 'name'>): { refused: Reason } | undefined {
  const found = name !== undefined || 'HOME' in linked.service.environment ? undefined : startOf(target).commands.find((command) => command.name !== undefined && command.name in AT_HOME && !(AT_HOME[command.name]! in linked.service.environment));
  if (!found) return undefined;
  const variable = AT_HOME[found.name!]!;
  return refuse('write-sign', `its start runs ${found.name}, which keeps settings in the home directory, and a number has none`, `set ${variable}=/tmp/.${found.name}, and user: then`);
}

/** By program: the variable that names another place for its settings (min.io/docs, mc). */
const AT_HOME: Readonly<Record<string, string>> = { mc: 'MC_CONFIG_DIR' };

/** Source that is mounted to be written, where an application works: what it writes there as somebody else is the host's to allow. */
function writtenSource(target: Target, { service }: LinkedService, needs: AsUser, project: Project): Reason[] {
  const { cwd } = historyOf(target.stage, target.unit);
  const works = [...(needs.open ?? []), ...(cwd === undefined || cwd === '/' ? [] : [cwd])];
  const mount = service.mounts.find((one) => one.type === 'bind' && !one.readOnly && isSource(one, project) && project.disk.stat(hostPath(one)!)?.kind === 'directory' && works.some((path) => within(path, one.target)));
  return mount ? [{ rule: 'write-sign', message: `${mount.source} is mounted over ${mount.target} to be written, and belongs to whoever checked it out` }] : [];
}

/** What a proxy keeps of others' answers, and logs, may outgrow memory, and are gone with the container. */
function keptInMemory(target: Target, tmpfs: readonly string[]): Reason[] {
  const cache = serversOf(target).flatMap(({ configuration }) => configuration.writes).find(({ directive, path, file }) => /_cache_path$|log$/i.test(directive) && file.source !== undefined && tmpfs.some((one) => within(path, one)));
  return cache ? [{ rule: 'write-sign', message: `${cache.directive} ${cache.path} would lie in memory`, advice: `mount a volume on ${cache.path}` }] : [];
}

/** Networks and volumes that it takes from elsewhere. */
function tooMuch({ service }: LinkedService): Reason[] {
  const reasons: Reason[] = [];
  if (service.networkMode === 'host') reasons.push({ rule: 'needs-root', message: 'it works in the network of the host' });
  if (service.volumesFrom.length > 0) reasons.push({ rule: 'data', message: `it takes over the volumes of ${service.volumesFrom.join(', ')}` });
  return reasons;
}
