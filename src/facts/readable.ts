import type { FileEdit } from '../edit.ts';
import { sourceOffset } from '../dockerfile/parse.ts';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { commandsOf, operands, unwrap } from './commands.ts';
import { type History, historyOf } from './history.ts';
import type { Reason } from './judgement.ts';
import { startOf, type StartScript } from './start.ts';

/** What makes a start script readable and executable for others than root (RULES E5). */
export interface Readable {
  edits: FileEdit[];
  doubts: Reason[];
}

/** Root executes a script that has any x bit; others need theirs. One COPY of one script gets `--chmod=0755`. */
export function readableStart(target: Target): Readable {
  const history = historyOf(target.stage, target.unit);
  const result: Readable = { edits: [], doubts: [] };
  for (const script of startOf(target).scripts) {
    if (!isClosed(script) || opensLater(script, history)) continue;
    const copy = script.file!.copy;
    const { instruction, stage } = copy.step;
    const single = copy.sources.length === 1 && copy.chmod === undefined && stage === target.stage && copy.from === undefined;
    const isFile = single && target.unit.context !== undefined && target.disk.stat(`${target.unit.context}/${copy.sources[0]}`)?.kind === 'file';
    if (!isFile) {
      result.doubts.push({ rule: 'write-sign', message: `${script.path} is closed to others than root, and it is copied along with others`, advice: `chmod a+rx ${script.file!.source}` });
      continue;
    }
    const at = sourceOffset(instruction, instruction.rest);
    result.edits.push({ path: target.unit.file.path, start: at, end: at, text: '--chmod=0755 ' });
  }
  return result;
}

/** Whether root can run a script that others can't. */
function isClosed({ file, executed }: StartScript): boolean {
  if (file?.mode === undefined || file.copy.chmod !== undefined) return false;
  const needed = executed ? 0o005 : 0o004;
  return (file.mode & needed) !== needed && (!executed || (file.mode & 0o111) !== 0);
}

/** Whether a RUN gives the script a mode of its own. */
function opensLater({ path }: StartScript, history: History): boolean {
  return history.steps.some((step) =>
    commandsOf(step).some((command) => {
      const { name, words } = unwrap(command);
      if (name !== 'chmod') return false;
      const [mode, ...paths] = operands(words);
      const opens = /^[ugoa]*\+?.*x/.test(mode?.value ?? '') ? !/^[ug]+[+=]/.test(mode!.value!) : /^0?[0-7]*[0-7][57][57]$/.test(mode?.value ?? '');
      return opens && paths.some(({ value }) => isUnder(path, resolvePath(command.cwd, value)));
    }),
  );
}

function isUnder(path: string, directory: string | undefined): boolean {
  return directory !== undefined && (path === directory || path.startsWith(`${directory.replace(/\/\*.*$/, '')}/`));
}
