const BLOCK = 512;
const SIZE = { at: 124, length: 12 };
const TYPE = 156;
const LINK = { at: 157, length: 100 };

/** A file, or where a link leads. */
export type Member = { content: Buffer } | { link: string };

/** The first file or link of a tar archive (POSIX ustar), as engines write one for a path; undefined where there is none in it. */
export function firstMember(archive: Buffer): Member | undefined {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const size = Number.parseInt(archive.toString('latin1', at + SIZE.at, at + SIZE.at + SIZE.length), 8);
    if (Number.isNaN(size)) return undefined;
    const type = String.fromCharCode(archive[at + TYPE]!);
    if (type === '0' || type === '\0') return { content: archive.subarray(at + BLOCK, at + BLOCK + size) };
    if (type === '1' || type === '2') return { link: archive.toString('utf8', at + LINK.at, at + LINK.at + LINK.length).replace(/\0.*$/s, '') };
    // Long names and attributes stand before the file that they are of.
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
