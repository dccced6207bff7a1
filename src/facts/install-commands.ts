import type { ShellCommand, ShellWord } from '../shell/read.ts';
import { type Invocation, operands, unwrap } from './commands.ts';

/** A command of a package manager. */
export interface InstallCommand {
  /** The program, as it is called: `apt-get`, `pip3`. */
  manager: string;
  /** Managers that do the same, under one name; undefined for one that is only recognised. */
  family: SystemFamily | LanguageFamily | undefined;
  kind: 'system' | 'language' | 'other';
  verb: 'update' | 'install' | 'upgrade' | 'remove' | 'clean';
  /** What it names: packages, paths, URLs. */
  named: ShellWord[];
  /** Name and arguments, wrappers in front gone. */
  words: ShellWord[];
  command: ShellCommand;
}

export type SystemFamily = 'apt' | 'apk' | 'rpm';
export type LanguageFamily = 'pip' | 'npm' | 'yarn' | 'pnpm' | 'bundle' | 'composer';

interface Manager {
  names: RegExp;
  family: SystemFamily | LanguageFamily;
  kind: 'system' | 'language';
  /** Options that take a value in a word of its own. */
  takesValue: RegExp;
  verbs: { verb: InstallCommand['verb']; words: RegExp }[];
  /** What it does when no verb is given. */
  bare?: InstallCommand['verb'];
}

const MANAGERS: Manager[] = [
  {
    names: /^apt(-get)?$/,
    family: 'apt',
    kind: 'system',
    takesValue: /^(-o|-c|-t|--option|--config-file|--target-release|--default-release)$/,
    verbs: [
      { verb: 'update', words: /^update$/ },
      { verb: 'install', words: /^install$/ },
      { verb: 'upgrade', words: /^(upgrade|dist-upgrade|full-upgrade)$/ },
      { verb: 'remove', words: /^(remove|purge|autoremove|autopurge)$/ },
      { verb: 'clean', words: /^(clean|autoclean|distclean)$/ },
    ],
  },
  {
    names: /^apk$/,
    family: 'apk',
    kind: 'system',
    takesValue: /^(-t|--virtual|-X|--repository|-p|--root|--arch|--keys-dir|--repositories-file|--cache-dir|--cache-max-age|--wait)$/,
    verbs: [
      { verb: 'update', words: /^update$/ },
      { verb: 'install', words: /^add$/ },
      { verb: 'upgrade', words: /^(upgrade|fix)$/ },
      { verb: 'remove', words: /^del$/ },
      { verb: 'clean', words: /^cache$/ },
    ],
  },
  {
    names: /^(yum|dnf|microdnf)$/,
    family: 'rpm',
    kind: 'system',
    takesValue: /^(-c|--config|-x|--exclude|--enablerepo|--disablerepo|--repo|--repoid|--installroot|--releasever|--setopt|-d|-e)$/,
    verbs: [
      { verb: 'update', words: /^makecache$/ },
      { verb: 'install', words: /^(install|localinstall|groupinstall)$/ },
      { verb: 'upgrade', words: /^(upgrade|update|distro-sync)$/ },
      { verb: 'remove', words: /^(remove|erase|autoremove)$/ },
      { verb: 'clean', words: /^clean$/ },
    ],
  },
  {
    names: /^pip[\d.]*$/,
    family: 'pip',
    kind: 'language',
    takesValue:
      /^(-[rcetdifC]|--(requirement|constraint|editable|target|platform|python-version|implementation|abi|root|prefix|src|upgrade-strategy|config-settings?|global-option|install-option|no-binary|only-binary|progress-bar|root-user-action|report|index-url|extra-index-url|find-links|proxy|retries|timeout|exists-action|trusted-host|cert|client-cert|cache-dir|log|python|group|use-feature|use-deprecated|keyring-provider))$/,
    verbs: [
      { verb: 'install', words: /^install$/ },
      { verb: 'remove', words: /^uninstall$/ },
      { verb: 'clean', words: /^cache$/ },
    ],
  },
  {
    names: /^npm$/,
    family: 'npm',
    kind: 'language',
    takesValue: /^(-C|-w|--(prefix|registry|cache|loglevel|userconfig|globalconfig|workspace|tag|omit|include|only|also|install-strategy|maxsockets|fetch-retries|fetch-timeout))$/,
    verbs: [
      { verb: 'install', words: /^(install|i|in|ins|inst|insta|instal|isnt|isnta|isntal|isntall|add|ci|clean-install|ic|install-clean|isntall-clean)$/ },
      { verb: 'upgrade', words: /^(update|up|upgrade|udpate)$/ },
      { verb: 'remove', words: /^(uninstall|unlink|remove|rm|r|un|prune)$/ },
      { verb: 'clean', words: /^cache$/ },
    ],
  },
  {
    names: /^yarn(pkg)?$/,
    family: 'yarn',
    kind: 'language',
    takesValue: /^--(cwd|modules-folder|cache-folder|registry|network-timeout|network-concurrency|mutex|mode|global-folder|link-folder|preferred-cache-folder|use-yarnrc)$/,
    verbs: [
      { verb: 'install', words: /^(install|add)$/ },
      { verb: 'upgrade', words: /^(upgrade|up)$/ },
      { verb: 'remove', words: /^remove$/ },
      { verb: 'clean', words: /^cache$/ },
    ],
    bare: 'install',
  },
  {
    names: /^pnpm$/,
    family: 'pnpm',
    kind: 'language',
    takesValue: /^(-C|-F|--(dir|filter|store-dir|virtual-store-dir|modules-dir|reporter|registry|loglevel|package-import-method|node-linker))$/,
    verbs: [
      { verb: 'install', words: /^(install|i|add)$/ },
      { verb: 'upgrade', words: /^(update|up|upgrade)$/ },
      { verb: 'remove', words: /^(remove|rm|uninstall|un|prune)$/ },
      { verb: 'clean', words: /^store$/ },
    ],
  },
  {
    names: /^bundler?$/,
    family: 'bundle',
    kind: 'language',
    takesValue: /^(-j|--(jobs|retry|path|without|with|gemfile|shebang|binstubs|trust-policy|target-rbconfig))$/,
    verbs: [
      { verb: 'install', words: /^install$/ },
      { verb: 'upgrade', words: /^update$/ },
      { verb: 'remove', words: /^(clean|remove)$/ },
    ],
    bare: 'install',
  },
  {
    names: /^composer(\.phar)?$/,
    family: 'composer',
    kind: 'language',
    takesValue: /^(-d|--(working-dir|repository|repository-url|prefer-install|ignore-platform-req|apcu-autoloader-prefix))$/,
    verbs: [
      { verb: 'install', words: /^(install|i|require)$/ },
      { verb: 'upgrade', words: /^(update|u|upgrade)$/ },
      { verb: 'clean', words: /^(clear-cache|clearcache|cc)$/ },
    ],
  },
];

