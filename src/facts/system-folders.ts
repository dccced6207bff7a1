import type { Mount } from '../compose/read.ts';
import { plainPath } from '../image-paths.ts';

/** The folder of the host's own system that a mount lets a container write; undefined for none. Nobody gives one of these away. */
export function systemFolder({ type, source, readOnly }: Mount): string | undefined {
  return type !== 'bind' || readOnly || source === undefined ? undefined : systemFolderAt(source);
}

/** A folder of the host, where it is one of its own system. */
export function systemFolderAt(folder: string): string | undefined {
  const path = plainPath(folder);
  return SYSTEM.test(path) ? path : undefined;
}

/** The Filesystem Hierarchy Standard 3.0, 3 to 5, without what anybody may write (/tmp, /var/tmp). */
const SYSTEM = /^\/(bin|boot|dev|etc|home|lib(32|64|x32)?|media|mnt|opt|proc|root|run|sbin|srv|sys|usr(\/(bin|lib|lib64|local|sbin|share))?|var(\/(cache|lib|log|mail|opt|run|spool))?)?$/;
