import { join, posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import { parseReference } from '../images/reference.ts';
import { imageKey, stageNamed, type Target } from '../project.ts';
import { resolvePath, type ShellCommand, type ShellWord } from '../shell/read.ts';
import { commandsOf, hasFlag, type Invocation, mentions, operands, option, unwrap } from './commands.ts';
import { copiesOf, type Copy, namesCopiedInto } from './copies.ts';
import { type History, historyOf, type Step } from './history.ts';
import { memo } from './memo.ts';
import { BUILDERS, candidatePaths, type Started } from './start.ts';

/**
 * Code that is copied from the build context is one's own; what a RUN or an ADD fetches is somebody
 * else's, which writes where nobody here can tell. Says by what the code that a command starts was
 * fetched, undefined where it was not.
 */
export function fetchedBy(started: Started, target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const packaged = packageOf(started);
  const installed = packaged === undefined ? undefined : supplyOf(history, target).packages.find(({ name }) => name === packaged);
  if (installed && !isCopied(packaged!, started, history, target)) return installed.fetchedBy;
  for (const path of codePaths(started, history)) {
    const brought = broughtTo(path, history, target);
    if (brought) return brought.path !== path && holdsOwn(path, history, target) ? undefined : brought.fetchedBy;
  }
  return undefined;
}

/** Whether a RUN clones or unpacks somebody else's code right into a directory. */
export function isFetchedInto(directory: string, target: Target): boolean {
  return supplyOf(historyOf(target.stage, target.unit), target).places.some(({ path, fetchedBy }) => fetchedBy !== undefined && path === directory);
}

/** Whether something from the build context lies in a directory. */
function holdsOwn(directory: string, history: History, target: Target): boolean {
  return supplyOf(history, target).places.some(({ path, fetchedBy }) => fetchedBy === undefined && isWithin(path, directory));
}

/** The package that a command may be of: a Python module, alone or behind a server; a program that a language's package manager put on the PATH. */
function packageOf({ name, words, payload }: Started): string | undefined {
  const written = words[0]?.value;
  if (payload) return written === undefined || written.includes('/') ? undefined : plain(written);
  if (/^(python|pypy)[\d.]*$/.test(name ?? '')) return words[1]?.value === '-m' ? plain(words[2]?.value?.split('.')[0]) : undefined;
  if (!/^(gunicorn|uvicorn|hypercorn|daphne|waitress-serve|celery)$/.test(name ?? '')) return undefined;
  return plain(words.find(({ value }) => /^[a-z_][\w.]*:[a-z_]/i.test(value ?? ''))?.value?.split(/[.:]/)[0]);
}

/** A package's name as its managers compare them. */
function plain(name: string | undefined): string | undefined {
  return name?.toLowerCase().replaceAll('_', '-');
}

/** Whether a module of that name is copied to where a command works. */
function isCopied(name: string, { command }: Started, history: History, target: Target): boolean {
  const cwd = command.cwd ?? history.cwd;
  return cwd !== undefined && namesCopiedInto(target, cwd).some((one) => plain(one.replace(/\.\w+$/, '')) === name);
}

/** Interpreters whose code is the file that their first operand names, and the options that take a value. */
const INTERPRETERS: Record<string, RegExp> = {
  python: /^-(W|X|Q)$/,
  node: /^(-r|--require|--import|--loader)$/,
  ruby: /^-(I|r|C)$/,
  php: /^-(c|d|S|t)$/,
  perl: /^-(I|M)$/,
  dotnet: /^--(runtimeconfig|depsfile|additionalprobingpath)$/,
  Rscript: /^$/,
  lua: /^-(l|e)$/,
  julia: /^-(p|t|e)$/,
  deno: /^$/,
  bun: /^$/,
};

/** Tools that run what they find where they work. */
const HERE = /^(npm|yarn|pnpm|pm2|pm2-runtime|forever|next|nuxt|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|flask|celery|streamlit|fastapi|bundle|rails|rake|puma|unicorn|thin|rackup|sidekiq|foreman|mix|go|cargo|sbt|gradlew?|mvnw?|lein|stack|cabal|make)$/;

/** Where the code that a command starts may lie, the likeliest first. */
function codePaths({ name, words, payload, command }: Started, history: History): string[] {
  const cwd = command.cwd ?? history.cwd;
  const paths = (...values: (string | undefined)[]) => values.flatMap((value) => resolvePath(cwd, value) ?? []);
  if (name === undefined) return [];
  if (payload) return candidatePaths(words[0]!.value!, words[0]!.value!.includes('/') ? cwd : undefined);
  if (name === 'java') return paths(...javaCode(words));
  const interpreter = /^(python|pypy)[\d.]*$/.test(name) ? 'python' : name === 'nodejs' ? 'node' : name;
  const takesValue = INTERPRETERS[interpreter];
  if (!takesValue) return HERE.test(name) ? paths('.') : [];
  const site = name === 'php' && words.some(({ value }) => value === '-S') ? (option(words, 't', 'docroot')?.value ?? '.') : undefined;
  if (site !== undefined) return paths(site);
  if (words[1]?.value === '-m') return paths(words[2]?.value?.replaceAll('.', '/'), '.');
  const [script] = operands(words, takesValue);
  return script ? paths(script.value) : [];
}

/** The jar that Java is told to run, else the places of its class path. */
function javaCode(words: readonly ShellWord[]): string[] {
  const jar = words.findIndex(({ value }) => value === '-jar');
  if (jar > 0) return [words[jar + 1]?.value ?? '.'];
  const classPath = words.findIndex(({ value }) => /^(-cp|-classpath|--class-path)$/.test(value ?? ''));
  return (words[classPath + 1]?.value ?? '.').split(':').map((entry) => entry.replace(/\/?\*$/, '') || '.');
}

/** What fills an image, as far as COPY, ADD and downloads tell. */
interface Supply {
  places: Brought[];
  /** The first download, wherever it went; undefined where there is none. */
  fetchedBy: string | undefined;
  /** Directories for temporary files that an archive was unpacked in: what is moved out of them is its own. */
  unpacked: Brought[];
  /** What the package managers of languages install by name. */
  packages: { name: string; fetchedBy: string }[];
}

/** A place of an image that something fills. */
interface Brought {
  /** Absolute. */
  path: string;
  /** The command that fetched it; undefined for what comes from the build context. */
  fetchedBy: string | undefined;
}

/** What brought a path: what fills the nearest directory above it. One's own code goes before what is fetched beside it. */
function broughtTo(path: string, history: History, target: Target): Brought | undefined {
  let nearest: Brought | undefined;
  for (const one of supplyOf(history, target).places) {
    if (!isWithin(path, one.path)) continue;
    const isNearer = nearest === undefined || one.path.length > nearest.path.length || (one.path.length === nearest.path.length && nearest.fetchedBy !== undefined);
    if (isNearer) nearest = one;
  }
  return nearest;
}

const supplyOf = memo((history: History, target: Target): Supply => {
  const supply: Supply = { places: [], fetchedBy: undefined, unpacked: [], packages: [] };
  const copies = new Map(copiesOf(history).map((copy) => [copy.step, copy]));
  for (const step of history.steps) {
    const copy = copies.get(step);
    if (copy) supply.places.push(...broughtBy(copy, history, target));
    else if (mentions(step, MAY_FETCH) || supply.unpacked.length > 0 || supply.places.some((one) => one.fetchedBy !== undefined)) fetch(step, supply);
  }
  return supply;
});

function broughtBy(copy: Copy, history: History, target: Target): Brought[] {
  const { destination, sources, from, step } = copy;
  if (destination === undefined) return [];
  return sources.flatMap((source): Brought[] => {
    // An address of which the version is an argument.
    if (source === undefined) return step.instruction.keyword === 'ADD' && /:\/\/|URL/i.test(step.instruction.args) ? [{ path: destination, fetchedBy: `ADD ${step.instruction.args.split(/\s+/)[0]}` }] : [];
    const place = (isFolder: boolean) => (copy.intoDirectory && !isFolder ? posix.join(destination, posix.basename(source)) : destination);
    if (from === undefined) {
      const url = /^(https?|ftp):\/\/|^git@|\.git(#|$)/.test(source);
      return [{ path: place(!url && isFolder(source, step, target)), fetchedBy: url ? `ADD ${source}` : undefined }];
    }
    const stage = stageNamed(step.unit.dockerfile.stages, from, step.stage.index);
    const other = stage && historyOf(stage, step.unit);
    if (other === history) return [];
    if (!other || isBare(other)) return [{ path: place(false), fetchedBy: fetchedFrom(other?.base.text ?? from, step, other) }];
    const inside = resolvePath('/', source)!;
    const below = supplyOf(other, target).places.filter(({ path }) => path !== inside && isWithin(path, inside));
    return [
      // Whether a source is a file or a folder is not known here: a file lies in the folder, then.
      { path: destination, fetchedBy: fetchedInStage(inside, other, target) },
      ...below.map(({ path, fetchedBy }) => ({ path: posix.join(destination, posix.relative(inside, path)), fetchedBy })),
    ];
  });
}

/** Whether a stage is no more than an image: what is copied out of it is somebody else's. */
function isBare({ steps }: History): boolean {
  return !steps.some(({ instruction }) => /^(RUN|COPY|ADD)$/.test(instruction.keyword));
}

/** What is copied out of an image that is not built here. */
function fetchedFrom(image: string, { unit }: Step, stage: History | undefined): string | undefined {
  const reference = parseReference(image);
  const isOwn = (reference !== undefined && unit.images.has(imageKey(reference))) || stage?.base.kind === 'scratch' || unit.aliases?.has(image);
  return isOwn ? undefined : `COPY --from=${image}`;
}

/** By what a path of another stage was fetched. A stage that takes nothing of one's own builds what it fetches, wherever it puts it. */
function fetchedInStage(path: string, stage: History, target: Target): string | undefined {
  const brought = broughtTo(path.replace(/\/[^/]*[*?][^/]*$/, ''), stage, target);
  if (brought) return brought.fetchedBy;
  const { places, fetchedBy } = supplyOf(stage, target);
  return places.every((one) => one.fetchedBy !== undefined) ? fetchedBy : undefined;
}

/** Whether a source in the build context is a folder; by its spelling where the context is out of sight. */
function isFolder(source: string, { unit: { context } }: Step, { disk }: Target): boolean {
  const entry = context === undefined ? undefined : disk.stat(join(context, source));
  return entry ? entry.kind === 'directory' : /(^|\/)\.?$|^[^.*]+$/.test(source);
}

const MAY_FETCH = /\b(git|svn|hg|curl|wget|aria2c|go|cargo|pip[\d.]*|npm|yarn|pnpm|gem|cabal|stack)\b/;
const FETCHERS = /^(curl|wget|aria2c)$/;

/** Notes what a RUN fetches, unpacks, moves and builds of what was fetched. */
function fetch(step: Step, supply: Supply): void {
  const found = supply.places;
  let lastFetch: string | undefined;
  for (const command of commandsOf(step)) {
    const invocation = unwrap(command);
    const by = shown(invocation);
    const at = (path: string | undefined, fetchedBy: string | undefined) => {
      if (path === undefined || fetchedBy === undefined) return;
      if (!SHARED.test(path)) found.push({ path, fetchedBy });
      else if (/^\/(var\/)?tmp$/.test(path)) supply.unpacked.push({ path, fetchedBy });
    };
    // Of what a variable names, the download in front of it in the same RUN is the likeliest.
    const origin = (word: ShellWord | undefined) => {
      const path = resolvePath(command.cwd, word?.value);
      return path === undefined ? lastFetch : (fetchedAt(path, found) ?? (/[*?]/.test(path) ? lastFetch : fetchedAt(path, supply.unpacked)));
    };
    const { name, words } = invocation;
    for (const one of packagesIn(invocation)) supply.packages.push({ name: plain(one)!, fetchedBy: `${name} ${words[1]?.text} ${one}` });
    if (isClone(invocation)) {
      supply.fetchedBy ??= by;
      at(cloned(invocation, command), by);
    } else if (FETCHERS.test(name ?? '')) {
      supply.fetchedBy ??= by;
      lastFetch = by;
      at(downloaded(invocation, command), by);
    } else if (name === 'tar' || name === 'bsdtar') {
      const archive = option(words, 'f', 'file') ?? words.slice(1).find(({ value, text }) => /\.(tar|t[gbx]z|gz|xz|bz2|zst)/.test(value ?? text));
      const isPiped = archive === undefined || archive.value === '-';
      at(resolvePath(command.cwd, (option(words, 'C', 'directory') ?? { value: '.' }).value), isPiped ? lastFetch : origin(archive));
    } else if (name === 'unzip' || name === 'jar' || name === '7z') {
      const archive = words.slice(1).find(({ value, text }) => /\.(zip|jar|war|7z)/.test(value ?? text)) ?? operands(words, /^-d$/)[0];
      at(resolvePath(command.cwd, (option(words, 'd', undefined) ?? { value: '.' }).value), origin(archive));
    } else if (name === 'mv' || name === 'cp' || name === 'ln' || name === 'install') {
      const all = operands(words, /^-(m|o|g|t)$/);
      const to = resolvePath(command.cwd, all.at(-1)?.value);
      for (const source of all.slice(0, -1)) {
        const from = origin(source);
        at(to, from);
        if (to !== undefined && source.value !== undefined) at(posix.join(to, posix.basename(source.value)), from);
      }
    } else if (name === 'go' && /^(install|get)$/.test(words[1]?.value ?? '')) {
      for (const { value } of operands(words.slice(1))) if (value !== undefined && !value.startsWith('.')) at(posix.join(step.variables('GOPATH') ?? '/go', 'bin', posix.basename(value.replace(/@.*/, ''))), by);
    } else if (name === 'cargo' && words[1]?.value === 'install' && option(words, undefined, 'path') === undefined) {
      for (const { value } of operands(words.slice(1))) if (value !== undefined) at(posix.join(step.variables('CARGO_HOME') ?? '/usr/local/cargo', 'bin', value), by);
    } else if (BUILDERS.has(name ?? '')) {
      const output = resolvePath(command.cwd, (option(words, 'o', 'output') ?? option(words, undefined, 'prefix'))?.value);
      if (command.cwd === undefined) at(output, lastFetch);
      else if (output !== undefined && isOwnSource(command.cwd, step, found)) found.push({ path: output, fetchedBy: undefined });
      else at(output, fetchedAt(command.cwd, found));
    }
  }
}

/** Directories that many share: that one archive was unpacked there says nothing of the rest. */
const SHARED = /^\/(|bin|sbin|lib|etc|tmp|root|home|var|usr|usr\/(local\/)?(bin|sbin|lib|share)|usr\/local|var\/tmp)$/;

/** Whether what is compiled in a directory is of the build context: copied, or mounted for this one step. */
function isOwnSource(cwd: string, { instruction: { flags } }: Step, found: readonly Brought[]): boolean {
  const mounts = flags.flatMap(({ name, value }) => (name === 'mount' ? [new Map((value ?? '').split(',').map((part) => part.split('=', 2) as [string, string | undefined]))] : []));
  const ofContext = mounts.filter((mount) => (mount.get('type') ?? 'bind') === 'bind' && !mount.has('from'));
  const targets = ofContext.flatMap((mount) => mount.get('target') ?? mount.get('dst') ?? mount.get('destination') ?? []);
  return targets.some((path) => isWithin(cwd, path)) || (found.some(({ path }) => isWithin(cwd, path)) && fetchedAt(cwd, found) === undefined);
}

/** As `broughtTo`, of what is noted so far. */
function fetchedAt(path: string, found: readonly Brought[]): string | undefined {
  const above = found.filter((one) => isWithin(path, one.path)).sort((one, other) => other.path.length - one.path.length);
  const nearest = above.filter((one) => one.path.length === above[0]!.path.length);
  return nearest.some((one) => one.fetchedBy === undefined) ? undefined : nearest[0]?.fetchedBy;
}

function isClone({ name, words }: Invocation): boolean {
  const verbs = operands(words, /^(-c|-C)$/);
  return (name === 'git' && verbs[0]?.value === 'clone') || (name === 'svn' && /^(co|checkout|export)$/.test(verbs[0]?.value ?? '')) || (name === 'hg' && verbs[0]?.value === 'clone');
}

/** The packages that a language's package manager is told to install by their names, for all to call. */
function packagesIn({ name, words }: Invocation): string[] {
  const isPip = /^pip[\d.]*$/.test(name ?? '') && words[1]?.value === 'install';
  const isGlobal = (name === 'npm' || name === 'pnpm') && /^(i|install|add)$/.test(words[1]?.value ?? '') && hasFlag(words, 'g', 'global');
  const isCabal = (name === 'cabal' || name === 'stack') && /^(v2-|new-)?install$/.test(words[1]?.value ?? '');
  const isYarn = name === 'yarn' && words[1]?.value === 'global' && words[2]?.value === 'add';
  if (!isPip && !isGlobal && !isYarn && !isCabal && !(name === 'gem' && words[1]?.value === 'install')) return [];
  const named = operands(words.slice(isYarn ? 2 : 1), /^(-r|--requirement|-c|--constraint|-i|--index-url|--extra-index-url|-f|--find-links|-t|--target|-v|--version|--prefix|--registry)$/);
  return named.flatMap(({ value }) => (value === undefined || /^[./]|:\/\/|\.(whl|zip|t?gz|txt)$/.test(value) ? [] : [posix.basename(value.replace(/(.)[@=<>~![].*$/, '$1'))]));
}

/** Where a clone ends up: where it is told, else in a directory called after the repository. */
function cloned({ words }: Invocation, { cwd }: ShellCommand): string | undefined {
  const [, url, directory] = operands(words, /^(-c|-C|-b|-o|-j|--branch|--depth|--origin|--config|--reference|--jobs|-r|--revision|--username|--password)$/);
  return resolvePath(cwd, directory ? directory.value : url?.value && posix.basename(url.value.replace(/\/$/, ''), '.git'));
}

/** The file that a download makes; undefined where it goes into a pipe, or is not known. */
function downloaded({ name, words }: Invocation, { cwd, redirects }: ShellCommand): string | undefined {
  const redirected = redirects.find(({ operator }) => operator === '>' || operator === '>>')?.target;
  if (redirected) return resolvePath(cwd, redirected.value);
  const output = name === 'wget' ? option(words, 'O', 'output-document') : option(words, 'o', name === 'curl' ? 'output' : 'out');
  if (output) return output.value === '-' ? undefined : resolvePath(cwd, output.value);
  const url = words.slice(1).find(({ value, text }) => /^["']?(https?|ftp):\/\//.test(value ?? text))?.value;
  const isKept = name !== 'curl' || words.some(({ value }) => /^(-[a-zA-Z]*O|--remote-name)/.test(value ?? ''));
  const directory = option(words, name === 'wget' ? 'P' : 'd', 'directory-prefix')?.value ?? '.';
  return url === undefined || !isKept ? undefined : resolvePath(cwd, posix.join(directory, posix.basename(url.replace(/[?#].*/, ''))));
}

function shown({ name, words }: Invocation): string {
  const source = words.find(({ value, text }) => /^["']?(https?|ftp|git|ssh):\/\/|^git@/.test(value ?? text)) ?? operands(words.slice(1))[0];
  const verb = FETCHERS.test(name ?? '') ? '' : ` ${words[1]?.text ?? ''}`;
  return `${name}${verb} ${source?.value ?? source?.text ?? ''}`.trim();
}
