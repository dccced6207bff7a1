import { posix } from 'node:path';
import { sourceOffset, type Instruction } from '../dockerfile/parse.ts';
import type { FileEdit } from '../edit.ts';
import { isWithin } from '../image-paths.ts';
import { globMatches } from '../images/glob.ts';
import type { Mount } from '../compose/read.ts';
import type { LinkedService, Target } from '../project.ts';
import { readFlow } from '../shell/flow.ts';
import { resolvePath, type ShellWord } from '../shell/read.ts';
import { commandsOf, mentions } from './commands.ts';
import { isKeptOut } from './context-ignore.ts';
import { type Copy, copiesOf, copiesOfFile } from './copies.ts';
import { type History, historyOf, type Step } from './history.ts';
import { asksWhetherInstalled, type InstallCommand, installIn } from './install-commands.ts';
import { type Inputs, inputsOf, mountedFrom } from './install-inputs.ts';
import { packagesOf } from './installs.ts';
import { insertLines, runLines } from './lines.ts';
import { above, below, type Place } from './places.ts';
import type { MovedInstall, Problem } from './start-installs.ts';
import { isRoot } from './user.ts';

/** What has to be done in a Dockerfile so that installs happen while the image is built. */
export interface BuildSteps {
  edits: FileEdit[];
  /** What is done, for the reader: `RUN pip install …`. */
  done: string[];
  problem: Problem | undefined;
  doubts: string[];
}

/** The steps that bring what a target's start would install. What a step brings already is not brought again. */
export function buildSteps(target: Target, moves: readonly MovedInstall[]): BuildSteps {
  const wanted = unrepeated(moves);
  const result: BuildSteps = { edits: [], done: [], problem: undefined, doubts: [] };
  for (const move of wanted) {
    const { problem, doubts } = underMounts(move, target);
    if (problem) return { ...result, problem };
    result.doubts.push(...doubts);
  }
  const blocks: { place: Place; lines: string[] }[] = [];
  for (const group of groupsOf(wanted.filter((move) => !isRepeated(move, target)))) {
    if (!group.some(({ install }) => install.verb === 'install' || install.verb === 'upgrade')) continue;
    const joined = group[0]!.install.kind === 'system' ? joinedEdit(group, target) : undefined;
    if (joined) {
      result.edits.push(joined.edit);
      result.done.push(`${joined.packages.join(' ')} joins line ${joined.line}`);
      continue;
    }
    const spot = group.some(({ install }) => install.kind === 'language') ? languageSpot(group, target) : withPackageFiles(systemSpot(target), group, target);
    result.doubts.push(...spot.doubts);
    if (spot.problem !== undefined) {
      const { install, where } = group.find(({ install }) => install.kind === 'language' || packageFiles(install).length > 0) ?? group[0]!;
      return { ...result, problem: { message: `${where} runs ${shown(install)}, which ${spot.problem}`, advice: 'install it in a RUN of the Dockerfile, before USER, and take it out of the start' } };
    }
    const own = spot.after ? below(target.unit.dockerfile, spot.after) : spot.head!;
    // What is installed first may bring the tool that installs next.
    const last = blocks.at(-1);
    const block = last && own.offset <= last.place.offset ? last : { place: own, lines: [] };
    if (block !== last) blocks.push(block);
    const lines = [...spot.copies, ...runLines(commandsFor(group, cwdAt(target, block.place), target), target.unit.dockerfile.escape)];
    result.done.push(...lines);
    block.lines.push(...lines);
  }
  result.edits.push(...blocks.map(({ place, lines }) => insertLines(target, place, lines)));
  return result;
}

/** Two starts of one target may install the same: then it is done once, for the services of both. */
function unrepeated(moves: readonly MovedInstall[]): MovedInstall[] {
  const result: MovedInstall[] = [];
  for (const move of moves) {
    const at = move.install.verb === 'remove' ? -1 : result.findIndex((other) => other.text === move.text && other.cwd === move.cwd);
    if (at < 0) result.push(move);
    else result[at] = { ...result[at]!, services: [...new Set([...result[at]!.services, ...move.services])] };
  }
  return result;
}

