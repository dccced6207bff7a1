import { execFileSync } from 'node:child_process';
import { posix } from 'node:path';
import { firstMember } from './tar.ts';

/** What an engine says of an image. All of it is the image's own: its configuration and its files. */
export interface Probe {
  config: ImageConfig;
  /** Undefined where they could not be seen: a registry tells the configuration alone. */
  files: ImageFiles | undefined;
}

/** The part of an image configuration (OCI image specification, `config`) that says how it starts. */
export interface ImageConfig {
  User?: string | undefined;
  Entrypoint?: string[] | null | undefined;
  Cmd?: string[] | null | undefined;
  /** `HOME=…` alone. */
  Env?: string[] | null | undefined;
  WorkingDir?: string | undefined;
  ExposedPorts?: Record<string, unknown> | null | undefined;
  Volumes?: Record<string, unknown> | null | undefined;
  OnBuild?: string[] | null | undefined;
}

/** Files of an image; undefined for one that it does not have. */
export interface ImageFiles {
  osRelease: string | undefined;
  passwd: string | undefined;
  group: string | undefined;
  /** The text of the program that starts, where that is a script. */
  entrypoint: string | undefined;
  hasShell: boolean;
  hasUseradd: boolean;
}

/** An image that the engine has. */
export interface LocalImage {
  /** The digest of its configuration. */
  id: string;
  config: ImageConfig;
}

/** Why there is no answer. `gone`: there is no use in asking this engine for anything more. */
export class Refusal extends Error {
  readonly gone: boolean;
  constructor(message: string, gone: boolean) {
    super(message);
    this.gone = gone;
  }
}

/** Registries answer in a second or two; a name that leads nowhere takes longer. */
const CALL_MILLISECONDS = 20_000;
/** More than any text that is asked for: the passwd of a large image has some ten thousand bytes. */
const MAX_BYTES = 4 << 20;
/** The longest program that is taken for a script. */
const MAX_SCRIPT = 65_536;
const MAX_LINKS = 8;

/**
 * Asks a container engine about images by its command line (`docker`). Nothing of an image is run: to
 * copy files out of it, a container is created, never started, and removed.
 */
export class Engine {
  private readonly command: string;
  private readonly deadline: number;

  /**
   * @param command the engine's command: a name on the PATH, or a path
   * @param deadline when to stop asking, in milliseconds since 1970
   */
  constructor(command: string, deadline: number) {
    this.command = command;
    this.deadline = deadline;
  }

  /** An image that the engine has; undefined where it has none of that name. @throws Refusal */
  local(image: string): LocalImage | undefined {
    try {
      const [found] = this.json(['image', 'inspect', image]) as { Id?: string; Config?: ImageConfig }[];
      return found?.Id === undefined ? undefined : { id: found.Id, config: essence(found.Config ?? {}) };
    } catch (error) {
      if (error instanceof Refusal && /no such (image|object)|image not known|not found/i.test(error.message)) return undefined;
      throw error;
    }
  }

  /** What an image's registry says, without pulling it. Of several platforms Linux on AMD64 is taken, else the first Linux. @throws Refusal */
  remote(image: string): ImageConfig {
    const config = platformOf(this.json(['buildx', 'imagetools', 'inspect', '--format', '{{json .Image}}', image]));
    if (!config) throw new Refusal('its registry names no Linux image', false);
    return essence(config);
  }

  /** The files of a local image that tell its distribution and accounts. @throws Refusal */
  files({ id, config }: LocalImage): ImageFiles {
    const start = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
    // An image without a start command can't be created without one; it never runs.
    const container = this.run(['create', '--network', 'none', id, ...(start.length > 0 ? [] : ['-'])]).toString().trim();
    try {
      return {
        osRelease: this.text(container, '/etc/os-release'),
        passwd: this.text(container, '/etc/passwd'),
        group: this.text(container, '/etc/group'),
        entrypoint: this.script(container, start[0]),
        hasShell: this.copy(container, '/bin/sh') !== undefined,
        hasUseradd: this.copy(container, '/usr/sbin/useradd') !== undefined,
      };
    } finally {
      this.run(['rm', '--force', '--volumes', container]);
    }
  }

