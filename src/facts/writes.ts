import { basename, posix, resolve } from 'node:path';
import { namedFor } from '../config.ts';
import { isWithin, plainPath } from '../image-paths.ts';
import type { LinkedService, Target } from '../project.ts';
import { resolvePath, type ShellCommand, type ShellWord } from '../shell/read.ts';
import { clusterMounts } from './clusters.ts';
import { builtFpmLog } from './built-fpm.ts';
import { builtHttpdLogs } from './built-httpd.ts';
import { builtNginxWrites } from './built-nginx.ts';
import { commandsOf, type Invocation, mentions, operands, option, unwrap } from './commands.ts';
import { copiesOf, originOf } from './copies.ts';
import { baseEntry, type History, historyOf, type Step } from './history.ts';
import { programOf, programWrites } from '../programs/lookup.ts';
import type { Program } from '../programs/types.ts';
import { familyOf } from './family.ts';
import { frameworkState } from './frameworks.ts';
import { memo } from './memo.ts';
import { isOpenedToAll, isTakenAway } from './after-making.ts';
import { hiddenPrograms, installedPrograms, isShellTool } from './programs.ts';
import { runLinesOf } from './run-lines.ts';
import { serversOf } from './servers.ts';
import { isShipped } from './shipped.ts';
import { sourceWrites } from './source-writes.ts';
import { BUILDERS, type Start, type Started, startOf } from './start.ts';
import { isOnlyRead } from './told-writes.ts';
import { isTouchedAfter, pathIn, pathsIn } from './touches.ts';
import { unpacksAny } from './unpacked.ts';

/** A place that the program writes, as far as something in sight says so. */
export interface Write {
  /** Absolute. */
  path: string;
  kind: 'file' | 'directory';
  /** What says so, for the reader. */
  because: string;
  /** Whether root's files may already lie there: a volume or a mount. */
  data: boolean;
  /** Whether what is copied into it belongs to the account too: a framework's own state. */
  tree?: boolean;
  /** Whether it is a directory of the base's own program, which writes there whatever is put into it. */
  ofBase?: boolean;
  /** Whether it is a folder of the host, which hides what the image has there. */
  onHost?: boolean;
  /** Whether it is a file that is there already and is written in place. */
  inPlace?: boolean;
  /** Whether the image has it already. */
  made?: boolean;
  /** Whether what a RUN builds puts it there as root, without the file saying so. */
  installed?: boolean;
}

