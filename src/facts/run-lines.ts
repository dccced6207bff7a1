import { basename, dirname, join, relative } from 'node:path';
import type { Target } from '../project.ts';

/** Files of a repository that say how its images are run. */
const PLACES = ['README.md', 'README', 'README.rst', 'readme.md', 'Readme.md', 'Makefile', 'makefile', 'GNUmakefile', 'justfile', 'Taskfile.yml', '.travis.yml', '.gitlab-ci.yml'];

/** The place that runs the target's image with files of the caller mounted (`docker run … -v`); undefined for none. */
export function runsWithVolume(target: Target): string | undefined {
  const { context, file, dockerfile } = target.unit;
  if (mountsFiles(dockerfile.comments.map(({ text }) => text).join('\n'), () => true)) return 'a comment in the file';
  const own = dirname(file.absolute);
  const directories = new Set([context ?? own, own, file.root]);
  for (const directory of directories) {
    // Further up there are other images too: the line must name this one, by its folder.
    const isMeant = directory === own ? () => true : (line: string) => line.includes(basename(own));
    const names = [...PLACES, ...target.disk.list(directory).filter((name) => name.endsWith('.sh'))];
    for (const name of names) {
      const path = join(directory, name);
      const text = target.disk.read(path);
      if (text !== undefined && mountsFiles(text, isMeant)) return relative(file.root, path) || name;
    }
  }
  return undefined;
}

/** Whether a text holds a `docker run` with a mount, over continued lines, that is meant. */
function mountsFiles(text: string, isMeant: (line: string) => boolean): boolean {
  if (!text.includes('docker run') && !text.includes('podman run')) return false;
  const joined = text.replace(/\\\r?\n/g, ' ');
  return joined.split('\n').some((line) => /\b(docker|podman) run\b.*\s(-v|--volume|--mount)[\s=]/.test(line) && isMeant(line));
}
