import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as assert from 'uvu/assert';
import { COMMAND, plainEnvironment } from '../command.ts';

/** A run that goes on while something is done to it. */
export class Running {
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  /** What it has said on stderr. */
  told = '';
  private readonly child: ChildProcess;
  private isOver = false;

  /** @param flags of node */
  constructor(cwd: string, args: readonly string[], flags: readonly string[] = []) {
    this.child = spawn(process.execPath, [...flags, COMMAND, ...args], { cwd, env: plainEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.told += text));
    this.ended = new Promise((done) => this.child.on('close', (status, signal) => ((this.isOver = true), done({ status, signal }))));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until something holds, for a minute at the most. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end && !this.isOver; ) {
      if (holds()) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    assert.unreachable(`${what} did not come\n${this.told}`);
  }

  /** All that it has made and that is still there: of the engine, folders, and commands at work. */
  made(): string[] {
    return [...KINDS.flatMap((kind) => this.ofEngine(kind)), ...this.folders(), ...this.commands()];
  }

  /** What it has made of one kind on the engine, a line for each. */
  ofEngine(kind: (typeof KINDS)[number]): string[] {
    const list = execFileSync('docker', [kind, 'ls', '--quiet', ...(kind === 'container' ? ['--all'] : []), '--filter', 'label=unroot.verify'], { encoding: 'utf8' });
    return labelsOf(kind, list.split('\n').filter(Boolean)).filter((owner) => this.isOwn(owner)).map((owner) => `${kind} of ${owner}`);
  }

  /** Commands of the engine that it started, as they were called. */
  commands(): string[] {
    return readdirSync('/proc').flatMap((pid) => {
      const words = /^\d+$/.test(pid) ? wordsOf(pid) : '';
      return /^\S*docker(-\w+)? /.test(words) && new RegExp(`unroot\\.verify=\\w+-${this.child.pid}-|unroot-\\w+-${this.child.pid}-`).test(words) ? [words] : [];
    });
  }

  private folders(): string[] {
    return readdirSync(tmpdir()).filter((name) => name.startsWith('unroot-verify-') && this.isOwn(name.slice('unroot-verify-'.length)));
  }

  /** Owners are `host-pid-…`. */
  private isOwn(owner: string): boolean {
    return owner.split('-')[1] === String(this.child.pid);
  }
}

const KINDS = ['container', 'image', 'volume', 'network'] as const;

/** Of those that are still there. */
function labelsOf(kind: (typeof KINDS)[number], ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const labels = kind === 'container' || kind === 'image' ? '.Config.Labels' : '.Labels';
  return spawnSync('docker', [kind, 'inspect', '--format', `{{index ${labels} "unroot.verify"}}`, ...ids], { encoding: 'utf8' }).stdout.split('\n');
}

function wordsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended
  }
}
