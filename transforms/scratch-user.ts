import { doubtsOf } from '../src/facts/doubts.ts';
import { historyOf } from '../src/facts/history.ts';
import { judge } from '../src/facts/keep-away/index.ts';
import { insertLines, runLines } from '../src/facts/lines.ts';
import { above, accountPlace, replaceableUser, userPlace } from '../src/facts/places.ts';
import { rootAgain } from '../src/facts/built-upon.ts';
import { NEW_UID, newAccount } from '../src/facts/account.ts';
import { readableFor } from '../src/facts/readable.ts';
import { type AccountStage, accountStage, copiedAccount, hasShell, passwdStage, wantsTmp } from '../src/facts/scratch.ts';
import { dataOwed } from '../src/facts/services/owed.ts';
import { sharedByTarget } from '../src/facts/services/shared-data.ts';
import { tmpfsOver } from '../src/facts/services/tmpfs.ts';
import { writesOf } from '../src/facts/writes.ts';
import type { FileEdit } from '../src/edit.ts';
import type { Target } from '../src/project.ts';
import type { Finding, Transform } from '../src/transform.ts';

export const scratchUser: Transform = {
  name: 'scratch-user',
  summary: 'a scratch target gets an account from a stage of its own and a numeric USER',
  docs: `An image built FROM scratch has no /etc/passwd, so a name in USER would not start. A stage of its own,
right before the target and FROM an image that the file already uses, makes minimal passwd and group
files with the account app, 10001:10001; they are copied over, and USER names the numbers.

Where the file uses no image with a shell, the number alone is written.`,
  setsUser: true,
  example: 'scratch-gets-an-account-from-a-stage-of-its-own',
  *apply({ project, options }) {
    for (const unit of project.units) {
      const targets = project.targets.filter((target) => target.unit === unit && historyOf(target.stage, unit).base.kind === 'scratch' && judge(target).verdict === 'fixable');
      const byHand = targets.flatMap((target) => clashing(target, options.user) ?? []);
      yield* byHand;
      const others = targets.filter((target) => !byHand.some((finding) => finding.target === target));
      if (others.length > 0) yield* fixes(others, options.user);
    }
  },
};

/** A target that shares its data with somebody who would not get along with its account. */
function clashing(target: Target, wish: string | undefined): Finding | undefined {
  const { name, user } = accountOn(target, wish);
  const { clash } = sharedByTarget(target, user, wish);
  return clash && { ...place(target), message: message(name, user), safety: 'manual', reasons: [clash], edits: [], user: undefined };
}

/** The fixes of a file's targets on scratch, which share one stage for the account. */
function* fixes(targets: readonly Target[], wish: string | undefined): Iterable<Finding> {
  const [first] = targets as [Target, ...Target[]];
  const stage = wish !== undefined || targets.every((target) => copiedAccount(target) === undefined) ? accountStage(first) : undefined;
  const withTmp = stage !== undefined && targets.some(wantsTmp);
  const all = targets.map((target) => fix(target, accountOn(target, wish), stage, withTmp, wish));
  if (!stage) return yield* sharing(all);
  // The stage comes with a fix that is safe, if there is one: the others wait for that.
  const owner = all.find(({ safety }) => safety === 'safe') ?? all[0]!;
  const [uid, gid] = owner.user!.split(':') as [string, string];
  owner.edits.unshift(newStage(first, stage, uid, gid, withTmp));
  for (const finding of all) yield finding === owner ? finding : { ...finding, needs: owner.target };
}

/** An account that several would add to one passwd is made once: the others wait for the first. */
function* sharing(all: readonly Finding[]): Iterable<Finding> {
  for (const [index, finding] of all.entries()) {
    const same = (edit: FileEdit) => all.slice(0, index).find(({ edits }) => edits.some(({ path, start, text }) => path === edit.path && start === edit.start && text === edit.text));
    const first = finding.edits.map(same).find((one) => one !== undefined);
    yield first ? { ...finding, edits: finding.edits.filter((edit) => !same(edit)), needs: first.target } : finding;
  }
}

interface ScratchAccount {
  name: string | undefined;
  user: string;
  /** What makes it, in the stage whose passwd is copied over. */
  creation: FileEdit | undefined;
}

