import { basename } from 'node:path';
import type { LinkedService } from '../../project.ts';

/** Whether a service's file is for `docker stack deploy`, as its name says: `docker-stack.yml`, `prod.stack.yml`, `swarm.yml`. */
export function isForSwarm({ file }: LinkedService): boolean {
  return /(^|[._-])(stack|swarm)([._-])/i.test(basename(file.absolute));
}
