import type { Stage } from '../dockerfile/parse.ts';
import { stageNamed, type Target } from '../project.ts';
import { type MadeAccount, madeAccounts } from './accounts.ts';
import { type Copy, copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import { historyOf } from './history.ts';
import { startOf } from './start.ts';
import { baseUser } from './user.ts';

/** The stage that makes the files of an account. */
export interface AccountStage {
  name: string;
  /** What follows its FROM. */
  from: string;
}

/** RULES D3: an account with numbers that an earlier stage makes and whose passwd is copied over; undefined for none. */
export function copiedAccount(target: Target): MadeAccount | undefined {
  const stage = passwdStage(target);
  if (!stage) return undefined;
  return madeAccounts(historyOf(stage, target.unit)).findLast(({ uid, gid, variableId }) => uid !== undefined && uid !== 0 && gid !== undefined && !variableId);
}

/** The earlier stage whose passwd is copied over; undefined for none. */
export function passwdStage(target: Target): Stage | undefined {
  const copy = copiesOf(historyOf(target.stage, target.unit)).find(isPasswd);
  return copy?.from === undefined ? undefined : stageNamed(target.unit.dockerfile.stages, copy.from, target.stage.index);
}

/** Whether something in sight says that the program wants /tmp, which scratch does not have. */
export function wantsTmp(target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  const isInTmp = (text: string | null | undefined) => text !== undefined && text !== null && /(^|[=:])\/tmp(\/|$)/.test(text);
  if (copiesOf(history).some(({ destination }) => isInTmp(destination)) || history.volumes.some(({ path }) => isInTmp(path))) return false;
  return ['TMPDIR', 'TMP', 'TEMP'].some((name) => isInTmp(history.variables(name))) || startOf(target).commands.some(({ words }) => words.slice(1).some(({ value }) => isInTmp(value)));
}

/**
 * RULES D, scratch: what the account's stage is built from, and its name; undefined where the
 * number alone must do: no image with a shell is in use, a number counts stages from here on, or the
 * target has accounts already.
 */
export function accountStage(target: Target): AccountStage | undefined {
  const { dockerfile } = target.unit;
  const { stages } = dockerfile;
  if (target.unit.config?.scratch === 'numeric' || hasPasswd(target) || isCountedOn(target)) return undefined;
  const donor = stages.slice(0, target.stage.index).findLast((stage) => restsOnImage(stage, stages) && hasShell(stage, target));
  if (!donor) return undefined;
  const platform = donor.platform === undefined ? '' : `--platform=${donor.platform} `;
  return { name: freeName(stages), from: `${platform}${donor.base}` };
}

/** Whether a stage further down names this one or a later one by number, which a new stage would shift. */
function isCountedOn({ unit, stage }: Target): boolean {
  const numbers = unit.dockerfile.instructions.flatMap(({ flags }) => flags.filter(({ name }) => name === 'from').map(({ value }) => Number(value)));
  return numbers.some((number) => number >= stage.index);
}

/** An image rather than a stage: the account does not wait for a build, and nothing new is pulled. */
function restsOnImage(stage: Stage, stages: readonly Stage[]): boolean {
  return stageNamed(stages, stage.base, stage.index) === undefined && stage.base !== 'scratch';
}

function hasPasswd(target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  return copiesOf(history).some((copy) => isPasswd(copy) || copy.destination === '/');
}

function isPasswd({ destination, sources }: Copy): boolean {
  return destination === '/etc/passwd' || (destination === '/etc' && sources.some((source) => source?.endsWith('passwd')));
}

/** Whether root works in a stage that has a shell. */
export function hasShell(stage: Stage, target: Target): boolean {
  const history = historyOf(stage, target.unit);
  const family = familyOf(history);
  // Somebody else than root can't make files where the account's stage makes them.
  if (baseUser(history).kind !== 'root') return false;
  if (family === 'scratch' || family === 'distroless' || family === 'windows') return false;
  return family !== 'unknown' || history.steps.some(({ instruction }) => instruction.keyword === 'RUN' && !instruction.json);
}

function freeName(stages: readonly Stage[]): string {
  const taken = new Set(stages.map(({ name }) => name));
  const names = ['account', 'unroot-account'];
  return names.find((name) => !taken.has(name)) ?? `account-${stages.length}`;
}
