/** Whether a text matches a glob in which `*` stands for anything and `?` for one character. */
export function globMatches(pattern: string, text: string): boolean {
  return compiled(pattern, '.*').test(text);
}

/** The same for paths: `*` stops at `/`. */
export function pathGlobMatches(pattern: string, path: string): boolean {
  return compiled(pattern, '[^/]*').test(path);
}

function compiled(pattern: string, star: string): RegExp {
  const key = star + pattern;
  let expression = cache.get(key);
  if (!expression) {
    const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, star).replace(/\?/g, '.');
    expression = new RegExp(`^${source}$`, 's');
    cache.set(key, expression);
  }
  return expression;
}

const cache = new Map<string, RegExp>();
