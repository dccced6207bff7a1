import type { Target } from '../project.ts';
import type { ShellCommand } from '../shell/read.ts';
import { commandsOf, unwrap } from './commands.ts';
import { copiesOf } from './copies.ts';
import { historyOf } from './history.ts';
import { runsWithVolume } from './run-lines.ts';
import { madeDirectories } from './writes.ts';

/** What says that a tool works on files of whoever calls it; undefined where nothing does. */
export function callerFiles(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const [volume] = history.volumes;
  if (volume) return `it is a tool with a VOLUME ${volume.path ?? volume.instruction.args} for its caller's files`;
  const place = runsWithVolume(target);
  if (place) return `${place} runs it with files of its caller mounted`;
  const made = madeDirectories(history).find(({ path }) => FOR_CALLERS.test(path));
  if (made) return `it is a tool, and a RUN makes ${made.path} for its caller's files`;
  const { cwd } = history;
  if (cwd !== undefined && cwd !== '/' && !isFilled(target, cwd)) return `it is a tool that works in ${cwd}, an empty directory for its caller's files`;
  return undefined;
}

/** Empty directories at the root that are there to be mounted over. */
const FOR_CALLERS = /^\/(data|dataset|bids_dataset|in|inputs?|out|outputs?|results?|work|workspace|scratch|src|source|project|repo|mnt\/\w+)$/;

/** Whether anything is put into a directory: a copy, or a RUN that works in it. */
function isFilled(target: Target, directory: string): boolean {
  const history = historyOf(target.stage, target.unit);
  const within = (path: string | undefined) => path === undefined || path === directory || path.startsWith(`${directory}/`);
  if (copiesOf(history).some(({ destination }) => within(destination))) return true;
  return history.steps.some((step) => step.instruction.keyword === 'RUN' && commandsOf(step).some((command) => mayFill(command, directory)));
}

/** Whether a command names a directory, or works there and is not one that writes elsewhere. */
function mayFill(command: ShellCommand, directory: string): boolean {
  const { name, words } = unwrap(command);
  if (words.some(({ value }) => value?.startsWith(directory))) return true;
  return command.cwd === directory && !WRITES_ELSEWHERE.test(name ?? '');
}

/** Package managers, accounts and the shell's own. */
const WRITES_ELSEWHERE = /^(apt|apt-get|aptitude|apk|yum|dnf|microdnf|zypper|pacman|dpkg|rpm|pip[\d.]*|ldconfig|locale-gen|update-alternatives|update-ca-certificates|groupadd|useradd|addgroup|adduser|usermod|rm|mkdir|chown|chmod|echo|true|set|export|cd|test|\[)$/;
