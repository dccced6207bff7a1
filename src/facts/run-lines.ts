import { basename, dirname, join, relative } from 'node:path';
import type { Disk } from '../disk.ts';
import { properties } from '../dockerfile/inside.ts';
import { parseReference } from '../images/reference.ts';
import { imageNames, repositoryNames } from '../names.ts';
import type { Target } from '../project.ts';
import { readShell, type ShellWord } from '../shell/read.ts';
import { unwrap } from './commands.ts';
import { memo, memoByName } from './memo.ts';

/** A `docker run` that somebody wrote down for a target's image: in a comment or LABEL of the file, or in the README beside it. */
export interface RunLine {
  /** Where it stands, for the reader. */
  place: string;
  mounts: RunMount[];
  /** What only root has: privileged, capabilities, devices, namespaces of the host. */
  powers: string[];
  /** Whether it shares the network of the host. */
  sharedNetwork: boolean;
}

export interface RunMount {
  /** As written, variables included; undefined for a volume without a name. */
  source: string | undefined;
  target: string;
  readOnly: boolean;
}

/** What a folder's README may be called. */
export const READMES = ['README.md', 'README', 'README.rst', 'readme.md', 'Readme.md'];

/** The lines that say how a target's image is run. */
export const runLinesOf = memo((target: Target): RunLine[] => {
  // How else somebody runs an image that everybody has says nothing of a service of compose.
  if (target.standsFor) return [];
  const { dockerfile, file } = target.unit;
  const comments = runsIn(dockerfile.comments.map(({ text }) => text).join('\n')).map((words) => runLine(words, 'a comment in the file'));
  const own = dirname(file.absolute);
  const readmes = READMES.flatMap((name) => {
    const path = join(own, name);
    const lines = runsIn(target.disk.read(path) ?? '').filter((words) => isMeant(optionsOf(words).image, target));
    return lines.map((words) => runLine(words, relative(file.root, path) || name));
  });
  return [...comments, ...labelled(target), ...readmes];
});

