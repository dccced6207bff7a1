import { posix } from 'node:path';
import type { ConfigFile, ConfigFiles } from './types.ts';

/** Templates that the nginx image fills in before nginx starts. */
export interface Templates {
  files: ConfigFile[];
  /** The directory that they are written to. */
  output: string;
}

/** The templates in sight; undefined where there are none (nginx/docker-nginx, entrypoint/20-envsubst-on-templates.sh). */
export function templatesIn(files: ConfigFiles): Templates | undefined {
  const directory = files.variable('NGINX_ENVSUBST_TEMPLATE_DIR') ?? '/etc/nginx/templates';
  const suffix = files.variable('NGINX_ENVSUBST_TEMPLATE_SUFFIX') ?? '.template';
  const output = files.variable('NGINX_ENVSUBST_OUTPUT_DIR') ?? '/etc/nginx/conf.d';
  const found = files.list(directory).filter((name) => name.endsWith(suffix));
  const read = found.flatMap((name): ConfigFile[] => {
    const file = files.read(posix.join(directory, name));
    return file ? [{ ...file, path: posix.join(output, name.slice(0, -suffix.length)), template: true }] : [];
  });
  return read.length > 0 ? { files: read, output } : undefined;
}

/** The files as the server sees them once its templates are filled in. */
export function withTemplates(files: ConfigFiles, templates: Templates | undefined): ConfigFiles {
  return templates ? withFilled(files, templates.files) : files;
}

/** The files with others over them, by path. */
export function withFilled(files: ConfigFiles, filled: readonly ConfigFile[]): ConfigFiles {
  if (filled.length === 0) return files;
  const byPath = new Map(filled.map((file) => [file.path, file]));
  return {
    read: (path) => byPath.get(path) ?? files.read(path),
    list: (directory) => [...new Set([...files.list(directory), ...[...byPath.keys()].filter((path) => posix.dirname(path) === directory).map((path) => posix.basename(path))])].sort(),
    isHidden: (path) => files.isHidden(path),
    variable: (name) => files.variable(name),
  };
}
