/** Whether a text matches a glob in which `*` stands for anything. */
export function globMatches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`, 's');
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

const compiled = new Map<string, RegExp>();
