import { join, relative } from 'node:path';
import type { Target } from '../project.ts';

/** Files of a repository that say how its images are run. */
const PLACES = ['README.md', 'README', 'README.rst', 'readme.md', 'Readme.md', 'Makefile', 'makefile', 'GNUmakefile', 'justfile', 'Taskfile.yml', '.travis.yml', '.gitlab-ci.yml'];

/** The file near the target that runs an image with files of the caller mounted (`docker run … -v`); undefined for none. */
export function runsWithVolume(target: Target): string | undefined {
  const { context, file } = target.unit;
  const directories = new Set([context ?? join(file.absolute, '..'), join(file.absolute, '..'), file.root]);
  for (const directory of directories) {
    const names = [...PLACES, ...target.disk.list(directory).filter((name) => name.endsWith('.sh'))];
    for (const name of names) {
      const path = join(directory, name);
      const text = target.disk.read(path);
      if (text !== undefined && mountsFiles(text)) return relative(file.root, path) || name;
    }
  }
  return undefined;
}

/** Whether a text holds a `docker run` with a mount, over continued lines. */
function mountsFiles(text: string): boolean {
  if (!text.includes('docker run') && !text.includes('podman run')) return false;
  const joined = text.replace(/\\\r?\n/g, ' ');
  return joined.split('\n').some((line) => /\b(docker|podman) run\b.*\s(-v|--volume|--mount)[\s=]/.test(line));
}
