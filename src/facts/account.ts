import { DISTRIBUTION_ACCOUNTS, kindredOf } from '../images/recipes.ts';
import type { Family, ImageAccount } from '../images/types.ts';
import type { Target } from '../project.ts';
import { hasChangedIds, isIdTaken, isNameTaken, type MadeAccount, madeAccounts, withChangedIds } from './accounts.ts';
import { fixedParent } from './built-upon.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from './commands.ts';
import { accountCommands, familyOf } from './family.ts';
import { basesAccounts, fittingAccount } from './fitting-account.ts';
import { baseEntry, type History, historyOf } from './history.ts';
import { packageAccount } from '../programs/lookup.ts';
import { hiddenPrograms, type InstalledProgram, installedPrograms } from './programs.ts';
import { USER_PATTERN } from '../settings.ts';
import { baseUser, isRoot } from './user.ts';
import { changesItsUser } from './writes.ts';

/** Whom a target will run as, and what has to be done for it. */
export interface Account {
  /** What USER says. */
  user: string;
  /** What chown and --chown say: numeric where the numbers are known. */
  owner: string;
  /** Undefined for a bare number. */
  name: string | undefined;
  uid: number | undefined;
  gid: number | undefined;
  home: string | undefined;
  /** Where it comes from. */
  source: 'asked for' | 'base' | 'package' | 'file' | 'base user' | 'new' | 'numeric';
  /** For a new account: how the distribution makes it; undefined where nothing is to be made. */
  create: string[] | undefined;
  /** Whether nothing says that it is meant for the program, but that the file makes no other. */
  guessed?: boolean;
}

/** What the user asks for with `--user`: a name, `uid`, or `uid:gid`. */
export type Wish = string | undefined;

/** Above every account found in an image (the highest is 65534 but for these), and what others use. */
export const NEW_UID = 10_001;

/** The account that a target should run as, by the preferences of RULES D. */
export function accountFor(target: Target, asked?: Wish): Account {
  const wish = servicesUser(target) ?? asked;
  const parent = fixedParent(target);
  if (parent) return inherited(accountFor(parent, wish));
  const history = historyOf(target.stage, target.unit);
  const family = familyOf(history);
  if (wish !== undefined) return wished(wish, history);
  const chosen = basesOwnUser(history) ?? earlierUser(target, history) ?? packaged(installedPrograms(target), history, family);
  if (chosen) return chosen;
  const own = made(target, history);
  // That the file makes no other account says less than whose account a server has.
  if (own && !own.guessed) return own;
  return hiddenServers(target, history, family) ?? basesServersOwn(target, history) ?? own ?? webServersOwn(history, family) ?? shipped(history) ?? fresh(history);
}

/** Whom all services that set a user have the target run as, so that image and service agree; undefined where none does, or root. */
function servicesUser({ services }: Target): Wish {
  const users = [...new Set(services.flatMap(({ service }) => service.user ?? []))];
  return users.length === 1 && new RegExp(USER_PATTERN).test(users[0]!) ? users[0] : undefined;
}

/** The account of a target that this one builds on is made there. */
function inherited(account: Account): Account {
  return { ...account, create: undefined, source: account.source === 'new' ? 'file' : account.source };
}

function wished(wish: string, history: History): Account {
  const [user, group] = wish.split(':') as [string, string?];
  const known = madeAccounts(history).find(({ name }) => name === user);
  if (known) return existing(known, history);
  const ofBase = basesAccounts(history).find(({ name }) => name === user);
  if (ofBase && group === undefined) return { ...shippedAs(ofBase), source: 'asked for' };
  const ofDistribution = DISTRIBUTION_ACCOUNTS[kindredOf(familyOf(history))] ?? {};
  if (user in ofDistribution && group === undefined) return distributionAccount(user, ofDistribution[user]);
  if (/^\d+$/.test(user)) {
    const gid = Number(group ?? user);
    return { user: `${user}:${gid}`, owner: `${user}:${gid}`, name: undefined, uid: Number(user), gid, home: undefined, source: 'asked for', create: undefined };
  }
  const create = isNameTaken(user, history) ? undefined : accountCommands(history, user, NEW_UID);
  return { user: create ? `${NEW_UID}:${NEW_UID}` : user, owner: create ? `${NEW_UID}:${NEW_UID}` : user, name: user, uid: NEW_UID, gid: NEW_UID, home: `/home/${user}`, source: 'asked for', create };
}

