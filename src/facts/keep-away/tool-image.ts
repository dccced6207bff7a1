import { posix } from 'node:path';
import { isWithin } from '../../image-paths.ts';
import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { isBuild, onlyBuilds, reportsTests } from '../builds.ts';
import { callerFiles, fileTool, isFilled, kindOfTool } from '../caller-files.ts';
import { mentions, operands } from '../commands.ts';
import { copiesOf } from '../copies.ts';
import { historyOf } from '../history.ts';
import { isRuntime, isShellTool } from '../programs.ts';
import { isRepository } from '../sight.ts';
import { type Started, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** RULES B5: a tool that works on files of whoever calls it, which no fixed uid can write. */
export const toolImage: KeepAway = (target) => {
  const evidence = (isTool(target) ? callerFiles(target) : (handsOut(target) ?? startedAlone(target))) ?? takesIn(target) ?? buildsOnly(target) ?? worksOnVolume(target);
  if (evidence === undefined) return undefined;
  return {
    rule: 'tool-image',
    message: evidence,
    line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line,
    advice: 'run it with docker run --user "$(id -u):$(id -g)" -e HOME=/tmp …',
  };
};

/** `cp /out/* /package` and nothing else: it hands what was built to a directory of its caller. */
function handsOut(target: Target): string | undefined {
  const commands = startOf(target).commands.filter(({ name, followed }) => name !== undefined && !followed);
  const copy = commands.find(({ name }) => /^(cp|mv|tar|rsync|install)$/.test(name!));
  const rest = commands.every(({ name }) => /^(cp|mv|tar|rsync|install|ls|echo|mkdir|chmod|chown|rm|cd|set|exit|sh|bash|find|sha256sum|md5sum)$/.test(name!));
  if (!copy || !rest || startOf(target).unseen.length > 0 || copy.words.some(({ value }) => value === '--daemon')) return undefined;
  return `${copy.words.map(({ text }) => text).join(' ')} hands files to its caller`;
}

/** `cp -r /project /work` of what nothing here brings: its caller mounts that. */
function takesIn(target: Target): string | undefined {
  if (historyOf(target.stage, target.unit).ports.length > 0 || target.services.length > 0) return undefined;
  const copy = startOf(target).commands.find(({ name, words, script }) => (name === 'cp' || name === 'rsync') && !script && isCallers(operands(words)[0]?.value, target));
  return copy && `${copy.words.map(({ text }) => text).join(' ')} takes files of its caller`;
}

/** Whether a path is a directory at the root that is not the system's, and that nothing in the file makes or fills. */
function isCallers(path: string | undefined, target: Target): boolean {
  const directory = path?.replace(/\/$/, '');
  if (directory === undefined || !/^\/[\w.-]+$/.test(directory) || /^\/(bin|boot|dev|etc|home|lib\w*|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)$/.test(directory)) return false;
  const history = historyOf(target.stage, target.unit);
  const isThere = (other: string | undefined) => other === undefined || other === '/' || isWithin(other, directory);
  return !history.volumes.some((volume) => isThere(volume.path)) && !copiesOf(history).some(({ destination }) => isThere(destination)) && !history.steps.some((step) => (step.cwd !== undefined && isWithin(step.cwd, directory)) || mentions(step, directory));
}

/** `VOLUME /usr/app`, `WORKDIR /usr/app` and nothing copied into it: what is called there is for files of its caller, unless it serves. */
function worksOnVolume(target: Target): string | undefined {
  const { entrypoint, cmd, cwd, volumes, ports } = historyOf(target.stage, target.unit);
  const [verb, ...others] = cmd?.words ?? [];
  if (!entrypoint?.words || verb === undefined || others.length > 0 || ports.length > 0 || target.services.length > 0 || /[/:]|^-|^(start|serve|server|run|daemon|worker)$/.test(verb)) return undefined;
  const isThere = cwd !== undefined && volumes.some(({ path }) => path === cwd) && !isFilled(target, cwd);
  return isThere ? `${verb} works in the VOLUME ${cwd}, on files of its caller` : undefined;
}

/** `CMD ["ffmpeg"]`: without a word of what to do it shows how it is used, and is done. */
function startedAlone(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const { argv } = startOf(target);
  if (history.ports.length > 0 || target.services.length > 0) return undefined;
  return argv?.length === 1 ? (fileTool(argv) ?? kindOfTool(history)) : kindOfTool(history);
}

/** `make check` and nothing else: it builds or tests code, its caller's or root's, and is done. */
function buildsOnly(target: Target): string | undefined {
  const { ports, cwd } = historyOf(target.stage, target.unit);
  const own = startOf(target).commands.filter(({ followed }) => !followed);
  if ((ports.length > 0 && !own.some(reportsTests)) || target.services.length > 0) return undefined;
  // Where nothing is put into the directory that it works in, what it builds is mounted there, whatever the options are.
  const builds = (started: Started) => onlyBuilds(started) || (cwd !== undefined && isBuild(started) && !isFilled(target, cwd));
  const build = own.find(builds);
  if (!build) return buildScript(target);
  const isAll = own.every((started) => started.name !== undefined && (builds(started) || isShellTool(started.name)));
  return isAll ? `${build.words.map(({ text }) => text).join(' ')} builds or tests code and serves nothing` : buildScript(target);
}

/** A start script out of sight that is called after what it does, `CMD ["build"]`, or that is given a build tool to start: `CMD ["mvn"]`. */
function buildScript(target: Target): string | undefined {
  const { unseen, commands, argv = [] } = startOf(target);
  if (unseen.length !== 1) return undefined;
  const [script] = unseen as [string];
  const others = commands.filter(({ words }) => words[0]?.value !== script);
  if (others.every(({ name }) => name === 'git' || (name !== undefined && isShellTool(name))) && BUILD_SCRIPT.test(posix.basename(script))) return `${script}, by its name, builds or tests code and serves nothing`;
  if (commands.length > 2) return undefined;
  const given = argv.slice(argv.indexOf(script) + 1);
  const isBuildTool = /^(mvn|gradle|sbt|lein|ant|make|cmake|bazel)$/.test(posix.basename(given[0] ?? '')) && given.slice(1).every((word) => /^(all|build|check|clean|compile|install|package|test|verify)$/.test(word));
  return argv.includes(script) && isBuildTool ? `${script} is given ${given[0]} to start, which builds code and serves nothing` : undefined;
}

const BUILD_SCRIPT = /^(build|compile|test|(run|do)[-_]?([a-z]{1,4}|unit|integration|smoke)?[-_]?tests?|make[-_]?(dmg|deb|rpm|iso|pkg|release|package))(\.(sh|py))?$/;

/** Whether a target is a command-line tool: its ENTRYPOINT is a program, it exposes nothing and has no health, its CMD is missing or asks for help. */
export function isTool(target: Target): boolean {
  const { entrypoint, cmd, steps, base } = historyOf(target.stage, target.unit);
  const inherited = base.kind === 'image' ? (base.facts?.entry.ports ?? []) : [];
  // A port may be a variable that who builds sets; it is one all the same.
  const serves = inherited.length > 0 || steps.some(({ instruction: { keyword, args } }) => keyword === 'EXPOSE' || (keyword === 'HEALTHCHECK' && args !== 'NONE'));
  if (!entrypoint?.words || serves || target.services.length > 0 || isWorker(target) || isToldToServe(entrypoint.words)) return false;
  return cmd === undefined || cmd.words?.length === 0 || asksForHelp(target);
}

/** `ENTRYPOINT ["/entrypoint.sh", "start"]`: what the program is told to do needs no caller. */
function isToldToServe([, verb]: readonly string[]): boolean {
  return verb !== undefined && /^(start|serve|server|run-?server|daemon)$/.test(verb);
}

/** Whether all that it starts is its help: what it is run for is what its caller says. */
export function asksForHelp(target: Target): boolean {
  const { entrypoint, cmd } = historyOf(target.stage, target.unit);
  if (!entrypoint?.words || cmd === undefined || target.services.length > 0) return false;
  const words = cmd.words ?? [cmd.script];
  return words.length > 0 && words.every((word) => /^(-h|-\?|--?help|help|list|--version|-v|version)$/.test(word));
}

/** Whether a runtime starts code that the file copies, and nothing speaks of files of a caller: an application without a port. */
function isWorker(target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  const [program, ...words] = history.entrypoint?.words ?? [];
  if (program === undefined || !isRuntime(posix.basename(program))) return false;
  const copied = copiesOf(history).flatMap(({ destination }) => destination ?? []);
  const isCopied = words.some((word) => {
    const path = word.startsWith('-') ? undefined : resolvePath(history.cwd, word);
    return path !== undefined && copied.some((one) => path === one || path.startsWith(`${one.replace(/\/$/, '')}/`));
  });
  return isCopied && isRepository(target.disk, target.unit.file.root) && callerFiles(target) === undefined;
}
