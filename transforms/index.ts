import type { Transform } from '../src/transform.ts';
import { runAsUser } from './run-as-user.ts';
import { scratchUser } from './scratch-user.ts';

/**
 * The transforms by phase, in order. Each phase sees what those before it made.
 * `scratch-user` and `run-as-user` share one: no target is both.
 */
export const phases: readonly (readonly Transform[])[] = [[scratchUser, runAsUser]];

export const transforms: readonly Transform[] = phases.flat();
