import { posix } from 'node:path';
import { isWithin } from '../../image-paths.ts';
import { isTakenAway } from '../after-making.ts';
import { commandsOf, hasFlag, type Invocation, mentions, operands, option, unwrap } from '../commands.ts';
import { type Copy, copiesOf } from '../copies.ts';
import { packagesOf } from '../installs.ts';
import { movableHome } from '../root-paths.ts';
import { type History, historyOf, type Step } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { runLinesOf } from '../run-lines.ts';
import { sedEdit } from '../sed.ts';
import { startOf } from '../start.ts';
import type { Target } from '../../project.ts';
import type { ShellCommand, ShellWord } from '../../shell/read.ts';
import type { KeepAway } from './index.ts';

/** RULES E7: /root is closed to others. What was installed or put there is lost to the account. */
export const livesInRootHome: KeepAway = (target) => {
  const history = historyOf(target.stage, target.unit);
  return installedThere(history, target) ?? writtenThere(history) ?? copiedThere(history) ?? settingThere(history) ?? pathThere(history) ?? startedThere(target) ?? mountedThere(target) ?? worksThere(history) ?? workedThere(history);
};

/** Tools that install into the home of who runs them, with the variable that moves them. */
const TOOLS: Record<string, string> = {
  pipx: 'PIPX_HOME',
  nvm: 'NVM_DIR',
  rustup: 'RUSTUP_HOME and CARGO_HOME',
  'rustup-init': 'RUSTUP_HOME and CARGO_HOME',
  sdk: 'SDKMAN_DIR',
};

/** Tools that keep there what the start command needs if it runs them, or what they installed, again. */
const WANTED_AGAIN: Record<string, { verb: RegExp; starts: RegExp; variable: string; advice?: string }> = {
  corepack: { verb: /^(enable|prepare|install|use|up)$/, starts: /^(pnpm|yarn)$/, variable: 'COREPACK_HOME' },
  poetry: { verb: /^(install|sync|update)$/, starts: /^poetry$/, variable: 'POETRY_VIRTUALENVS_IN_PROJECT' },
  pipenv: { verb: /^(install|sync)$/, starts: /^pipenv$/, variable: 'PIPENV_VENV_IN_PROJECT' },
  mvn: { verb: /^(?!-)/, starts: /^mvnw?$/, variable: 'MAVEN_ARGS' },
  mvnw: { verb: /^(?!-)/, starts: /^mvnw?$/, variable: 'MAVEN_USER_HOME' },
  gradle: { verb: /^(?!-)/, starts: /^gradlew?$/, variable: 'GRADLE_USER_HOME' },
  gradlew: { verb: /^(?!-)/, starts: /^gradlew?$/, variable: 'GRADLE_USER_HOME' },
  sbt: { verb: /^(?!-)/, starts: /^sbt$/, variable: 'SBT_OPTS' },
  lein: { verb: /^(?!-)/, starts: /^lein$/, variable: 'LEIN_HOME' },
  cabal: { verb: /^(update|(new-|v2-)?(build|install|test))$/, starts: /^cabal$/, variable: 'CABAL_DIR' },
  stack: { verb: /^(setup|build|install|test|update)$/, starts: /^stack$/, variable: 'STACK_ROOT' },
  dotnet: { verb: /^(restore|build|publish|test)$/, starts: /^dotnet-(run|build|test)$/, variable: 'NUGET_PACKAGES' },
};

function installedThere(history: History, target: Target): Reason | undefined {
  const started = new Set(startOf(target).commands.flatMap(({ name, words, through }) => [name, ...through, ...(name === 'dotnet' ? [`dotnet-${words[1]?.value}`] : [])]));
  for (const step of history.steps) {
    if (step.user !== undefined && step.user.value !== 'root' && step.user.value !== '0') continue;
    if (!mentions(step, INSTALLERS)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const tool = toolOf(name, words, step) ?? wantedAgain(name, words, step, started, history);
      if (tool) return { rule: 'lives-in-root-home', message: `${tool.name} installs under /root`, line: step.instruction.line, advice: `set ${tool.variable} to a directory that everybody may read` };
    }
  }
  return undefined;
}

