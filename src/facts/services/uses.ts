import { posix } from 'node:path';
import { textOf } from '../../compose/layers.ts';
import { declared } from '../../compose/stack.ts';
import type { Grant, Mount } from '../../compose/read.ts';
import { plainPath } from '../../image-paths.ts';
import type { LinkedService, Project } from '../../project.ts';
import { shellWord } from '../../shell/word.ts';
import type { Reason } from '../judgement.ts';
import { memo } from '../memo.ts';
import { closedUnder } from '../readable.ts';
import { dataOf } from './data.ts';
import { hostPath } from './target.ts';

/** Something that a service gets beside its image, and what its account must be able to do with it. */
export interface Use {
  kind: 'volume' | 'file' | 'folder' | 'secret' | 'config';
  /** As the compose file names it; undefined for a volume without a name. */
  source: string | undefined;
  /** In the container. */
  target: string;
  access: 'read' | 'write';
  /** Whether every account can; undefined where that is not in sight. */
  holds: boolean | undefined;
}

/** What a service gets beside its image, in the order of its file: mounts, then secrets, then configs. Memory is no concern: it is empty at each start. */
export function usesOf(linked: LinkedService, project: Project): Use[] {
  return seen(linked, project).map(({ kind, source, target, access, holds }) => ({ kind, source, target, access, holds }));
}

interface Seen extends Use {
  /** The file that says so, where not everybody can. */
  closed?: string;
  /** The file behind a secret or config, as written. */
  file?: string;
}

const seen = memo((linked: LinkedService, project: Project): Seen[] => {
  const { mounts, secrets, configs } = linked.service;
  const written = dataOf(linked, project);
  return [
    ...mounts.flatMap((mount) => mounted(mount, written.some(({ path }) => path === plainPath(mount.target)), project)),
    ...secrets.map((grant) => granted(grant, 'secret', linked, project)),
    ...configs.map((grant) => granted(grant, 'config', linked, project)),
  ];
});

function mounted(mount: Mount, isWritten: boolean, { disk }: Project): Seen[] {
  const { type, source, target } = mount;
  if (type === 'tmpfs') return [];
  const host = hostPath(mount);
  const entry = host === undefined ? undefined : disk.stat(host);
  const kind = type === 'volume' ? 'volume' : entry?.kind === 'file' || (entry === undefined && posix.extname(target) !== '') ? 'file' : 'folder';
  const use = { kind, source, target, access: isWritten ? 'write' : 'read' } as const;
  if (isWritten || !entry) return [{ ...use, holds: undefined }];
  const isOpen = (entry.mode & (entry.kind === 'directory' ? 0o005 : 0o004)) === (entry.kind === 'directory' ? 0o005 : 0o004);
  const closed = !isOpen ? source : entry.kind === 'directory' ? closedUnder(disk, host!, '.', MAX_LOOKED_AT).map((path) => posix.join(source!, path))[0] : undefined;
  return [{ ...use, holds: closed === undefined, ...(closed === undefined ? {} : { closed }) }];
}

/** Enough to see a key beside configurations; a large tree is not walked through. */
const MAX_LOOKED_AT = 100;

/**
 * A secret or config. One of a file is that file, with its mode (docs.docker.com, Compose file reference, secrets: uid,
 * gid and mode are passed over for files); what comes from a variable or stands in the file is made with mode 0444, and so
 * are those of a swarm.
 */
function granted({ source, target }: Grant, kind: 'secret' | 'config', { stack, directory }: LinkedService, { disk }: Project): Seen {
  const declaration = declared(stack, `${kind}s`, source);
  const written = textOf(declaration?.get('file'));
  const place = posix.resolve(kind === 'secret' ? '/run/secrets' : '/', target ?? source);
  const use = { kind, source, target: place, access: 'read' } as const;
  if (written === undefined) return { ...use, holds: declaration !== undefined ? true : undefined };
  const entry = written.includes('$') ? undefined : disk.stat(posix.resolve(directory, written));
  return { ...use, file: written, holds: entry ? (entry.mode & 0o004) !== 0 : undefined };
}

/** Secrets, configs and what is mounted to be read: what the account may not be able to. */
export function closedFiles(linked: LinkedService, project: Project): Reason[] {
  const uses = seen(linked, project);
  const grants = uses.flatMap(({ kind, source, holds, file }): Reason[] => {
    if (file === undefined || holds) return [];
    const what = `the ${kind} ${source} is the file ${file}`;
    return [{ rule: 'closed-file', message: `${what}${holds === false ? ', which only its owner may read' : ', with the mode that it has there'}`, advice: `let the account read it: chmod 0644 ${shellWord(file)}, or give it to the account (compose mounts the file as it is, whatever uid and mode say)` }];
  });
  const mounts = uses.flatMap(({ kind, source, target, access, closed, holds }): Reason[] => {
    if (closed !== undefined) return [{ rule: 'closed-file', message: `${closed}, which is mounted at ${closed === source ? target : `${target}, with ${source},`} may only be read by its owner`, advice: `chmod o+rX ${shellWord(closed)}` }];
    const isPrivate = access === 'read' && (kind === 'file' || kind === 'folder') && holds === undefined && /(^|\/)(letsencrypt|ssl|certs?|private|secrets?|keys?)(\/|$)|\.(key|pem)$/.test(source ?? '');
    return isPrivate ? [{ rule: 'closed-file', message: `${source}, which is mounted at ${target}, may be root's alone`, advice: 'let the account read what it needs there' }] : [];
  });
  return [...grants, ...mounts];
}