/** `LABEL RUN="docker run …"`, `LABEL docker_run_flags="-d -v …"`. */
function labelled({ unit: { dockerfile } }: Target): RunLine[] {
  return dockerfile.instructions.flatMap((instruction) => {
    if (instruction.keyword !== 'LABEL' || !/run/i.test(instruction.args)) return [];
    return properties(instruction, dockerfile.escape).flatMap(({ name, value }) => {
      const text = (value ?? '').replace(/^["']|["']$/g, '');
      const isFlags = /run[-_.]?flags/i.test(name) && text.startsWith('-');
      return runsIn(isFlags ? `docker run ${text} image` : text).map((words) => runLine(words, `LABEL ${name.replace(/^["']|["']$/g, '')}`));
    });
  });
}

/** The words behind every `docker run` in a text; notes behind a continuation don't count. */
function runsIn(text: string): ShellWord[][] {
  return runCommandsIn(text).map(({ words }) => words);
}

/** What stands behind a `docker run`, and the line, from 1, on which that begins. */
export interface RunCommand {
  words: ShellWord[];
  line: number;
}

/** Every `docker run` or `podman run` in a text, over continued lines. */
export function runCommandsIn(text: string): RunCommand[] {
  if (!RUN.test(text)) return [];
  return [...text.matchAll(RUN_LINE)].flatMap(({ 0: whole, index }) => {
    const at = whole.search(RUN);
    const joined = whole.slice(at).replace(/\\[ \t]*(#[^\n]*)?\r?\n/g, ' ');
    const ends = whole[at - 1] === '`' ? joined.indexOf('`') : -1;
    const command = readShell(ends < 0 ? joined : joined.slice(0, ends)).commands[0];
    const words = command === undefined ? [] : unwrap(command).words;
    const run = words.findIndex(({ value }) => value === 'run');
    return run < 0 ? [] : [{ words: words.slice(run + 1), line: text.slice(0, index + at).split('\n').length }];
  });
}

const RUN = /\b(docker|podman) (container )?run\b/;
/** A line with one, and those that it goes on in. */
const RUN_LINE = /^[^\n]*\b(?:docker|podman) (?:container )?run\b(?:[^\n]*\\[ \t]*(?:#[^\n]*)?\r?\n)*[^\n]*/gm;

/** Options of `docker run` that take no value. */
const FLAG = /^(-[dit]+|-[Pq]|--(rm|privileged|init|read-only|detach|interactive|tty|publish-all|no-healthcheck|oom-kill-disable|sig-proxy|quiet)(=.*)?)$/;

/** The options of a `docker run` with their values, and the image behind them. */
export function optionsOf(words: readonly ShellWord[]): { options: { name: string; value: string }[]; image: string | undefined } {
  const options = [];
  for (let at = 0; at < words.length; at += 1) {
    const shown = shownOf(words[at]!);
    if (!shown.startsWith('-')) return { options, image: shown };
    const [, name, value] = /^(--?[^=]+)(?:=(.*))?$/.exec(shown) ?? [];
    if (name === undefined) continue;
    if (FLAG.test(shown)) options.push({ name, value: value ?? 'true' });
    else if (value !== undefined) options.push({ name, value });
    else if (/^-[a-z]./.test(name) && !name.startsWith('--')) options.push({ name: name.slice(0, 2), value: name.slice(2) });
    else options.push({ name, value: words[(at += 1)] ? shownOf(words[at]!) : '' });
  }
  return { options, image: undefined };
}

function shownOf({ value, text }: ShellWord): string {
  return value ?? text.replace(/^["']|["']$/g, '');
}

/** Whether an image is called after a Dockerfile's folder, as something here tags it, or after the repository. */
function isMeant(image: string | undefined, { unit: { file, builders }, disk }: Target): boolean {
  const repo = image === undefined ? undefined : parseReference(image)?.repo;
  if (repo === undefined) return false;
  const last = repo.slice(repo.lastIndexOf('/') + 1);
  const names = [...imageNames(file.absolute, file.root, builders, disk), ...repositoryNames(disk, file.root)].filter((name) => name.length > 2);
  return last.length > 2 && names.some((name) => name === last || name.endsWith(last) || last.endsWith(name));
}

const NAMESPACES = /^--(pid|ipc|uts|userns|cgroupns)$/;

function runLine(words: readonly ShellWord[], place: string): RunLine {
  const line: RunLine = { place, mounts: [], powers: [], sharedNetwork: false };
  for (const { name, value } of optionsOf(words).options) {
    if (name === '-v' || name === '--volume') line.mounts.push(...shortMount(value));
    else if (name === '--mount') line.mounts.push(...longMount(value));
    else if (name === '--privileged' && value !== 'false') line.powers.push('--privileged');
    else if (name === '--cap-add' || (NAMESPACES.test(name) && value === 'host')) line.powers.push(`${name} ${value}`);
    // Graphics and sound are open to a group, or to everybody.
    else if (name === '--device' && !/^\/dev\/(dri|snd|nvidia|kfd)/.test(value)) line.powers.push(`${name} ${value}`);
    else if ((name === '--net' || name === '--network') && /^(host$|container:)/.test(value)) line.sharedNetwork = true;
  }
  return line;
}

/** `source:target:options`, or a target alone. */
function shortMount(value: string): RunMount[] {
  const parts = value.split(':');
  const [source, target, options = ''] = parts.length === 1 ? [undefined, parts[0]!] : parts;
  return target?.startsWith('/') ? [{ source, target, readOnly: options.split(',').includes('ro') }] : [];
}

/** `type=bind,source=/a,target=/b,readonly`. */
function longMount(value: string): RunMount[] {
  const settings = new Map<string, string | undefined>(value.split(',').map((part) => [part.split('=')[0]!, part.split('=')[1]]));
  const target = settings.get('target') ?? settings.get('dst') ?? settings.get('destination');
  if (target === undefined || !target.startsWith('/') || settings.get('type') === 'tmpfs') return [];
  return [{ source: settings.get('source') ?? settings.get('src'), target, readOnly: settings.has('readonly') || settings.has('ro') }];
}

/** Files of a repository that say how its images are run. */
const PLACES = [...READMES, 'Makefile', 'makefile', 'GNUmakefile', 'justfile', 'Taskfile.yml', '.travis.yml', '.gitlab-ci.yml'];

/** The place that runs the target's image with files of the caller mounted (`docker run … -v`); undefined for none. */
export function runsWithVolume(target: Target): string | undefined {
  const { context, file, dockerfile } = target.unit;
  if (mountsFiles(dockerfile.comments.map(({ text }) => text).join('\n'), () => true)) return 'a comment in the file';
  const own = dirname(file.absolute);
  const directories = new Set([context ?? own, own, file.root]);
  for (const directory of directories) {
    // Further up there are other images too: the line must name this one, by its folder.
    const isMeant = directory === own ? () => true : (line: string) => line.includes(basename(own));
    const names = [...PLACES, ...scriptsIn(target.disk, directory)];
    for (const name of names) {
      const path = join(directory, name);
      const text = target.disk.read(path);
      if (text !== undefined && mountsFiles(text, isMeant)) return relative(file.root, path) || name;
    }
  }
  return undefined;
}

/** The shell scripts in a folder: many Dockerfiles may lie beside them. */
const scriptsIn = memoByName((disk: Disk, directory): string[] => disk.list(directory).filter((name) => name.endsWith('.sh')));

/** Whether a text holds a `docker run` with a mount, over continued lines, that is meant. */
function mountsFiles(text: string, isMeant: (line: string) => boolean): boolean {
  if (!text.includes('docker run') && !text.includes('podman run')) return false;
  const joined = text.replace(/\\\r?\n/g, ' ');
  return joined.split('\n').some((line) => /\b(docker|podman) run\b.*\s(-v|--volume|--mount)[\s=]/.test(line) && isMeant(line));
}
