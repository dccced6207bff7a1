import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits, areApart, compose, type Edit, EditError } from '../src/edit.ts';

const edits = suite('edits');

edits('are made together, insertions at one place in order', () => {
  assert.is(applyEdits('abc', [{ start: 1, end: 2, text: 'X' }, { start: 1, end: 1, text: '1' }, { start: 1, end: 1, text: '2' }, { start: 3, end: 3, text: '!' }]), 'a12Xc!');
  assert.is(applyEdits('abc', [{ start: 0, end: 1, text: '' }]), 'bc');
  assert.is(applyEdits('', [{ start: 0, end: 0, text: 'a' }]), 'a');
});

edits('out of bounds or overlapping are errors', () => {
  const bad: Edit[][] = [
    [{ start: -1, end: 0, text: 'x' }],
    [{ start: 2, end: 9, text: 'x' }],
    [{ start: 2, end: 1, text: 'x' }],
    [{ start: 0, end: 2, text: 'x' }, { start: 1, end: 3, text: 'y' }],
    [{ start: 0, end: 2, text: 'x' }, { start: 0, end: 2, text: 'y' }],
    [{ start: 0, end: 3, text: '' }, { start: 1, end: 1, text: 'y' }],
  ];
  for (const list of bad) assert.throws(() => applyEdits('abc', list), (error: unknown) => error instanceof EditError);
});

edits('apart or not', () => {
  assert.ok(areApart([{ start: 0, end: 2, text: '' }], [{ start: 2, end: 2, text: 'x' }]));
  assert.not.ok(areApart([{ start: 0, end: 2, text: '' }], [{ start: 1, end: 3, text: 'x' }]));
});

edits('of two phases become one list against the original', () => {
  const random = seeded(20261124);
  for (let round = 0; round < 3000; round += 1) {
    const original = letters(random, 12);
    const first = randomEdits(random, original);
    const middle = applyEdits(original, first);
    const second = randomEdits(random, middle);
    const expected = applyEdits(middle, second);
    assert.is(applyEdits(original, compose(first, second, original.length)), expected, JSON.stringify({ original, first, second }));
  }
});

edits.run();

/** A small linear congruential generator: the same numbers every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function letters(random: (below: number) => number, most: number): string {
  return Array.from({ length: random(most + 1) }, () => String.fromCharCode(97 + random(26))).join('');
}

function randomEdits(random: (below: number) => number, text: string): Edit[] {
  const list: Edit[] = [];
  for (let at = random(4); at <= text.length; at += 1 + random(5)) {
    const end = Math.min(text.length, at + random(3));
    list.push({ start: at, end, text: letters(random, 3).toUpperCase() });
    at = end;
  }
  return list;
}
