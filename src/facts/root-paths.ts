import type { Instruction } from '../dockerfile/parse.ts';
import type { Unit } from '../project.ts';
import { memo } from '../memo.ts';

/**
 * RULES E7: the `WORKDIR /root` of a file that names root's home nowhere else, so that it can be `/app`
 * as well; undefined for none.
 */
export const movableWorkdir = memo((unit: Unit): Instruction | undefined => {
  const named = namingRoot(unit);
  const [only] = named;
  const isAlone = named.length === 1 && only!.keyword === 'WORKDIR' && /^\/root\/?$/.test(only!.args);
  return isAlone && !isMounted(unit) && !/\/app\b/.test(unit.dockerfile.text) ? only : undefined;
});

/** Where such a WORKDIR goes. */
export const MOVED_WORKDIR = '/app';

/** RULES E7: the `ENV HOME=/root` of a file that names root's home nowhere else; undefined for none. */
export const movableHome = memo((unit: Unit): Instruction | undefined => {
  const named = namingRoot(unit);
  const [only] = named;
  return named.length === 1 && only!.keyword === 'ENV' && /(^|\s)HOME[= ]"?\/root\/?"?(\s|$)/.test(only!.args) && only!.args.split('/root').length === 2 ? only : undefined;
});

function namingRoot({ dockerfile }: Unit): Instruction[] {
  return dockerfile.instructions.filter(({ logical, heredocs }) => namesRootHome(logical) || heredocs.some(({ body }) => namesRootHome(body)));
}

/** Whether a text names /root, `~` or `$HOME`. */
export function namesRootHome(text: string): boolean {
  return /(^|[\s=:"'`[,(])(\/root|~)(\/|$|[\s:;"'`\],)&|])|\$\{?HOME\b/.test(text);
}

function isMounted({ services }: Unit): boolean {
  return services.some(({ service }) => service.mounts.some(({ target }) => namesRootHome(target)) || service.workingDir?.startsWith('/root'));
}