/** Further commands that bring packages, which unroot recognises and leaves: the program and the words that follow it. */
const OTHERS: { names: RegExp; verbs: RegExp }[] = [
  { names: /^go$/, verbs: /^(get|install|mod)$/ },
  { names: /^cargo$/, verbs: /^(install|build|fetch|update|add)$/ },
  { names: /^gem$/, verbs: /^(install|update|i)$/ },
  { names: /^dotnet$/, verbs: /^(restore|add|tool)$/ },
  { names: /^(poetry|pipenv|uv|pdm|conda|mamba|micromamba)$/, verbs: /^(install|sync|pip|add|create|update)$/ },
  { names: /^(pipx|pecl|pear|cpanm?|luarocks|opam|stack|cabal|bower|jspm|deno|bun|brew|snap|flatpak|R|stack|rustup|nvm|asdf|sdk|playwright|puppeteer)$/, verbs: /^(install|add|i)$/ },
  { names: /^(zypper|tdnf|aptitude|emerge|xbps-install|nix-env|swupd|urpmi|opkg)$/, verbs: /./ },
  { names: /^pacman$/, verbs: /^-S/ },
  { names: /^(dpkg|rpm)$/, verbs: /^(-i|-U|--install|--upgrade|-[a-z]*i[a-z]*)$/i },
  { names: /^(easy_install[\d.-]*|docker-php-ext-install|add-apt-repository|apt-add-repository|apt-key|gdebi|install-php-extensions|cpan)$/, verbs: /./ },
  { names: /^mix$/, verbs: /^(deps\.get|local\.hex|archive\.install)$/ },
  { names: /^composer(\.phar)?$/, verbs: /^(global|create-project|dump-?autoload|dumpautoload)$/ },
  { names: /^npm$/, verbs: /^(rebuild|link|install-test|it|cit)$/ },
  { names: /^(yarn|pnpm)$/, verbs: /^(global|link|rebuild|import|fetch)$/ },
];

/** A cheap look at a text: without one of these words nothing in it installs, or fetches what does. */
export const MAY_INSTALL = new RegExp(`(?<![\\w-])(${[...MANAGERS, ...OTHERS].map(({ names }) => names.source.slice(1, -1)).join('|')}|curl|wget)(?![\\w-])|/var/(lib/apt|cache)/`);

