import type { Transform } from '../src/transform.ts';
import { composeUser } from './compose-user.ts';
import { lowPorts } from './low-ports.ts';
import { runAsUser } from './run-as-user.ts';
import { runtimeInstall } from './runtime-install.ts';
import { scratchUser } from './scratch-user.ts';

/**
 * The transforms by phase, in order. Each phase sees what those before it made.
 * `runtime-install` comes first: it changes what is started, what is written and where USER may
 * stand. `low-ports` comes before those that take root away: what listens high needs none.
 * `scratch-user` and `run-as-user` share a phase: no target is both. `compose-user` comes last:
 * it sees whom the images that are built here run as.
 */
export const phases: readonly (readonly Transform[])[] = [[runtimeInstall], [lowPorts], [scratchUser, runAsUser], [composeUser]];

export const transforms: readonly Transform[] = phases.flat();