/** A tool whose home the start command wants again. */
function wantedAgain(name: string | undefined, words: Parameters<typeof operands>[0], step: Step, started: ReadonlySet<string | undefined>, history: History): { name: string; variable: string } | undefined {
  if (name === 'uv') return fetchesPython(words, step, history) ? { name, variable: 'UV_PYTHON_INSTALL_DIR' } : undefined;
  const tool = name === undefined ? undefined : WANTED_AGAIN[name];
  const verb = operands(words)[0]?.value ?? '';
  if (!tool || !tool.verb.test(verb) || step.variables(tool.variable) !== undefined || ![...started].some((one) => one !== undefined && tool.starts.test(one))) return undefined;
  if (name === 'poetry' && (step.variables('POETRY_VIRTUALENVS_CREATE') !== undefined || history.steps.some((one) => mentions(one, /virtualenvs\.(create|in-project|path)/)))) return undefined;
  return { name: name!, variable: tool.variable };
}

/** uv brings a Python of its own, into the home of who runs it, where the image has none. */
function fetchesPython(words: Parameters<typeof operands>[0], step: Step, history: History): boolean {
  if (!/^(sync|venv|run|python)$/.test(words[1]?.value ?? '') || step.variables('UV_PYTHON_INSTALL_DIR') !== undefined) return false;
  const repo = history.base.kind === 'image' ? history.base.reference.repo : '';
  if (/python/.test(repo) || /python/.test(history.base.text)) return false;
  return !packagesOf(history).some((one) => /^python/.test(one.name));
}

function toolOf(name: string | undefined, words: Parameters<typeof operands>[0], step: Step): { name: string; variable: string } | undefined {
  const moved = (variable: string) => step.variables(variable) !== undefined;
  const [verb, second] = operands(words).map(({ value }) => value);
  if ((name === 'pip' || name === 'pip3') && hasFlag(words, undefined, 'user')) return { name: 'pip --user', variable: 'PYTHONUSERBASE' };
  if (PYTHON.test(name ?? '') && second !== undefined && /(^|\/)setup\.py$/.test(verb ?? '') && hasFlag(words, undefined, 'user')) return { name: 'setup.py --user', variable: 'PYTHONUSERBASE' };
  if (name === 'cargo' && verb === 'install' && !words.some(({ value }) => value?.startsWith('--root')) && !moved('CARGO_HOME')) return { name: 'cargo install', variable: 'CARGO_HOME' };
  if (name === 'composer' && verb === 'global' && !moved('COMPOSER_HOME')) return { name: 'composer global', variable: 'COMPOSER_HOME' };
  if (name === 'playwright' && verb === 'install' && second !== 'deps' && !moved('PLAYWRIGHT_BROWSERS_PATH')) return { name: 'playwright install', variable: 'PLAYWRIGHT_BROWSERS_PATH' };
  if (name === 'dotnet' && verb === 'tool' && hasFlag(words, 'g', 'global')) return { name: 'dotnet tool install --global', variable: 'DOTNET_CLI_HOME' };
  // Jupyter's kernels are looked for in the home of who runs it.
  if (name === 'iruby' && verb === 'register' && !moved('JUPYTER_DATA_DIR') && !moved('IPYTHONDIR')) return { name: 'iruby register', variable: 'JUPYTER_DATA_DIR' };
  if (PYTHON.test(name ?? '') && words[1]?.value === '-m' && words[2]?.value === 'ipykernel' && hasFlag(words, undefined, 'user') && !moved('JUPYTER_DATA_DIR')) return { name: 'ipykernel install --user', variable: 'JUPYTER_DATA_DIR' };
  if (name === 'gem' && hasFlag(words, undefined, 'user-install')) return { name: 'gem --user-install', variable: 'GEM_HOME' };
  if (name === 'cabal' && /^(v2-|new-)?install$/.test(verb ?? '') && !words.some(({ value }) => value?.startsWith('--installdir')) && !moved('CABAL_DIR')) return { name: 'cabal install', variable: 'CABAL_DIR' };
  if (name === 'stack' && verb === 'install' && !words.some(({ value }) => value?.startsWith('--local-bin-path'))) return { name: 'stack install', variable: 'STACK_ROOT' };
  const variable = name === undefined ? undefined : TOOLS[name];
  return name !== undefined && variable !== undefined && verb !== undefined && verb.startsWith('install') && !moved(variable.split(' ')[0]!) ? { name, variable } : undefined;
}

