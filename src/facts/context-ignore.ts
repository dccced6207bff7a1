import { join } from 'node:path';
import type { Target } from '../project.ts';

/**
 * Whether a `.dockerignore` keeps a path out of the build context: the last pattern that matches it
 * or a folder above decides (moby/patternmatcher). A Dockerfile's own `NAME.dockerignore` goes first.
 * @param path in the context, with forward slashes
 */
export function isKeptOut(target: Target, path: string): boolean {
  const { context, file } = target.unit;
  if (context === undefined) return false;
  const rules = target.disk.read(`${file.absolute}.dockerignore`) ?? target.disk.read(join(context, '.dockerignore'));
  if (rules === undefined) return false;
  let keptOut = false;
  for (const line of rules.split(/\r?\n/)) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const again = text.startsWith('!');
    const pattern = (again ? text.slice(1).trim() : text).replace(/^\/+|\/+$/g, '').replace(/^\.\//, '');
    if (pattern !== '' && matchesAtOrAbove(pattern, path)) keptOut = !again;
  }
  return keptOut;
}

function matchesAtOrAbove(pattern: string, path: string): boolean {
  if (pattern === '.') return true;
  const expression = new RegExp(`^${source(pattern)}$`);
  const parts = path.split('/');
  return parts.some((_, index) => expression.test(parts.slice(0, index + 1).join('/')));
}

/** `*` and `?` stop at a slash, `**` crosses any number of folders. */
function source(pattern: string): string {
  let result = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!;
    if (pattern.startsWith('**/', at)) {
      result += '(?:.*/)?';
      at += 2;
    } else if (pattern.startsWith('**', at)) {
      result += '.*';
      at += 1;
    } else if (char === '*') result += '[^/]*';
    else if (char === '?') result += '[^/]';
    else if (char === '[' && pattern.indexOf(']', at) > 0) {
      const close = pattern.indexOf(']', at);
      result += pattern.slice(at, close + 1);
      at = close;
    } else if (char === '\\' && at + 1 < pattern.length) {
      at += 1;
      result += escaped(pattern[at]!);
    } else result += escaped(char);
  }
  return result;
}

function escaped(char: string): string {
  return /[\w/-]/.test(char) ? char : `\\${char}`;
}
