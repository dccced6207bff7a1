import { FIRST_OPEN } from '../ports/read.ts';
import type { Target } from '../project.ts';
import { clusterThatRuns } from './clusters.ts';
import { listeningOf } from './listening.ts';
import { memo } from './memo.ts';
import { runLinesOf } from './run-lines.ts';
import { runsOf } from './runs.ts';

/** A port below 1024 that a target listens on. */
export interface LowPort {
  port: number;
  because: string;
  /** What in sight runs it: compose with a network of the container's own, with the host's, a cluster, or nothing. */
  runs: 'private network' | 'shared network' | 'cluster' | 'nothing in sight';
  /** The file that says so. */
  where: string | undefined;
}

/** The ports below 1024 that a target listens on in any of its runs. */
export const portsOf = memo((target: Target): LowPort[] => {
  const found = new Map<number, string>();
  for (const run of runsOf(target)) for (const { port, said } of listeningOf(run)) if (port < FIRST_OPEN && port > 0 && !found.has(port)) found.set(port, said);
  if (found.size === 0) return [];
  const network = networkOf(target);
  return [...found].map(([port, because]) => ({ port, because, ...network }));
});

function networkOf(target: Target): Pick<LowPort, 'runs' | 'where'> {
  const cluster = clusterThatRuns(target);
  if (cluster !== undefined) return { runs: 'cluster', where: cluster };
  const shared = [...target.services, ...target.probable].find(({ service }) => service.sharedNetwork);
  if (shared) return { runs: 'shared network', where: shared.path };
  const run = runLinesOf(target).find(({ sharedNetwork }) => sharedNetwork);
  if (run) return { runs: 'shared network', where: run.place };
  return target.services.length > 0 ? { runs: 'private network', where: target.services[0]!.path } : { runs: 'nothing in sight', where: undefined };
}
