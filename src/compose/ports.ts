import { type Found, keyIn, type Place, textOf } from './layers.ts';
import { rangeInside } from './scalars.ts';

/** A published port, in short or long syntax. */
export interface Port {
  /** The container's: a number, or the first of a range; undefined where a variable without a value says it. */
  target: number | undefined;
  /** The last of a range; the same as `target` where it is none. */
  lastTarget: number | undefined;
  /** The host's as written: a number, a range, or nothing. */
  published: string | undefined;
  hostIp: string | undefined;
  protocol: string;
  /** The whole entry. */
  place: Place;
  /** The digits of the container's port, where they stand as such in the file. */
  targetAt: { start: number; end: number } | undefined;
}

/** Reads one entry of `ports`: `[[ip:]host:]container[/protocol]`, a number, or a map. */
export function portOf(found: Found): Port | undefined {
  if (found.node.kind === 'map') return longPort(found);
  const text = textOf(found);
  if (text === undefined) return undefined;
  const [addresses, protocol = 'tcp'] = text.split('/') as [string, string | undefined];
  const parts = splitAddress(addresses);
  const { first, last } = portRange(parts.at(-1)!);
  return {
    target: first,
    lastTarget: last,
    published: parts.length > 1 ? parts.at(-2)! || undefined : undefined,
    hostIp: parts.length > 2 ? parts.slice(0, -2).join(':') : undefined,
    protocol: protocol.toLowerCase(),
    place: found.place,
    targetAt: first === undefined ? undefined : targetInside(found),
  };
}

function longPort(found: Found): Port {
  const target = keyIn(found, 'target');
  const { first, last } = portRange(textOf(target) ?? '');
  return {
    target: first,
    lastTarget: last,
    published: textOf(keyIn(found, 'published')),
    hostIp: textOf(keyIn(found, 'host_ip')),
    protocol: (textOf(keyIn(found, 'protocol')) ?? 'tcp').toLowerCase(),
    place: found.place,
    targetAt: target?.node.kind === 'scalar' && /^\d+$/.test(target.node.value) ? rangeInside(target.place.file.text, target.node, 0, target.node.value.length) : undefined,
  };
}

/** Colons apart, those of an IPv6 address and of variables left alone. */
function splitAddress(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (character === ':' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
}

function portRange(text: string): { first: number | undefined; last: number | undefined } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  return { first: match ? Number(match[1]) : undefined, last: match ? Number(match[2] ?? match[1]) : undefined };
}

/** The container's port at the end of the text as written. */
function targetInside({ node, place }: Found): Port['targetAt'] {
  if (node.kind !== 'scalar') return undefined;
  const match = /(?:^|:)(\d+(?:-\d+)?)(?:\/\w+)?$/.exec(node.value);
  if (!match) return undefined;
  const start = match.index + (match[0].startsWith(':') ? 1 : 0);
  return rangeInside(place.file.text, node, start, start + match[1]!.length);
}
