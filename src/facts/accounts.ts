import type { ImageAccount } from '../images/types.ts';
import type { ShellCommand } from '../shell/read.ts';
import { commandsOf, hasFlag, type Invocation, mentions, operands, option, unwrap } from './commands.ts';
import type { History, Step } from './history.ts';
import { memo } from './memo.ts';

/** An account that a RUN of the chain makes. */
export interface MadeAccount {
  name: string;
  /** The variable that the file names it by, which who builds may set; undefined where it says the name. */
  variable: string | undefined;
  /** Undefined where the command leaves the choice to the tool. */
  uid: number | undefined;
  gid: number | undefined;
  group: string | undefined;
  home: string | undefined;
  groups: string[];
  /** Whether an id in the file is a variable, chosen by who builds. */
  variableId: boolean;
  step: Step;
}

const TAKES_VALUE = {
  // shadow: useradd, groupadd
  useradd: /^(-[bcdefgGkKpRPsuZ]|--(base-dir|comment|home-dir|home|expiredate|inactive|gid|groups|skel|key|password|root|prefix|shell|uid|selinux-user))$/,
  groupadd: /^(-[gKpRPU]|--(gid|key|password|root|prefix|users))$/,
  // BusyBox and Debian's adduser, addgroup
  adduser: /^(-[hgsGuk]|--(home|gecos|shell|ingroup|uid|gid|firstuid|lastuid|conf|comment))$/,
  addgroup: /^(-g|--gid)$/,
};

/** Accounts and groups as the chain leaves them. */
interface Book {
  accounts: MadeAccount[];
  /** The number of each group that the chain makes, where it says one. */
  groups: Map<string, number | undefined>;
  /** Accounts that the chain removes, of the base or its own. */
  removed: Set<string>;
  /** The numbers that the chain gives to accounts of the base, by name; undefined where one is not known. */
  changed: Map<string, ChangedIds>;
}

/** What became of the numbers of an account that the base brings. */
type ChangedIds = { uid?: number | undefined; gid?: number | undefined };

/** The accounts that the chain makes, in order; a later change of ids is taken in, a removed one is out. */
export function madeAccounts(history: History): MadeAccount[] {
  return bookOf(history).accounts;
}

/** Whether the chain removes an account. */
export function isRemoved(name: string | undefined, history: History): boolean {
  return name !== undefined && bookOf(history).removed.has(name);
}

/** Whether the chain gives an account of the base other numbers. */
export function hasChangedIds(name: string, history: History): boolean {
  return bookOf(history).changed.has(name);
}

