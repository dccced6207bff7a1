/** What an archive says of one file, without its content. */
export interface TarEntry {
  /** As stored, without a final slash. */
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  uid: number;
  gid: number;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  size: number;
  /** Seconds. */
  modified: number;
  /** Where a symbolic link leads. */
  target: string | undefined;
}

const BLOCK = 512;

/**
 * The entries of a tar archive (POSIX ustar and pax, GNU long names), as far as its headers are there:
 * an archive that was cut off gives what came before.
 */
export function readTar(archive: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  let pax: Record<string, string> = {};
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = Number(pax.size ?? number(header, 124, 12));
    const body = archive.subarray(at + BLOCK, at + BLOCK + size);
    const type = String.fromCharCode(header[156]!);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'x') pax = { ...pax, ...paxRecords(body) };
    else if (type === 'L') longName = text(body, 0, body.length);
    else if (type !== 'g' && type !== 'K') {
      entries.push(entryOf(header, type, size, pax, longName));
      [pax, longName] = [{}, undefined];
    }
  }
  return entries;
}

const KINDS: Record<string, TarEntry['kind']> = { '0': 'file', '\0': 'file', '1': 'file', '5': 'directory', '2': 'link' };

function entryOf(header: Buffer, type: string, size: number, pax: Record<string, string>, longName: string | undefined): TarEntry {
  const prefix = text(header, 345, 155);
  const short = text(header, 0, 100);
  return {
    name: (pax.path ?? longName ?? (prefix ? `${prefix}/${short}` : short)).replace(/\/+$/, ''),
    kind: KINDS[type] ?? 'other',
    uid: Number(pax.uid ?? number(header, 108, 8)),
    gid: Number(pax.gid ?? number(header, 116, 8)),
    mode: number(header, 100, 8) & 0o7777,
    size,
    modified: Number(pax.mtime ?? number(header, 136, 12)),
    target: type === '2' ? (pax.linkpath ?? text(header, 157, 100)) : undefined,
  };
}

/** Octal digits, or binary where the first bit is set (GNU). */
function number(header: Buffer, from: number, length: number): number {
  const field = header.subarray(from, from + length);
  if ((field[0]! & 0x80) === 0) return Number.parseInt(field.toString('latin1').replace(/\0.*$/s, '').trim() || '0', 8);
  return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
}

function text(bytes: Buffer, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? undefined : end).toString('utf8');
}

/** Records `<length> <key>=<value>\n`, the length counting itself. */
function paxRecords(body: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number.parseInt(body.toString('latin1', at, blank), 10);
    if (blank < 0 || !(length > 0)) break;
    const record = body.toString('utf8', blank + 1, at + length - 1);
    const equals = record.indexOf('=');
    records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}
