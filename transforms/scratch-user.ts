import { doubtsOf } from '../src/facts/doubts.ts';
import { historyOf } from '../src/facts/history.ts';
import { judge } from '../src/facts/keep-away/index.ts';
import { insertLines, runLines } from '../src/facts/lines.ts';
import { above, replaceableUser, userPlace } from '../src/facts/places.ts';
import { rootAgain } from '../src/facts/built-upon.ts';
import { NEW_UID } from '../src/facts/account.ts';
import { accountStage } from '../src/facts/scratch.ts';
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
  *apply({ project, options }) {
    for (const target of project.targets) {
      const { base } = historyOf(target.stage, target.unit);
      if (base.kind === 'scratch' && judge(target).verdict === 'fixable') yield fix(target, options.user);
    }
  },
};

function fix(target: Target, wish: string | undefined): Finding {
  const owner = numeric(wish);
  const stage = accountStage(target);
  const writes = writesOf(target);
  const reasons = [
    ...doubtsOf(target),
    ...writes.map(({ path, because }) => ({
      rule: 'write-sign' as const,
      message: `${because}, and scratch has no shell to make ${path} and give it away`,
      advice: `COPY --from=STAGE --chown=${owner} ${path} ${path}`,
    })),
  ];
  return {
    target,
    path: target.unit.file.path,
    start: target.stage.from.start,
    end: target.stage.from.end,
    message: `runs as root; make it run as ${owner}`,
    safety: reasons.length > 0 ? 'unsafe' : 'safe',
    reasons,
    edits: [...edits(target, owner, stage), ...rootAgain(target)],
    user: owner,
  };
}

/** scratch knows no names: whatever is asked for by name gets the number of a new account. */
function numeric(wish: string | undefined): string {
  if (wish === undefined || !/^\d+(:\d+)?$/.test(wish)) return `${NEW_UID}:${NEW_UID}`;
  return wish.includes(':') ? wish : `${wish}:${wish}`;
}

function edits(target: Target, owner: string, stage: { name: string; from: string } | undefined): FileEdit[] {
  const [uid, gid] = owner.split(':') as [string, string];
  const user = `USER ${owner}`;
  const replaced = replaceableUser(target);
  const userEdit = replaced
    ? { path: target.unit.file.path, start: replaced.start, end: replaced.end, text: user }
    : insertLines(target, userPlace(target), stage ? [`COPY --from=${stage.name} /accounts/ /etc/`, user] : [user]);
  if (!stage) return [userEdit];
  const makeFiles = runLines(
    ['mkdir /accounts', `echo 'app:x:${uid}:${gid}:app:/:/sbin/nologin' > /accounts/passwd`, `echo 'app:x:${gid}:' > /accounts/group`],
    target.unit.dockerfile.escape,
  );
  const before = above(target.unit.dockerfile, target.stage.from);
  const copies = replaced ? [insertLines(target, above(target.unit.dockerfile, replaced), [`COPY --from=${stage.name} /accounts/ /etc/`], false)] : [];
  return [insertLines(target, before, [`FROM ${stage.from} AS ${stage.name}`, ...makeFiles], true), ...copies, userEdit];
}