/** Everything in sight that says that a target writes somewhere (RULES E1), in order of path, each path once. */
export const writesOf = memo((target: Target): Write[] => {
  const history = historyOf(target.stage, target.unit);
  const declared = volumes(history);
  const named = [
    ...baseWrites(target, history),
    ...packageWrites(target, history),
    ...madeDirectories(history).filter(({ path }) => !holdsStarted(path, target)),
    ...madeFiles(history),
    ...(changesItsUser(target) ? [] : emptyWorkdir(history)),
    ...startWrites(target, history),
    ...environmentWrites(history),
    ...serviceEnvironmentWrites(target, history),
    ...configuredWrites(target),
    ...serverWrites(target),
    ...builtNginxWrites(target).map(({ path, kind, by }) => ({ ...file(path, `nginx is built to write ${path} (${by})`), kind })),
    ...[builtFpmLog(target)].filter((path) => path !== undefined).map(fpmWrite),
    ...[builtHttpdLogs(target)].filter((path) => path !== undefined).map((path) => ({ ...directory(path, 'httpd is built to write its pid file and its logs there'), tree: true, installed: true })),
    ...frameworkState(target).map(({ path, framework, isFlat }) => ({ ...directory(path, `${framework} writes it`), tree: !isFlat })),
    ...sourceWrites(target).map(({ path, kind, where }) => ({ ...file(path, `${where} writes ${path}`), kind })),
  ];
  const mounted = mounts(target, history).filter(({ path }) => !isOnlyRead(path, () => [...declared, ...named].map((write) => write.path), target));
  const found = [...declared, ...mounted, ...named].filter((write) => !isOpen(write, history) && !isForbidden(write.path));
  const byPath = new Map<string, Write>();
  for (const write of found) {
    const known = byPath.get(write.path);
    byPath.set(write.path, known ? { ...known, data: known.data || write.data, tree: known.tree || write.tree || false, ofBase: known.ofBase || write.ofBase || false } : write);
  }
  return [...byPath.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
});

function volumes(history: History): Write[] {
  const own = history.volumes.flatMap(({ path }) => (path === undefined ? [] : [directory(path, `VOLUME ${path}`, true)]));
  const entry = baseEntry(history.base);
  const inherited = (entry?.volumes ?? []).map((path) => directory(path, `the base declares VOLUME ${path}`, true));
  return [...own, ...inherited];
}

/** What is mounted into it for the program to write, as far as that is in sight. */
function mounts(target: Target, history: History): Write[] {
  const claims = clusterMounts(target).map(({ path, where }) => directory(posix.normalize(path), `${where} mounts a volume on ${path}`, true));
  return [...target.services.flatMap((linked) => mountsOf(linked, target)), ...target.probable.flatMap((linked) => probableMounts(linked, target)), ...claims, ...runMounts(target, history)];
}

/** What a service mounts for the program to write: volumes, and folders of the host that the repository does not fill. */
function mountsOf({ service, directory: from }: LinkedService, { disk, unit }: Target): Write[] {
  return service.mounts.flatMap(({ type, source, target: path, readOnly }) => {
    if (readOnly || !path.startsWith('/')) return [];
    if (type === 'volume') return [directory(plainPath(path), `service ${service.name} mounts a volume on ${plainPath(path)}`, true)];
    if (type !== 'bind' || source === undefined || /(^|\/)docker\.sock$/.test(source)) return [];
    const isOfTheHost = /^[~/]|\$/.test(source);
    const host = resolve(from, source);
    if ((isShipped(host, unit.file.root, disk) && !isNamedForData(path)) || (isOfTheHost && looksLikeFile(path)) || isOfTheSystem(path)) return [];
    const mounted: Write = { ...directory(plainPath(path), `service ${service.name} mounts ${source} on ${posix.normalize(path)}`, true), onHost: true };
    if (!isSingleFile(source, path)) return [mounted];
    return looksLikeFile(path) ? [{ ...mounted, kind: 'file' }] : [];
  });
}

/** `./agent.jar:/agent.jar`: one file over another, which no directory may stand in for. */
function isSingleFile(source: string, path: string): boolean {
  return /\.[a-z]\w*$/i.test(path) && posix.extname(source) === posix.extname(path);
}

/** A folder that is mounted to be written, though the repository puts the first files into it. */
function isNamedForData(path: string): boolean {
  return /^(data|db|database|files|images|media|storage|uploads?|logs?|state)$/.test(posix.basename(path));
}

/** What a `docker run` in sight mounts for the program to write; the source over the code is for development. */
function runMounts(target: Target, history: History): Write[] {
  const holds = (path: string, other: string | undefined) => other !== undefined && (other === path || other.startsWith(`${path}/`));
  return runLinesOf(target).flatMap(({ place, mounts }) =>
    mounts.flatMap(({ source, target: to, readOnly }) => {
      const path = plainPath(to);
      const isHere = source !== undefined && /^(\.|\$\{?PWD|\$\(pwd\)|`pwd`)/.test(source);
      const isFile = looksLikeFile(path) || posix.extname(path) !== '' || (source !== undefined && posix.extname(source) !== '');
      const isCodes = holds(path, history.cwd) || copiesOf(history).some(({ destination }) => holds(path, destination));
      if (readOnly || isHere || isFile || isCodes || isOfTheSystem(path)) return [];
      const onHost = source !== undefined && /[/~$]/.test(source);
      return [{ ...directory(path, `${place} runs it with ${onHost ? 'a folder of the host' : 'a volume'} on ${path}`, true), onHost }];
    }),
  );
}

function isOfTheSystem(path: string): boolean {
  return /^\/(etc|usr|lib|var\/run|run|dev|sys|proc)(\/|$)/.test(path);
}

/** The mounts of a service that runs an image of this folder's name. */
function probableMounts(linked: LinkedService, target: Target): Write[] {
  const { service, path: file } = linked;
  return mountsOf(linked, target).map((write) => {
    return { ...write, because: `service ${service.name} in ${file} probably runs it and mounts a ${write.onHost ? 'folder' : 'volume'} on ${write.path}` };
  });
}

function directory(path: string, because: string, data = false): Write {
  return { path, kind: 'directory', because, data };
}

/** What the base's program writes, where it is that program that is started, or a script out of sight that may start it. */
function baseWrites(target: Target, history: History): Write[] {
  const entry = baseEntry(history.base);
  if (!entry?.writes || entry.start !== 'server') return [];
  const start = startOf(target);
  const programs = new Set([...(entry.cmd ?? []).slice(0, 1), ...(entry.entrypoint ?? []).slice(0, 1)].map((path) => posix.basename(path)));
  if (start.from !== 'base' && !isHandedOver(start) && start.unseen.length === 0 && !start.commands.some(({ name }) => name !== undefined && programs.has(name))) return [];
  const unpacked = entry.unpacks && unpacksAny(entry.unpacks, target) ? [posix.dirname(entry.unpacks)] : [];
  return [...entry.writes, ...unpacked]
    .filter((path) => path.startsWith('/'))
    .map((path) => ({ path, kind: looksLikeFile(path) ? ('file' as const) : ('directory' as const), because: entry.data?.includes(path) ? `${history.base.text} keeps data in ${path}` : `${history.base.text} writes it`, data: entry.data?.includes(path) ?? false, ofBase: true }));
}

/** Whether the start command is no more than arguments for an entrypoint of the base's whose name is not known: `command: start --insecure`. */
function isHandedOver({ baseEntrypoint, argv, commands }: Start): boolean {
  return baseEntrypoint === 'unknown' && argv !== undefined && commands.length === 1 && !argv[0]?.includes('/');
}

/** Its log, with the directory that its build makes for it as root. */
function fpmWrite(log: string): Write {
  const because = `php-fpm is built to log to ${log}`;
  return log === '/var/log/php-fpm.log' ? file(log, because) : { ...directory(posix.dirname(log), because), tree: true, installed: true };
}

/** What the programs of installed packages write. */
function packageWrites(target: Target, history: History): Write[] {
  // Packages may leave files of root's in them: the whole directories are given away, with what they hold.
  const packaged = [...installedPrograms(target), ...hiddenPrograms(target)].flatMap(({ program, name, packages }) => wholeWrites(program, name, packages, history));
  return [...packaged, ...besideProgram(target, history), ...builtWrites(target, history)];
}

/** What a program writes that a RUN fetches and installs from its source, with the directories that its packages have too. */
function builtWrites(target: Target, history: History): Write[] {
  return startOf(target).commands.flatMap(({ name }) => {
    const program = name === undefined || BUILT_APART.test(name) ? undefined : programOf(name);
    if (!program?.writes || installedPrograms(target).some((one) => one.program.commands === program.commands) || !isBuiltFromSource(name!, history)) return [];
    return wholeWrites(program, name!, [], history);
  });
}

/** What a program writes, directories with all that they hold. */
function wholeWrites(program: Program, name: string, packages: readonly string[], history: History): Write[] {
  return programWrites(program, familyOf(history), [name, ...packages]).map((path) => (looksLikeFile(path) ? file(path, `${name} writes it`) : { ...directory(path, `${name} writes it`), tree: true }));
}

/** Their builds say where they write. */
const BUILT_APART = /^(nginx|openresty|httpd|httpd-foreground|apachectl)$/;

/** `git clone …/asterisk.git`, and a `make install` in it. */
function isBuiltFromSource(name: string, { steps }: History): boolean {
  const isNamed = (path: string | undefined) => path !== undefined && posix.basename(path).toLowerCase().startsWith(name);
  return steps.some((step) => mentions(step, /\bmake\b/) && mentions(step, 'install') && commandsOf(step).some((command) => {
    const { name: tool, words } = unwrap(command);
    return tool === 'make' && words.some(({ value }) => value === 'install') && isNamed(command.cwd) && !mentions(step, '--prefix');
  }));
}

/** What a program writes below the prefix that it is started from, whoever installed it there: `/usr/local/openresty/bin/openresty`. */
function besideProgram(target: Target, history: History): Write[] {
  return startOf(target).commands.flatMap(({ name, words }) => {
    const [, prefix] = /^(\/(?:opt|usr\/local)\/[^/]+\/)/.exec(words[0]?.value ?? '') ?? [];
    const program = prefix === undefined || name === undefined ? undefined : programOf(name);
    if (!program) return [];
    return programWrites(program, familyOf(history), [name!]).filter((path) => path.startsWith(prefix!)).map((path) => ({ ...directory(path, `${name} writes it`), tree: true }));
  });
}

/** Whether what is started lies in a directory, whoever put it there: `go install` with GOBIN. */
function holdsStarted(directory: string, target: Target): boolean {
  const { cwd } = historyOf(target.stage, target.unit);
  return startOf(target).commands.some(({ words, command }) => words[0]?.value?.includes('/') === true && isWithin(resolvePath(command.cwd ?? cwd, words[0].value) ?? '/', directory));
}

/** Directories that a RUN makes and nothing is put into: made for the program to write. */
export function madeDirectories(history: History): Write[] {
  const made = new Map<string, Write>();
  for (const step of history.steps) {
    if (!mentions(step, MAKES_DIRECTORIES)) continue;
    for (const command of commandsOf(step)) {
      for (const path of directoriesMadeBy(command)) {
        if (made.has(path) || isSystem(path) || isInstalled(path, history, step)) continue;
        const filled = isFilled(path, step, command, history);
        if (filled && !holdsEmptyLogs(path, history)) continue;
        made.set(path, { ...directory(path, `RUN makes ${path} and puts nothing into it`), tree: filled || isOverlaid(step, history) });
      }
    }
  }
  return [...made.values()];
}

/** `cp -r overlays/* /` behind a step: files that nobody here sees may land in any directory that is there. */
function isOverlaid(madeIn: Step, history: History): boolean {
  const later = history.steps.slice(history.steps.indexOf(madeIn));
  return later.some((step) => mentions(step, /\b(cp|rsync)\b/) && commandsOf(step).some((command) => {
    const { name, words } = unwrap(command);
    return (name === 'cp' || name === 'rsync') && words.at(-1)?.value === '/' && words.some(({ value, text }) => /^-[a-zA-Z]*[raR]/.test(value ?? text));
  }));
}

/** What a RUN says that makes directories: most say nothing of the kind, and need not be read for it. */
export const MAKES_DIRECTORIES = /mkdir|install[^;&|]*-(d|-directory)(?![\w-])/;

/**
 * Empty files that a RUN makes for the program to write: a log, `touch /data/logs/access.log`, or one that it
 * closes to all but their owner, `touch acme.json && chmod 600 acme.json`.
 */
function madeFiles(history: History): Write[] {
  const touched = new Set<string>();
  const closed: string[] = [];
  for (const step of history.steps) {
    if (!mentions(step, 'touch') && touched.size === 0) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const paths = () => operands(words).flatMap(({ value }) => resolvePath(command.cwd, value) ?? []);
      if (name === 'touch') for (const path of paths()) touched.add(path);
      if (name === 'chmod' && /^0?600$/.test(words[1]?.value ?? '')) closed.push(...paths().filter((path) => touched.has(path)));
    }
  }
  const logs = [...touched].filter((path) => path.endsWith('.log') && !closed.includes(path));
  return [...closed.map((path) => ({ ...file(path, `RUN makes ${path} empty, and closes it to others`), inPlace: true })), ...logs.map((path) => file(path, `RUN makes ${path} empty, for a log`))];
}

/** The directories that a `mkdir` or `install -d` makes. */
export function directoriesMadeBy(command: ShellCommand): string[] {
  const { name, words } = unwrap(command);
  const isInstall = name === 'install' && words.some(({ value }) => value === '-d' || value === '--directory');
  if (name !== 'mkdir' && !isInstall) return [];
  const paths = operands(words, isInstall ? /^(-[ogm]|--(owner|group|mode))$/ : /^(-m|--mode)$/);
  return paths.flatMap(({ value }) => {
    const path = resolvePath(command.cwd, value);
    return path === undefined || /[*?{}[\]]/.test(path) ? [] : [path];
  });
}

/** Whether programs or libraries are looked for in or below a directory, or a whole tree is unpacked where it is made: an installation. */
function isInstalled(path: string, history: History, madeIn: Step): boolean {
  const onPath = SEARCHED.some((name) => (history.variables(name) ?? '').split(':').some((one) => isWithin(one, path)));
  return onPath || isToolsOwn(path, madeIn) || (/^\/usr\/local\/[^/]+$/.test(path) && isUnpackedAbove(path, history));
}

/** `mkdir /opt/go && export GOPATH=/opt/go && go get …`: the tool that is told of a directory installs into it. */
function isToolsOwn(path: string, madeIn: Step): boolean {
  if (!mentions(madeIn, TOOLS_OWN)) return false;
  return commandsOf(madeIn).some(({ words, assignments, cwd }) => {
    const exported = words[0]?.value === 'export' ? words.slice(1).map(({ value }) => value) : [];
    return [...exported, ...assignments.map(({ name, value }) => `${name}=${value ?? ''}`)].some((text) => {
      const [, name, value] = /^(\w+)=(.+)$/.exec(text ?? '') ?? [];
      return name !== undefined && TOOLS_OWN.test(name) && resolvePath(cwd, value) === path;
    });
  });
}

/** Variables by which tools of languages are told where to install. */
const TOOLS_OWN = /\b(GOPATH|GOBIN|CARGO_HOME|RUSTUP_HOME|NVM_DIR|RBENV_ROOT|PYENV_ROOT|SDKMAN_DIR|PIPX_HOME|VIRTUAL_ENV|GEM_HOME|COMPOSER_HOME)\b/;

/** Variables with the directories in which programs, libraries and modules are looked for. */
const SEARCHED = ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'NODE_PATH', 'CLASSPATH', 'PERL5LIB', 'GEM_HOME', 'BUNDLE_PATH'];

