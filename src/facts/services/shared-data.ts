import type { LinkedService, Project, Target } from '../../project.ts';
import { accountFor } from '../account.ts';
import { historyOf } from '../history.ts';
import { type Reason, unique } from '../judgement.ts';
import { judge } from '../keep-away/index.ts';
import { effectiveUser, isRoot } from '../user.ts';
import { dataOf, filledBy } from './data.ts';
import { serviceFix } from './fix.ts';
import { judgeService, standsAlone, userOfService } from './judge.ts';
import { changesTo } from './powers.ts';
import { builtFor, serviceTarget } from './target.ts';

/** What is to be said where a service writes its data together with others. */
export interface Shared {
  /** With whom it can not get along once it changes user, and why: then it must not change alone. */
  clash: Reason | undefined;
  /** What can't be told, or stays root. */
  doubts: Reason[];
}

/**
 * Whether a service that is to run as somebody else still gets along with those that write the same data (RULES E6):
 * what one of them makes is its own, and another user can not change it.
 * @param user whom it is to run as
 * @param wish what the user asks for with `--user`
 */
export function sharedData(linked: LinkedService, user: string, project: Project, wish: string | undefined): Shared {
  const shared: Shared = { clash: undefined, doubts: [] };
  for (const data of dataOf(linked, project)) {
    const { path, mount, sharers } = data;
    for (const { name, mount: over } of filledBy(data, linked)) {
      const options = [...over.options, 'nocopy'].join(',');
      shared.doubts.push({ rule: 'data', message: `${name} mounts ${mount.source} over files of its image at ${over.target}: a new volume may begin with those, and be root's`, advice: `keep them out of it: ${mount.source}:${over.target}:${options} in ${name}` });
    }
    for (const other of sharers) {
      const { name } = other.service;
      const theirs = userOnceFixed(other, project, wish);
      const what = mount.source ?? path;
      if (theirs === undefined || !isComparable(theirs, user)) shared.doubts.push({ rule: 'data', message: `${name} may write ${what} too, and whether it runs as the same user is not known`, advice: `see to it that ${name} runs as ${user}, or only reads it (:ro)` });
      else if (isRoot(theirs)) shared.doubts.push({ rule: 'data', message: `${name} may write ${what} too, and stays root: what it makes there, ${user} can not change`, advice: `let ${name} run as ${user} too, or only read it (:ro)` });
      else if (!isSameUser(theirs, user)) shared.clash ??= { rule: 'data', message: `${name} may write ${what} too, as ${theirs}: what one of the two makes there, the other can not change`, advice: `let both run as one user (user: or --user) and give ${what} to that, let one of them only read it (:ro), or give each a place of its own` };
    }
  }
  return shared;
}

/** The same of a target, for all services that run it. */
export function sharedByTarget({ services, project }: Target, owner: string, wish: string | undefined): Shared {
  const all = services.map((linked) => sharedData(linked, owner, project, wish));
  return { clash: all.find(({ clash }) => clash)?.clash, doubts: unique(all.flatMap(({ doubts }) => doubts)) };
}

/** Whom a service starts or ends up as once everything is fixed that can be; undefined where that is not known. */
function userOnceFixed(linked: LinkedService, project: Project, wish: string | undefined): string | undefined {
  const { user } = linked.service;
  if (user?.includes('$')) return undefined;
  const built = builtFor(linked, project);
  if (built && !standsAlone(linked, project)) {
    const { verdict } = judge(built);
    if (verdict === 'fixable') return accountFor(built, wish).owner;
    if (verdict === 'nonroot') return effectiveUser(built).text;
    return verdict === 'refused' ? 'root' : undefined;
  }
  const { verdict } = judgeService(linked, project);
  if (verdict === 'nonroot') return userOfService(linked, project);
  if (verdict === 'drops') return changesTo(linked, project)?.value ?? ownAccount(linked, project);
  if (verdict === 'refused') return 'root';
  const fix = verdict === 'fixable' ? serviceFix(linked, project, wish) : undefined;
  return fix && !('refused' in fix) ? fix.user : undefined;
}

/** The account of an image that changes user by itself. */
function ownAccount(linked: LinkedService, project: Project): string | undefined {
  const target = serviceTarget(linked, project);
  const base = target && historyOf(target.stage, target.unit).base;
  const account = base?.kind === 'image' ? base.facts?.accounts[0] : undefined;
  return account && (account.uid === undefined ? account.name : String(account.uid));
}

/** Whether two users are told apart by what is written: two names, or two numbers. */
function isComparable(one: string, other: string): boolean {
  return isRoot(one) || (!`${one}${other}`.includes('$') && /^\d/.test(one) === /^\d/.test(other));
}

/** The group says nothing: files belong to who makes them. */
function isSameUser(one: string, other: string): boolean {
  return one.split(':')[0] === other.split(':')[0];
}
