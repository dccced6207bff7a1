import type { FileEdit } from './edit.ts';
import type { Reason } from './facts/judgement.ts';
import type { LinkedService, Project, Target } from './project.ts';

/** How sure a fix is; see the README for the promise behind each. */
export type Safety = 'safe' | 'unsafe' | 'manual';

/** What a run was asked for, as far as transforms care. */
export interface TransformOptions {
  /** The account that the user wants: a name, `uid`, or `uid:gid`. */
  user?: string | undefined;
  /** Where ports below 1024 go, by port, instead of 8000 above. */
  ports?: Readonly<Record<string, number>> | undefined;
  /** Whether services that are taken off root and listen below 1024 get the sysctl that lets them. */
  sysctl?: boolean | undefined;
}

export interface TransformContext {
  project: Project;
  options: TransformOptions;
}

/** Something seen at a place, with the edits that mend it: all of them or none. */
export interface Finding {
  target: Target;
  /** The place: offsets into the file as this phase sees it. */
  path: string;
  start: number;
  end: number;
  message: string;
  safety: Safety;
  /** Why it is not safe, and what to know or to do by hand. */
  reasons: Reason[];
  edits: FileEdit[];
  /** The target whose fix this one builds on: without that it is not made. */
  needs?: Target | undefined;
  /** Targets whose fixes by the same transform share edits with this one: all of them are made, or none is. */
  together?: readonly Target[] | undefined;
  /** Targets that it clears the way for: where none of them is off root in the end, and there is a transform for that, it is not made. */
  clearsWayFor?: readonly Target[];
  /** Services that get the same change by the same text: anchors, merge keys, extends, overrides. */
  also?: readonly LinkedService[];
  /** What the target's USER is after the edits; checked before anything is written. */
  user: string | undefined;
  /**
   * Asked of the target as the result has it, read afresh, before anything is written: what is not as
   * the fix intended, or nothing. For what is no matter of USER.
   */
  verify?: (after: Target) => string | undefined;
}

/** A codemod: it looks at the project and says what to change. It reads no disk, prints nothing, changes nothing. */
export interface Transform {
  /** Its file name, its fixture folder, its `--only` value. */
  name: string;
  /** One line. */
  summary: string;
  /** What it does and when it stays away, for `unroot explain`. */
  docs: string;
  /** Whether its fixes take a target off root. Others clear the way for those that do. */
  setsUser: boolean;
  /** The fixture, a folder in `fixtures/<name>/`, that shows it best. */
  example: string;
  apply(context: TransformContext): Iterable<Finding>;
}