  /** The text of a file in a container, links followed; undefined where it is not there. */
  private text(container: string, path: string): string | undefined {
    let at = path;
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const archive = this.copy(container, at);
      const member = archive === undefined || archive === 'too long' ? undefined : firstMember(archive);
      if (!member || !('link' in member)) return member?.content.toString();
      at = posix.resolve(posix.dirname(at), member.link);
    }
    return undefined;
  }

  /** The text of a program, where it is a script. */
  private script(container: string, program: string | undefined): string | undefined {
    if (!program) return undefined;
    const places = program.includes('/') ? [program] : ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].map((directory) => `${directory}/${program}`);
    for (const place of places) {
      const text = this.text(container, place);
      if (text !== undefined) return text.length <= MAX_SCRIPT && text.startsWith('#!') ? text : undefined;
    }
    return undefined;
  }

  /** A path of a container as an archive; undefined where it is not there. */
  private copy(container: string, path: string): Buffer | 'too long' | undefined {
    try {
      return this.run(['cp', `${container}:${path}`, '-']);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.message === TOO_LONG) return 'too long';
      if (/could not find|no such (file|container:path)|not found|does not exist/i.test(error.message)) return undefined;
      throw error;
    }
  }

  private json(args: readonly string[]): unknown {
    try {
      return JSON.parse(this.run(args).toString());
    } catch (error) {
      if (error instanceof SyntaxError) throw new Refusal('its answer is no JSON', false);
      throw error;
    }
  }

  /** What a call writes to its standard output. @throws Refusal */
  private run(args: readonly string[]): Buffer {
    const left = this.deadline - Date.now();
    if (left <= 0) throw new Refusal('the time for asking is over', true);
    try {
      return execFileSync(this.command, args, { timeout: Math.min(CALL_MILLISECONDS, left), killSignal: 'SIGKILL', maxBuffer: MAX_BYTES, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    } catch (error) {
      throw refusalOf(error, this.command);
    }
  }
}

const TOO_LONG = 'the file is too long';

function refusalOf(error: unknown, command: string): Refusal {
  if (!(error instanceof Error)) throw error;
  const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer | null };
  if (code === 'ENOENT' || code === 'EACCES') return new Refusal(`${command} can't be run (${code}); --engine names another command`, true);
  if (code === 'ETIMEDOUT') return new Refusal('it did not answer in time', false);
  if (code === 'ENOBUFS') return new Refusal(TOO_LONG, false);
  const said = tellingLine(stderr?.toString() ?? '') ?? error.message.split('\n')[0]!;
  return new Refusal(said, false);
}

/** The line that says what is wrong: tools put warnings before it, and how to use them behind it. */
function tellingLine(said: string): string | undefined {
  const lines = said.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(usage|options|see|run|for more help|aliases|examples)\b/i.test(line));
  return lines.find((line) => /error|cannot|denied|failed|unknown|not a docker command|not found|no such/i.test(line)) ?? lines.at(-1);
}

/** What is asked of a configuration, and no more: a cache is no place for variables that may hold secrets. */
function essence({ User, Entrypoint, Cmd, Env, WorkingDir, ExposedPorts, Volumes, OnBuild }: ImageConfig): ImageConfig {
  return { User, Entrypoint, Cmd, Env: (Env ?? []).filter((one) => one.startsWith('HOME=')), WorkingDir, ExposedPorts, Volumes, OnBuild };
}

/** `{"config": …}` for one platform, `{"linux/amd64": {"config": …}, …}` for several. */
function platformOf(said: unknown): ImageConfig | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  if ('config' in said && typeof said.config === 'object') return said.config ?? {};
  const platforms = Object.entries(said as Record<string, { config?: ImageConfig } | null>).filter(([name]) => name.startsWith('linux/'));
  const [, chosen] = platforms.find(([name]) => name === 'linux/amd64') ?? platforms[0] ?? [];
  return chosen ? (chosen.config ?? {}) : undefined;
}
