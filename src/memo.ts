/**
 * A question about an object that is answered once. The answers are kept in the object, which must
 * not be frozen, and go with it; further arguments must follow from the first. A copy of the object
 * asks for itself. A WeakMap would do the same, but what it holds outlives every quick collection,
 * and with it whole projects that nobody needs any more: over some thousand files that is twice the
 * memory and a fifth more time.
 */
export function memo<K extends object, R extends unknown[], T>(answer: (key: K, ...rest: R) => T): (key: K, ...rest: R) => T {
  return (key, ...rest) => {
    for (let known = Memory.first(key); known; known = known.next) if (known.question === answer) return known.value as T;
    const value = answer(key, ...rest);
    Memory.keep(key, answer, value);
    return value;
  };
}

/** The same for a question about an object and a name: one answer for each name. */
export function memoByName<K extends object, T>(answer: (key: K, name: string) => T): (key: K, name: string) => T {
  const answers = memo((_key: K) => new Map<string, { value: T }>());
  return (key, name) => {
    const known = answers(key);
    let found = known.get(name);
    if (!found) known.set(name, (found = { value: answer(key, name) }));
    return found.value;
  };
}

/** An answer, and those that were given before it. There are a few of each object. */
interface Answer {
  question: unknown;
  value: unknown;
  next: Answer | undefined;
}

/** A constructor that makes nothing: the class below adds its field to what it is given. */
const Given = function (object: object) {
  return object;
} as unknown as new (object: object) => object;

/**
 * One private field for all answers about an object. Were each answer a property of its own, objects
 * of one kind would come in dozens of shapes, and reading anything of them would be slow.
 */
class Memory extends Given {
  #last: Answer | undefined;

  static first(object: object): Answer | undefined {
    return #last in object ? object.#last : undefined;
  }

  static keep(object: object, question: unknown, value: unknown): void {
    const memory = #last in object ? object : (new Memory(object) as Memory);
    memory.#last = { question, value, next: memory.#last };
  }
}
