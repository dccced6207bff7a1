/** What this machine's /proc says of a container's processes, where the engine runs them on this machine. */
import { readFileSync } from 'node:fs';

/**
 * Whether a process number that the engine names is that process here: with an engine elsewhere, or seen from
 * inside a container, the same number is another's.
 */
export function isHere(pid: number, container: string): boolean {
  return pid > 0 && (read(`/proc/${pid}/cgroup`)?.includes(container) ?? false);
}

export interface Status {
  uid: number;
  gid: number;
  groups: number[];
  capabilities: bigint;
}

/** Whom a process runs as, effectively (proc(5), /proc/PID/status). */
export function statusOf(pid: number): Status | undefined {
  const text = read(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const fields = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.split(/\s+/).filter(Boolean) ?? [];
  return { uid: Number(fields('Uid')[1]), gid: Number(fields('Gid')[1]), groups: fields('Groups').map(Number), capabilities: BigInt(`0x${fields('CapEff')[0] ?? '0'}`) };
}

/** The ports on which something listens, loopback left out. */
export interface OpenPorts {
  tcp: number[];
  udp: number[];
}

/** Those in the network of a process. */
export function listeningPorts(pid: number): OpenPorts | undefined {
  const table = (name: string) => read(`/proc/${pid}/net/${name}`);
  const tcp = table('tcp');
  return tcp === undefined ? undefined : { tcp: portsIn([tcp, table('tcp6')], LISTEN), udp: portsIn([table('udp'), table('udp6')], UNCONNECTED) };
}

/**
 * How many sockets of each kind the network of a process has; undefined where that can't be told. The kernel counts them
 * as they come and go, while each look at the tables walks all the connections that it has room for.
 */
export function socketCounts(pid: number): string | undefined {
  const text = read(`/proc/${pid}/net/sockstat`);
  return text && `${text}${read(`/proc/${pid}/net/sockstat6`) ?? ''}`.match(/^(TCP|UDP)6?: inuse \d+/gm)?.join();
}

/** The tables of the kernel that hold them, in the order of `openPortsIn`. */
export const PORT_TABLES = ['/proc/net/tcp', '/proc/net/tcp6', '/proc/net/udp', '/proc/net/udp6'] as const;

/** The same from the text of these tables, one after the other: each begins with a line of titles. */
export function openPortsIn(text: string): OpenPorts {
  const [tcp, tcp6, udp, udp6] = text.split(/^\s*sl\s.*$/m).slice(1);
  return { tcp: portsIn([tcp, tcp6], LISTEN), udp: portsIn([udp, udp6], UNCONNECTED) };
}

function portsIn(tables: readonly (string | undefined)[], wanted: string): number[] {
  const ports = new Set<number>();
  for (const line of tables.flatMap((table) => table?.split('\n') ?? [])) {
    const [, address, , state] = line.trim().split(/\s+/);
    if (state !== wanted || address === undefined) continue;
    const [host, port] = address.split(':') as [string, string];
    if (!isLoopback(host)) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].sort((one, other) => one - other);
}

const LISTEN = '0A';
/** A UDP socket that takes what anybody sends. */
const UNCONNECTED = '07';

/** 127.0.0.0/8 and ::1 as the kernel prints them on a little-endian machine; Docker's own DNS is among them. */
function isLoopback(host: string): boolean {
  return host.length === 8 ? host.endsWith('7F') : host === '00000000000000000000000001000000' || /^0{16}FFFF0000.{6}7F$/.test(host);
}

/** Whether a process runs, waits for its turn, or for a disk or memory (proc(5), /proc/PID/stat). */
export function isAtWork(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  return /^[RD]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Microseconds of processor time that a process's container has used; undefined where that can't be told. */
export function usedTime(pid: number): number | undefined {
  const groups = read(`/proc/${pid}/cgroup`) ?? '';
  const path = (controller: RegExp) => groups.split('\n').map((line) => line.split(':')).find(([, name]) => controller.test(name ?? ''))?.[2];
  const unified = path(/^$/);
  const usage = unified === undefined ? undefined : /^usage_usec (\d+)/m.exec(read(`/sys/fs/cgroup${unified}/cpu.stat`) ?? '')?.[1];
  if (usage !== undefined) return Number(usage);
  const old = path(/(^|,)cpuacct(,|$)/);
  const nanoseconds = old === undefined ? undefined : (read(`/sys/fs/cgroup/cpuacct${old}/cpuacct.usage`) ?? read(`/sys/fs/cgroup/cpu,cpuacct${old}/cpuacct.usage`));
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1000;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // it has ended, or is not ours to see
  }
}
