import { join, posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import type { Account } from './account.ts';
import { isBuild } from './builds.ts';
import { commandsOf, mentions, operands, option, unwrap } from './commands.ts';
import { copiesOf, lacksSource, originOf } from './copies.ts';
import { contradictedBase, familyOf } from './family.ts';
import { distilleryState, elixirReleases } from './frameworks.ts';
import { baseEntry, historyOf } from './history.ts';
import { packagesOf } from './installs.ts';
import type { Reason } from './judgement.ts';
import { generatedHeader } from './keep-away/not-for-us.ts';
import { asksForHelp, isTool } from './keep-away/tool-image.ts';
import { writtenByRun } from './made-files.ts';
import { portsOf } from './ports.ts';
import { programOf } from '../programs/lookup.ts';
import { isKnownProgram, isRuntime, isShellTool } from './programs.ts';
import { serversOf } from './servers.ts';
import { packageScript, placeOf, type Started, startOf } from './start.ts';
import { fetchedBy } from './third-party.ts';
import { memo } from './memo.ts';
import { changesItsUser, emptyWorkdir, writesOf } from './writes.ts';

/** What a fix of a target rests on that is out of sight. With any of these it is unsafe, with none it is safe. */
export const doubtsOf = memo((target: Target): Reason[] => [...baseDoubts(target), ...startDoubts(target), ...programDoubts(target), ...configurationDoubts(target), ...toolDoubts(target), ...brokenVolumes(target), ...releaseDoubts(target), ...portDoubts(target), ...runtimeDoubts(target), ...syncDoubts(target), ...leftoverDoubts(target), ...buildDoubts(target), ...companionDoubts(target), ...deviceDoubts(target), ...keyDoubts(target), ...ownerDoubts(target), ...ownStateDoubts(target), ...headerDoubts(target)]);

function baseDoubts(target: Target): Reason[] {
  const history = historyOf(target.stage, target.unit);
  const { base } = history;
  const line = target.stage.from.line;
  if (base.kind === 'scratch') return [];
  if (base.kind === 'unresolved') return [{ rule: 'unverified-base', message: `${base.text} has no default, so the base is not known`, line }];
  if (!base.facts) return [{ rule: 'unverified-base', message: `${base.text} is not in the catalogue`, line }];
  const { entry, verified } = base.facts;
  if (base.reference.match === 'probable' && entry.verified) return [{ rule: 'unverified-base', message: `${base.text} is only probably the official image`, line }];
  const manager = contradictedBase(history);
  if (manager !== undefined) return [{ rule: 'unverified-base', message: `the file uses ${manager}, which ${base.text} does not have by what is known of it`, line }];
  if (!verified) return [{ rule: 'unverified-base', message: `what is known of ${base.text} was not read in a primary source`, line }];
  if (entry.unverified?.includes('family')) return [{ rule: 'unverified-base', message: `how ${base.text} makes accounts was not read in a primary source`, line }];
  if (entry.unverified?.includes('writes') && runsBase(target)) return [{ rule: 'unverified-base', message: `what ${base.text} writes was not read in a primary source`, line }];
  return entry.doubt === undefined ? [] : [{ rule: 'unverified-base', message: entry.doubt, line }];
}

/** Whether the base's own program is what is started. */
function runsBase(target: Target): boolean {
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  const start = startOf(target);
  return start.from === 'base' || start.commands.some(({ name }) => name !== undefined && name === entry?.cmd?.[0]);
}

/** What is open about the account itself: whether it is meant for the program, or what its number is. */
export function accountDoubts(target: Target, { source, name, user, guessed }: Account): Reason[] {
  const history = historyOf(target.stage, target.unit);
  const { base } = history;
  const { line } = target.stage.from;
  if (guessed) return [{ rule: 'unknown-accounts', message: `that ${name} is meant for the program is only likely: the file makes no other account`, line }];
  if (source === 'numeric' && familyOf(history) === 'unknown') return [{ rule: 'unknown-accounts', message: `how ${base.text} makes an account is not known, so USER is a bare number without a name and a home`, line }];
  const open = base.kind === 'image' ? (base.facts?.entry.unverified ?? []) : [];
  const field = source === 'base' ? 'accounts' : source === 'base user' ? 'user' : undefined;
  if (field === undefined || !open.includes(field)) return [];
  return [{ rule: 'unknown-accounts', message: `that ${base.text} has ${name ?? user} (${user}) was not read in a primary source`, line }];
}

function startDoubts(target: Target): Reason[] {
  const start = startOf(target);
  const line = start.parts[0]?.instruction.line ?? target.stage.from.line;
  const doubts: Reason[] = start.unseen.map((path) => ({ rule: 'script-out-of-sight', message: `the start script ${path} is not in the build context`, line }));
  if (start.partly) doubts.push({ rule: 'unreadable-start', message: 'a start script could not be read in full', line });
  for (const path of start.manifests) doubts.push({ rule: 'script-out-of-sight', message: `${path}, whose script is started, is not in the build context`, line });
  for (const path of start.opaque) doubts.push({ rule: 'program-out-of-sight', message: `${path} is not in sight, so it may be a script`, line });
  const mounted = mountedProgram(target);
  if (mounted !== undefined) doubts.push({ rule: 'program-out-of-sight', message: mounted, line });
  const nameless = start.commands.find(({ name, command }) => name === undefined && command.words.length > 0);
  if (nameless) doubts.push({ rule: 'unreadable-start', message: `what ${nameless.words[0]!.text} starts depends on a variable`, line });
  return doubts;
}

/** A runtime that works in a directory which nothing fills: whoever runs it mounts the code there, and where it writes is theirs. */
function mountedProgram(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const { cwd } = history;
  if (cwd === undefined || emptyWorkdir(history).length === 0) return undefined;
  for (const { name, words, script } of startOf(target).commands) {
    if (script || name === undefined || !isRuntime(name)) continue;
    const [code] = operands(words).map(({ value }) => value);
    const path = code === undefined || !(/[./]/.test(code) || TAKES_FILES.test(name)) ? undefined : resolvePath(cwd, code);
    if (packageScript({ name, words, through: [] }) !== undefined || (path?.startsWith(`${cwd}/`) ?? false)) return `nothing is put into ${cwd}, so what ${words.map(({ text }) => text).join(' ')} starts is mounted there by whoever runs it`;
  }
  return undefined;
}

/** Interpreters whose first argument is a file, whatever it is called: `php artisan`. */
const TAKES_FILES = /^(node|nodejs|php|python[\d.]*|pypy[\d.]*|ruby|perl)$/;

/** RULES C: an OS base with a known program is as good as a known image; with an unknown one it is not. */
function programDoubts(target: Target): Reason[] {
  const start = startOf(target);
  const line = start.parts[0]?.instruction.line ?? target.stage.from.line;
  const hidden = new Set([...start.opaque, ...start.unseen]);
  const unknown = new Set(start.commands.filter((started) => !hidden.has(started.words[0]?.value ?? '') && !isKnownProgram(started, target)).map((started) => openAbout(started, target)));
  return [...unknown].map((message) => ({ rule: 'unknown-program', message, line }));
}

/** What is not known of a program. */
function openAbout(started: Started, target: Target): string {
  const { name, payload } = started;
  const fetched = fetchedBy(started, target);
  if (fetched !== undefined) return `${payload ? `${name} is fetched by the file` : `${name} runs what the file fetches`} (${fetched}), and what that writes is not known`;
  return programOf(name!) ? `what ${name} writes is known from its documentation only` : `${name} is installed by the file, and what it writes is not in the catalogue`;
}

/** A configuration that is not in sight may have the server write anywhere, or read what only root may. */
function configurationDoubts(target: Target): Reason[] {
  return [...hiddenConfigurations(target), ...gapsIn(target)];
}

/** Configurations of servers that nobody here reads, and that are not in sight. */
function hiddenConfigurations(target: Target): Reason[] {
  const history = historyOf(target.stage, target.unit);
  return startOf(target).commands.flatMap((started) => {
    const { name, words, command } = started;
    if (/^php(\d[\d.]*)?-fpm/.test(name ?? '')) {
      const copy = copiesOf(history).find(({ sources, destination }) => destination !== undefined && [destination, ...sources.map((source) => posix.join(destination, posix.basename(source ?? '')))].some((path) => FPM_CONFIGURATION.test(path)));
      return copy && lacksSource(target, copy) ? [hiddenConfiguration(copy.sources.join(' '), name!)] : [];
    }
    const named = name === 'uwsgi' ? option(words, undefined, 'ini') : name === 'gunicorn' ? option(words, 'c', 'config') : undefined;
    const path = resolvePath(command.cwd, named?.value);
    return path === undefined || originOf(target, path) !== undefined || writtenByRun(history, path) !== undefined ? [] : [hiddenConfiguration(path, name!)];
  });
}

const FPM_CONFIGURATION = /^\/(usr\/local\/etc\/php-fpm|etc\/php[^/]*(\/[\d.]+)?\/(php-)?fpm)/;

function hiddenConfiguration(file: string, program: string): Reason {
  return { rule: 'write-sign', message: `${file} configures ${program} and is not in sight, and neither is what that writes` };
}

function gapsIn(target: Target): Reason[] {
  return serversOf(target).flatMap(({ name, configuration: { gaps } }) => (gaps.length === 0 ? [] : [{ rule: 'write-sign' as const, message: `part of the configuration of ${name} is out of sight, and with it what it writes: ${gaps[0]}` }]));
}

function toolDoubts(target: Target): Reason[] {
  if (!isTool(target) && !asksForHelp(target)) return [];
  return [{ rule: 'tool-image', message: 'it looks like a tool; whoever mounts files into it needs --user', line: startOf(target).parts[0]?.instruction.line ?? 1 }];
}

/** Before 1.12 the scripts of an Elixir release could be executed by their owner alone. */
function releaseDoubts(target: Target): Reason[] {
  const distillery = distilleryState(target).map(({ path, framework }): Reason => ({ rule: 'unknown-program', message: `that ${framework} writes ${path} alone is known from its documentation only`, line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line }));
  const releases = elixirReleases(target)
    .filter(({ isClosed, copy }) => isClosed !== false && copy.chown === undefined)
    .map(({ path, isClosed, copy }): Reason => ({
      rule: 'closed-file',
      message: `the scripts of the Elixir release in ${path} ${isClosed ? 'have' : 'may have'} the mode 0744, as they do before Elixir 1.12`,
      line: copy.step.instruction.line,
      advice: 'chmod -R a+rX it in the stage that builds it',
    }));
  return [...distillery, ...releases];
}

/** `VOLUME ['/a']` is no JSON: builders make a volume of that very name, and none where it was meant. */
function brokenVolumes(target: Target): Reason[] {
  return historyOf(target.stage, target.unit)
    .volumes.filter(({ instruction }) => instruction.json === undefined && instruction.args.startsWith('['))
    .map(({ instruction }) => ({ rule: 'data', message: `VOLUME ${instruction.args} looks like JSON and is none, so which paths are volumes is not known`, line: instruction.line, advice: 'put the paths into double quotes' }));
}

function portDoubts(target: Target): Reason[] {
  return portsOf(target)
    .filter(({ runs }) => runs !== 'private network')
    .map(({ port, because }) => ({
      rule: 'low-port',
      message: `${because}, and nothing here shows that it runs in a private Docker network`,
      advice: `listen on ${port + 8000}, or set the sysctl net.ipv4.ip_unprivileged_port_start=0 (Docker does so in a container's own network)`,
    }));
}

/** `uv run` brings the environment up to date before it starts anything. */
function syncDoubts(target: Target): Reason[] {
  const run = startOf(target).commands.find(({ through, command }) => through.includes('uv') && !command.words.some(({ value }) => value === '--no-sync' || value === '--frozen'));
  if (!run) return [];
  return [{ rule: 'write-sign', message: 'uv run may change the environment, which is root\'s', advice: 'start it with uv run --no-sync, or from .venv/bin', line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line }];
}

/** What the repository ignores as its own program's database: run here, the program left it in its working directory. */
function leftoverDoubts(target: Target): Reason[] {
  const { cwd } = historyOf(target.stage, target.unit);
  const { context } = target.unit;
  const started = startOf(target).commands.find(({ payload, name }) => payload && name !== undefined);
  const ignored = started === undefined || context === undefined ? undefined : target.disk.read(join(context, '.gitignore'));
  const leftover = ignored?.split(/\r?\n/).map((line) => line.trim()).find((line) => line === `${started?.name}.db` || line === `/${started?.name}.db`);
  if (leftover === undefined || cwd === undefined || writesOf(target).some(({ path }) => path === cwd)) return [];
  return [{ rule: 'write-sign', message: `.gitignore names ${leftover}, which ${started!.name} leaves where it works; ${cwd} is root's`, line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line }];
}

/** What is built when it starts is put beside the code, which is root's. */
function buildDoubts(target: Target): Reason[] {
  const build = startOf(target).commands.find(isBuild);
  if (!build) return [];
  return [{ rule: 'write-sign', message: `${build.words.map(({ text }) => text).join(' ')} builds beside the code when it starts`, advice: 'build it in a RUN, and start what that made', line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line }];
}

/** Daemons that need root, by package and by what files about them are called. */
const COMPANIONS: Record<string, RegExp> = {
  cron: /cron/i,
  cronie: /cron/i,
  dcron: /cron/i,
  supervisor: /supervisor/i,
  'openssh-server': /sshd/i,
};

/** An image that also brings cron and files for it is run a second time to start that, as root. */
function companionDoubts(target: Target): Reason[] {
  const history = historyOf(target.stage, target.unit);
  const daemon = packagesOf(history).find(({ name }) => name in COMPANIONS);
  if (!daemon) return [];
  const copy = copiesOf(history).find(({ sources, destination }) => [...sources, destination].some((path) => path !== undefined && COMPANIONS[daemon.name]!.test(path)));
  if (!copy) return [];
  return [{ rule: 'starts-others', message: `it also brings ${daemon.name} and ${copy.sources.join(' ')}: started with that, it needs root`, advice: 'start that with user: root, or give it an image of its own', line: copy.step.instruction.line }];
}

/** Packages that do nothing without a device: on a serial line, a bus or USB, a camera, a sound card. */
const DEVICE_TOOLS = /^(avrdude|dfu-util|dfu-programmer|openocd|esptool|stm32flash|stlink-tools|flashrom|i2c-tools|rtl-sdr|gphoto2|picocom|minicom|v4l-utils|alsa-utils|alsa-base)$/;

/** The node of such a device belongs to a group of the host (dialout, plugdev, video, audio), which root does not need and the account is not in. */
function deviceDoubts(target: Target): Reason[] {
  const tool = packagesOf(historyOf(target.stage, target.unit)).find(({ name }) => DEVICE_TOOLS.test(name));
  return tool ? [{ rule: 'conditions', message: `it brings ${tool.name}, which works on a device of the host, and that belongs to a group of the host`, advice: 'say which with group_add where it runs', line: tool.step.instruction.line }] : [];
}

/** An SSH client works with keys that nobody but their owner may read, and whoever mounts them is out of sight. */
function keyDoubts(target: Target): Reason[] {
  if (changesItsUser(target)) return [];
  const client = packagesOf(historyOf(target.stage, target.unit)).find(({ name }) => /^openssh(-clients?|-client-default)?$/.test(name));
  return client ? [{ rule: 'conditions', message: `it brings ${client.name}, whose keys belong to whoever mounts them and may be read by nobody else`, advice: 'give the account keys of its own', line: client.step.instruction.line }] : [];
}

/** What a start script does to files that are root's and that only their owner, or the owner of their directory, may do. */
function ownerDoubts(target: Target): Reason[] {
  const { cwd } = historyOf(target.stage, target.unit);
  return startOf(target).commands.flatMap((started) => {
    const { name, words, command } = started;
    if (name !== 'chmod' && name !== 'rm') return [];
    const path = operands(words).slice(name === 'chmod' ? 1 : 0).flatMap(({ value }) => resolvePath(command.cwd ?? cwd, value) ?? []).find((one) => originOf(target, one) !== undefined && !writesOf(target).some((write) => isWithin(one, write.path)));
    return path === undefined ? [] : [{ rule: 'write-sign' as const, message: `${placeOf(started)} runs ${words.map(({ text }) => text).join(' ')}, and ${path} is root's`, advice: 'do that in a RUN' }];
  });
}

/** `RUN kdb set …` in front of `ENTRYPOINT ["kdb"]`: a program that keeps what it is told kept it as root, at a place of its own. */
function ownStateDoubts(target: Target): Reason[] {
  const own = startOf(target).commands.find((started) => started.payload && !started.script && started.name !== undefined && !isRuntime(started.name) && !isShellTool(started.name) && !isBuild(started));
  if (own === undefined) return [];
  for (const step of historyOf(target.stage, target.unit).steps) {
    if (!mentions(step, own.name!)) continue;
    const run = commandsOf(step).map(unwrap).find(({ name, words }) => name === own.name && words.length > 1 && !LOOKS.test(words[1]!.value ?? ''));
    if (run) return [{ rule: 'write-sign', message: `RUN ${run.words.map(({ text }) => text).join(' ')} runs the program that is started, as root, and where that keeps what it is told is not known`, line: step.instruction.line }];
  }
  return [];
}

/** What asks a program for no more than a look. */
const LOOKS = /^(--?(version|help|[vVht])|version|help|test|check|validate|lint|completion)$/;

/** Somebody else's header stands above it, of a generator that is not here. */
function headerDoubts(target: Target): Reason[] {
  const header = generatedHeader(target);
  return header ? [{ rule: 'generated-file', message: `its header says that ${header.generator} generates it, which lies nowhere here`, line: header.line }] : [];
}

/** RULES B8. */
function runtimeDoubts({ services }: Target): Reason[] {
  return services.flatMap(({ service, path }) =>
    service.runtime === undefined || service.runtime === 'runc' ? [] : [{ rule: 'foreign-runtime' as const, message: `service ${service.name} in ${path} runs it with ${service.runtime}` }],
  );
}

/** What a reader should know of an account that is not a matter of safety. */
export function noteOn(account: Account): string | undefined {
  if (account.uid !== undefined || account.name === undefined) return undefined;
  const isName = `USER ${account.user} is a name: Kubernetes' runAsNonRoot wants a number`;
  if (account.source === 'base') return account.name.includes('$') ? undefined : `${isName}, and nothing fixes that of ${account.name}`;
  return account.source === 'file' || account.source === 'package' ? `${isName}; fix the uid where ${account.name} is made` : undefined;
}
