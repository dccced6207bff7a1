import type { Disk } from '../disk.ts';
import type { LinkedService, Target } from '../project.ts';
import { memo } from '../memo.ts';

/** One way in which a container starts: a target by itself, or as a service runs it. */
export interface Run {
  target: Target;
  /** Undefined where nothing in sight runs the target. */
  service: LinkedService | undefined;
  disk: Disk;
  /** The repository or folder that was given. */
  root: string;
}

/** The runs of a target: one for each service, or the one of the image itself. */
export const runsOf = memo((target: Target): Run[] => {
  const own = { target, disk: target.disk, root: target.unit.file.root };
  return target.services.length > 0 ? target.services.map((service) => ({ ...own, service })) : [{ ...own, service: undefined }];
});