/** What mounts make of an install of a language's packages, whether a step brings them already or will. */
function underMounts({ install, cwd, where, services }: MovedInstall, target: Target): { problem?: Problem; doubts: string[] } {
  if (install.kind !== 'language' || install.verb === 'clean') return { doubts: [] };
  const inputs = inputsOf(install, cwd, target);
  const hidden = inputs.problem === undefined ? hiddenBy(inputs, services) : undefined;
  if (hidden) return { problem: { message: `${where} runs ${shown(install)}, which ${hidden.problem}`, advice: hidden.advice }, doubts: [] };
  const covered = [...inputs.files, ...inputs.optional].filter((path) => copiesOfFile(target, path).length > 0 && isMountedOver(path, services));
  const read = covered.length > 0 ? [`${names(covered)} is read from a mount at every start: a change of it needs a new build from then on`] : [];
  return { doubts: [...kept(inputs, services, target), ...read] };
}

/** Installs that go into one RUN: of one manager, one after the other; all of them where something is removed again. */
function groupsOf(moves: readonly MovedInstall[]): MovedInstall[][] {
  const removes = moves.findIndex(({ install }) => install.verb === 'remove' && install.kind === 'system');
  const language = moves.findIndex(({ install }) => install.kind === 'language');
  if (removes > language && language >= 0) return [[...moves]];
  const groups: MovedInstall[][] = [];
  for (const move of moves) {
    const last = groups.at(-1);
    if (last && last[0]!.install.family === move.install.family && (move.install.kind === 'system' || last[0]!.cwd === move.cwd)) last.push(move);
    else groups.push([move]);
  }
  return groups;
}

/** Whether a step of the chain brings the same already. */
function isRepeated({ install, cwd }: MovedInstall, target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  if (install.verb !== 'install') return false;
  if (install.kind === 'system') {
    return !removesPackages(history, install) && install.named.every(({ value }) => value !== undefined && isInstalled(value, install, history));
  }
  const { fills } = inputsOf(install, cwd, target);
  if (copiesOf(history).some((copy) => fills.some((path) => mayBring(copy, path, target)))) return false;
  return history.steps.some((step) => commandsOf(step).some((command, index, commands) => {
    // `bundle check || bundle install` leaves the same as the install alone.
    const isCertain = !command.conditional || (index > 0 && asksWhetherInstalled(commands[index - 1]!));
    const other = isCertain ? installIn(command) : undefined;
    return other !== undefined && other.verb === 'install' && isSame(install, cwd, other, command.cwd ?? step.cwd);
  }));
}

function isInstalled(name: string, { family }: InstallCommand, history: History): boolean {
  return packagesOf(history).some((installed) => installed.name === name && familyOfManager(installed.manager) === family);
}

function familyOfManager(manager: string): InstallCommand['family'] {
  if (manager === 'apk') return 'apk';
  return manager === 'apt' || manager === 'apt-get' ? 'apt' : 'rpm';
}

/** Whether the chain takes packages away again, so that what it installs may be gone. */
function removesPackages(history: History, { family }: InstallCommand): boolean {
  return history.steps.some((step) => mentions(step, /del|remove|purge|erase/) && commandsOf(step).some((command) => {
    const other = installIn(command);
    return other?.verb === 'remove' && other.family === family && !/^auto/.test(other.words[1]?.value ?? '');
  }));
}

/** Options that change how an install looks or what it keeps, not what it brings. */
const LOOKS =
  /^(-y|-q|-qq|-qy|-yq|-yqq|-qqy|-s|-n|-U|-V|--yes|--assume-yes|--assumeyes|--quiet|--silent|--verbose|--no-cache|--update|--update-cache|--no-cache-dir|--no-progress|--no-audit|--no-fund|--prefer-offline|--prefer-dist|--no-interaction|--disable-pip-version-check|--frozen-lockfile|--immutable|--non-interactive|--progress=.*|--loglevel=.*|--fund=.*|--audit=.*|--jobs=?.*|-j\d*|--retry=?.*|--show-progress|--root-user-action=.*|--no-upgrade|--fix-missing)$/;

function isSame(one: InstallCommand, oneCwd: string | undefined, other: InstallCommand, otherCwd: string | undefined): boolean {
  return one.family === other.family && oneCwd !== undefined && oneCwd === otherCwd && meaning(one) === meaning(other);
}

