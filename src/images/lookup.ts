import type { Family, ImageAccount, ImageEntry } from './types.ts';
import type { Reference } from './reference.ts';
import { globMatches } from './glob.ts';
export interface ImageFacts { entry: ImageEntry; family: Family; accounts: ImageAccount[]; verified: boolean; tagKnown: boolean }
const e = (id: string, x: Partial<ImageEntry>): ImageEntry => ({ id, repos: ['library/' + id], family: 'debian', familyByTag: [['*alpine*', 'alpine']], user: 'root', action: 'create-user', start: 'prompt', drop: 'none', entrypoint: [], sources: ['x'], verified: true, ...x });
const catalogue: ImageEntry[] = [
  e('debian', { cmd: ['bash'] }), e('ubuntu', { family: 'ubuntu', cmd: ['bash'] }), e('alpine', { family: 'alpine', cmd: ['/bin/sh'] }),
  e('node', { action: 'use-existing', accounts: [{ name: 'node', uid: 1000, gid: 1000, home: '/home/node' }], entrypoint: ['docker-entrypoint.sh'], cmd: ['node'] }),
  e('python', { cmd: ['python3'] }), e('golang', { cmd: ['bash'] }),
  e('nginx', { start: 'server', drop: 'server', action: 'swap-image', accounts: [{ name: 'nginx', uid: 101, gid: 101 }], entrypoint: ['/docker-entrypoint.sh'], cmd: ['nginx', '-g', 'daemon off;'], ports: [80], writes: ['/var/cache/nginx', '/run/nginx.pid'] }),
  e('redis', { start: 'server', drop: 'entrypoint', action: 'self-drops', entrypoint: ['docker-entrypoint.sh'], cmd: ['redis-server'], dropsFor: ['redis-server'], accounts: [{ name: 'redis', uid: 999 }] }),
];
export function lookUp(r: Reference): ImageFacts | undefined {
  const entry = catalogue.find((x) => x.repos.includes(r.repo));
  if (!entry) return undefined;
  const family = entry.familyByTag?.find(([g]) => globMatches(g, r.tag ?? 'latest'))?.[1] ?? entry.family;
  return { entry, family, accounts: entry.accounts ?? [], verified: true, tagKnown: true };
}
