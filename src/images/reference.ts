export interface Reference { registry?: string; repo: string; tag?: string; digest?: string; match: 'exact' | 'probable' }
export function parseReference(text: string): Reference | undefined {
  const m = /^([a-z0-9._\-/:]+?)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]+))?$/.exec(text);
  if (!m) return undefined;
  const repo = m[1]!.includes('/') ? m[1]! : m[1] === 'scratch' ? 'scratch' : `library/${m[1]}`;
  return { repo, match: 'exact', ...(m[2] ? { tag: m[2] } : {}) };
}
