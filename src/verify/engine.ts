/** The only door to the container engine: every call of its command goes through here. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGone, newOwner, type Owner, startOf } from './owner.ts';

/** Every object that is made bears this label; its value is the owner. */
const LABEL = 'unroot.verify';
const FOLDER = 'unroot-verify-';

/** No engine, or one that does not answer: nothing can be verified. */
export class NoEngineError extends Error {
  override name = 'NoEngineError';
}

/** A command of the engine that failed, in one line; `log` holds all that it said. */
export class EngineError extends Error {
  override name = 'EngineError';
  readonly log: string;
  constructor(message: string, log: string) {
    super(message);
    this.log = log;
  }
}

/** One that took longer than it may. */
export class LateError extends EngineError {}

export interface CallOptions {
  input?: string;
  /** Milliseconds after which the command is ended. */
  timeout?: number;
  /** Ends the command once this much of its output has come. */
  enough?: number;
  /** Whether it may still be at work when unroot is killed: a later run ends it then. */
  long?: boolean;
  cwd?: string;
  /** Variables over those of this process. */
  env?: Readonly<Record<string, string>> | undefined;
}

const TIMEOUT = 60_000;
const IDLE = 10_000;
const GRACE = 5000;
const HASTE = 3000;
const MAX_OUTPUT = 1 << 26;

/**
 * A container engine, and everything that one run makes on it. `removeAll` takes that away again,
 * and `removeLeftovers` what runs left that were killed.
 */
export class Engine {
  readonly owner: Owner = newOwner();
  /** A folder of this run for what lies on disk: copies of contexts, traces. */
  readonly folder: string;
  /** `docker 26.1.5`. */
  readonly version: string;
  readonly isPodman: boolean;
  private readonly command: string;
  private readonly signal: AbortSignal | undefined;
  /** Commands at work, and whether they may take long. */
  private readonly running = new Map<ChildProcess, boolean>();

  private constructor(command: string, version: string, isPodman: boolean, signal: AbortSignal | undefined) {
    this.command = command;
    this.version = version;
    this.isPodman = isPodman;
    this.signal = signal;
    signal?.addEventListener('abort', this.end);
    this.folder = join(tmpdir(), `${FOLDER}${this.owner}`);
    mkdirSync(join(this.folder, CHILDREN), { recursive: true, mode: 0o700 });
  }