const PYTHON = /^python[\d.]*$/;

const INSTALLERS = /\b(setup\.py|pipx?3?|pipenv|cargo|composer|poetry|dotnet|gem|nvm|rustup|rustup-init|corepack|sdk|playwright|mvnw?|gradlew?|sbt|lein|uv|cabal|stack|iruby|ipykernel)\b/;

/** What only a person at a prompt, or the build itself, looks for in a home. */
const COSMETIC = /\/\.(cache|npm|gnupg|pip|pip_download_cache_dir|m2|composer\/cache|bashrc|profile|bash_profile|bash_history|zshrc|oh-my-zsh|inputrc|hushlogin|vim|vimrc|viminfo|nanorc|screenrc|tmux\.conf|gdbinit|parallel|bowerrc|wget-hsts|curlrc|wgetrc|gitconfig|ssh\/known_hosts)(\/|$|\b)/;

/** Files that a RUN leaves under /root. What is removed again, an archive that was unpacked elsewhere, or a cache does not count. */
function writtenThere(history: History): Reason | undefined {
  for (const step of history.steps) {
    if (!mentions(step, /root|~|HOME/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      if (name !== undefined && LEAVES_NOTHING.has(name)) continue;
      const touched = [...words.slice(1), ...command.redirects.map(({ target }) => target)];
      const word = touched.find((one) => isHomePath(one) && !COSMETIC.test(one.value ?? one.text) && !isPassing(one, { name, words }, command, step, history));
      if (!word) continue;
      return { rule: 'lives-in-root-home', message: `RUN ${name ?? ''} leaves ${word.value ?? word.text}`, line: step.instruction.line, advice: 'install to a directory that everybody may read' };
    }
  }
  return undefined;
}

const LEAVES_NOTHING = new Set(['rm', 'rmdir', 'ls', 'cd', 'chmod', 'chown', 'find']);

function isHomePath({ value, text }: ShellWord): boolean {
  return isThere(value) || (value === undefined && /^["']?(~|\$HOME|\$\{HOME\})\//.test(text));
}

/** Whether a file is in root's home for the time of the build: removed again, or an archive; an installer that runs there says where it installs to. */
function isPassing({ value }: ShellWord, invocation: Pick<Invocation, 'name' | 'words'>, command: ShellCommand, step: Step, history: History): boolean {
  if (value === undefined) return false;
  if (isInstaller(invocation, value)) return installsElsewhere(invocation);
  return ARCHIVE.test(value) || isTakenAway(value, step, command, history);
}

const ARCHIVE = /\.(tar|tar\.\w+|tgz|tbz2?|txz|zip|deb|rpm)$/;

/** Whether a command runs the file rather than makes it. */
function isInstaller({ name, words }: Pick<Invocation, 'name' | 'words'>, path: string): boolean {
  return words[0]?.value === path || (/^(ba|da|z)?sh$/.test(name ?? '') && operands(words)[0]?.value === path);
}

/** `installer.sh -b -p /opt/conda`. */
function installsElsewhere({ words }: Pick<Invocation, 'words'>): boolean {
  const prefix = (option(words, 'p', 'prefix') ?? option(words, undefined, 'dir'))?.value;
  return prefix !== undefined && prefix.startsWith('/') && !isThere(prefix);
}

function copiedThere(history: History): Reason | undefined {
  const copy = copiesOf(history).find((one) => isThere(one.destination) && !(one.sources.length === 1 && OF_A_PROMPT.test(placeOf(one))) && !isTakenAway(one.destination!, one.step, undefined, history));
  return copy && { rule: 'lives-in-root-home', message: `${copy.step.instruction.keyword} puts files into ${copy.destination}`, line: copy.step.instruction.line, advice: 'copy them to /app, or to the home of the account' };
}

/** What only a shell at a prompt, or an editor in it, reads in a home. */
const OF_A_PROMPT = /\/\.(bashrc|bash_(profile|aliases|history)|profile|zshrc|inputrc|hushlogin|vimrc|viminfo|nanorc|screenrc|tmux\.conf|gdbinit|bowerrc)$/;

/** Where the single file of a COPY ends up. */
function placeOf({ sources: [source], destination, intoDirectory }: Copy): string {
  return intoDirectory ? posix.join(destination!, posix.basename(source ?? '')) : destination!;
}

/** `sed -i 's,SECRET,/root/.app/secret,' app.toml`: a RUN tells the program to look there. */
function settingThere(history: History): Reason | undefined {
  for (const step of history.steps) {
    if (!mentions(step, 'sed') || !mentions(step, /\/root\\?\//)) continue;
    for (const command of commandsOf(step)) {
      const edit = sedEdit(unwrap(command))?.edit;
      const told = edit === undefined || edit === 'unknown' ? undefined : edit.find(({ replacement }) => /(^|[^\w.])\/root\//.test(replacement));
      if (told) return { rule: 'lives-in-root-home', message: `RUN sed writes ${told.replacement} into a configuration`, line: step.instruction.line, advice: 'name a directory that the account may read' };
    }
  }
  return undefined;
}

function pathThere(history: History): Reason | undefined {
  for (const { instruction, variables, unit } of history.steps) {
    if (instruction === movableHome(unit)) continue;
    if (instruction.keyword !== 'ENV' && instruction.keyword !== 'VOLUME') continue;
    if (!/(^|[\s=:"'[])(\/root|~)(\/|$|[\s:"'\]])/.test(instruction.args) && !(instruction.args.includes('$HOME') && !variables('HOME'))) continue;
    return { rule: 'lives-in-root-home', message: `${instruction.keyword} ${instruction.args} names /root`, line: instruction.line, advice: 'install to a directory that everybody may read' };
  }
  return undefined;
}

function startedThere(target: Parameters<KeepAway>[0]): Reason | undefined {
  for (const { words, command } of startOf(target).commands) {
    const word = [...words, ...command.redirects.map((redirect) => redirect.target)].find(({ value, text }) => /(^|[=:])(\/root|~)(\/|$)/.test(value ?? text));
    if (word) return { rule: 'lives-in-root-home', message: `the start command names ${word.text}`, line: startOf(target).parts[0]?.instruction.line ?? 1, advice: 'move it out of /root' };
  }
  return undefined;
}

/** A service mounts what root's program looks for in its home. */
function mountedThere(target: Target): Reason | undefined {
  const run = runLinesOf(target).find(({ mounts }) => mounts.some((mount) => isThere(mount.target)));
  if (run) return { rule: 'lives-in-root-home', message: `${run.place} runs it with ${run.mounts.find((mount) => isThere(mount.target))!.target} mounted`, advice: 'mount it into the home of the account, and say so in the variables of the program' };
  for (const { service, path } of target.services) {
    const mount = service.mounts.find(({ target }) => isThere(target));
    if (mount) return { rule: 'lives-in-root-home', message: `service ${service.name} in ${path} mounts ${mount.source ?? 'a volume'} on ${mount.target}`, advice: 'mount it into the home of the account, and say so in the variables of the program' };
  }
  return undefined;
}

function worksThere(history: History): Reason | undefined {
  if (!isThere(history.cwd)) return undefined;
  return { rule: 'lives-in-root-home', message: `it works in ${history.cwd}`, line: history.steps.findLast(({ instruction }) => instruction.keyword === 'WORKDIR')?.instruction.line ?? 1, advice: 'make its WORKDIR /app' };
}

/** A RUN works in a directory of a program's own below root's home, where other RUNs put something: `WORKDIR /root/.grass7/addons`. */
function workedThere(history: History): Reason | undefined {
  const worked = history.steps.find(({ instruction, cwd }) => instruction.keyword === 'RUN' && cwd !== undefined && /^\/root\/\.[^/]/.test(cwd) && !COSMETIC.test(cwd) && !isTakenAwayLater(cwd, history));
  return worked && { rule: 'lives-in-root-home', message: `a RUN works in ${worked.cwd}, which something put there`, line: worked.instruction.line, advice: 'install to a directory that everybody may read' };
}

/** Whether a RUN removes a directory, or moves it away. */
function isTakenAwayLater(path: string, history: History): boolean {
  return history.steps.some((step) => mentions(step, /\b(rm|mv)\b/) && commandsOf(step).some((command) => /^(rm|mv)$/.test(unwrap(command).name ?? '') && command.words.some(({ value }) => value !== undefined && isWithin(path, value))));
}

function isThere(path: string | undefined): boolean {
  return path === '/root' || (path?.startsWith('/root/') ?? false);
}