/** Whether anything but owners and modes happens to a directory after it was made. */
function isFilled(path: string, madeIn: Step, madeBy: ShellCommand, history: History): boolean {
  const isCopiedInto = copiesOf(history).some(({ destination }) => destination !== undefined && (destination === path || destination.startsWith(`${path}/`)));
  return isCopiedInto || isTouchedAfter(path, madeIn, madeBy, history) || isTakenAway(path, madeIn, madeBy, history);
}

/** `mkdir /data/logs && touch /data/logs/access.log`: what is put there are empty files, for the program to go on with. */
function holdsEmptyLogs(path: string, history: History): boolean {
  if (!/\/logs?(\/|$)/.test(path) || copiesOf(history).some(({ destination }) => destination === undefined || isWithin(destination, path) || destination === posix.dirname(path))) return false;
  const isThere = ({ cwd, words }: ShellCommand) => words.some(({ value }) => isWithin(resolvePath(cwd, value) ?? '/', path));
  return history.steps.every((step) => !mentions(step, path) || commandsOf(step).every((command) => !isThere(command) || /^(mkdir|touch|chown|chmod)$/.test(unwrap(command).name ?? '')));
}

/** A working directory that nothing is put into: the program works, and so writes, there. */
export function emptyWorkdir(history: History): Write[] {
  const { cwd } = history;
  const last = history.steps.findLast(({ instruction }) => instruction.keyword === 'WORKDIR');
  if (cwd === undefined || cwd === '/' || !last || isSystem(cwd) || isApplications(cwd)) return [];
  const within = (path: string | undefined) => path === undefined || path === cwd || path.startsWith(`${cwd}/`) || cwd.startsWith(path === '/' ? path : `${path}/`);
  if (copiesOf(history).some(({ destination }) => within(destination))) return [];
  const worked = history.steps.some((step) => step.instruction.keyword === 'RUN' && (step.cwd === cwd || isBuiltAbove(step, cwd) || commandsOf(step).some((command) => command.cwd === cwd || command.words.some(({ value }) => resolvePath(command.cwd, pathIn(value))?.startsWith(cwd)))));
  return worked || isUnpackedAbove(cwd, history) ? [] : [directory(cwd, `WORKDIR ${cwd} is empty, so the program writes there if anywhere`)];
}

