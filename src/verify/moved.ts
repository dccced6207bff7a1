/** Which port is which, once a fix has moved some. */
import type { Image } from './build.ts';
import { EPHEMERAL } from './compare.ts';
import type { Observation } from './types.ts';

/**
 * The ports that EXPOSE names no longer against those that it names now, in order. What a base exposes stays named:
 * then it is the low ports that were open. A number that is open for TCP and for UDP moves for both.
 */
export function movedExposed(old: Image, now: Image, { ports = [], udp = [] }: Observation): Map<number, number> {
  return new Map([...movedOf(old.exposedUdp, now.exposedUdp, udp), ...movedOf(old.exposed, now.exposed, ports)]);
}

/**
 * TCP ports below 1024 that nobody has published and that are open no longer, against those that are open now, in order;
 * none where their number is not the same. @param moved what is known to be another now @param published what others come in by
 */
export function movedUnnamed({ ports: was = [] }: Observation, { ports: is = [] }: Observation, moved: ReadonlyMap<number, number>, published: readonly number[]): [number, number][] {
  const known = [...moved.values()];
  const gone = was.filter((port) => port < PRIVILEGED && !is.includes(port) && !moved.has(port) && !published.includes(port));
  const come = is.filter((port) => port < EPHEMERAL && !was.includes(port) && !known.includes(port));
  return gone.length === come.length ? gone.map((port, index) => [port, come[index]!]) : [];
}

const PRIVILEGED = 1024;

function movedOf(was: readonly number[], is: readonly number[], open: readonly number[]): [number, number][] {
  const gone = was.filter((port) => !is.includes(port));
  const come = is.filter((port) => !was.includes(port));
  const left = gone.length > 0 ? gone : open.filter((port) => port < PRIVILEGED);
  return left.length === come.length ? left.map((port, index) => [port, come[index]!]) : [];
}
