import { DISTRIBUTION_ACCOUNTS, kindredOf } from '../images/recipes.ts';
import type { ImageAccount } from '../images/types.ts';
import { isWithin } from '../image-paths.ts';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { hasChangedIds, isRemoved, type MadeAccount, madeAccounts, withChangedIds } from './accounts.ts';
import { commandsOf, mentions, operands, unwrap } from './commands.ts';
import { copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import type { History } from './history.ts';
import { memo } from './memo.ts';
import { startOf } from './start.ts';
import { writesOf } from './writes.ts';

/** An account of the chain that the file means for the started program. */
export type Fitting =
  /** One that the file makes; `sole` where nothing but its being the only one says so. */
  | { kind: 'made'; account: MadeAccount; sole: boolean }
  /** One of the base, to which the file gives what is started. */
  | { kind: 'base'; account: ImageAccount }
  /** What chown says, of which no more is known. */
  | { kind: 'owner'; name: string | undefined; uid: number | undefined; gid: number | undefined };

/** RULES D3: the account of the target's own chain that fits the started program; undefined where none does. */
export function fittingAccount(target: Target, history: History): Fitting | undefined {
  const candidates = madeAccounts(history).filter((account) => isUnprivileged(account) && !isPutIn(account.name, history));
  const fitting = candidates.filter((account) => owns(account, history) || worksAs(account, history) || (account.variableId ? isCalledAs(account, target) : saysSo(account, target, history)));
  if (fitting.length > 0) return { kind: 'made', account: fitting.at(-1)!, sole: false };
  const owner = builtFor(history) ?? ownerOfWork(target, history);
  if (owner) return owner;
  // An account that is made for nothing that can be seen is made for the program: 23 % of maintainers leave it at that.
  // One whose id who builds chooses is made for that user's own files.
  const [sole, ...others] = candidates;
  return sole && others.length === 0 && !sole.variableId ? { kind: 'made', account: sole, sole: true } : undefined;
}

const PRIVILEGED = /^(sudo|docker|wheel|root|admin|adm)$/;

function isUnprivileged({ name, uid, groups }: MadeAccount): boolean {
  return uid !== 0 && !groups.some((group) => PRIVILEGED.test(group)) && !/^(dockremap|vscode|root)$/.test(name);
}

/** Whether an account is there to be changed to by a tool, or to log in with. */
function isPutIn(name: string, history: History): boolean {
  return history.steps.some((step) =>
    mentions(step, name) && commandsOf(step).some((command) => {
      const { name: tool, words } = unwrap(command);
      return (tool === 'su' || tool === 'gosu' || tool === 'chpasswd' || tool === 'passwd') && words.some(({ value }) => value?.includes(name));
    }),
  );
}

function owns({ name, uid }: MadeAccount, history: History): boolean {
  return ownersIn(history).some(({ user }) => user === name || user === String(uid));
}

/** Whether a USER of the chain has it work, for a while at least. */
function worksAs({ name, uid }: MadeAccount, history: History): boolean {
  return history.steps.some(({ user }) => user?.value !== undefined && [name, String(uid)].includes(user.value.split(':')[0]!));
}

/** Whether an account bears the very name of what is started: it is the program's, whoever chooses its number. */
function isCalledAs({ name }: MadeAccount, target: Target): boolean {
  return startOf(target).commands.some((started) => started.name === name);
}

/** Whether its name, its home or a configuration of the build says that it is the program's. */
function saysSo(account: MadeAccount, target: Target, history: History): boolean {
  return bearsName(account, target) || livesWithProgram(account, target, history) || isConfigured(account, history);
}

/** Whether an account is called after what is started, or by a name that says that the program runs as it. */
function bearsName({ name }: MadeAccount, target: Target): boolean {
  if (name === 'node') return startOf(target).commands.some((started) => NODE.test(started.name ?? ''));
  if (/^(app|appuser|application|web|nonroot|non-root|runner|service|user|container|default|server|api|www|www-data|deploy)$/.test(name)) return true;
  const bare = name.replace(/^_/, '');
  const isIn = (text: string) => text === bare || (bare.length >= 4 && text.startsWith(bare)) || (text.length >= 4 && bare.startsWith(text));
  return startOf(target).commands.some((started) => (started.name !== undefined && isIn(started.name)) || started.words.some(({ value }) => value !== undefined && value.split(/[/.\s-]/).includes(bare)));
}

const NODE = /^(node|nodejs|npm|npx|yarn|pnpm|pm2|pm2-runtime|pm2-docker|next|nuxt|forever)$/;

/** Whether its home is where the program works, or what it writes. */
function livesWithProgram({ home }: MadeAccount, target: Target, history: History): boolean {
  if (home === undefined || /^\/(dev\/null|nonexistent|home\/[^/]+|root)?$/.test(home)) return false;
  const path = home.replace(/\/$/, '');
  return liesIn(history.cwd, path) || history.volumes.some((volume) => liesIn(volume.path, path)) || writesOf(target).some((write) => write.path === path);
}

/** Whether a program is built to run as it. */
function isConfigured({ name }: MadeAccount, history: History): boolean {
  return configuredUsers(history).includes(name);
}

/** Whom programs are built to run as: `./configure --user=nginx`, `--with-fpm-user=www-data`, in a variable too. */
const configuredUsers = memo((history: History): string[] =>
  history.steps.flatMap((step) => {
    if (!mentions(step, 'configure')) return [];
    const options = commandsOf(step).flatMap(({ words }) => words.flatMap(({ value }) => value?.trim().split(/\s+/) ?? []));
    return options.flatMap((option) => /^--[\w-]*user=([\w-]+)$/.exec(option)?.[1] ?? []);
  }),
);

/** The distribution's own account that a server is built to run as. */
function builtFor(history: History): Fitting | undefined {
  const ofDistribution = DISTRIBUTION_ACCOUNTS[kindredOf(familyOf(history))] ?? {};
  const name = configuredUsers(history).findLast((user) => user !== 'nobody' && ofDistribution[user] !== undefined);
  if (name === undefined) return undefined;
  const [uid, gid] = ofDistribution[name]!;
  return hasChangedIds(name, history) ? { kind: 'base', account: withChangedIds({ name, uid, gid }, history) } : { kind: 'owner', name, uid, gid };
}

/** The account, not made by the file, to which the chain gives the working directory, something in it, or what is started. */
function ownerOfWork(target: Target, history: History): Fitting | undefined {
  const started = startOf(target).argv?.[0];
  const isWork = (path: string | undefined) =>
    path !== undefined && (history.volumes.some((volume) => volume.path === path) || (history.cwd !== undefined && history.cwd !== '/' && (liesIn(history.cwd, path) || liesIn(path, history.cwd))) || (started?.startsWith('/') === true && liesIn(started, path)));
  const closed = madeAccounts(history).filter((account) => !isUnprivileged(account) || isPutIn(account.name, history));
  const owners = ownersIn(history).filter(({ user }) => user !== 'root' && user !== '0' && !closed.some(({ name, uid }) => user === name || user === String(uid)));
  const owner = owners.findLast(({ paths }) => paths.some(isWork)) ?? (startOf(target).unseen.length > 0 ? soleOwner(owners) : undefined);
  if (!owner) return undefined;
  const { user, group } = owner;
  const uid = numberOf(user);
  const ofBase = basesAccounts(history).find((account) => account.name === user || (uid !== undefined && account.uid === uid));
  if (ofBase) return { kind: 'base', account: ofBase };
  const ofDistribution = Object.entries(DISTRIBUTION_ACCOUNTS[kindredOf(familyOf(history))] ?? {}).find(([name, numbers]) => name === user || (uid !== undefined && numbers?.[0] === uid));
  if (ofDistribution) {
    const [name, numbers] = ofDistribution;
    return { kind: 'owner', name, uid: numbers?.[0], gid: numbers?.[1] };
  }
  return uid === undefined ? { kind: 'owner', name: user, uid: undefined, gid: undefined } : { kind: 'owner', name: undefined, uid, gid: numberOf(group) ?? uid };
}

/** To whom the chain gives things again and again, and to nobody else: where the start script is out of sight, nothing says more. */
function soleOwner(owners: readonly Owner[]): Owner | undefined {
  const [first, ...others] = owners;
  return first !== undefined && others.length > 0 && first.user !== 'nobody' && others.every(({ user }) => user === first.user) ? first : undefined;
}

/** The accounts of the base that the chain does not remove. */
export function basesAccounts(history: History): ImageAccount[] {
  const { base } = history;
  const accounts = (base.kind === 'image' ? (base.facts?.accounts ?? []) : []).filter(({ name }) => !isRemoved(name, history));
  return accounts.map((account) => withChangedIds(account, history));
}

interface Owner {
  user: string;
  group: string | undefined;
  /** Absolute paths in the image, as far as they are known. */
  paths: string[];
}

/** To whom the chain gives what, by `--chown`, `chown` and `install -o`, in order. */
function ownersIn(history: History): Owner[] {
  const copied = copiesOf(history).flatMap(({ chown, destination }) => ownerOf(chown, [destination]));
  const given = history.steps.flatMap((step) =>
    !mentions(step, /chown|install/) ? [] : commandsOf(step).flatMap((command) => {
      const { name: tool, words } = unwrap(command);
      const paths = (from: number) => operands(words, /^(-[ogm]|--(owner|group|mode|from|reference))$/).slice(from).map(({ value }) => resolvePath(command.cwd, value));
      if (tool === 'chown') return ownerOf(operands(words)[0]?.value, paths(1));
      if (tool !== 'install') return [];
      return ownerOf(words.find((_, index) => words[index - 1]?.value === '-o')?.value, paths(0));
    }),
  );
  return [...copied, ...given];
}

function ownerOf(text: string | undefined, paths: (string | undefined)[]): Owner[] {
  const [user, group] = text?.split(/[:.]/) ?? [];
  return user === undefined || user === '' ? [] : [{ user, group: group || undefined, paths: paths.filter((path) => path !== undefined) }];
}

function liesIn(path: string | undefined, directory: string): boolean {
  return path !== undefined && isWithin(path, directory);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
