import { isRefused } from '../src/compose/edit.ts';
import { type Account, accountFor } from '../src/facts/account.ts';
import { fixedParent, rootAgain, worksItself } from '../src/facts/built-upon.ts';
import { accountDoubts, doubtsOf, noteOn } from '../src/facts/doubts.ts';
import { historyOf } from '../src/facts/history.ts';
import type { Reason } from '../src/facts/judgement.ts';
import { judge } from '../src/facts/keep-away/index.ts';
import { insertLines, runLines } from '../src/facts/lines.ts';
import { type Ownership, ownershipFor } from '../src/facts/ownership.ts';
import { accountPlace, replaceableUser, userPlace } from '../src/facts/places.ts';
import { lackingSysctl, needingSysctl, PORT_START, sysctlEdit } from '../src/facts/port-sysctl.ts';
import { leaveRootHome } from '../src/facts/leave-root-home.ts';
import { readableFor } from '../src/facts/readable.ts';
import { dataOwed } from '../src/facts/services/owed.ts';
import { sharedByTarget } from '../src/facts/services/shared-data.ts';
import { tmpfsOver } from '../src/facts/services/tmpfs.ts';
import type { FileEdit } from '../src/edit.ts';
import { type LinkedService, stageLabel, type Target } from '../src/project.ts';
import type { Finding, Transform, TransformOptions } from '../src/transform.ts';

export const runAsUser: Transform = {
  name: 'run-as-user',
  summary: 'a target that runs as root gets an account, the paths it must write, and USER',
  docs: `The account is, in this order: the one you ask for (--user), one that the Dockerfile makes and
that fits the started program, the one that the base image ships for this purpose (node, www-data,
nginx), or a new one, app, 10001:10001.

The account gets exactly what something in sight says that the program writes: volumes, directories
that a RUN makes and nothing is put into, log, pid, cache and database paths in the start command and
the environment, and what the base image is known to write. Code stays root's.

It stays away from what starts nothing, drops by itself, starts others, needs root, is a tool for its
caller's files, is for development, or lives under /root.`,
  setsUser: true,
  example: 'a-node-app-runs-as-the-account-node',
  *apply({ project, options }) {
    for (const target of project.targets) {
      const { base } = historyOf(target.stage, target.unit);
      if (base.kind === 'scratch' || judge(target).verdict !== 'fixable') continue;
      const finding = fixFor(target, options);
      if (finding) yield finding;
    }
  },
};

/** The fix of a target; none for one that only takes over what it builds on, which is fixed itself. */
function fixFor(target: Target, options: TransformOptions): Finding | undefined {
  const { user: wish } = options;
  const account = accountFor(target, wish);
  const parent = fixedParent(target);
  const onParent = parent && fixFor(parent, options);
  const ownership = ownershipFor(target, account, parent && ownershipFor(parent, account).paths);
  const readable = readableFor(target, account);
  if (parent && !worksItself(target) && ownership.commands.length === 0 && readable.edits.length === 0) return undefined;
  const home = leaveRootHome(target, account);
  const shared = sharedByTarget(target, account.owner, wish);
  if (shared.clash) return { ...place(target), message: `runs as root; ${intent(account, ownership)}`, safety: 'manual', reasons: [shared.clash], edits: [], user: undefined };
  const reasons = [...doubtsOf(target), ...dataOwed(target, account.owner), ...shared.doubts, ...tmpfsOver(target, account.owner), ...accountDoubts(target, account), ...ownership.doubts, ...readable.doubts, ...home.doubts];
  if (onParent?.safety === 'unsafe') reasons.push({ rule: onParent.reasons[0]!.rule, message: `it builds on ${stageLabel(parent!)}, whose fix is unsafe: ${onParent.reasons[0]!.message}` });
  const sysctl = options.sysctl ? sysctlFor(target) : NO_SYSCTL;
  return {
    ...place(target),
    message: `runs as root; ${intent(account, ownership)}${sysctl.services.length > 0 ? `, and may listen below 1024 (${PORT_START})` : ''}`,
    safety: reasons.length > 0 ? 'unsafe' : 'safe',
    reasons: [...reasons, ...notes(account), ...sysctl.notes],
    // What is added to the end of a RUN comes before what is put on the lines behind it.
    edits: [...readable.edits, ...edits(target, account, ownership), ...home.edits, ...rootAgain(target), ...sysctl.edits],
    needs: parent,
    user: account.user,
    verify: (after) => lackingSysctl(sysctl.services, after),
  };
}

