import { execFile, spawnSync } from 'node:child_process';
import { type Address, type Ask, talk } from './talk.ts';

/** Everything that is made here bears it, so that everything can be found and taken away. */
const LABEL = `unroot-test=${process.pid}`;
const READY_SECONDS = 15;

/** Whether a container engine answers; the reason where none does. */
export function engineState(): { answers: boolean; why: string } {
  const run = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8', timeout: 10_000 });
  if (run.error) return { answers: false, why: 'code' in run.error && run.error.code === 'ENOENT' ? 'there is no docker on the PATH' : run.error.message };
  return { answers: run.status === 0, why: run.stderr.trim().split('\n').at(-1) ?? '' };
}

/**
 * Builds a Dockerfile of a folder. Without a network, unless a step really needs a package.
 * @returns the image's id
 */
export async function build(folder: string, network: 'none' | 'host' = 'none', file = 'Dockerfile'): Promise<string> {
  return (await docker('build', '--quiet', '--network', network, '--label', LABEL, '--file', `${folder}/${file}`, folder)).trim();
}

interface ComposeService {
  command: string[];
  build?: { context: string; dockerfile: string };
  volumes?: { type: 'bind' | 'volume'; source?: string; target: string }[];
}

/** A service, as compose itself reads the file in a folder. */
export async function composeService(folder: string, service: string): Promise<ComposeService> {
  const read = JSON.parse(await docker('compose', '--project-directory', folder, '--file', `${folder}/compose.yaml`, 'config', '--format', 'json')) as { services: Record<string, ComposeService> };
  return read.services[service]!;
}

/** Bytes of an image's layers. */
export async function sizeOf(image: string): Promise<number> {
  return Number(await docker('image', 'inspect', '--format', '{{.Size}}', image));
}

/** What the image's USER says; empty for root by default. */
export async function userOf(image: string): Promise<string> {
  return (await docker('image', 'inspect', '--format', '{{.Config.User}}', image)).trim();
}

/** A named volume, made anew. */
export async function makeVolume(name: string): Promise<string> {
  return (await docker('volume', 'create', '--label', LABEL, `unroot-${process.pid}-${name}`)).trim();
}

export async function removeVolume(volume: string): Promise<void> {
  await docker('volume', 'rm', '--force', volume);
}

/** Gives an image a name of this run's own. @returns it */
export async function nameImage(id: string, what: string): Promise<string> {
  const name = `unroot-test/${what}-${process.pid}:1`;
  await docker('tag', id, name);
  return name;
}

/** The ids of containers that were made of an image, whatever state they are in. */
export async function containersOf(image: string): Promise<string[]> {
  return (await docker('ps', '--all', '--quiet', '--filter', `ancestor=${image}`)).split('\n').filter(Boolean);
}

export async function removeImage(image: string): Promise<void> {
  await docker('rmi', '--force', image);
}

/** A container that was started here. */
export class Container {
  private readonly id: string;
  private readonly port: number | undefined;

  private constructor(id: string, port: number | undefined) {
    this.id = id;
    this.port = port;
  }

  /** Starts an image; `port` is published where only this machine reaches it. */
  static async run(image: string, options: { port?: number | undefined; flags?: readonly string[] | undefined; command?: readonly string[] | undefined } = {}): Promise<Container> {
    const publish = options.port === undefined ? [] : ['--publish', `127.0.0.1::${options.port}`];
    const id = await docker('run', '--detach', '--label', LABEL, ...publish, ...(options.flags ?? []), image, ...(options.command ?? []));
    return new Container(id.trim(), options.port);
  }

