import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Configs } from '../config.ts';
import type { Disk } from '../disk.ts';
import { link, type LinkedService, type SourceFile, type Unit } from '../project.ts';
import { copiesOf } from './copies.ts';
import { historyOf } from './history.ts';

/** Whether a group of files brings in any of these: by COPY or ADD from a build context, or by a mount of a service. */
export function bringsAny(group: readonly SourceFile[], paths: readonly string[], disk: Disk, configs: Configs): boolean {
  const { units, services } = link(group, disk, configs);
  return paths.some((path) => units.some((unit) => copies(unit, path)) || services.some((linked) => mountsOf(linked).some((mounted) => holds(mounted, path))));
}

function copies(unit: Unit, path: string): boolean {
  const { context } = unit;
  if (context === undefined || !holds(context, path)) return false;
  return unit.dockerfile.stages.some((stage) =>
    copiesOf(historyOf(stage, unit)).some(({ from, sources }) => from === undefined && sources.some((source) => source === undefined || holds(join(context, source.replace(/[*?[].*$/, '')), path))),
  );
}

function mountsOf({ service, directory }: LinkedService): string[] {
  return service.mounts.flatMap(({ type, source }) => (type === 'bind' && source !== undefined ? [resolve(directory, source)] : []));
}

/** Whether a path is a file or folder, or lies in it. */
function holds(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
}
