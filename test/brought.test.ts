import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { broughtFile } from '../src/brought.ts';
import { Configs } from '../src/config.ts';
import { discover } from '../src/discover.ts';
import { Disk } from '../src/disk.ts';
import { bringsAny } from '../src/facts/brings.ts';
import { startOf } from '../src/facts/start.ts';
import { type Rewritten, rewrite } from '../src/rewrite.ts';
import { reportPart } from '../src/report/build.ts';
import type { Finding, Transform } from '../src/transform.ts';

const DOCKERFILE = 'FROM node:20\nCOPY run.sh /run.sh\nCMD ["/run.sh"]\n';
const brought = suite('files that are brought in');

brought('are changed like the others, and later phases see the change', () => {
  inFolder({ Dockerfile: DOCKERFILE, 'run.sh': '#!/bin/sh\none\nexec two\n' }, (folder) => {
    const seen: string[] = [];
    const result = run(folder, [[replacing('first', 'one', 'three')], [watching(seen)], [replacing('second', 'three', 'four')]]);
    assert.is(seen[0], '#!/bin/sh\nthree\nexec two\n', 'the check that a second run changes nothing looks again');
    const change = result.changes.get('run.sh')!;
    assert.is(change.after, '#!/bin/sh\nfour\nexec two\n');
    assert.equal(change.edits, [{ start: 10, end: 13, text: 'four' }], 'one list against the original');
    const { files, findings } = reportPart(result, result.project.units.map(({ file }) => file), []);
    assert.equal(files.map(({ path, status }) => `${path} ${status}`), ['Dockerfile unchanged', 'run.sh changed']);
    assert.equal(findings.map(({ path, line, column, files: edited }) => `${path}:${line}:${column} ${edited}`), ['run.sh:2:1 run.sh', 'run.sh:2:1 run.sh']);
  });
});

brought('are put back where the result is not as intended', () => {
  inFolder({ Dockerfile: DOCKERFILE, 'run.sh': '#!/bin/sh\none\n' }, (folder) => {
    const failing = replacing('failing', 'one', 'three', () => 'it says three');
    const result = run(folder, [[failing]]);
    assert.is(result.changes.size, 0);
    assert.match(result.settled[0]!.skipped!, /dropped by a check of its own: it says three/);
  });
});

brought('of a fix that was left out: its target is refused, and says why', () => {
  inFolder({ Dockerfile: DOCKERFILE, 'run.sh': '#!/bin/sh\none\n' }, (folder) => {
    const failing = { ...replacing('failing', 'one', 'three', () => 'it says three'), setsUser: true };
    const result = run(folder, [[failing]]);
    const { targets } = reportPart(result, result.project.units.map(({ file }) => file), []);
    assert.equal(targets.map(({ verdict, reasons }) => [verdict, ...reasons.map(({ rule, message }) => `${rule}: ${message}`)]), [
      ['refused', 'fix-left-out: dropped by a check of its own: it says three; this is a bug of unroot'],
    ]);
  });
});

brought('are found again through links, and only where they are the project’s own', () => {
  inFolder({ 'app/real.sh': 'x\n', 'vendor/theirs.sh': 'x\n', 'node_modules/a.sh': 'x\n', 'out/made.sh': 'x\n', '.gitignore': 'out/\n', 'app/.gitignore': 'secret.env\n', 'app/secret.env': 'PORT=80\n', 'app/bad.sh': 'a\0b' }, (folder) => {
    symlinkSync('real.sh', join(folder, 'app/link.sh'));
    symlinkSync('/etc/hostname', join(folder, 'app/away.sh'));
    const disk = new Disk(folder);
    const path = (name: string) => {
      const found = broughtFile(join(folder, name), folder, disk);
      return 'file' in found ? found.file.path : found.why;
    };
    assert.is(path('app/real.sh'), 'app/real.sh');
    assert.is(path('app/link.sh'), 'app/real.sh');
    assert.is(path('app/away.sh'), 'it lies outside of what unroot was given');
    assert.is(path('vendor/theirs.sh'), 'it lies under vendor');
    assert.is(path('node_modules/a.sh'), 'it lies under node_modules');
    assert.is(path('out/made.sh'), 'git ignores it, so other checkouts have another one');
    assert.is(path('app/secret.env'), 'git ignores it, so other checkouts have another one');
    assert.is(path('app/bad.sh'), 'it is no text that unroot reads');
    assert.is(path('app/none.sh'), 'it is not there');
    const changed = disk.with(new Map([[join(folder, 'app/real.sh'), 'y\n']]));
    assert.is(changed.read(join(folder, 'app/link.sh')), 'y\n');
    assert.is(disk.read(join(folder, 'app/link.sh')), 'x\n');
  });
});

brought('are known to every group that brings them', () => {
  const files = { 'a/Dockerfile': 'FROM node:20\nCOPY . /app\n', 'b/Dockerfile': 'FROM node:20 AS base\nCOPY shared/x.conf /x\nFROM base\n', 'shared/x.conf': 'x', 'a/y.conf': 'y', 'compose.yaml': 'services:\n  web:\n    image: nginx\n    volumes: ["./shared:/etc/x"]\n' };
  inFolder(files, (folder) => {
    const disk = new Disk(folder);
    const configs = new Configs(disk, []);
    const all = discover(['.'], folder).files;
    const brings = (name: string, path: string) => bringsAny(all.filter((file) => file.path === name), [join(folder, path)], disk, configs);
    assert.ok(brings('a/Dockerfile', 'a/y.conf'));
    assert.not.ok(brings('a/Dockerfile', 'shared/x.conf'));
    assert.ok(brings('b/Dockerfile', 'shared/x.conf'));
    assert.ok(brings('compose.yaml', 'shared/x.conf'));
    assert.not.ok(brings('compose.yaml', 'a/y.conf'));
  });
});

brought.run();

function inFolder(texts: Record<string, string>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-test-'));
  try {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(folder: string, phases: Transform[][]): Rewritten {
  const disk = new Disk(folder);
  return rewrite(discover(['.'], folder).files, disk, { phases, unsafe: false, configs: new Configs(disk, []) });
}

/** A transform that replaces a word in the start script. */
function replacing(name: string, word: string, by: string, verify?: Finding['verify']): Transform {
  return {
    ...bare(name),
    *apply({ project }) {
      for (const target of project.targets) {
        const [script] = startOf(target).scripts;
        const start = script?.text.indexOf(word) ?? -1;
        if (start < 0) continue;
        const path = target.disk.display(join(target.unit.context!, 'run.sh'));
        yield { target, path, start, end: start + word.length, message: name, safety: 'safe', reasons: [], edits: [{ path, start, end: start + word.length, text: by }], user: undefined, ...(verify && { verify }) };
      }
    },
  };
}

/** A transform that notes what the start script says. */
function watching(seen: string[]): Transform {
  return {
    ...bare('watching'),
    *apply({ project }) {
      for (const target of project.targets) seen.push(...startOf(target).scripts.map(({ text }) => text));
    },
  };
}

function bare(name: string): Omit<Transform, 'apply'> {
  return { name, summary: '', docs: '', example: '', setsUser: false };
}
