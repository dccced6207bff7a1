import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { execFileSync } from 'node:child_process';

/**
 * Who made an object of the engine or a folder, written so that a later run can tell whether that
 * process still lives: `host-pid-start-since-serial`. Letters, digits and dashes only: it names folders too.
 */
export type Owner = string;

/** What another machine on the same engine left is taken for left after this long. */
const FOREIGN_HOURS = 24;

let serial = 0;

/** A new owner that stands for this process. */
export function newOwner(): Owner {
  serial += 1;
  return [hostHash(), process.pid, startOf(process.pid) ?? 'unknown', Math.floor(Date.now() / 1000), serial].join('-');
}

/** Whether the process behind an owner is gone; false where that can't be known. */
export function isGone(owner: Owner): boolean {
  const [host, pid, start, since] = owner.split('-');
  if (!host || !/^\d+$/.test(pid ?? '') || !start || !/^\d+$/.test(since ?? '')) return false;
  if (host !== hostHash()) return Date.now() / 1000 - Number(since) > FOREIGN_HOURS * 3600;
  return startOf(Number(pid)) !== start;
}

/**
 * When a process started, in a form that no other process with its number has; undefined where there
 * is none. On Linux from /proc (proc(5), field 22, counted from the boot), elsewhere from `ps`.
 */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, field 2, may hold blanks and brackets; a zombie does nothing any more.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : hash(`${bootId()} ${fields[19]}`);
  } catch (error) {
    if (process.platform === 'linux') return undefined;
    return startFromPs(pid);
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return text === '' ? undefined : hash(text);
  } catch {
    return undefined; // ps ends with 1 where there is no such process
  }
}

/** This machine, and within it the space in which process numbers mean something. */
function hostHash(): string {
  return (known ??= hash(`${hostname()} ${pidSpace()}`));
}

let known: string | undefined;

function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return process.platform; // no such thing on other systems
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