function distributionAccount(name: string, numbers: readonly [uid: number, gid: number] | undefined): Account {
  const user = numbers ? numbers.join(':') : name;
  return { user, owner: user, name, uid: numbers?.[0], gid: numbers?.[1], home: undefined, source: 'asked for', create: undefined };
}

/** RULES A1: a base that is non-root and was switched to root gets its own user back. */
function basesOwnUser(history: History): Account | undefined {
  const { base } = history;
  const entry = baseEntry(base);
  if (baseUser(history).kind !== 'nonroot' || !entry || typeof entry.user === 'string') return undefined;
  const { name, uid, gid, home, variable } = entry.user;
  // Images for arbitrary uids keep their files with group 0; the uid alone gets the group that the image means.
  const number = uid === undefined ? undefined : gid === undefined || gid === 0 ? String(uid) : `${uid}:${gid}`;
  const user = variable ? `$${variable}` : (number ?? name);
  return user === undefined ? undefined : { user, owner: number ?? name ?? user, name, uid, gid, home, source: 'base user', create: undefined };
}

/** RULES A1: a stage that it builds on is non-root, and this one went back to root and stayed there. */
function earlierUser(target: Target, history: History): Account | undefined {
  const value = history.steps.find(({ stage }) => stage === target.stage)?.user?.value;
  if (value === undefined || isRoot(value) || history.stages.length < 2) return undefined;
  const name = value.split(':')[0]!;
  const known = madeAccounts(history).find((account) => account.name === name || String(account.uid) === name);
  if (known) return existing(known, history);
  const account = basesAccounts(history).find((one) => one.name === name || String(one.uid) === name);
  return account ? shippedAs(account) : { user: value, owner: value, name: undefined, uid: numberOf(name), gid: numberOf(value.split(':')[1]), home: undefined, source: 'file', create: undefined };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** RULES D2: the account that the started program's package makes; www-data is the one whose number is fixed. */
function packaged(programs: readonly InstalledProgram[], history: History, family: Family): Account | undefined {
  for (const { program } of programs) {
    const name = packageAccount(program, family);
    if (name === undefined || name === 'nobody') continue;
    // Where the file makes it before the package would, it may fix its number.
    const own = madeAccounts(history).find((account) => account.name === name);
    if (own) return existing(own, history);
    const isFixed = name === 'www-data' && (family === 'debian' || family === 'ubuntu') && !hasChangedIds(name, history);
    const user = isFixed ? '33:33' : name;
    return { user, owner: user, name, uid: isFixed ? 33 : undefined, gid: isFixed ? 33 : undefined, home: undefined, source: 'package', create: undefined };
  }
  return undefined;
}

/** RULES D2: the account of the one server that a start script out of sight starts, and whose port is exposed: another may only help. */
function hiddenServers(target: Target, history: History, family: Family): Account | undefined {
  const exposed = new Set(history.ports.map(({ port }) => port));
  const programs = hiddenPrograms(target).filter(({ program }) => program.ports?.some((port) => exposed.has(port)));
  return programs.length === 1 ? packaged(programs, history, family) : undefined;
}

/** RULES D2: the account with which a server of the base's has its workers, where it is that server that is started. */
function basesServersOwn(target: Target, history: History): Account | undefined {
  return changesItsUser(target) ? shipped(history) : undefined;
}

/** RULES D3: an account of the chain that fits the started program. */
function made(target: Target, history: History): Account | undefined {
  const fitting = fittingAccount(target, history);
  if (fitting?.kind === 'made') return { ...existing(fitting.account, history), guessed: fitting.sole };
  if (fitting?.kind === 'base') return shippedAs(fitting.account);
  if (fitting?.kind !== 'owner') return undefined;
  const { name, uid, gid } = fitting;
  const user = uid === undefined ? name! : gid === undefined ? String(uid) : `${uid}:${gid}`;
  return { user, owner: user, name, uid, gid, home: undefined, source: name === undefined ? 'file' : 'base', create: undefined };
}

function existing(account: MadeAccount, history: History): Account {
  const { name, variable, variableId, home, groups, step } = account;
  // A number that who builds may choose is never written down; a name only where its variable is out of reach.
  const { uid, gid } = variableId ? { uid: undefined, gid: undefined } : account;
  const spelling = variable !== undefined && step.stage === history.stages.at(-1) ? variable : name;
  const owner = uid === undefined ? spelling : gid === undefined ? String(uid) : `${uid}:${gid}`;
  // `USER uid:gid` would drop supplementary groups; for the uid alone passwd and group say the rest.
  const user = uid !== undefined && groups.length > 0 ? String(uid) : owner;
  return { user, owner, name, uid, gid, home, source: 'file', create: undefined };
}

/**
 * A base of which no account is known and that is named for PHP or Apache brings files that are www-data's, as those of its
 * kind do; Debian and Ubuntu have it everywhere. Such a base makes the fix unsafe anyway.
 */
function webServersOwn(history: History, family: Family): Account | undefined {
  const { base } = history;
  if ((base.kind === 'image' && (base.facts?.accounts.length ?? 0) > 0) || (family !== 'debian' && family !== 'ubuntu')) return undefined;
  if (!/(^|[/_-])(php-?fpm|php-?apache|apache2?)([:@_-]|$)|(^|\/)php:\S*-(fpm|apache)/.test(base.text)) return undefined;
  if (hasChangedIds('www-data', history)) return shippedAs(withChangedIds({ name: 'www-data', uid: 33, gid: 33 }, history));
  return { ...distributionAccount('www-data', [33, 33]), source: 'base' };
}

/** RULES D4: the account that the base ships for this purpose; by its name where a server's image fixes no number. */
function shipped(history: History): Account | undefined {
  const { base } = history;
  const facts = base.kind === 'image' ? base.facts : undefined;
  if (!facts || facts.entry.action === 'create-user') return undefined;
  const accounts = basesAccounts(history).filter(({ uid, name }) => uid !== 65_534 && name !== 'ubuntu');
  const account = accounts.find(({ uid, name }) => uid !== undefined || (name !== undefined && hasChangedIds(name, history))) ?? (facts.entry.start === 'server' ? accounts[0] : undefined);
  return account && shippedAs(account);
}

function shippedAs({ name, uid, gid, home, variable }: ImageAccount): Account {
  // Without its gid the uid alone: Docker takes the group from the image's passwd.
  const owner = uid === undefined ? name! : gid === undefined ? String(uid) : `${uid}:${gid}`;
  return { user: variable ? `$${variable}` : owner, owner, name, uid, gid, home, source: 'base', create: undefined };
}

/** A new account as a stage's distribution makes it; a bare number where nothing can. */
export function newAccount(history: History): Account {
  return fresh(history);
}

/** RULES D5: a new account, or a bare number where nothing can make one. */
function fresh(history: History): Account {
  const base = basesAccounts(history);
  let id = NEW_UID;
  while (isIdTaken(id, history) || base.some(({ uid, gid }) => uid === id || gid === id)) id += 1;
  const name = ['app', 'unroot'].find((one) => !isNameTaken(one, history) && !base.some((account) => account.name === one)) ?? `app${id}`;
  const create = accountCommands(history, name, id);
  const gid = isForGroupOfRoot(history) ? 0 : id;
  const numbers = { user: `${id}:${gid}`, owner: `${id}:${gid}`, uid: id, gid };
  if (create) return { ...numbers, name, home: `/home/${name}`, source: 'new', create };
  return { ...numbers, name: undefined, home: undefined, source: 'numeric', create: undefined };
}

/** `chgrp -R 0 /opt/app && chmod -R g+rw /opt/app`: files that are made for any user with the group 0, as OpenShift starts it. */
function isForGroupOfRoot({ steps }: History): boolean {
  return steps.some((step) => {
    if (!mentions(step, 'chgrp') && !mentions(step, 'fix-permissions')) return false;
    const commands = commandsOf(step).map(unwrap);
    if (commands.some(({ name, words }) => name === 'fix-permissions' && words.length > 1)) return true;
    const isGiven = commands.some(({ name, words }) => name === 'chgrp' && hasFlag(words, 'R', 'recursive') && /^(0|root)$/.test(operands(words)[0]?.value ?? ''));
    return isGiven && commands.some(({ name, words }) => name === 'chmod' && words.some(({ value }) => /^g(=u|[+=][rXx]*w)/.test(value ?? '')));
  });
}