  /** The answer to one thing, asked again until the program is ready. @throws with its log where it ended or stays silent */
  async answer(ask: Ask): Promise<string> {
    const end = Date.now() + READY_SECONDS * 1000;
    for (;;) {
      try {
        return await talk(await this.address(), ask);
      } catch (error) {
        if (Date.now() > end || !(await this.isRunning())) throw new Error(`no answer to ${JSON.stringify(ask)}: ${String(error)}\n${await this.logs()}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** The uid of every process, as the host sees it. */
  async uids(): Promise<number[]> {
    const [, ...lines] = (await docker('top', this.id, '-eo', 'pid,uid,args')).trim().split('\n');
    return lines.map((line) => Number(line.trim().split(/\s+/)[1]));
  }

  /** Files and empty directories that were made or changed since the start, volumes apart. */
  async written(): Promise<string[]> {
    const volumes = (await docker('inspect', '--format', '{{range .Mounts}}{{println .Destination}}{{end}}', this.id)).split('\n');
    const paths = (await docker('diff', this.id)).split('\n').filter((line) => /^[AC] /.test(line)).map((line) => line.slice(2));
    return paths.filter((path) => !volumes.includes(path) && !paths.some((other) => other.startsWith(`${path}/`)));
  }

  /** Whether a shell command succeeds inside, as the user that the image names. */
  async can(script: string): Promise<boolean> {
    return docker('exec', this.id, 'sh', '-c', script).then(() => true, () => false);
  }

  /** Who owns a file, and its mode: read from outside, so that the image needs no shell. */
  async ownerOf(path: string): Promise<{ uid: number; mode: number }> {
    const header = await docker('cp', `${this.id}:${path}`, '-');
    return { mode: Number.parseInt(header.slice(100, 108), 8), uid: Number.parseInt(header.slice(108, 116), 8) };
  }

  /** What it has said on stdout and stderr. */
  async logs(): Promise<string> {
    const { stdout, stderr } = await execute('logs', this.id);
    return stdout + stderr;
  }

  /** What it has said on stdout alone. */
  async stdout(): Promise<string> {
    return (await execute('logs', this.id)).stdout;
  }

  /** The exit status of a program that ends by itself. */
  async exit(): Promise<number> {
    return Number(await docker('wait', this.id));
  }

  async isRunning(): Promise<boolean> {
    return (await docker('inspect', '--format', '{{.State.Running}}', this.id)).trim() === 'true';
  }

  async remove(): Promise<void> {
    await docker('rm', '--force', '--volumes', this.id);
  }

  private async address(): Promise<Address> {
    const [host, port] = (await docker('port', this.id, `${this.port}/tcp`)).trim().split('\n')[0]!.split(':') as [string, string];
    return { host, port: Number(port) };
  }
}

/** Ends the commands that still run when this process does. */
const ending = new AbortController();

/** Runs docker. @throws with what it said where it fails */
async function docker(...args: string[]): Promise<string> {
  return (await execute(...args)).stdout;
}

function execute(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    // latin1, because `docker cp` gives an archive.
    execFile('docker', args, { encoding: args[0] === 'cp' ? 'latin1' : 'utf8', timeout: 300_000, maxBuffer: 1 << 28, signal: ending.signal }, (error, stdout, stderr) => {
      if (error) reject(new Error(`docker ${args.join(' ')}: ${stderr || error.message}`));
      else resolve({ stdout, stderr });
    });
  });
}

/** Takes away everything that was made here, whatever state it is in. */
function removeAll(): void {
  ending.abort();
  const labelled = ['--quiet', '--filter', `label=${LABEL}`];
  for (const [list, remove] of [
    [['ps', '--all'], ['rm', '--force', '--volumes']],
    [['images'], ['rmi', '--force']],
    [['volume', 'ls'], ['volume', 'rm', '--force']],
  ] as const) {
    const ids = spawnSync('docker', [...list, ...labelled], { encoding: 'utf8', timeout: 30_000 }).stdout?.split('\n').filter(Boolean) ?? [];
    if (ids.length > 0) spawnSync('docker', [...remove, ...ids], { timeout: 60_000 });
  }
}

/** Has everything taken away on every way out; call it once an engine is known to answer. */
export function removeAllAtExit(): void {
  process.once('exit', removeAll);
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]] as const) process.once(signal, () => process.exit(128 + number));
}