  /**
   * The engine that a command speaks to, asked whether it answers.
   * @param signal ends running commands, and has later ones fail
   * @throws NoEngineError
   */
  static open(command: string, signal?: AbortSignal): Engine {
    const asked = spawnSync(command, ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8', timeout: TIMEOUT });
    if (asked.error) {
      const why = 'code' in asked.error && asked.error.code === 'ENOENT' ? `there is no ${command} on the PATH` : `${command} could not be run: ${asked.error.message}`;
      throw new NoEngineError(`${why}; install Docker, or name another engine with --engine`);
    }
    if (asked.status !== 0) throw new NoEngineError(`${command} does not answer: ${lastLine(asked.stderr) || `it ended with status ${asked.status}`}`);
    const spoken = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: TIMEOUT }).stdout ?? '';
    return new Engine(command, `${command} ${asked.stdout.trim()}`, /podman/i.test(spoken), signal);
  }

  /** Arguments that mark what is made as this run's. */
  get labels(): string[] {
    return ['--label', `${LABEL}=${this.owner}`];
  }

  /** The same for what others make for it. */
  get label(): { name: string; value: string } {
    return { name: LABEL, value: this.owner };
  }

  /** What a command prints. @throws EngineError with what it said where it fails */
  async call(args: readonly string[], options: CallOptions = {}): Promise<string> {
    return (await this.bytes(args, options)).toString('utf8');
  }

  /** The same for output that is no text. */
  async bytes(args: readonly string[], options: CallOptions = {}): Promise<Buffer> {
    return (await this.run(args, options)).stdout;
  }

  /** What a command prints on both streams, one after the other. */
  async both(args: readonly string[], options: CallOptions = {}): Promise<{ stdout: string; stderr: string }> {
    const { stdout, stderr } = await this.run(args, options);
    return { stdout: stdout.toString('utf8'), stderr };
  }

  /** Takes away all that this run made, whatever state it is in. Works after the signal too. */
  async removeAll(): Promise<void> {
    this.signal?.removeEventListener('abort', this.end);
    this.end();
    await this.idle();
    await this.remove((owner) => owner === this.owner);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The same without giving anybody a turn, for a process that is about to end. */
  removeAllNow(): void {
    this.end();
    // What a command asked for is made even if nobody waits for it: it would come after all was taken away.
    const atWork = () => [...this.running.keys()].some(({ pid }) => pid !== undefined && startOf(pid) !== undefined);
    for (const end = Date.now() + HASTE; atWork() && Date.now() < end; ) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    for (const { list, inspect, remove } of KINDS) {
      const ask = (args: readonly string[]) => spawnSync(this.command, args, { encoding: 'utf8', timeout: TIMEOUT }).stdout ?? '';
      const own = owned(ask([...list, '--quiet', '--filter', `label=${LABEL}`]), (ids) => ask([...inspect, ...ids]), (owner) => owner === this.owner);
      if (own.length > 0) spawnSync(this.command, [...remove, ...own], { timeout: TIMEOUT });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Takes away what runs left whose process is gone. */
  async removeLeftovers(): Promise<void> {
    for (const name of readdirSync(tmpdir())) {
      if (!name.startsWith(FOLDER) || !isGone(name.slice(FOLDER.length))) continue;
      const folder = join(tmpdir(), name);
      endOrphans(folder);
      rmSync(folder, { recursive: true, force: true });
    }
    await this.remove(isGone);
  }

  private async remove(isMeant: (owner: Owner) => boolean): Promise<void> {
    for (const { list, inspect, remove } of KINDS) {
      const ids = await this.attempt([...list, '--quiet', '--filter', `label=${LABEL}`]);
      if (ids.trim() === '') continue;
      const facts = await this.attempt([...inspect, ...lines(ids)]);
      const meant = owned(ids, () => facts, isMeant);
      // Another run may be taking the same away: what is gone already is no failure.
      if (meant.length > 0) await this.attempt([...remove, ...meant]);
    }
  }

  private async attempt(args: readonly string[]): Promise<string> {
    const { stdout } = await this.start(args, { timeout: TIMEOUT });
    return stdout.toString('utf8');
  }

  private async run(args: readonly string[], options: CallOptions): Promise<Output> {
    this.signal?.throwIfAborted();
    const output = await this.start(args, options);
    this.signal?.throwIfAborted();
    if (output.status === 0 || output.wasEnough) return output;
    const what = `${this.command} ${args[0]}`;
    if (output.isLate) throw new LateError(`${what} took longer than ${(options.timeout ?? TIMEOUT) / 1000} s`, output.stderr);
    throw new EngineError(reasonIn(output.stderr) || `${what} ended with status ${output.status}`, output.stderr);
  }

  private start(args: readonly string[], { input, timeout = TIMEOUT, enough = Infinity, long = false, cwd, env }: CallOptions): Promise<Output> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.command, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd, env: { ...process.env, ...env, DOCKER_BUILDKIT: '1' } });
      const stdout: Buffer[] = [];
      let stderr = '';
      let length = 0;
      let isLate = false;
      const end = () => child.kill('SIGKILL');
      // A build is given up by whoever asks for it, if he is told to and not killed.
      const timer = setTimeout(() => ((isLate = true), long ? (child.kill('SIGTERM'), setTimeout(end, GRACE).unref()) : end()), timeout);
      const note = long ? this.noteChild(child) : undefined;
      this.running.set(child, long);
      const over = () => {
        clearTimeout(timer);
        this.running.delete(child);
        if (note !== undefined) rmSync(note, { force: true });
      };
      child.stdin.on('error', () => {}); // it ended before it read all; its status says why
      child.stdin.end(input);
      child.stdout.on('data', (part: Buffer) => {
        length += part.length;
        stdout.push(part);
        if (length >= Math.min(enough, MAX_OUTPUT)) end();
      });
      child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr = (stderr + part).slice(-MAX_LOG)));
      child.on('error', (error) => (over(), reject(new EngineError(`${this.command} could not be run: ${error.message}`, ''))));
      child.on('close', (status) => (over(), resolve({ stdout: Buffer.concat(stdout), stderr, status, isLate, wasEnough: length >= enough })));
    });
  }

  /** Writes down a command that may outlive us. */
  private noteChild({ pid }: ChildProcess): string | undefined {
    const start = pid === undefined ? undefined : startOf(pid);
    if (start === undefined) return undefined;
    const path = join(this.folder, CHILDREN, String(pid));
    writeFileSync(path, start);
    return path;
  }

  /** Ends what takes long. What is short is left to end: killed half-way, it could make something after everything was taken away. */
  private readonly end = (): void => {
    for (const [child, isLong] of this.running) if (isLong) child.kill('SIGTERM');
  };

  /** Waits for commands at work, though not for ever. */
  private async idle(): Promise<void> {
    for (const end = Date.now() + IDLE; this.running.size > 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const CHILDREN = 'children';
const MAX_LOG = 1 << 18;

interface Output {
  stdout: Buffer;
  stderr: string;
  status: number | null;
  isLate: boolean;
  wasEnough: boolean;
}

/** What can be made, in the order in which it can go, and how to ask for its owner. */
const KINDS = [
  { list: ['ps', '--all', '--no-trunc'], inspect: ['container', 'inspect', '--format', `{{.Id}} {{index .Config.Labels "${LABEL}"}}`], remove: ['rm', '--force', '--volumes'] },
  { list: ['images', '--no-trunc'], inspect: ['image', 'inspect', '--format', `{{.Id}} {{index .Config.Labels "${LABEL}"}}`], remove: ['rmi', '--force'] },
  { list: ['volume', 'ls'], inspect: ['volume', 'inspect', '--format', `{{.Name}} {{index .Labels "${LABEL}"}}`], remove: ['volume', 'rm', '--force'] },
  { list: ['network', 'ls', '--no-trunc'], inspect: ['network', 'inspect', '--format', `{{.Id}} {{index .Labels "${LABEL}"}}`], remove: ['network', 'rm'] },
] as const;

/** Of listed objects those whose owner is meant. */
function owned(ids: string, inspect: (ids: string[]) => string, isMeant: (owner: Owner) => boolean): string[] {
  const listed = [...new Set(lines(ids))];
  if (listed.length === 0) return [];
  return lines(inspect(listed)).flatMap((line) => {
    const [id, owner] = line.split(' ');
    return id && owner && isMeant(owner) ? [id] : [];
  });
}

/** Ends the commands that a killed run left at work: by number and start, so that nobody else's are hit. */
function endOrphans(folder: string): void {
  for (const pid of childrenOf(folder)) {
    const start = readFileSync(join(folder, CHILDREN, pid), 'utf8');
    if (startOf(Number(pid)) !== start) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
    }
  }
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(join(folder, CHILDREN));
  } catch {
    return []; // removed half-way
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** What the daemon says comes before what its command makes of it. */
function reasonIn(stderr: string): string {
  return lines(stderr).findLast((line) => line.startsWith('Error response from daemon: '))?.trim() ?? lastLine(stderr);
}

function lastLine(text: string): string {
  return lines(text).at(-1)?.trim() ?? '';
}