interface Sysctl {
  services: LinkedService[];
  edits: FileEdit[];
  /** Where it can't be written. */
  notes: Reason[];
}

const NO_SYSCTL: Sysctl = { services: [], edits: [], notes: [] };

/** What lets the target's services keep a port below 1024. One with a user of its own is not taken off root here. */
function sysctlFor(target: Target): Sysctl {
  const sysctl: Sysctl = { services: [], edits: [], notes: [] };
  for (const linked of needingSysctl(target, target.services.filter(({ service }) => service.user === undefined))) {
    const edit = sysctlEdit(linked);
    if (isRefused(edit)) sysctl.notes.push({ rule: 'low-port', message: `sysctls of service ${linked.source.name} can't be written: ${edit.refused}`, advice: `write it by hand: ${PORT_START}=0` });
    else {
      sysctl.services.push(linked);
      sysctl.edits.push(edit);
    }
  }
  return sysctl;
}

/** What is wrong is where USER is missing: the FROM, or the USER that says root. */
function place(target: Target) {
  const { user } = historyOf(target.stage, target.unit);
  const { start, end } = user?.instruction ?? target.stage.from;
  return { target, path: target.unit.file.path, start, end };
}

function intent({ name, user, source }: Account, { paths }: Ownership): string {
  const who = name === undefined ? user : source === 'new' ? `a new account ${name} (${user})` : user === name ? name : `${name} (${user})`;
  return `make it run as ${who}${paths.length > 0 ? `, which gets ${paths.join(', ')}` : ''}`;
}

function edits(target: Target, account: Account, ownership: Ownership): FileEdit[] {
  const result: FileEdit[] = [];
  const { escape } = target.unit.dockerfile;
  if (account.create) result.push(insertLines(target, accountPlace(target), runLines(account.create, escape)));
  const userLines = [...comment(account, target), `USER ${account.user}`];
  const ownedLines = ownership.commands.length > 0 ? runLines(ownership.commands, escape) : [];
  const ownAt = ownership.place;
  const userAt = userPlace(target);
  const replaced = replaceableUser(target, ownedLines.length > 0 && ownAt.offset === userAt.offset);
  if (replaced) {
    if (ownedLines.length > 0) result.push(insertLines(target, ownAt.offset === userAt.offset ? { ...ownAt, offset: lineStartOf(target, replaced.start), above: true } : ownAt, ownedLines, false));
    result.push({ path: target.unit.file.path, start: replaced.start, end: replaced.end, text: `USER ${account.user}` });
  } else if (ownAt.offset === userAt.offset) result.push(insertLines(target, userAt, [...ownedLines, ...userLines]));
  else {
    if (ownedLines.length > 0) result.push(insertLines(target, ownAt, ownedLines));
    result.push(insertLines(target, userAt, userLines));
  }
  return result;
}

function lineStartOf(target: Target, offset: number): number {
  return target.unit.file.text.lastIndexOf('\n', offset - 1) + 1;
}

const COMMENTS: Partial<Record<Account['source'], string>> = {
  base: 'an account of the base image',
  'base user': 'an account of the base image',
  package: 'the account of the package',
};

/** A number says little: the name of an account that stands nowhere else in the file. */
function comment({ name, source, user }: Account, target: Target): string[] {
  if (name === undefined || user === name || !COMMENTS[source]) return [];
  const { steps } = historyOf(target.stage, target.unit);
  return steps.some((step) => step.user?.value?.split(':')[0] === name) ? [] : [`# ${name}, ${COMMENTS[source]}`];
}

function notes(account: Account): Reason[] {
  const message = noteOn(account);
  return message === undefined ? [] : [{ rule: 'unknown-accounts', message }];
}