/** What of an install's words says what it brings. */
function meaning({ words, family, named }: InstallCommand): string {
  const verbless = words.slice(1).filter(({ value }) => !(named.length === 0 && /^(install|i|ci|clean-install)$/.test(value ?? '')) && value !== 'install' && value !== 'add');
  const kept = verbless.filter(({ value, text }) => !LOOKS.test(value ?? text) || (family === 'pip' && value === '-U'));
  return kept.map(({ value, text }) => (value ?? text).replace(/^\.\//, '')).sort().join(' ');
}

interface Spot {
  /** The instruction that it follows; undefined for the head of the stage, where `head` says the place. */
  after: Instruction | undefined;
  head: Place | undefined;
  /** Instructions that go in front of it. */
  copies: string[];
  problem: string | undefined;
  doubts: string[];
}

/** Behind the last step that has to do with the distribution's packages, else before the stage's first work: there it stays cached. */
function systemSpot(target: Target): Spot {
  const steps = stepsOf(target);
  const last = steps.findLast((step) => isRootStep(step) && concernsPackages(step));
  const spot: Spot = { after: last?.instruction, head: undefined, copies: [], problem: undefined, doubts: [] };
  if (last) return spot;
  const first = steps.find((step) => WORK.has(step.instruction.keyword));
  if (first && isRootStep(first)) return { ...spot, head: above(target.unit.dockerfile, first.instruction) };
  const root = steps.findLast((step, index) => isRootStep(steps[index + 1] ?? { ...step, user: historyOf(target.stage, target.unit).user }));
  return root ? { ...spot, after: root.instruction } : { ...spot, after: target.stage.from };
}

/** Behind the copies of the packages that are files of the build context. */
function withPackageFiles(spot: Spot, group: readonly MovedInstall[], target: Target): Spot {
  const steps = stepsOf(target);
  let { after } = spot;
  for (const { install, cwd } of group) {
    for (const name of packageFiles(install)) {
      const path = resolvePath(cwd, name);
      const [copy] = path === undefined ? [] : copiesOfFile(target, path);
      if (!copy) return { ...spot, problem: `needs ${name}, which nothing in sight puts into the image` };
      after = later(after, steps.some(({ instruction }) => instruction === copy.step.instruction) ? copy.step.instruction : undefined);
    }
  }
  if (after && !isRootBehind(target, after)) after = later(after, steps.findLast(({ instruction }) => instruction.keyword === 'USER')?.instruction);
  return { ...spot, after };
}

/** What of a distribution's packages is a file: `./tool.deb`. */
function packageFiles({ kind, named }: InstallCommand): string[] {
  if (kind !== 'system') return [];
  return named.flatMap(({ value }) => (value !== undefined && !/^\w+:\/\//.test(value) && (/^\.{0,2}\//.test(value) || /\.(deb|rpm|apk)$/.test(value)) ? [value] : []));
}

/** What an install of packages stands before, at the head of a stage. */
const WORK = new Set(['RUN', 'COPY', 'ADD', 'VOLUME', 'CMD', 'ENTRYPOINT', 'USER']);

function concernsPackages(step: Step): boolean {
  const { instruction } = step;
  if (instruction.keyword === 'RUN') return mentions(step, /\/etc\/(apt|apk|yum|dnf)|keyrings/) || commandsOf(step).some((command) => installIn(command)?.kind === 'system' || /^(dpkg|rpm|apt-key|add-apt-repository)$/.test(command.words[0]?.value ?? ''));
  return (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') && /\/etc\/(apt|apk|yum|dnf)|keyrings/.test(instruction.args);
}

/** Behind everything that an install of a language's packages needs: its manifests, its tools, its settings. */
function languageSpot(group: readonly MovedInstall[], target: Target): Spot {
  const history = historyOf(target.stage, target.unit);
  const steps = stepsOf(target);
  const spot: Spot = { after: undefined, head: undefined, copies: [], problem: undefined, doubts: [] };
  const need = (instruction: Instruction | undefined) => {
    spot.after = later(spot.after, instruction && steps.some((step) => step.instruction === instruction) ? instruction : undefined);
  };
  need(steps.findLast(({ instruction }) => instruction.keyword === 'RUN' || instruction.keyword === 'SHELL')?.instruction);
  need(steps.findLast(({ instruction }) => instruction.keyword === 'ENV' && SETS_INSTALLS.test(instruction.args))?.instruction);
  const missing: string[] = [];
  for (const { install, cwd } of group) {
    if (install.kind !== 'language' || install.verb === 'clean') continue;
    const inputs = inputsOf(install, cwd, target);
    spot.doubts.push(...inputs.doubts);
    spot.problem ??= inputs.problem;
    if (spot.problem !== undefined) return spot;
    for (const path of [...inputs.files, ...inputs.optional]) {
      const [first] = copiesOfFile(target, path);
      if (first) need(first.step.instruction);
      else if (mountedFrom(target, path) !== undefined) missing.push(path);
      else if (inputs.files.includes(path)) spot.problem ??= takeUnseen(path, steps, need, spot);
    }
    for (const copy of copiesOf(history)) if (mustComeFirst(copy, inputs, cwd, target)) need(copy.step.instruction);
    need(steps.findLast(({ instruction, cwd: before }) => instruction.keyword === 'WORKDIR' && before !== cwd && history.cwd === cwd)?.instruction);
    if (bringsOnly([...inputs.files, ...inputs.optional], target)) {
      spot.doubts.push(`nothing but ${names(inputs.files)} is put into the image: what is started comes from a mount that is not in sight, which may hide or outdate what the build installs`);
    }
  }
  spot.copies = copyLines([...new Set(missing)], cwdBehind(target, spot.after), target);
  if (missing.length > 0) spot.doubts.push(`${names(missing)} was read from a mount at every start and is now copied: a change of it needs a new build`);
  if (spot.after === undefined) spot.head = systemSpot(target).head ?? below(target.unit.dockerfile, target.stage.from);
  if (!isRootBehind(target, spot.after)) need(steps.findLast(({ instruction }) => instruction.keyword === 'USER')?.instruction);
  return spot;
}

const SETS_INSTALLS = /\b(NODE_ENV|npm_config_\w+|NPM_\w+|YARN_\w+|PNPM_\w+|PIP_\w+|PYTHON\w*|VIRTUAL_ENV|BUNDLE_\w+|GEM_\w+|RAILS_ENV|RACK_ENV|COMPOSER\w*|\w+_proxy|PATH|HOME)\b/i;

/** A manifest that no copy brings: a RUN may have fetched it with the code. */
function takeUnseen(path: string, steps: readonly Step[], need: (instruction: Instruction) => void, spot: Spot): string | undefined {
  const fetch = steps.findLast((step) => mentions(step, /\b(git|curl|wget|tar|unzip)\b/));
  if (!fetch) return `needs ${path}, which nothing in sight puts into the image`;
  need(fetch.instruction);
  spot.doubts.push(`${path} is not in the build context; it is taken for granted that line ${fetch.instruction.line} brings it`);
  return undefined;
}

/** Whether a copy brings source that an install needs, or may bring an old dependency directory that would lie over the new one. */
function mustComeFirst(copy: Copy, { source, fills }: Inputs, cwd: string | undefined, target: Target): boolean {
  if (fills.some((path) => mayBring(copy, path, target))) return true;
  return source && cwd !== undefined && copy.destination !== undefined && (isWithin(copy.destination, cwd) || isWithin(cwd, copy.destination));
}

/** Whether a copy may bring a directory: another stage's, or the build context's where no `.dockerignore` keeps it out. */
function mayBring({ destination, sources, from }: Copy, path: string, target: Target): boolean {
  if (destination === undefined || !isWithin(path, destination)) return false;
  if (from !== undefined) return true;
  const below = posix.relative(destination, path);
  return sources.some((source) => {
    if (source === undefined) return true;
    const directory = target.unit.context !== undefined && target.disk.stat(posix.join(target.unit.context, source))?.kind === 'directory';
    return directory && !isKeptOut(target, posix.join('.', source, below));
  });
}

function isMountedOver(path: string, services: readonly LinkedService[]): boolean {
  return services.some(({ service }) => service.mounts.some(({ type, target }) => type === 'bind' && isWithin(path, target)));
}

/** Whether all that a target's own files put into its image are these files, tools for the whole system aside. */
function bringsOnly(paths: readonly string[], target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  const brought = copiesOf(history).filter(({ destination }) => destination === undefined || !/^(\/usr(\/local)?)?\/s?bin(\/|$)/.test(destination));
  if (brought.length === 0) return false;
  const isManifest = (copy: Copy) => copy.from === undefined && copy.heredocs.length === 0 && copy.sources.every((source) => source !== undefined && paths.some((path) => globMatches(posix.basename(source), posix.basename(path))));
  return brought.every(isManifest) && !history.steps.some((step) => step.instruction.keyword === 'RUN' && commandsOf(step).some((command) => !installIn(command) && !SHAPES_SYSTEM.test(command.words[0]?.value ?? '')));
}

/** What a RUN does to a system without bringing a program. */
const SHAPES_SYSTEM = /^(addgroup|adduser|apt-key|cd|chgrp|chmod|chown|corepack|echo|export|groupadd|locale-gen|mkdir|rm|set|useradd)$/;

function names(paths: readonly string[]): string {
  return [...new Set(paths.map((path) => posix.basename(path)))].join(', ');
}

/** A mount that would lie over what the install brings. */
function hiddenBy({ fills, inPlace }: Inputs, services: readonly LinkedService[]): { problem: string; advice: string } | undefined {
  for (const linked of services) {
    const { service, path: file } = linked;
    for (const filled of fills) {
      const from = takenOver(linked).find(({ mount }) => isWithin(filled, mount.target));
      if (from) return { problem: `fills ${filled}, which the volume ${from.mount.target} that service ${service.name} in ${file} takes over from ${from.name} would hide`, advice: `install in a RUN of the Dockerfile, and take ${from.mount.target} from ${from.name} no longer` };
      const mounts = service.mounts.filter(({ target: at }) => isWithin(filled, at)).sort((one, other) => other.target.length - one.target.length);
      const [mount, source] = mounts;
      if (mount?.type === 'volume' && mount.source !== undefined && source?.type === 'bind') {
        return { problem: `fills ${filled}, the volume ${mount.source} of service ${service.name} in ${file}, beside the source that is mounted at ${source.target}: the install at the start is what keeps the two in step`, advice: `leave it there for development, and give production a stage of its own` };
      }
      if (!mount || (mount.type === 'volume' && mount.target === filled)) continue;
      return {
        problem: `fills ${filled}, which the mount ${mount.source ?? ''}:${mount.target} of service ${service.name} in ${file} would hide`,
        advice: inPlace.includes(filled) ? `install it in a RUN behind the COPY of its source; what the mount hides is what that writes into ${filled} (an .egg-info folder, compiled modules), which the mounted folder needs too` : `give service ${service.name} a volume of its own there, "- ${filled}" under volumes, and install in a RUN of the Dockerfile`,
      };
    }
  }
  return undefined;
}

/** The mounts that `volumes_from` brings: nothing of the image is copied into those. */
function takenOver({ service, stack }: LinkedService): { name: string; mount: Mount }[] {
  return service.volumesFrom.flatMap((text) => {
    const [name] = text.split(':');
    const other = stack.services.find((one) => one.service.name === name);
    return other ? other.service.mounts.map((mount) => ({ name: name!, mount })) : [];
  });
}

/** Volumes that keep what an earlier install brought. */
function kept({ fills }: Inputs, services: readonly LinkedService[], target: Target): string[] {
  const history = historyOf(target.stage, target.unit);
  const mounted = services.flatMap(({ service }) => service.mounts.filter(({ type, target: at }) => type === 'volume' && fills.some((path) => isWithin(path, at))).map((mount) => ({ what: `the volume of service ${service.name} at ${mount.target}` })));
  const own = history.volumes.filter(({ path }) => path !== undefined && fills.some((filled) => isWithin(filled, path))).map(({ path }) => ({ what: `VOLUME ${path}` }));
  return [...mounted, ...own].map(({ what }) => `${what} keeps what is in it: packages of a new build reach it only when it is made anew`);
}

function copyLines(paths: readonly string[], cwd: string | undefined, target: Target): string[] {
  const byDirectory = new Map<string, string[]>();
  for (const path of paths) byDirectory.set(posix.dirname(path), [...(byDirectory.get(posix.dirname(path)) ?? []), mountedFrom(target, path)!]);
  return [...byDirectory].map(([directory, sources]) => `COPY ${sources.join(' ')} ${directory === cwd ? './' : `${directory.replace(/\/$/, '')}/`}`);
}

/** The commands of a RUN, with the usual cleaning up. */
function commandsFor(group: readonly MovedInstall[], cwd: string | undefined, target: Target): string[] {
  const commands: string[] = [];
  const families = new Set(group.map(({ install }) => install.family));
  if (families.has('apt') && !group.some(({ install }) => install.verb === 'update')) commands.push('apt-get update');
  let here = cwd;
  for (const move of group) {
    const { install, text } = move;
    if (install.family === 'apk' && (install.verb === 'update' || install.verb === 'clean')) continue;
    if ((install.kind === 'language' || packageFiles(install).length > 0) && move.cwd !== undefined && move.cwd !== here) {
      commands.push(`cd ${move.cwd}`);
      here = move.cwd;
    }
    commands.push(completed(install, text, target));
  }
  const cleans = (pattern: RegExp) => group.some(({ install, text }) => install.verb === 'clean' && pattern.test(text));
  if (families.has('apt') && !cleans(/\/lists/)) commands.push('rm -rf /var/lib/apt/lists/*');
  const rpm = group.find(({ install }) => install.family === 'rpm' && install.manager !== 'rm')?.install.manager;
  if (rpm !== undefined && !cleans(/clean all/)) commands.push(`${rpm} clean all`);
  return commands;
}

/** An install with what lets it run unattended and leave no caches: nothing that changes what it brings. */
function completed(install: InstallCommand, text: string, target: Target): string {
  const { family, verb, words } = install;
  const has = (pattern: RegExp) => words.some(({ value }) => pattern.test(value ?? ''));
  const asks = (family === 'apt' || family === 'rpm') && (verb === 'install' || verb === 'upgrade' || verb === 'remove') && install.manager !== 'rm';
  if (asks && !has(/^(-[a-z]*y[a-z]*|--yes|--assume-yes|--assumeyes|-qq)$/)) return withOption(install, text, '-y');
  if (family === 'apk' && verb === 'install' && !has(/^--no-cache$/)) return withOption(install, text, '--no-cache');
  const environment = historyOf(target.stage, target.unit).environment;
  if (family === 'pip' && verb === 'install' && !has(/^--(no-)?cache-dir/) && !environment('PIP_NO_CACHE_DIR')) return withOption(install, text, '--no-cache-dir');
  return text;
}

/** The option behind the verb. */
function withOption({ verb, words }: InstallCommand, text: string, option: string): string {
  const named = words.slice(1).find(({ value }) => value !== undefined && VERBS[verb].test(value))?.text ?? '';
  const at = text.search(new RegExp(`\\s${named}(\\s|$)`));
  return at < 0 ? text : `${text.slice(0, at + 1 + named.length)} ${option}${text.slice(at + 1 + named.length)}`;
}

const VERBS: Record<InstallCommand['verb'], RegExp> = {
  update: /^(update|makecache)$/,
  install: /^(install|add|localinstall|groupinstall)$/,
  upgrade: /^(upgrade|dist-upgrade|full-upgrade|update|distro-sync)$/,
  remove: /^(remove|purge|autoremove|autopurge|erase|del)$/,
  clean: /^clean$/,
};

/** The packages put into a step that installs with the same command and the same options. */
function joinedEdit(group: readonly MovedInstall[], target: Target): { edit: FileEdit; packages: string[]; line: number } | undefined {
  const installs = group.filter(({ install }) => install.verb === 'install').map(({ install }) => install);
  if (group.some(({ install }) => !['update', 'install', 'clean'].includes(install.verb)) || new Set(installs.map(optionsOf)).size !== 1) return undefined;
  const history = historyOf(target.stage, target.unit);
  const [wanted] = installs;
  if (removesPackages(history, wanted!)) return undefined;
  const packages = [...new Set(installs.flatMap(({ named }) => named.map(({ text }) => text)))].filter((name) => !isInstalled(name, wanted!, history));
  if (packages.some((name) => !/^[\w.+:@~=<>-]+$/.test(name))) return undefined;
  for (const { instruction, ...step } of stepsOf(target).toReversed()) {
    if (instruction.keyword !== 'RUN' || instruction.json || instruction.heredocs.length > 0 || !isRootStep(step)) continue;
    const words = lastInstalled(instruction.args, wanted!);
    if (words) return { edit: appended(words, packages, instruction, target), packages, line: instruction.line };
  }
  return undefined;
}

/** The packages of an install with the same command and options in a script that is one chain of `&&`. */
function lastInstalled(script: string, wanted: InstallCommand): ShellWord[] | undefined {
  const [only, ...others] = readFlow(script).body.items;
  if (!only || others.length > 0 || only.background) return undefined;
  const { node } = only;
  if (node.kind === 'chain' && node.operators.includes('||')) return undefined;
  for (const part of node.kind === 'chain' ? node.parts.toReversed() : [node]) {
    const install = part.kind === 'command' ? installIn(part.command) : undefined;
    if (install?.verb !== 'install' || install.manager !== wanted.manager || install.named.length === 0 || optionsOf(install) !== optionsOf(wanted)) continue;
    return install.named.at(-1)!.end === part.end ? install.named : undefined;
  }
  return undefined;
}

/** The options of an install that change what it brings, as one text. */
function optionsOf({ words, named }: InstallCommand): string {
  return words.slice(1).filter((word) => !named.includes(word) && !VERBS.install.test(word.value ?? '') && !LOOKS.test(word.value ?? word.text)).map(({ text }) => text).join(' ');
}

/** The packages behind those that are there, in the same manner: on the line, or each on a line of its own. */
function appended(words: readonly ShellWord[], packages: readonly string[], instruction: Instruction, target: Target): FileEdit {
  const { text, eol, escape } = target.unit.dockerfile;
  const startOf = (word: ShellWord) => sourceOffset(instruction, instruction.argsAt + word.pos);
  const last = words.at(-1)!;
  const end = sourceOffset(instruction, instruction.argsAt + last.end - 1) + 1;
  const lineStart = text.lastIndexOf('\n', startOf(last) - 1) + 1;
  const indent = text.slice(lineStart, startOf(last));
  const separator = indent.trim() === '' ? ` ${escape}${eol}${indent}` : ' ';
  return { path: target.unit.file.path, start: end, end, text: packages.map((name) => separator + name).join('') };
}

function stepsOf(target: Target): Step[] {
  return historyOf(target.stage, target.unit).steps.filter(({ stage }) => stage === target.stage);
}

function isRootStep({ user }: Pick<Step, 'user'>): boolean {
  return user === undefined || (user.value !== undefined && isRoot(user.value));
}

/** The instruction that stands further down. */
function later(one: Instruction | undefined, other: Instruction | undefined): Instruction | undefined {
  if (!one || !other) return one ?? other;
  return other.start > one.start ? other : one;
}

/** The step that follows an instruction, whose directory and user hold behind it. */
function stepBehind(target: Target, after: Instruction | undefined): Pick<Step, 'cwd' | 'user'> {
  const steps = stepsOf(target);
  const index = after ? steps.findIndex(({ instruction }) => instruction === after) + 1 : 0;
  return steps[index] ?? historyOf(target.stage, target.unit);
}

function cwdBehind(target: Target, after: Instruction | undefined): string | undefined {
  return stepBehind(target, after).cwd;
}

/** Where steps work that stand at a place. */
function cwdAt(target: Target, { offset }: Place): string | undefined {
  return (stepsOf(target).find(({ instruction }) => instruction.start >= offset) ?? historyOf(target.stage, target.unit)).cwd;
}

function isRootBehind(target: Target, after: Instruction | undefined): boolean {
  return isRootStep(stepBehind(target, after));
}

function shown({ words }: InstallCommand): string {
  return words.map(({ text }) => text).join(' ');
}
