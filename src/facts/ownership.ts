import { posix } from 'node:path';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { shellWord } from '../shell/word.ts';
import type { Account } from './account.ts';
import { commandsOf, hasFlag, mentions, operands, unwrap } from './commands.ts';
import { copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import { baseEntry, type History, historyOf } from './history.ts';
import type { Reason } from './judgement.ts';
import { ownershipPlace, type Place, untriedShell, userPlace } from './places.ts';
import { isFetchedInto } from './third-party.ts';
import { directoriesMadeBy, isSystem, type Write, writesOf } from './writes.ts';

/** What has to be done so that an account may write where the program writes. */
export interface Ownership {
  /** Commands for a RUN, in order; none where nothing is to be done. */
  commands: string[];
  /** Where that RUN goes. */
  place: Place;
  /** The paths that they give away. */
  paths: string[];
  /** Places that could not be settled. */
  doubts: Reason[];
}

/**
 * RULES E: exactly the paths that something in sight says are written, and none of the code.
 * @param given paths that the target which this one builds on gives away already
 */
export function ownershipFor(target: Target, account: Account, given: readonly string[] = []): Ownership {
  const history = historyOf(target.stage, target.unit);
  const wanted = writesOf(target)
    .map((write) => placeToOwn(write, history, target))
    .filter(({ path, tree, installed }) => !given.includes(path) && !isOwned(path, account, history, installed) && (tree || !isHome(path, account)) && !isGivenByBase(path, account, history));
  const own = wanted.filter((write) => write.kind === 'file' || write.tree || write.ofBase || !isCode(write.path, history, target));
  const beside = wanted.filter((write) => !own.includes(write));
  if (!hasShell(history)) return { commands: [], place: userPlace(target), paths: [], doubts: [...beside.map(closedDoubt), ...own.map(shellDoubt)] };

  const trees = unique(own.filter(({ tree }) => tree));
  const directories = unique(own.filter(({ kind, tree }) => kind === 'directory' && !tree)).filter((path) => !trees.includes(path));
  const files = unique(own.filter(({ kind, inPlace }) => kind === 'file' && !inPlace));
  const written = unique(own.filter(({ kind, inPlace }) => kind === 'file' && inPlace));
  const open = unique(beside).filter(mayBeOpened);
  const plain = [...directories, ...files, ...written];
  const paths = [...trees, ...plain, ...open];
  const place = ownershipPlace(target, paths, account);
  const commands = [];
  const missing = [...trees, ...directories].filter((path) => !isMade(path, history, target, place) && !own.some((write) => write.path === path && write.made));
  missing.push(...new Set(files.map((path) => posix.dirname(path)).filter((path) => !isStandard(path) && !missing.includes(path) && !isMade(path, history, target, place))));
  if (missing.length > 0) commands.push(`mkdir -p ${missing.map(shellWord).join(' ')}`);
  if (files.length > 0) commands.push(`touch ${files.map(shellWord).join(' ')}`);
  if (trees.length > 0) commands.push(`chown -R ${account.owner} ${trees.map(shellWord).join(' ')}`);
  if (plain.length > 0) commands.push(`chown ${account.owner} ${plain.map(shellWord).join(' ')}`);
  const group = account.gid ?? account.name;
  if (open.length > 0 && group !== undefined) commands.push(`chgrp ${group} ${open.map(shellWord).join(' ')}`, `chmod 1775 ${open.map(shellWord).join(' ')}`);
  return { commands, place, paths, doubts: [...beside.map((write) => (open.includes(write.path) ? codeDoubt(write) : closedDoubt(write))), ...(commands.length > 0 ? shellUntried(target, place) : [])] };
}

/** A RUN of ours is the first under a SHELL that nothing shows to be in the image. */
function shellUntried(target: Target, { offset }: Place): Reason[] {
  const shell = untriedShell(target);
  if (!shell || shell.start >= offset) return [];
  return [{ rule: 'unreadable-start', message: `no RUN has tried SHELL ${shell.args}, under which directories are given away`, line: shell.line }];
}

/** Whether every system has a directory, in which a file can be made. */
function isStandard(path: string): boolean {
  return isSystem(path) ? !/^\/(etc|usr\/(local|share))\/[^/]+\/./.test(path) : /^\/(run|tmp|opt|srv|home|var|var\/(run|log|lib|cache|spool|tmp))$/.test(path);
}

/** RULES E4: a directory of the application's own may get new files beside its code; the system's never. */
function mayBeOpened(path: string): boolean {
  return path !== '/' && !isSystem(path) && !/site-packages|^\/root/.test(path);
}

/**
 * A file's directory, since logs are rotated and databases need a journal beside them. Where that is
 * the system's or holds code, a log or pid file is made itself; another is not: a program that finds
 * an empty file may take it for its data.
 */
function placeToOwn(write: Write, history: History, target: Target): Write {
  if (write.kind === 'directory' || (write.inPlace && !/\.(db|sqlite3?)$/.test(write.path))) return write;
  const parent = posix.dirname(write.path);
  const isOthers = parent === '/' || isSystem(parent) || /^\/(var|run)(\/(log|run|lib|cache|spool|tmp))?$/.test(parent) || isCode(parent, history, target);
  if (isOthers && mayBeEmpty(write.path)) return write;
  return { ...write, path: parent, kind: 'directory', tree: write.tree || isTouchedIn(parent, history) };
}

/** Whether a RUN makes empty files in a directory, which stay root's where the directory alone is given away. */
function isTouchedIn(directory: string, { steps }: History): boolean {
  return steps.some((step) => mentions(step, 'touch') && commandsOf(step).some((command) => {
    const { name, words } = unwrap(command);
    return name === 'touch' && operands(words).some(({ value }) => posix.dirname(resolvePath(command.cwd, value) ?? '') === directory);
  }));
}

/** Files that a program appends to or replaces, and never reads at its start. */
function mayBeEmpty(path: string): boolean {
  return /\.(log|pid|out|err|lock)$/.test(path) || /^\/(var\/log|run|var\/run)\//.test(path);
}

/** Whether code or dependencies lie in a directory: something is copied into it from the context or another stage, or a RUN fetches it. */
function isCode(path: string, history: History, target: Target): boolean {
  return isCopiedInto(path, history) || isFetchedInto(path, target);
}

function isCopiedInto(path: string, history: History): boolean {
  return copiesOf(history).some(({ destination, intoDirectory, sources }) => {
    if (destination === undefined) return false;
    const directory = intoDirectory || sources.length > 1 ? destination : destination === path ? path : posix.dirname(destination);
    return directory === path || directory.startsWith(`${path}/`);
  });
}

/** Whether the chain already gives a path to the account; what root installs in a directory of the account's is root's. */
function isOwned(path: string, account: Account, history: History, isInstalled = false): boolean {
  const isAccount = (owner: string | undefined) => owner !== undefined && [account.name, String(account.uid)].includes(owner.split(/[:.]/)[0]);
  return history.steps.some((step) =>
    mentions(step, /chown|install/) && commandsOf(step).some((command) => {
      const { name, words } = unwrap(command);
      const isInstall = name === 'install' && words.some(({ value }, index) => value === '-o' && isAccount(words[index + 1]?.value));
      if (name !== 'chown' && !isInstall) return false;
      const [owner, ...paths] = isInstall ? [undefined, ...operands(words, /^-[ogm]$/)] : operands(words);
      if (!isInstall && !isAccount(owner?.value)) return false;
      const recursive = hasFlag(words, 'R', 'recursive');
      return paths.some((word) => {
        const owned = resolvePath(command.cwd, word?.value);
        return owned === path || (recursive && owned !== undefined && path.startsWith(`${owned}/`)) || (owned === posix.dirname(path) && !isInstalled && isUnmade(path, history));
      });
    }),
  );
}

/** Whether nothing of the chain makes a path, so that whoever owns the directory that it is in can. */
function isUnmade(path: string, history: History): boolean {
  if (isCopiedInto(path, history) || history.volumes.some((volume) => volume.path === path)) return false;
  return !history.steps.some((step) => mentions(step, posix.basename(path)) && commandsOf(step).some((command) => [...command.words, ...command.redirects.map(({ target }) => target)].some(({ value }) => resolvePath(command.cwd, value) === path)));
}

/** Whether the chain makes the directory for certain before a place: a RUN does, or something is copied into it. */
function isMade(path: string, history: History, target: Target, { offset }: Place): boolean {
  const before = history.steps.filter(({ stage, instruction }) => stage !== target.stage || instruction.start < offset);
  if (copiesOf(history).some(({ step, destination, intoDirectory }) => before.includes(step) && destination !== undefined && (intoDirectory ? destination : posix.dirname(destination)) === path)) return true;
  return before.some((step) => commandsOf(step).some((command) => !command.conditional && directoriesMadeBy(command).includes(path)));
}

/** A base gives its own volumes to its own account, and all that it writes to the user that it runs as. */
function isGivenByBase(path: string, { source }: Account, { base }: History): boolean {
  const entry = baseEntry(base);
  if (source === 'base user') return [...(entry?.volumes ?? []), ...(entry?.writes ?? [])].includes(path);
  return source === 'base' && (entry?.volumes ?? []).includes(path);
}

/** The account's home is its own; what root makes below it is not. */
function isHome(path: string, { home }: Account): boolean {
  return home !== undefined && path === home;
}

function hasShell(history: History): boolean {
  const family = familyOf(history);
  return family !== 'distroless' && family !== 'scratch';
}

function codeDoubt({ because }: Write): Reason {
  return { rule: 'write-sign', message: `${because}, beside code: the account may make new files there and not replace root's`, advice: 'write to a directory of its own' };
}

function closedDoubt({ because, path }: Write): Reason {
  return { rule: 'write-sign', message: `${because}, beside code in ${path}, which stays closed: the account can not write there`, advice: 'write to a directory of its own' };
}

function shellDoubt({ path, because }: Write): Reason {
  return { rule: 'write-sign', message: `${because}, and the image has no shell to make ${path} and give it away`, advice: 'copy the directory from another stage with COPY --chown' };
}

function unique(writes: Write[]): string[] {
  return [...new Set(writes.map(({ path }) => path))].sort();
}