/** Whether all that is started are servers whose workers had another account before: where those may write does not change. */
export function changesItsUser(target: Target): boolean {
  const programs = startOf(target).commands.filter(({ name, followed }) => name !== undefined && !followed && !isShellTool(name));
  return programs.length > 0 && programs.every(({ name }) => programOf(name!)?.need === 'root-master' || name === 'docker-php-entrypoint');
}

/** Whether a RUN builds in a directory above one: `mvn package` in /app fills /app/target. */
function isBuiltAbove(step: Step, path: string): boolean {
  const { cwd } = step;
  return cwd !== undefined && cwd !== '/' && path.startsWith(`${cwd}/`) && commandsOf(step).some((command) => BUILDERS.has(unwrap(command).name ?? ''));
}

/** Whether a RUN unpacks, clones or copies into a directory above one, which may fill that too. */
function isUnpackedAbove(path: string, history: History): boolean {
  const isAbove = (other: string | undefined) => other !== undefined && other !== '/' && path.startsWith(`${other}/`);
  return history.steps.some((step) =>
    commandsOf(step).some((command) => {
      const { name, words } = unwrap(command);
      if (name === 'cp' || name === 'mv' || name === 'rsync') return isAbove(resolvePath(command.cwd, words.at(-1)?.value));
      const unpacks = /^(bsd)?tar$|^unzip$|^7za?$|^cpio$/.test(name ?? '') || (name === 'git' && words[1]?.value === 'clone');
      return unpacks && (isAbove(command.cwd) || pathsIn(command).some(isAbove));
    }),
  );
}