/** An account of the base with the numbers that the chain gives it, without those that are not known any more. */
export function withChangedIds(account: ImageAccount, history: History): ImageAccount {
  const changed = account.name === undefined ? undefined : bookOf(history).changed.get(account.name);
  if (!changed) return account;
  const { uid, gid, ...rest } = { ...account, ...changed };
  return { ...rest, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

/** Whether a new account can't have this name, because the chain makes an account or group that has it. */
export function isNameTaken(name: string, history: History): boolean {
  const { accounts, groups } = bookOf(history);
  return groups.has(name) || accounts.some((account) => account.name === name);
}

/** Whether the chain gives this number to an account or a group. */
export function isIdTaken(id: number, history: History): boolean {
  const { accounts, groups } = bookOf(history);
  return [...groups.values()].includes(id) || accounts.some(({ uid, gid }) => uid === id || gid === id);
}

const bookOf = memo((history: History): Book => {
  const book: Book = { accounts: [], groups: new Map(), removed: new Set(), changed: new Map() };
  for (const step of history.steps) {
    if (!mentions(step, /user|group|passwd/)) continue;
    for (const command of commandsOf(step)) readCommand(unwrap(command), command, step, book);
  }
  return book;
});

function readCommand(invocation: Invocation, command: ShellCommand, step: Step, book: Book): void {
  const { name, words } = invocation;
  const { accounts, groups } = book;
  if (name === 'userdel' || name === 'deluser') return remove(operands(words), book);
  if (name === 'groupadd') groups.set(last(operands(words, TAKES_VALUE.groupadd)) ?? '', number(option(words, 'g', 'gid')));
  if (name === 'addgroup' || (name === 'adduser' && hasFlag(words, undefined, 'group') && !hasFlag(words, undefined, 'system'))) {
    const [first, second] = operands(words, TAKES_VALUE.addgroup);
    // With two names BusyBox and Debian add a user to a group.
    if (second?.value !== undefined) join(accounts, first?.value, second.value);
    else groups.set(first?.value ?? '', number(option(words, 'g', 'gid')));
    return;
  }
  if (name === 'useradd' || name === 'adduser') addUser(name, invocation, step, accounts, groups);
  if (name === 'usermod' || name === 'groupmod') modify(name, invocation, command, book);
  if (name === 'gpasswd') join(accounts, option(words, 'a', 'add')?.value, last(operands(words, /^(-a|--add)$/)));
  if (command.redirects.some(({ target }) => target.value === '/etc/passwd')) addLine(words.map((word) => word.value).join(' '), step, accounts);
}

/** `userdel -r x`, `deluser x`; with two names `deluser` only takes x out of a group. */
function remove([user, group]: { value: string | undefined }[], { accounts, removed }: Book): void {
  if (user?.value === undefined || group) return;
  removed.add(user.value);
  const at = accounts.findIndex(({ name }) => name === user.value);
  if (at >= 0) accounts.splice(at, 1);
}

function addUser(tool: 'useradd' | 'adduser', { words }: Invocation, step: Step, accounts: MadeAccount[], groups: Map<string, number | undefined>): void {
  const [first, second] = operands(words, TAKES_VALUE[tool]);
  if (tool === 'adduser' && second?.value !== undefined) return join(accounts, first?.value, second.value);
  const name = first?.value;
  const variable = /^"?(\$\w+|\$\{\w+\})"?$/.exec(first?.text ?? '')?.[1];
  if (name === undefined || (variable === undefined && !/^[a-z_][a-z0-9_.-]*\$?$/i.test(name))) return;
  const uid = option(words, 'u', 'uid');
  const group = tool === 'useradd' ? option(words, 'g', 'gid') : (option(words, 'G', 'ingroup') ?? option(words, undefined, 'gid'));
  const primary = groupOf(group?.value, groups);
  const supplementary = tool === 'useradd' ? (option(words, 'G', 'groups')?.value ?? '').split(',').filter(Boolean) : [];
  accounts.push({
    name,
    variable,
    uid: number(uid),
    gid: group ? primary.gid : ownGroupId(tool, words, number(uid), name, groups),
    group: group ? primary.name : name,
    home: option(words, tool === 'useradd' ? 'd' : 'h', tool === 'useradd' ? 'home-dir' : 'home')?.value ?? `/home/${name}`,
    groups: supplementary,
    variableId: [uid, group].some((word) => word !== undefined && (word.value === undefined || (word.text.includes('$') && number(word) !== undefined))),
    step,
  });
}

/** A group given by number or name. */
function groupOf(text: string | undefined, groups: Map<string, number | undefined>): { name: string | undefined; gid: number | undefined } {
  if (text === undefined) return { name: undefined, gid: undefined };
  if (/^\d+$/.test(text)) return { name: undefined, gid: Number(text) };
  return { name: text, gid: text === 'root' ? 0 : groups.get(text) };
}

/** The gid of the group that the tool makes along with the account, which has the uid's number where that is free. */
function ownGroupId(tool: string, words: Invocation['words'], uid: number | undefined, name: string, groups: Map<string, number | undefined>): number | undefined {
  if (groups.has(name)) return groups.get(name);
  const system = hasFlag(words, tool === 'useradd' ? 'r' : 'S', 'system');
  return system || hasFlag(words, tool === 'useradd' ? 'N' : undefined, 'no-user-group') ? undefined : uid;
}

function modify(tool: 'usermod' | 'groupmod', { words }: Invocation, command: ShellCommand, { accounts, groups, changed }: Book): void {
  const target = last(operands(words, tool === 'usermod' ? /^(-[cdefgGlpRsuvwZ]|--(uid|gid|groups|home|shell|login|comment))$/ : /^(-[gnpR]|--(gid|new-name))$/));
  if (target === undefined) return;
  // A number that who builds may choose, or that a branch sets, is not known.
  const set = (word: ReturnType<typeof option>) => (command.conditional || word?.text.includes('$') ? undefined : number(word));
  if (tool === 'groupmod') {
    const gid = option(words, 'g', 'gid');
    if (!gid) return;
    groups.set(target, number(gid));
    for (const account of accounts) if (account.group === target) account.gid = number(gid);
    if (!accounts.some(({ group }) => group === target)) changed.set(target, { ...changed.get(target), gid: set(gid) });
    return;
  }
  const uid = option(words, 'u', 'uid');
  const account = accounts.find((one) => one.name === target);
  if (!account) {
    if (uid) changed.set(target, { ...changed.get(target), uid: set(uid) });
    return;
  }
  if (uid) account.uid = number(uid);
  const added = option(words, 'G', 'groups')?.value;
  if (added) account.groups.push(...added.split(','));
}

function addLine(text: string, step: Step, accounts: MadeAccount[]): void {
  const match = /\b([a-z_][\w-]*):[^:]*:(\d+):(\d+):[^:]*:([^:]*):/.exec(text);
  if (!match) return;
  const [, name, uid, gid, home] = match as unknown as [string, string, string, string, string];
  accounts.push({ name, variable: undefined, uid: Number(uid), gid: Number(gid), group: undefined, home, groups: [], variableId: false, step });
}

function join(accounts: MadeAccount[], user: string | undefined, group: string | undefined): void {
  if (group !== undefined) accounts.find((account) => account.name === user)?.groups.push(group);
}

function number(word: { value: string | undefined } | undefined): number | undefined {
  return word?.value !== undefined && /^\d+$/.test(word.value) ? Number(word.value) : undefined;
}

function last(words: { value: string | undefined }[]): string | undefined {
  return words.at(-1)?.value;
}
