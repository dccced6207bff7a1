import { join } from 'node:path';
import { operands, option, unwrap } from '../shell/invocation.ts';
import { readShell, type ShellWord } from '../shell/read.ts';

/** A `docker build` and its kin; paths as written, from where the script stands. */
export interface BuildCommand {
  context: string;
  /** Relative as the context is. */
  dockerfile: string;
  target: string | undefined;
  tags: string[];
  /** Whether it sends the image to a registry itself. */
  pushed: boolean;
}

const TAKES_VALUE =
  /^(-[fmtco]|--(add-host|allow|annotation|attest|build-arg|build-context|builder|cache-from|cache-to|cgroup-parent|cpu-\w+|file|iidfile|isolation|label|memory|metadata-file|network|no-cache-filter|output|platform|progress|secret|shm-size|ssh|tag|target|ulimit))$/;

/** What a script does with images. */
export interface ImageCommands {
  builds: BuildCommand[];
  /** The images that it sends to a registry; undefined for one that a variable names. */
  pushes: (string | undefined)[];
}

/** The builds and pushes in a script: `docker build`, `docker buildx build`, `docker image push`, `podman build`, `buildah bud`. */
export function readImageCommands(script: string): ImageCommands {
  const mayBuild = /\b(docker|podman|buildah)\b/.test(script);
  if (!mayBuild && !/\bpush\b/.test(script)) return { builds: [], pushes: [] };
  const invocations = readShell(script, () => undefined, '/').commands.flatMap((command) => {
    const { name, words } = unwrap(command);
    return name !== undefined && ENGINES.has(name) ? [{ words, cwd: command.cwd }] : [];
  });
  return { builds: mayBuild ? invocations.flatMap(buildOf) : [], pushes: invocations.flatMap(pushOf) };
}

const ENGINES = new Set(['docker', 'podman', 'buildah', 'nerdctl']);

interface Invoked {
  words: ShellWord[];
  cwd: string | undefined;
}

function buildOf({ words, cwd: place }: Invoked): BuildCommand[] {
  const verb = words.findIndex(({ value }, index) => index > 0 && index < 4 && (value === 'build' || value === 'bud'));
  if (verb < 0) return [];
  const args = words.slice(verb);
  // Where `cd` leads counts; a place that rests on a variable is not known.
  const cwd = place?.slice(1) ?? '';
  const context = operands(args, TAKES_VALUE).at(-1)?.value ?? '.';
  const file = option(args, 'f', 'file')?.value;
  const tags = args.flatMap(({ value }, index) => (value === '-t' || value === '--tag' ? [args[index + 1]?.value] : [value?.startsWith('--tag=') ? value.slice(6) : undefined]));
  return [
    {
      context: join(cwd, context),
      dockerfile: file === undefined ? join(cwd, context, 'Dockerfile') : join(cwd, file),
      target: option(args, undefined, 'target')?.value,
      tags: tags.filter((tag) => tag !== undefined),
      pushed: args.some(({ value }) => value === '--push' || value === '--push=true'),
    },
  ];
}

function pushOf({ words }: Invoked): (string | undefined)[] {
  const verb = words.findIndex(({ value }, index) => index > 0 && index < 3 && value === 'push');
  return verb > 0 ? [operands(words.slice(verb)).at(0)?.value] : [];
}