/** Redirections, directories and named paths in the start command and its scripts. */
function startWrites(target: Target, history: History): Write[] {
  const found: Write[] = [];
  for (const { name, words, through, command } of startOf(target).commands) {
    const resolve = (value: string | undefined) => resolvePath(command.cwd ?? history.cwd, value);
    for (const { operator, target: to } of command.redirects) {
      const path = operator.startsWith('>') || operator.startsWith('&>') ? resolve(to.value) : undefined;
      if (path !== undefined && /[^&\d]/.test(to.text)) found.push({ ...file(path, `the start command writes ${path}`), inPlace: originOf(target, path) !== undefined });
    }
    for (const path of putInto(name, words, resolve, history)) found.push(file(path, `the start command writes ${path}`));
    for (const { to, isFile } of laidBy(name, words)) found.push(...named(resolve(to), (path) => (isFile ? file(path, `the start command writes ${path}`) : directory(path, `the start command runs ${name}, which writes to ${path}`))));
    for (const to of templateOutputs(command.words)) found.push(...named(resolve(to), (path) => file(path, `the start command fills a template into ${path}`)));
    if (name === 'tee') for (const { value } of operands(words)) found.push(...named(resolve(value), (path) => file(path, `the start command writes ${path}`)));
    found.push(...builtAtStart({ name, words, through, command }, history));
    for (const path of editedFiles({ name, words, command }, target)) found.push({ ...file(path, `the start command edits ${path}`), inPlace: true }, directory(posix.dirname(path), `the start command edits ${path}, which is renamed into place`));
    found.push(...servedData({ name, words }).flatMap((value) => named(resolve(value), (path) => directory(path, `minio keeps its data in ${path}`, true))));
    for (const path of directoriesMadeBy({ ...command, words, cwd: command.cwd ?? history.cwd })) found.push(directory(path, `the start command makes ${path}`));
    found.push(...namedPaths(words, resolve));
  }
  return found;
}

/** `cp default.conf /data/`, `touch /data/ready`: what they leave, by its own path. */
function putInto(name: string | undefined, words: ShellWord[], resolve: (value: string | undefined) => string | undefined, history: History): string[] {
  const all = operands(words, name === 'touch' ? /^(-[dtr]|--(date|reference))$/ : /^(-[St]|--(suffix|target-directory))$/).map(({ value }) => value);
  if (name === 'touch') return all.flatMap((value) => resolve(value) ?? []);
  const [source, ...rest] = all;
  const to = rest.at(-1);
  const path = resolve(to);
  if (!/^(cp|mv|rsync)$/.test(name ?? '') || source === undefined || to === undefined || path === undefined || /[:*?]/.test(to)) return [];
  // One file goes to the path itself, unless that is a directory already.
  const isDirectory = to.endsWith('/') || rest.length > 1 || /[*?]/.test(source) || posix.dirname(path) === '/' || isDirectoryOf(history, path);
  return [isDirectory ? posix.join(path, posix.basename(source)) : path];
}

