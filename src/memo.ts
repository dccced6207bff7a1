/**
 * A question about an object that is answered once. The answer is kept with the first argument and
 * goes with it; further arguments must follow from the first.
 */
export function memo<K extends object, R extends unknown[], T>(answer: (key: K, ...rest: R) => T): (key: K, ...rest: R) => T {
  const answers = new WeakMap<K, { value: T }>();
  return (key, ...rest) => {
    let known = answers.get(key);
    if (!known) {
      known = { value: answer(key, ...rest) };
      answers.set(key, known);
    }
    return known.value;
  };
}
