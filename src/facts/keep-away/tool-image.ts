import { historyOf } from '../history.ts';
import { startOf } from '../start.ts';
import type { KeepAway } from './index.ts';
import { callerFiles } from '../caller-files.ts';

/** RULES B5: a tool that works on files of whoever calls it, which no fixed uid can write. */
export const toolImage: KeepAway = (target) => {
  if (!isTool(target)) return undefined;
  const evidence = callerFiles(target);
  if (evidence === undefined) return undefined;
  return {
    rule: 'tool-image',
    message: evidence,
    line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line,
    advice: 'run it with docker run --user "$(id -u):$(id -g)" -e HOME=/tmp …',
  };
};

/** Whether a target is a command-line tool: its ENTRYPOINT is a program, it exposes nothing, its CMD is missing or asks for help. */
export function isTool(target: Parameters<KeepAway>[0]): boolean {
  const { entrypoint, cmd, ports, base } = historyOf(target.stage, target.unit);
  const inherited = base.kind === 'image' ? (base.facts?.entry.ports ?? []) : [];
  if (!entrypoint?.words || ports.length > 0 || inherited.length > 0 || target.services.length > 0) return false;
  if (cmd === undefined) return true;
  const words = cmd.words ?? [cmd.script];
  return words.length === 0 || words.every((word) => /^(-h|-\?|--?help|help|--version|-v|version)$/.test(word));
}
