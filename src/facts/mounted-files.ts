import { basename, posix, resolve } from 'node:path';
import { type Layers, scalarOf, textOf } from '../compose/layers.ts';
import { offsetsOf } from '../compose/scalars.ts';
import { declared } from '../compose/stack.ts';
import { lineStart } from '../compose/style.ts';
import type { Disk } from '../disk.ts';
import { plainPath } from '../image-paths.ts';
import type { LinkedService } from '../project.ts';
import type { ConfigFile, ConfigFiles } from '../servers/types.ts';

/** A file or folder that a service puts over a path of its image. */
interface Cover {
  target: string;
  /** Absolute; undefined where what lies there can't be seen: a volume, a path behind a variable. */
  source: string | undefined;
  /** The text itself, where the compose file holds it. */
  content: Omit<ConfigFile, 'path'> | undefined;
}

/** The files of a container as a service runs it: those of its image, and what is mounted over them. */
export class MountedFiles implements ConfigFiles {
  private readonly under: ConfigFiles;
  private readonly covers: readonly Cover[];
  private readonly linked: LinkedService;
  private readonly disk: Disk;
  private readonly known = new Map<string, ConfigFile | undefined>();

  constructor(under: ConfigFiles, linked: LinkedService, disk: Disk) {
    this.under = under;
    this.linked = linked;
    this.disk = disk;
    this.covers = coversOf(linked);
  }

  variable(name: string): string | undefined {
    return this.linked.service.environment[name] ?? this.under.variable(name);
  }

  read(path: string): ConfigFile | undefined {
    if (!this.known.has(path)) this.known.set(path, this.look(path));
    return this.known.get(path);
  }

  private look(path: string): ConfigFile | undefined {
    const cover = this.coverOf(path);
    if (!cover) return this.under.read(path);
    if (cover.content) return path === cover.target ? { path, ...cover.content } : undefined;
    if (cover.source === undefined) return undefined;
    const source = posix.join(cover.source, posix.relative(cover.target, path));
    const text = this.disk.stat(source)?.kind === 'file' ? this.disk.read(source) : undefined;
    return text === undefined ? undefined : { path, text, source, offset: 0, template: false };
  }

  list(directory: string): string[] {
    const cover = this.coverOf(directory);
    const below = this.covers.flatMap(({ target }) => (posix.dirname(target) === directory ? [posix.basename(target)] : []));
    const own = !cover ? this.under.list(directory) : cover.source === undefined ? [] : this.disk.list(posix.join(cover.source, posix.relative(cover.target, directory)));
    return [...new Set([...own, ...below])].sort();
  }

  isHidden(path: string): boolean {
    const cover = this.coverOf(path);
    return cover ? !cover.content && (cover.source === undefined || this.disk.stat(cover.source) === undefined) : this.under.isHidden(path);
  }

  /** The innermost mount that a path lies in. */
  private coverOf(path: string): Cover | undefined {
    return this.covers.filter(({ target }) => path === target || path.startsWith(`${target}/`)).sort((one, other) => other.target.length - one.target.length)[0];
  }
}

function coversOf({ service, stack, directory }: LinkedService): Cover[] {
  const mounts = service.mounts.flatMap(({ type, source, target, directory: from }): Cover[] =>
    type === 'other' ? [] : [{ target: plainPath(target), source: type === 'bind' && source !== undefined && !/^~|\$/.test(source) ? resolve(from, source) : undefined, content: undefined }],
  );
  const configs = service.configs.map(({ source, target }): Cover => {
    const declaration = declared(stack, 'configs', source);
    return { target: plainPath(target === undefined ? `/${source}` : target.startsWith('/') ? target : `/${target}`), source: fileOf(declaration, directory), content: contentOf(declaration) };
  });
  return [...mounts, ...configs];
}

/** The file of a top-level `configs` entry. */
function fileOf(layers: Layers | undefined, directory: string): string | undefined {
  const found = layers?.get('file');
  const path = textOf(found);
  return path === undefined || path.includes('$') ? undefined : resolve(directory, path);
}

/**
 * The text that a top-level `configs` entry has in the compose file (`content`). Where compose fills in variables, and takes
 * `$$` for `$`, it is not the one that stands there, and can't be changed.
 */
function contentOf(layers: Layers | undefined): Cover['content'] {
  const found = layers?.get('content');
  const scalar = scalarOf(found);
  if (!found || !scalar) return undefined;
  const { file } = found.place;
  const offsets = scalar.value.includes('$') ? undefined : offsetsOf(file.text, scalar);
  if (!offsets) return { text: textOf(found)!, source: undefined, offset: 0, template: false, closed: `compose makes it of configs in ${basename(file.absolute)}` };
  // The lines of a block are read with their indentation, so that what is found in them stands where it was found.
  const start = scalar.style === 'literal' ? lineStart(file.text, offsets[0]!) : offsets[0]!;
  return { text: file.text.slice(start, offsets.at(-1)), source: file.absolute, offset: start, template: false };
}
