import { posix } from 'node:path';
import { isWithin } from '../../image-paths.ts';
import type { Target } from '../../project.ts';
import { shellWord } from '../../shell/word.ts';
import { familyOf } from '../family.ts';
import { historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { writesOf } from '../writes.ts';
import { dataOf } from './data.ts';
import { giveAway, giveNamelessAway } from './give-away.ts';
import { givesTo } from './place.ts';

/**
 * What root may have written where a target's account must write: a reason for each path, with what has to be done once,
 * for each service that keeps something there, or probably does.
 * @param owner what chown is given
 */
export function dataOwed(target: Target, owner: string): Reason[] {
  const told = new Set<string>();
  return writesOf(target)
    .filter(({ data }) => data)
    .map(({ path, because }) => {
      const todo = advice(path, owner, target, told);
      const lines = todo.map(([line]) => line).join('\n');
      return { rule: 'data', message: `${because}; files that root wrote there stay root's`, ...(todo.length === 0 ? {} : { advice: lines, gives: todo.map(([, gives]) => gives) }) };
    });
}

/**
 * Lines, each with what it gives to whom.
 * @param told the places that were told of before: one folder may be mounted twice
 */
function advice(path: string, owner: string, target: Target, told: Set<string>): [line: string, gives: string | undefined][] {
  const family = familyOf(historyOf(target.stage, target.unit));
  const { services, probable, project } = target;
  const kept = [...services, ...probable].flatMap((linked) => dataOf(linked, project).filter((data) => isWithin(path, data.path)).map((data) => ({ linked, data: { ...data, path } })));
  const once = new Map(kept.map((one) => [one.data.mount.source ?? one.linked.service.name, one]));
  const news = [...once.values()].filter(({ linked, data: { mount } }) => isNews(`${mount.source ?? `${linked.service.name} ${mount.target}`}:${posix.relative(mount.target, path)}`, told));
  if (kept.length > 0) return [...new Map(news.map(({ linked, data }) => [giveAway(data, owner, linked, family, project), givesTo(data, owner, linked, project)]))];
  // What is mounted there is source, or can't be written.
  if (services.some(({ service }) => service.mounts.some(({ target: at }) => isWithin(path, at)))) return [];
  if (services.length > 0) return services.map((linked) => [giveNamelessAway(path, owner, linked, family, project), undefined]);
  return [[`once for each volume that is there: docker run --rm --user 0 -v VOLUME:${shellWord(path)} ${/^[\d:]+$/.test(owner) ? `busybox chown -R ${owner} ${shellWord(path)}` : `--entrypoint chown IMAGE -R ${owner} ${shellWord(path)}`}`, undefined]];
}

function isNews(place: string, told: Set<string>): boolean {
  const isNew = !told.has(place);
  told.add(place);
  return isNew;
}