/** What a command does with packages; undefined for one that does nothing with them. */
export function installIn(command: ShellCommand): InstallCommand | undefined {
  const invocation = throughInterpreter(unwrap(command));
  return cleaned(invocation, command) ?? managed(invocation, command) ?? other(invocation, command);
}

/** `python -m pip install`, `php composer.phar install`: what the interpreter is told to run. */
function throughInterpreter(invocation: Invocation): Invocation {
  const { name, words } = invocation;
  if (name === undefined) return invocation;
  if (/^python[\d.]*$/.test(name) && words[1]?.value === '-m' && words[2]?.value !== undefined) return { ...invocation, name: words[2].value, words: words.slice(2) };
  if (name !== 'php') return invocation;
  const at = words.findIndex(({ value }, index) => index > 0 && !value?.startsWith('-') && words[index - 1]!.value !== '-d');
  const file = words[at]?.value?.split('/').at(-1);
  return file !== undefined && /^composer(\.phar)?$/.test(file) ? { ...invocation, name: file, words: words.slice(at) } : invocation;
}

const LISTS = /^\/var\/(lib\/apt\/lists|cache\/(apt|apk|yum|dnf|debconf|libdnf5))(\/|$)/;

/** `rm -rf /var/lib/apt/lists/*`: the cleaning up behind an install. */
function cleaned({ name, words }: Invocation, command: ShellCommand): InstallCommand | undefined {
  if (name !== 'rm') return undefined;
  const named = operands(words);
  if (named.length === 0 || !named.every(({ value }) => value !== undefined && LISTS.test(value))) return undefined;
  const family = named.some(({ value }) => value!.includes('/apk')) ? 'apk' : named.some(({ value }) => /yum|dnf/.test(value!)) ? 'rpm' : 'apt';
  return { manager: name, family, kind: 'system', verb: 'clean', named, words, command };
}

function managed({ name, words }: Invocation, command: ShellCommand): InstallCommand | undefined {
  const manager = MANAGERS.find(({ names }) => name !== undefined && names.test(name));
  if (!manager) return undefined;
  const [first, ...named] = operands(words, manager.takesValue);
  if (!first) return manager.bare && !asksOnly(words) ? { manager: name!, family: manager.family, kind: manager.kind, verb: manager.bare, named: [], words, command } : undefined;
  const verb = manager.verbs.find((one) => first.value !== undefined && one.words.test(first.value))?.verb;
  return verb && { manager: name!, family: manager.family, kind: manager.kind, verb, named, words, command };
}

/** `yarn --version` installs nothing. */
function asksOnly(words: readonly ShellWord[]): boolean {
  return words.slice(1).some(({ value }) => /^(-v|-h|--version|--help)$/.test(value ?? ''));
}

function other({ name, words }: Invocation, command: ShellCommand): InstallCommand | undefined {
  if (name === undefined) return undefined;
  const named = operands(words);
  const verb = words[1]?.value;
  const found = OTHERS.some(({ names, verbs }) => names.test(name) && [named[0]?.value, verb].some((word) => word !== undefined && verbs.test(word)));
  return found ? { manager: name, family: undefined, kind: 'other', verb: 'install', named: named.slice(1), words, command } : undefined;
}

/** Whether a command only asks whether something is installed: what guards an install. */
export function asksWhetherInstalled(command: ShellCommand): boolean {
  const [asked, how] = command.words.map(({ value }) => value);
  if (asked === 'command') return how === '-v' || how === '-V';
  const { name, words } = unwrap(command);
  if (name === undefined) return false;
  const [first, second] = operands(words).map(({ value }) => value);
  if (name === 'which' || name === 'type' || name === 'hash') return true;
  if (name === 'dpkg') return words.some(({ value }) => value === '-s' || value === '-l' || value === '--status');
  if (name === 'dpkg-query' || name === 'rpm') return words.some(({ value }) => /^-(q|W|l|-query|-show)/.test(value ?? ''));
  if (name === 'apk') return first === 'info';
  if (name === 'bundle' || name === 'yarn') return first === 'check';
  if (name === 'npm' || name === 'pnpm') return first === 'ls' || first === 'list';
  if (/^pip[\d.]*$/.test(name)) return first === 'show' || first === 'check';
  if (/^python[\d.]*$/.test(name)) return words[1]?.value === '-c' && /^\s*import\s+[\w., ]+$/.test(words[2]?.value ?? '') && second === undefined;
  return false;
}
