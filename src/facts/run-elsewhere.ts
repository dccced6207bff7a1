import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Target } from '../project.ts';

/** Files of a repository that say what people and machines run. */
const PLACES = /^(readme(\.\w+)?|contributing(\.\w+)?|makefile|gnumakefile|justfile|taskfile\.ya?ml|procfile|package\.json|\.travis\.yml|\.gitlab-ci\.yml|\.env\.example|vagrantfile|tox\.ini)$|\.(sh|mk|service)$/i;

/**
 * The place outside of an image that runs one of its scripts, too: on a developer's machine or in CI,
 * where nobody else would install what the script does.
 * @param path of the script, absolute
 * @returns undefined for none in sight
 */
export function runElsewhere(path: string, target: Target): string | undefined {
  const { root } = target.unit.file;
  const folders = new Set([dirname(path), target.unit.context ?? root, root, join(root, '.github/workflows'), join(root, '.circleci')]);
  for (const folder of folders) {
    for (const name of target.disk.list(folder)) {
      const place = join(folder, name);
      if (place === path || !(PLACES.test(name) || /\.(github\/workflows|circleci)$/.test(folder))) continue;
      const text = target.disk.read(place);
      if (text !== undefined && runsScript(text, [folder, root], path)) return relative(root, place) || name;
    }
  }
  return undefined;
}

/** Whether a text calls a script: by its path, or with a shell in front. In a Dockerfile's words (`COPY`, `docker run`) it is the image's. */
function runsScript(text: string, folders: readonly string[], path: string): boolean {
  const name = basename(path).replace(/[.+*?^${}()|[\]\\]/g, '\\$&');
  const call = new RegExp(`(?:^|[\\s"'\`(;&|@-])((?:(?:ba|da|z|k)?sh|source|\\.)[ \\t]+(?:-\\w+[ \\t]+)*)?((?:\\.{0,2}[\\w.-]*/)*)${name}(?![\\w./-])`);
  return text.split('\n').some((line) => {
    const match = /\b(COPY|ADD|ENTRYPOINT|CMD|docker|podman)\b/.test(line) ? null : call.exec(line);
    if (!match || (match[1] === undefined && match[2] === '')) return false;
    return folders.some((folder) => resolve(folder, match[2]!, basename(path)) === path);
  });
}
