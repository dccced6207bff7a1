import { availableParallelism, loadavg } from 'node:os';
import type { Container, Inspected } from './container.ts';
import { EngineError } from './engine.ts';
import { isAtWork, isHere, listeningPorts, type OpenPorts, openPortsIn, PORT_TABLES, socketCounts, usedTime } from './proc.ts';
import type { State } from './types.ts';

export interface Ready {
  state: State;
  /** Ports on which something listens; undefined where nothing could tell. */
  ports: OpenPorts | undefined;
  /** The engine's view of the container, where it has started. */
  facts: Inspected | undefined;
}

export interface Patience {
  /** Seconds for the program to become ready. */
  seconds: number;
  /** TCP ports of which one must be open, where any is known. */
  anyOf: readonly number[];
  /** Ports that must all be open: what the program opened before. */
  allOf: OpenPorts;
}

/** Whoever waits long can wait a little longer. */
const POLL = { least: 100, most: 500, share: 0.1 } as const;
/** After so long the ports are looked at again though no socket came or went: one may have taken another's place. */
const STALE = 2000;
/** Open ports and processor time that stay the same for so long are taken for a program at rest. */
const STEADY = 1200;
/** A server may open more than one port. */
const SETTLE = 300;
/** The share of a processor from which on a program is at work, where it has one to itself. */
const BUSY = 0.3;

function isBusy(share: number): boolean {
  return share > BUSY / Math.max(1, loadavg()[0]! / availableParallelism());
}

/**
 * Starts a container and waits until its program is ready: healthy where there is a health check, else
 * listening where a port is known, else at rest; or until it has ended, or patience has.
 */
export async function startAndWait(container: Container, patience: Patience): Promise<Ready> {
  try {
    await container.start();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { state: { kind: 'not started', why: plainReason(error.message) }, ports: undefined, facts: undefined };
  }
  return waitUntilReady(container, patience, await container.inspect());
}

/** The same for a container that was started. @param known the engine's view of it just now */
export function waitUntilReady(container: Container, patience: Patience, known: Inspected): Promise<Ready> {
  return new Watch(container, patience).wait(known);
}

/** The words of the engine's long sentence that say what is wrong. */
export function plainReason(message: string): string {
  return message.replace(/^Error response from daemon: /, '').replace(/^failed to create (shim )?task( for container)?: /, '').replace(/^failed to create shim task: OCI runtime create failed: runc create failed: |^OCI runtime create failed: (runc create failed: |container_linux\.go:\d+: )?/, '').replace(/^unable to start container process: /, '').replace(/: unknown$/, '');
}

class Watch {
  private readonly container: Container;
  private readonly patience: Patience;
  private readonly begun = Date.now();
  private steadySince = Date.now();
  private seen: { sockets: string | undefined; ports: OpenPorts | undefined; at: number } | undefined;
  private last: { ports: string; time: number | undefined; at: number } | undefined;

  constructor(container: Container, patience: Patience) {
    this.container = container;
    this.patience = patience;
  }

  async wait(known: Inspected): Promise<Ready> {
    let facts = known;
    for (;;) {
      if (!facts.State.Running) return { state: ended(facts), ports: undefined, facts };
      const ports = await this.ports(facts);
      this.note(facts, ports);
      if (this.isReady(facts, ports) || this.seconds() > this.patience.seconds) return this.settled(facts, ports);
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL.most, Math.max(POLL.least, 1000 * this.seconds() * POLL.share))));
      // The engine need not be asked about what can be seen from here.
      if (facts.State.Health || !isHere(facts.State.Pid, this.container.id)) facts = await this.container.inspect();
    }
  }

  /** The open ports: those of the last look, where no socket has come or gone since. */
  private async ports(facts: Inspected): Promise<OpenPorts | undefined> {
    const { State: { Pid: pid } } = facts;
    const sockets = isHere(pid, this.container.id) ? socketCounts(pid) : undefined;
    const { seen } = this;
    if (seen && sockets !== undefined && sockets === seen.sockets && Date.now() - seen.at < STALE) return seen.ports;
    const ports = await openPorts(this.container, facts);
    this.seen = { sockets, ports, at: Date.now() };
    return ports;
  }

  private isReady({ State: { Health: health } }: Inspected, ports: OpenPorts | undefined): boolean {
    const { allOf, anyOf } = this.patience;
    if (health) return health.Status === 'healthy';
    const isAtRest = this.restedFor(STEADY);
    if (ports === undefined) return isAtRest;
    if (allOf.tcp.length + allOf.udp.length > 0) return allOf.tcp.every((port) => ports.tcp.includes(port)) && allOf.udp.every((port) => ports.udp.includes(port)) && this.restedFor(SETTLE);
    if (anyOf.some((port) => ports.tcp.includes(port))) return this.restedFor(SETTLE);
    // What EXPOSE says need not be so: another open port, and rest, will do.
    return isAtRest && (anyOf.length === 0 || ports.tcp.length > 0);
  }

  private restedFor(milliseconds: number): boolean {
    return Date.now() - this.steadySince > milliseconds;
  }

  /** Whether anything has changed since the last look. */
  private note({ State: { Pid: pid } }: Inspected, ports: OpenPorts | undefined): void {
    const now = Date.now();
    const here = isHere(pid, this.container.id);
    const time = here ? usedTime(pid) : undefined;
    const text = JSON.stringify(ports);
    const { last } = this;
    const share = last?.time !== undefined && time !== undefined ? (time - last.time) / 1000 / (now - last.at) : 0;
    if (last === undefined || last.ports !== text || isBusy(share) || (here && isAtWork(pid))) this.steadySince = now;
    this.last = { ports: text, time, at: now };
  }

  private async settled(known: Inspected, ports: OpenPorts | undefined): Promise<Ready> {
    const facts = isHere(known.State.Pid, this.container.id) ? known : await this.container.inspect();
    if (!facts.State.Running) return { state: ended(facts), ports, facts };
    const { Health: health } = facts.State;
    const isHealthy = health?.Status === 'healthy';
    const checkSaid = isHealthy ? undefined : health?.Log?.at(-1)?.Output.trim();
    return { state: { kind: 'running', health: health ? (isHealthy ? 'healthy' : 'unhealthy') : undefined, readySeconds: this.seconds(), checkSaid }, ports, facts };
  }

  private seconds(): number {
    return (Date.now() - this.begun) / 1000;
  }
}

export function ended({ State: { ExitCode: status, OOMKilled, Error: error } }: Inspected): State {
  return { kind: 'ended', status, why: OOMKilled ? 'it ran out of memory' : (error ?? '') };
}

/** The ports of a running container, seen from this machine or, where it runs elsewhere, from inside. */
export async function openPorts(container: Container, { State: { Pid: pid } }: Inspected): Promise<OpenPorts | undefined> {
  if (isHere(pid, container.id)) return listeningPorts(pid);
  try {
    return openPortsIn(await container.engine.call(['exec', container.id, 'cat', ...PORT_TABLES]));
  } catch (error) {
    if (error instanceof EngineError) return undefined; // no cat in it
    throw error;
  }
}
