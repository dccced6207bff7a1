/** Where a text names a port of a host. */
export interface HostPort {
  host: string;
  port: number;
  /** The digits; an empty range where the scheme's default is meant, behind the host. */
  from: number;
  to: number;
  /** Whether the port is written. */
  written: boolean;
}

/**
 * Where a text names one of some hosts together with a port: `http://web/x` (80), `https://web` (443),
 * `web:80`, `tcp://web:80`, `user@web:80`. A bare host is none: nothing says what port is meant.
 * @param hosts in lower case; names count without regard to case
 */
export function hostPortsIn(text: string, hosts: ReadonlySet<string>): HostPort[] {
  return everyHostPort(text).filter(({ host }) => hosts.has(host.toLowerCase()));
}

/** Where a text names any host together with a port. */
export function everyHostPort(text: string): HostPort[] {
  const found: HostPort[] = [];
  for (const match of text.matchAll(HOST_PORT)) {
    const [whole, scheme, host, port] = match as unknown as [string, string | undefined, string, string | undefined];
    const end = match.index + whole.length;
    if (port !== undefined) found.push({ host, port: Number(port), from: end - port.length, to: end, written: true });
    else if (scheme !== undefined && DEFAULTS[scheme.toLowerCase()] !== undefined) found.push({ host, port: DEFAULTS[scheme.toLowerCase()]!, from: end, to: end, written: false });
  }
  return found;
}

const HOST_PORT = /(?<![\w.\-$\\])(?:([a-zA-Z][\w+.-]*):\/\/(?:[^\s@/'"]*@)?)?([A-Za-z0-9_](?:[\w.-]*\w)?|\[[0-9a-fA-F:]+\])(?::(\d{1,5})(?![\w.-]))?(?![\w-]|\.\w)/g;
const DEFAULTS: Record<string, number | undefined> = { http: 80, ws: 80, h2c: 80, https: 443, wss: 443, ftp: 21, ssh: 22, smtp: 25, ldap: 389, ldaps: 636 };
