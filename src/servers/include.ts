import { posix } from 'node:path';
import { type ConfigFile, type ConfigFiles, ConfigurationError, type Directive } from './types.ts';

/** How a format names further files. */
export interface Includes {
  parse: (file: ConfigFile) => Directive[];
  isInclude: (directive: Directive) => boolean;
  /** The absolute path or glob that an include means; undefined where that is not known. */
  patternOf: (directive: Directive) => string | undefined;
  /** Whether nothing need be there. */
  isOptional: (directive: Directive) => boolean;
  /** Whether the lines in a block are data, so that none of them, nor what they include, says anything of the server. */
  isData?: (directive: Directive) => boolean;
}

export interface ReadFiles {
  /** The whole configuration, each include replaced by what it brings. */
  directives: Directive[];
  read: ConfigFile[];
  gaps: string[];
}

const MAX_DEPTH = 12;

/** Reads a configuration from its entry on, includes and all. What can't be read is a gap. */
export function readFiles(entry: string, files: ConfigFiles, includes: Includes): ReadFiles {
  const result: ReadFiles = { directives: [], read: [], gaps: [] };
  result.directives = new Expander(files, includes, result).file(entry, 0);
  return result;
}

class Expander {
  private readonly files: ConfigFiles;
  private readonly includes: Includes;
  private readonly result: ReadFiles;

  constructor(files: ConfigFiles, includes: Includes, result: ReadFiles) {
    this.files = files;
    this.includes = includes;
    this.result = result;
  }

  file(path: string, depth: number): Directive[] {
    const file = this.files.read(path);
    if (!file) {
      this.gap(`${path} is not in sight`);
      return [];
    }
    if (depth > MAX_DEPTH) return [];
    if (!this.result.read.includes(file)) this.result.read.push(file);
    try {
      return this.expand(this.includes.parse(file), depth);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      this.gap(`${path}:${error.line} could not be read: ${error.message}`);
      return [];
    }
  }

  private expand(directives: readonly Directive[], depth: number): Directive[] {
    return directives.flatMap((directive) => {
      if (this.includes.isInclude(directive)) return this.included(directive, depth);
      return [directive.block && !this.includes.isData?.(directive) ? { ...directive, block: this.expand(directive.block, depth) } : directive];
    });
  }

  private included(directive: Directive, depth: number): Directive[] {
    const pattern = this.includes.patternOf(directive);
    if (pattern === undefined || /\$\{?\w/.test(pattern)) {
      this.gap(`what ${directive.name} ${directive.args[0]?.text ?? ''} means is not known`);
      return [];
    }
    if (!/[*?[]/.test(pattern) && this.includes.isOptional(directive) && !this.files.read(pattern)) return [];
    const { paths, hidden } = pathsOf(pattern, this.files);
    for (const directory of hidden) this.gap(`what is put into ${directory} is not in sight`);
    return paths.flatMap((path) => this.file(path, depth + 1));
  }

  private gap(message: string): void {
    if (!this.result.gaps.includes(message)) this.result.gaps.push(message);
  }
}

/** The paths that a glob means, in order, and the directories that may hold more; a path without wildcards means itself. */
function pathsOf(pattern: string, files: ConfigFiles): { paths: string[]; hidden: string[] } {
  let paths = ['/'];
  const hidden: string[] = [];
  const parts = pattern.split('/').filter((part) => part !== '');
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (/[*?[]/.test(part)) hidden.push(...paths.filter((directory) => directory !== '/' && files.isHidden(directory)));
    paths = /[*?[]/.test(part)
      ? paths.flatMap((directory) => files.list(directory).filter((name) => matches(part, name)).map((name) => posix.join(directory, name)))
      : paths.map((directory) => posix.join(directory, part));
    // A directory that a glob happens to match holds nothing that would be read.
    if (isLast && /[*?[]/.test(part)) paths = paths.filter((path) => files.read(path) !== undefined || files.list(path).length === 0 || files.isHidden(path));
  }
  return { paths, hidden };
}

/** fnmatch(3) for one name: a leading dot must be spelled out. */
function matches(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const source = pattern.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.').replace(/\[!/g, '[^');
  try {
    return new RegExp(`^${source}$`).test(name);
  } catch (error) {
    if (error instanceof SyntaxError) return pattern === name; // a bracket that is never closed stands for itself
    throw error;
  }
}
