import { posix } from 'node:path';

/** A system call on a path, a port or an identity, and what came of it. */
export interface Access {
  /** `openat`, `mkdir`, `bind`. */
  call: string;
  /** What it was after. `be`: to become somebody else, or give a file away. */
  what: 'read' | 'write' | 'make' | 'run' | 'listen' | 'be';
  /** Absolute; of a port the number; empty where it is not known. */
  path: string;
  /** `EACCES` and the like; undefined for success. */
  error: string | undefined;
}

/**
 * Reads what `strace -f -y` wrote.
 * @param cwd where the program starts
 */
export function readTrace(text: string, cwd: string): Access[] {
  const reader = new Reader(cwd);
  for (const line of text.split('\n')) reader.line(line);
  return reader.accesses;
}

/** Quoted strings with escapes, and what strace abbreviates. */
const CALL = /^(\d+)\s+(\w+)\((.*)\)\s+=\s+(-?\d+|\?)(?:<[^>]*>)?(?:\s+([A-Z]\w*))?/s;
const BEGUN = /^(\d+)\s+(.*) <unfinished \.\.\.>$/s;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$/s;

class Reader {
  readonly accesses: Access[] = [];
  private readonly begun = new Map<string, string>();
  private readonly cwds = new Map<string, string>();
  private readonly start: string;

  constructor(start: string) {
    this.start = start;
  }

  line(line: string): void {
    const begun = BEGUN.exec(line);
    if (begun) {
      this.begun.set(begun[1]!, begun[2]!);
      return;
    }
    const resumed = RESUMED.exec(line);
    const whole = resumed ? `${resumed[1]} ${this.begun.get(resumed[1]!) ?? ''}${resumed[3]}` : line;
    const call = CALL.exec(whole);
    if (call) this.call(call[1]!, call[2]!, call[3]!, call[4]!, call[5]);
  }

  private call(pid: string, name: string, args: string, result: string, error: string | undefined): void {
    const known = /AT_FDCWD<((?:[^>\\]|\\.)*)>/.exec(args)?.[1];
    if (known !== undefined) this.cwds.set(pid, unescape(known));
    if (/^(clone3?|v?fork)$/.test(name) && Number(result) > 0) this.cwds.set(result, this.cwdOf(pid));
    const failed = result.startsWith('-') ? (error ?? 'unknown') : undefined;
    for (const access of accessesOf(name, args)) {
      const path = access.path === undefined ? '' : access.what === 'listen' ? access.path : posix.resolve(access.from ?? this.cwdOf(pid), access.path);
      this.accesses.push({ call: name, what: access.what, path, error: failed });
    }
    if (name === 'chdir' && failed === undefined) this.cwds.set(pid, posix.resolve(this.cwdOf(pid), pathsIn(args)[0]?.path ?? ''));
  }

  private cwdOf(pid: string): string {
    return this.cwds.get(pid) ?? this.start;
  }
}

interface Aim {
  what: Access['what'];
  path: string | undefined;
  from?: string | undefined;
}

/** Calls that make something new at their last path. */
const MAKES = /^(creat|mkdir(at)?|mknod(at)?|symlink(at)?|link(at)?|rename(at2?)?)$/;
const CHANGES = /^(unlink(at)?|rmdir|truncate|utime(s|nsat)?|futimesat|chmod|fchmodat2?|setxattr)$/;
const BECOMES = /^(set(res|re)?[ug]id|setgroups|l?chown|fchown(at)?|fchmod)$/;

function accessesOf(name: string, args: string): Aim[] {
  if (BECOMES.test(name)) return [{ what: 'be', ...(pathsIn(args)[0] ?? { path: descriptorIn(args) }) }];
  if (name === 'bind') {
    const port = /sin6?_port=htons\((\d+)\)/.exec(args)?.[1];
    if (port !== undefined) return [{ what: 'listen', path: port }];
    return socketIn(args, 'make');
  }
  if (name === 'connect') return socketIn(args, 'write');
  const paths = pathsIn(args);
  if (paths.length === 0) return [];
  if (name.startsWith('execve')) return [{ what: 'run', ...paths[0]! }];
  if (MAKES.test(name)) {
    const made: Aim = { what: 'make', ...paths.at(-1)! };
    return name.startsWith('rename') ? [{ what: 'write', ...paths[0]! }, made] : [made];
  }
  if (CHANGES.test(name)) return [{ what: 'write', ...paths[0]! }];
  if (/^open(at2?)?$/.test(name)) {
    if (/O_CREAT|O_TMPFILE/.test(args)) return [{ what: 'make', ...paths[0]! }];
    return [{ what: /O_WRONLY|O_RDWR|O_TRUNC|O_APPEND/.test(args) ? 'write' : 'read', ...paths[0]! }];
  }
  return [{ what: 'read', ...paths[0]! }];
}

/** A socket that lies in the file system. */
function socketIn(args: string, what: Aim['what']): Aim[] {
  const socket = /sun_path="((?:[^"\\]|\\.)*)"/.exec(args)?.[1];
  return socket === undefined ? [] : [{ what, path: unescape(socket) }];
}

/** The file that a call's descriptor stands for. */
function descriptorIn(args: string): string | undefined {
  const path = /^\d+<(\/(?:[^>\\]|\\.)*)>/.exec(args)?.[1];
  return path === undefined ? undefined : unescape(path);
}

/** The paths among a call's arguments, each with the directory that its descriptor stands for. */
function pathsIn(args: string): { path: string; from: string | undefined }[] {
  const found: { path: string; from: string | undefined }[] = [];
  for (const [, directory, quoted] of args.matchAll(/(?:(?:\d+|AT_FDCWD)(?:<((?:[^>\\]|\\.)*)>), )?"((?:[^"\\]|\\.)*)"(?!\.\.\.)/g)) {
    // With an empty path the descriptor itself is meant.
    found.push({ path: unescape(quoted!) || '.', from: directory === undefined ? undefined : unescape(directory) });
    if (found.length === 2) break;
  }
  return found;
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' };

/** strace writes bytes outside ASCII in octal. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes: number[] = [];
  for (const [part, octal, letter] of text.matchAll(/\\([0-7]{1,3})|\\(.)|[^\\]/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...Buffer.from(letter === undefined ? part : (ESCAPES[letter] ?? letter)));
  }
  return Buffer.from(bytes).toString('utf8');
}
