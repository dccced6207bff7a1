import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unifiedDiff } from '../src/report/diff.ts';
import { positionAt } from '../src/report/positions.ts';

const report = suite('report');

const PAIRS: [what: string, path: string, before: string, after: string][] = [
  ['a line in the middle', 'Dockerfile', 'a\nb\nc\n', 'a\nx\nc\n'],
  ['CRLF', 'Dockerfile', 'a\r\nb\r\n', 'a\r\nUSER x\r\nb\r\n'],
  ['no final newline', 'Dockerfile', 'a\nb', 'a\nUSER x\nb'],
  ['a final newline that is missing after', 'Dockerfile', 'a\n', 'a\nUSER x'],
  ['a BOM', 'Dockerfile', '\uFEFFa\nb\n', '\uFEFFa\nUSER x\nb\n'],
  ['a name with a space', 'my dir/Dockerfile', 'a\nb\n', 'a\nc\n'],
  ['a name beyond ASCII', 'größe/Dockerfile', 'a\nb\n', 'a\nc\n'],
  ['more changes than are searched', 'Dockerfile', `${'a\n'.repeat(3000)}z\n`, `${'b\n'.repeat(3000)}z\n`],
];

for (const [what, path, before, after] of PAIRS) {
  report(`the diff applies: ${what}`, () => {
    for (const tool of [['git', 'apply'], ['patch', '-p1', '--binary', '-s']]) {
      inFolder((folder) => {
        const file = join(folder, path);
        execFileSync('mkdir', ['-p', join(file, '..')]);
        writeFileSync(file, before);
        execFileSync(tool[0]!, tool.slice(1), { cwd: folder, input: unifiedDiff(path, before, after) });
        assert.is(readFileSync(file, 'utf8'), after, tool[0]);
      });
    }
  });
}

report('no change, no diff', () => assert.is(unifiedDiff('a', 'x\n', 'x\n'), ''));

report('positions count from 1 and only \\n ends a line', () => {
  assert.equal(positionAt('ab\r\ncd', 0), { line: 1, column: 1 });
  assert.equal(positionAt('ab\r\ncd', 5), { line: 2, column: 2 });
  assert.equal(positionAt('a\rb', 2), { line: 1, column: 3 });
});

report.run();

function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-test-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