/** Whom a target will run as: whom the user wants, an account whose passwd is copied over, or a new one. */
function accountOn(target: Target, wish: string | undefined): ScratchAccount {
  const copied = wish === undefined ? copiedAccount(target) : undefined;
  if (copied) return { name: copied.name, user: `${copied.uid}:${copied.gid}`, creation: undefined };
  return (wish === undefined ? addedAccount(target) : undefined) ?? { name: undefined, user: numeric(wish), creation: undefined };
}

/** A new account in the passwd that is copied over: a program that gets one may look itself up. */
function addedAccount(target: Target): ScratchAccount | undefined {
  const stage = passwdStage(target);
  if (!stage || !hasShell(stage, target)) return undefined;
  const source = { ...target, stage };
  const account = newAccount(historyOf(stage, target.unit));
  if (!account.create) return undefined;
  return { name: account.name, user: account.user, creation: insertLines(source, accountPlace(source), runLines(account.create, target.unit.dockerfile.escape)) };
}

function fix(target: Target, { name, user, creation }: ScratchAccount, stage: AccountStage | undefined, withTmp: boolean, wish: string | undefined): Finding {
  const readable = readableFor(target, { owner: user });
  const reasons = [
    ...doubtsOf(target),
    ...dataOwed(target, user),
    ...sharedByTarget(target, user, wish).doubts,
    ...tmpfsOver(target, user),
    ...readable.doubts,
    ...writesOf(target)
      .filter(({ onHost }) => !onHost)
      .map(({ path, because }) => ({
        rule: 'write-sign' as const,
        message: `${because}, and scratch has no shell to make ${path} and give it away`,
        advice: `COPY --from=STAGE --chown=${user} ${path} ${path}`,
      })),
    ...(!withTmp && wantsTmp(target) ? [{ rule: 'write-sign' as const, message: 'it wants /tmp, which scratch does not have and only root can make', advice: 'copy a /tmp with mode 1777 from another stage' }] : []),
  ];
  return {
    ...place(target),
    message: message(name, user),
    safety: reasons.length > 0 ? 'unsafe' : 'safe',
    reasons,
    edits: [...(creation ? [creation] : []), ...edits(target, user, stage, withTmp), ...readable.edits, ...rootAgain(target)],
    user,
  };
}

function place(target: Target): Pick<Finding, 'target' | 'path' | 'start' | 'end'> {
  return { target, path: target.unit.file.path, start: target.stage.from.start, end: target.stage.from.end };
}

function message(name: string | undefined, user: string): string {
  return `runs as root; make it run as ${name === undefined ? user : `${name} (${user})`}`;
}

/** scratch knows no names: whatever is asked for by name gets the number of a new account. */
function numeric(wish: string | undefined): string {
  if (wish === undefined || !/^\d+(:\d+)?$/.test(wish)) return `${NEW_UID}:${NEW_UID}`;
  return wish.includes(':') ? wish : `${wish}:${wish}`;
}

function edits(target: Target, owner: string, stage: AccountStage | undefined, withTmp: boolean): FileEdit[] {
  const user = `USER ${owner}`;
  const copy = stage ? [`COPY --from=${stage.name} /accounts/ ${withTmp ? '/' : '/etc/'}`] : [];
  const replaced = replaceableUser(target);
  if (!replaced) return [insertLines(target, userPlace(target), [...copy, user])];
  const copies = stage ? [insertLines(target, above(target.unit.dockerfile, replaced), copy, false)] : [];
  return [...copies, { path: target.unit.file.path, start: replaced.start, end: replaced.end, text: user }];
}

function newStage(target: Target, { name, from }: AccountStage, uid: string, gid: string, withTmp: boolean): FileEdit {
  const etc = withTmp ? '/accounts/etc' : '/accounts';
  const directories = withTmp ? ['mkdir -p /accounts/etc /accounts/tmp', 'chmod 1777 /accounts/tmp'] : ['mkdir /accounts'];
  const files = [`echo 'app:x:${uid}:${gid}:app:/:/sbin/nologin' > ${etc}/passwd`, `echo 'app:x:${gid}:' > ${etc}/group`];
  const makeFiles = runLines([...directories, ...files], target.unit.dockerfile.escape);
  return insertLines(target, above(target.unit.dockerfile, target.stage.from), [`FROM ${from} AS ${name}`, ...makeFiles], true);
}
