import type { ConfigFile, PortSpot, Word } from './types.ts';

/** `host:port` in its spellings, with the offset of the port in the text. */
export interface Address {
  host: string;
  /** As written; undefined where none is. */
  port: string | undefined;
  at: number;
}

/** Takes an address apart: `80`, `*:80`, `:80`, `[::]:80`, `web`, `web:${PORT}`. A bare number is a port. */
export function splitAddress(text: string): Address {
  if (/^(\d+|\$\{?\w+\}?|\{\$[^}]*\})$/.test(text)) return { host: '', port: text, at: 0 };
  const colon = lastColon(text);
  if (colon < 0) return { host: text, port: undefined, at: text.length };
  return { host: text.slice(0, colon), port: text.slice(colon + 1), at: colon + 1 };
}

/** The scheme and the address in front of a URL, the offset of its port in the whole text: `http://web:80/path`, `web:80`. */
export function splitUrl(text: string): Address & { scheme: string } {
  const [, scheme = '', authority = ''] = /^(?:(\w+):\/\/)?([^/?]*)/.exec(text)!;
  const address = splitAddress(authority);
  return { ...address, scheme, at: address.at + (scheme === '' ? 0 : scheme.length + 3) };
}

/** The colon in front of the port: behind the brackets of an IPv6 address, outside of variables. */
function lastColon(text: string): number {
  const closed = Math.max(text.lastIndexOf(']'), 0);
  let depth = 0;
  let found = -1;
  for (let at = closed; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
    else if (text[at] === ':' && depth === 0) found = at;
  }
  return found;
}

/** A port number; undefined for what is none. */
export function portNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port < 65_536 ? port : undefined;
}

/** Where a port stands inside a word, or would stand where none is written. */
export function spotIn(file: ConfigFile, word: Word, { port, at }: Address, missing = ':'): PortSpot | undefined {
  if (word.text !== word.value) return undefined; // an escape shifts every offset
  const start = word.start + at;
  return { file, start, end: start + (port?.length ?? 0), before: port === undefined ? missing : '', after: '' };
}