/** What a command that unpacks, fetches, links or makes keys leaves, as written: a file, or many in a directory. */
export function laidBy(name: string | undefined, words: readonly ShellWord[]): { to: string; isFile: boolean }[] {
  const value = (short: string | undefined, ...long: string[]) => (short === undefined ? undefined : option(words, short, undefined)?.value) ?? long.flatMap((one) => option(words, undefined, one)?.value ?? []).at(0);
  const file = (to: string | undefined) => (to === undefined || to === '-' || to.startsWith('/dev/') ? [] : [{ to, isFile: true }]);
  const folder = (to: string) => [{ to, isFile: false }];
  const given = words.slice(1).map((word) => word.value ?? word.text);
  const isTold = (pattern: RegExp) => given.some((one) => pattern.test(one));
  if (name === 'tar' || name === 'bsdtar') return /^-?[a-zA-Z]*x/.test(given[0] ?? '') || isTold(/^(-[a-zA-Z]*x[a-zA-Z]*|--extract)$/) ? folder(value('C', 'directory') ?? '.') : [];
  if (name === 'unzip') return isTold(/^-[a-zA-Z]*[lptvZz]/) ? [] : folder(value('d') ?? '.');
  if (name === 'curl') return isTold(/^(-[a-zA-Z]*O|--remote-name)$/) ? folder('.') : file(value('o', 'output'));
  if (name === 'wget') {
    const to = value('O', 'output-document');
    if (to !== undefined || isTold(/^(-[a-zA-Z]*O-|--spider|--output-document=.*|-O\S+)$/)) return file(to);
    return isTold(/:\/\//) ? folder(value('P', 'directory-prefix') ?? '.') : [];
  }
  if (name === 'openssl') return words.flatMap(({ value: one }, index) => (/^-(out|keyout)$/.test(one ?? '') ? file(words[index + 1]?.value) : []));
  const [source, to] = name === 'ln' || name === 'install' || name === 'mkfifo' ? operands(words, /^-[mogtS]$/).map((word) => word.value) : [];
  return name === 'mkfifo' ? file(source) : file(to);
}

/** `dockerize -template /app.tmpl:/etc/app.conf app`: the files that are filled before the program starts, as written. */
export function templateOutputs(words: readonly ShellWord[]): string[] {
  if (!/(^|\/)(dockerize|dockerfy)$/.test(words[0]?.value ?? '')) return [];
  return words.flatMap(({ value }, index) => {
    const given = /^--?template(?:=(.*))?$/.exec(value ?? '');
    const [, to] = (given === null ? '' : (given[1] ?? words[index + 1]?.value ?? '')).split(':');
    return to === undefined ? [] : [to];
  });
}

/** Whether the chain declares or makes a path as a directory, or something lies in it. */
function isDirectoryOf(history: History, path: string): boolean {
  if (history.cwd === path || history.volumes.some((volume) => volume.path === path)) return true;
  if (copiesOf(history).some(({ destination }) => destination?.startsWith(`${path}/`))) return true;
  return history.steps.some((step) => mentions(step, path) && commandsOf(step).some((command) => directoriesMadeBy(command).some((made) => made === path || made.startsWith(`${path}/`))));
}

function named(path: string | undefined, write: (path: string) => Write): Write[] {
  return path === undefined ? [] : [write(path)];
}

/** The paths that a `sed -i` is told to edit. */
export function editedInPlace({ name, words, command }: Pick<Started, 'name' | 'words' | 'command'>): string[] {
  if (name !== 'sed' || !words.some(({ value }) => /^(-[a-zA-Z]*i|--in-place)/.test(value ?? ''))) return [];
  const files = operands(words, /^(-e|-f|--expression|--file)$/);
  // Without -e and -f the first word is what to do; behind -i stands the ending of a copy.
  const isTold = words.some(({ value }) => /^(-[a-hj-zA-Z]*[ef]$|--(expression|file)(=|$))/.test(value ?? ''));
  return files.slice(isTold ? 0 : 1).flatMap(({ value }) => resolvePath(command.cwd, value) ?? []);
}

/** Files that a start script edits in place and that are copied in sight, in directories which may be opened for that. */
export function editedFiles(started: Pick<Started, 'name' | 'words' | 'command'>, target: Target): string[] {
  return editedInPlace(started).filter((path) => {
    const [directory, origin] = [posix.dirname(path), originOf(target, path)];
    return directory !== '/' && !isSystem(directory) && !directory.startsWith('/root') && origin !== undefined && origin !== 'elsewhere' && origin.text !== undefined;
  });
}

/** `minio server /export`: the directories that hold its data are its arguments. */
function servedData({ name, words }: Pick<Invocation, 'name' | 'words'>): string[] {
  if (name !== 'minio' || words[1]?.value !== 'server') return [];
  return operands(words.slice(1), /^(-C|-S|--(config-dir|certs-dir|address|console-address|ftp|sftp|config|memlimit))$/).flatMap(({ value }) => (value?.startsWith('/') ? [value] : []));
}

/** `go build -o server .` in a start command leaves the program where it is told, or beside the source. */
function builtAtStart({ name, words, command }: Invocation & { command: ShellCommand }, history: History): Write[] {
  if (name !== 'go' || words[1]?.value !== 'build') return [];
  const cwd = command.cwd ?? history.cwd;
  const output = option(words, 'o', undefined)?.value;
  return named(resolvePath(cwd, output ?? posix.basename(cwd ?? '')), (path) => file(path, `go build writes ${path}`));
}

function file(path: string, because: string): Write {
  return { path, kind: 'file', because, data: false };
}

const OPTION = /^--?([\w.-]*(?:log|pid|data|db|database|cache|state|storage|upload|tmp|temp(?!late)|spool|store|persist|workdir|work-dir|journal)[\w.-]*?)(?:=(.*))?$/i;
/** What such an option may be about and is only read: settings, and what opens a database or a log service. */
const ONLY_READ = /conf(ig)?|log4j|logback|pass|pswd|pwd|secret|key|cert|token|credential/i;
const FILE_OPTION = /file|pid|log$|^db$|database/i;

/** `--log-file /var/log/x.log`, `--data-dir=/data`, `-pidfile run/x.pid`. */
function namedPaths(words: { value: string | undefined }[], resolve: (value: string | undefined) => string | undefined): Write[] {
  const found: Write[] = [];
  words.forEach(({ value }, index) => {
    const match = OPTION.exec(value ?? '');
    if (!match || ONLY_READ.test(match[1]!)) return;
    const named = match[2] ?? words[index + 1]?.value;
    if (named === undefined || !/^\.{0,2}\/[^:]*$/.test(named)) return;
    const path = resolve(named);
    if (path === undefined) return;
    const kind = looksLikeFile(path) || (FILE_OPTION.test(match[1]!) && !/dir|path|folder/i.test(match[1]!) && !named.endsWith('/')) ? 'file' : 'directory';
    found.push({ path, kind, because: `${match[0].split('=')[0]} ${named} in the start command`, data: false });
  });
  return found;
}

const VARIABLE = /(^|_)(DATA|DATABASE|DB|LOG|LOGS|CACHE|UPLOAD|UPLOADS|STORAGE|STATE|TMP|TEMP|TMPDIR|PID|PIDFILE|LOGFILE|MEDIA|SQLITE|DATADIR|LOGDIR)(_|$)|^(HF_HOME|TORCH_HOME|SENTENCE_TRANSFORMERS_HOME|XDG_(CACHE|DATA|STATE)_HOME)$/;

/** `CONFIG_PATH=/config`: a folder at the root that nothing is put into, which a program makes and keeps its settings in. */
function namesOwnFolder(name: string, value: string, history: History): boolean {
  if (!/(^|_)(CONFIG|METADATA|BACKUPS?|LIBRARY)_(PATH|DIR|DIRECTORY|FOLDER)$/.test(name) || !/^\/[\w-]+\/?$/.test(value)) return false;
  return !copiesOf(history).some(({ destination }) => destination !== undefined && isWithin(destination, plainPath(value)));
}

/** Variables of the image that name a log, data, cache, upload or database path. */
function environmentWrites(history: History): Write[] {
  const found: Write[] = [];
  for (const { instruction } of history.steps) {
    if (instruction.keyword !== 'ENV') continue;
    for (const [, name] of instruction.args.matchAll(/(?:^|\s)([A-Za-z_]\w*)(?==|\s)/g)) {
      const value = history.variables(name!) ?? '';
      if (!VARIABLE.test(name!) && !namesOwnFolder(name!, value, history)) continue;
      found.push(...named(pathOfVariable(value, history), (path) => ({ path, kind: looksLikeFile(path) ? 'file' : 'directory', because: `ENV ${name} names ${path}`, data: false })));
    }
  }
  return found;
}

/** The same of what a compose service sets. */
function serviceEnvironmentWrites({ services }: Target, history: History): Write[] {
  return services.flatMap(({ service }) =>
    Object.entries(service.environment).flatMap(([name, value]) =>
      VARIABLE.test(name) || namesOwnFolder(name, value, history) ? named(pathOfVariable(value, history), (path) => ({ path, kind: looksLikeFile(path) ? 'file' : 'directory', because: `${name} of service ${service.name} names ${path}`, data: false })) : [],
    ),
  );
}

/** The path that a variable's value names: absolute, `file:/x`, or an SQLite URL, which may be relative. */
function pathOfVariable(value: string, history: History): string | undefined {
  const sqlite = /^sqlite(?:\+\w+)?:\/\/\/(\/?[\w./-]+)$/.exec(value)?.[1];
  const path = sqlite === undefined ? /^(?:file:)?(\/[\w./-]+)$/.exec(value)?.[1] : resolvePath(history.cwd, sqlite);
  if (path === undefined || copiesOf(history).some(({ destination }) => destination === path)) return undefined;
  return plainPath(path);
}

/** What the configuration says that the target writes: somebody saw it. */
function configuredWrites({ unit, stage }: Target): Write[] {
  const { config, file } = unit;
  const paths = namedFor(config, config?.paths, file.absolute, stage.name ?? String(stage.index));
  return paths.map((path) => ({ ...directory(plainPath(path), `the configuration names ${path}`), kind: looksLikeFile(path) ? 'file' : 'directory' }));
}

/** What the configurations of servers name that are brought along, and what templates are written to. */
function serverWrites(target: Target): Write[] {
  return serversOf(target).flatMap(({ name, installation, configuration, templates }) => {
    const named = configuration.writes.flatMap((write): Write[] => {
      const { file: from, path, kind, directive: by } = write;
      if (from.source === undefined || installation.streams?.includes(path)) return [];
      return [{ path: path.replace(/^\/var\/run\//, '/run/'), kind, because: `${basename(from.source)} names ${path} (${by})`, data: false }];
    });
    if (!templates) return named;
    const filled = { ...directory(templates.output, `${name} fills its templates in there when it starts`), tree: true, made: true };
    return [...named, filled];
  });
}

function looksLikeFile(path: string): boolean {
  return /\.(log|pid|db|sqlite3?|sock|lock|json|txt|csv|out|err|cache|dat)$/i.test(path);
}

/** Directories that everybody may write: never owned (RULES E4). */
function isOpen({ path, data, onHost }: Write, history: History): boolean {
  if (/^\/(dev|proc)\//.test(path)) return true;
  const top = ['/tmp', '/var/tmp'].find((open) => path === open || path.startsWith(`${open}/`));
  // What is made below them is root's: by the engine for a volume, or by the chain.
  if (top !== undefined) return path === top || !((data && !onHost) || isMadeBelow(top, path, history));
  const entry = baseEntry(history.base);
  return entry?.worldWritable?.includes(path) ?? false;
}

/** Whether the chain makes a path, or a directory between it and one that everybody may write, and keeps it for root. */
function isMadeBelow(top: string, path: string, history: History): boolean {
  const isBetween = (made: string | undefined) => made !== undefined && made.startsWith(`${top}/`) && (path === made || path.startsWith(`${made}/`));
  return history.steps.some((step) => {
    const { instruction, cwd } = step;
    if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') return copiesOf(history).some((copy) => copy.step === step && (isBetween(copy.destination) || isBetween(posix.dirname(copy.destination ?? top))));
    if (instruction.keyword === 'WORKDIR') return isBetween(resolvePath(cwd, instruction.args));
    return mentions(step, top) && commandsOf(step).some((command) => directoriesMadeBy(command).some((made) => isBetween(made) && !isTakenAway(made, step, command, history) && !isOpenedToAll(made, history)));
  });
}

/** Places that are never given away, whatever names them; quotes in a path and `/path/to/…` are nobody's. */
function isForbidden(path: string): boolean {
  return path === '/' || /["']/.test(path) || /^\/path\/to(\/|$)/.test(path) || /^\/(var\/)?run\/secrets(\/|$)/.test(path) || /^\/(bin|sbin|lib|lib64|boot|dev|proc|sys|root)(\/|$)/.test(path) || /^\/(usr|etc|var|run|home|opt|srv|mnt|media)$/.test(path) || /^\/(usr|etc)\/(bin|sbin|lib|lib64|share|include|local)?$/.test(path);
}

/** Directories of the distribution, and of code. A `mkdir` there is part of an installation. */
export function isSystem(path: string): boolean {
  if (isForbidden(path) || /^\/(etc|var\/lib\/(apt|dpkg)|var\/cache\/(apt|apk)|run\/(sshd|lock)|var\/run\/sshd)(\/|$)/.test(path)) return true;
  return path.startsWith('/usr/') && !path.startsWith('/usr/src/') && !isApplications(path);
}

const STANDARD_LOCAL = /^(s?bin|lib(32|64|exec)?|share|include|etc|man|src|games)$/;
const STANDARD_SHARE =
  /^(applications|base-files|bash-completion|bug|ca-certificates|common-licenses|consolefont|dbus.*|desktop-directories|dict|doc.*|fontconfig|fonts|games|gcc.*|glib.*|gnupg|i18n|icons|info|java|javascript|keyrings|lintian|locale|man|maven-repo|menu|mime.*|misc|pam.*|perl.*|php.*|pixmaps|pki|polkit.*|python.*|sounds|ssl-cert|systemd|tabset|terminfo|themes|tomcat.*|udev|vim|X11|xml|zoneinfo|zsh)$/;

/** `/usr/local/NAME` and `/usr/share/NAME` are an application's own, but for the names that every system has there. */
function isApplications(path: string): boolean {
  const [, under, name, part = ''] = /^\/usr\/(local|share)\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  return name !== undefined && !(under === 'local' ? STANDARD_LOCAL : STANDARD_SHARE).test(name) && !/^(s?bin|lib(32|64|exec)?|include)$/.test(part);
}
