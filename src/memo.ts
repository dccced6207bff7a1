/**
 * A question about an object that is answered once. The answer is kept in the object, which must not
 * be frozen, and goes with it; further arguments must follow from the first. A WeakMap would do the
 * same, but what it holds outlives every quick collection, and with it whole projects that nobody
 * needs any more: over some thousand files that is twice the memory and a fifth more time.
 */
export function memo<K extends object, R extends unknown[], T>(answer: (key: K, ...rest: R) => T): (key: K, ...rest: R) => T {
  const slot = Symbol(answer.name);
  return (key, ...rest) => {
    const known = (key as { [slot]?: { value: T } })[slot];
    if (known) return known.value;
    const value = answer(key, ...rest);
    // Not enumerable, so that a copy of the object asks for itself.
    Object.defineProperty(key, slot, { value: { value } });
    return value;
  };
}
