import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a container engine answers; the reason where none does. */
export function engineState(): { answers: boolean; why: string } {
  const run = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' });
  if (run.error) return { answers: false, why: 'there is no docker on the PATH' };
  return { answers: run.status === 0, why: run.stderr.trim().split('\n').at(-1) ?? '' };
}

const LABEL = `unroot-test=${process.pid}`;

/** A folder with files, removed with everything that was built from it. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
  private readonly images: string[] = [];
  private readonly containers: string[] = [];
  private readonly volumes: string[] = [];

  constructor(files: Record<string, string>, modes: Record<string, number> = {}) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(this.folder, path, '..'), { recursive: true });
      writeFileSync(join(this.folder, path), text, { mode: modes[path] ?? 0o644 });
    }
  }

  /** Builds the folder's Dockerfile without a network. @returns the image's id */
  build(): string {
    const id = docker('build', '--quiet', '--network', 'none', '--label', LABEL, this.folder).trim();
    this.images.push(id);
    return id;
  }

  /** Starts a container. @returns its id */
  run(image: string, options: readonly string[] = []): string {
    const id = docker('run', '--detach', '--label', LABEL, ...options, image).trim();
    this.containers.push(id);
    return id;
  }

  /** A named volume that goes with the bench. */
  volume(name: string): string {
    const unique = `unroot-${process.pid}-${name}`;
    this.volumes.push(unique);
    docker('volume', 'create', '--label', LABEL, unique);
    return unique;
  }

  stop(container: string): void {
    docker('rm', '--force', '--volumes', container);
    this.containers.splice(this.containers.indexOf(container), 1);
  }

  /** Takes everything away, whatever state it is in. */
  clear(): void {
    for (const id of this.containers) spawnSync('docker', ['rm', '--force', '--volumes', id]);
    for (const id of this.volumes) spawnSync('docker', ['volume', 'rm', '--force', id]);
    for (const id of this.images) spawnSync('docker', ['rmi', '--force', id]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs docker. @throws with what it said where it fails */
export function docker(...args: string[]): string {
  const run = spawnSync('docker', args, { encoding: 'utf8', timeout: 120_000 });
  if (run.status !== 0) throw new Error(`docker ${args.slice(0, 2).join(' ')}: ${run.stderr || String(run.error)}`);
  return run.stdout;
}

/** The uids of a container's processes, seen from the host. */
export function uidsOf(container: string): number[] {
  const [, ...lines] = docker('top', container, '-eo', 'pid,uid').trim().split('\n');
  return lines.map((line) => Number(line.trim().split(/\s+/)[1]));
}

/** What a container has said on stdout and stderr. */
export function logsOf(container: string): string {
  const run = spawnSync('docker', ['logs', container], { encoding: 'utf8' });
  return run.stdout + run.stderr;
}

/** The exit status of a container that ends, waited for at most `seconds`. */
export function exitOf(container: string, seconds = 15): number {
  return Number(execFileSync('docker', ['wait', container], { encoding: 'utf8', timeout: seconds * 1000 }).trim());
}

/** Bytes of an image's layers. */
export function sizeOf(image: string): number {
  return Number(docker('image', 'inspect', '--format', '{{.Size}}', image).trim());
}

/** Where a published port of a container answers on this machine. */
export function addressOf(container: string, port: number): string {
  return `http://${docker('port', container, `${port}/tcp`).trim().split('\n')[0]}`;
}

export interface Ask {
  method?: string;
  body?: string;
}

/** Asks until something answers or `seconds` are over. */
export async function answerOf(url: string, ask: Ask = {}, seconds = 15): Promise<string> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await answer(url, ask);
    } catch (error) {
      if (Date.now() > end) throw new Error(`${url} does not answer: ${String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function answer(url: string, { method = 'GET', body }: Ask): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('timed out'))).on('error', reject);
    asked.end(body);
  });
}

/** Whether a command succeeds in a container as the user that it runs as. */
export function can(container: string, ...command: string[]): boolean {
  return spawnSync('docker', ['exec', container, ...command]).status === 0;
}
