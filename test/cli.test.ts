import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Report } from '../src/index.ts';

const cli = suite('command line');
const COMMAND = resolve('dist/bin/unroot.js');

const ROOT = 'FROM node:20\nCOPY . /app\nCMD ["node", "/app/index.js"]\n';
const FIXED = 'FROM node:20\nCOPY . /app\n# node, an account of the base image\nUSER 1000:1000\nCMD ["node", "/app/index.js"]\n';
const UNSAFE = 'FROM node:20\nCOPY . /app\nVOLUME /data\nCMD ["node", "/app/index.js"]\n';
const NONROOT = 'FROM node:20\nUSER 1000:1000\nCMD ["node", "/app/index.js"]\n';

cli('shows the diff on stdout, the summary on stderr, and writes nothing', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = unroot(folder, '.');
    assert.is(run.status, 1);
    assert.match(run.stdout, /^--- a\/Dockerfile\n\+\+\+ b\/Dockerfile\n/);
    assert.match(run.stderr, /1 target in 1 file: 1 to fix/);
    assert.is(text(folder, 'Dockerfile'), ROOT);
    assert.is(spawnSync('git', ['apply'], { cwd: folder, input: run.stdout }).status, 0);
    assert.is(text(folder, 'Dockerfile'), FIXED);
  });
});

cli('--write makes the change, keeps the mode, leaves nothing beside, and the next run has nothing to do', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    chmodSync(join(folder, 'Dockerfile'), 0o640);
    const run = unroot(folder, '--write', '.');
    assert.is(run.status, 0);
    assert.is(run.stdout, '');
    assert.is(text(folder, 'Dockerfile'), FIXED);
    assert.is(statSync(join(folder, 'Dockerfile')).mode & 0o777, 0o640);
    assert.equal(readdirSync(folder), ['Dockerfile']);
    const again = unroot(folder, '--check', '.');
    assert.is(again.status, 0);
    assert.is(again.stdout, '');
  });
});

cli('--check is silent on stdout and says by its status what is left', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = unroot(folder, '--check');
    assert.is(run.status, 1);
    assert.is(run.stdout, '');
  });
  inFolder({ Dockerfile: NONROOT }, (folder) => assert.is(unroot(folder, '--check').status, 0));
});

cli('unsafe fixes wait for --unsafe, and the summary counts them', () => {
  inFolder({ Dockerfile: UNSAFE }, (folder) => {
    const run = unroot(folder, '.');
    assert.is(run.status, 0);
    assert.is(run.stdout, '');
    assert.match(run.stderr, /1 unsafe left out/);
    assert.match(run.stderr, /--unsafe/);
    assert.is(unroot(folder, '--fail-on', 'root', '.').status, 1);
    assert.match(unroot(folder, '--unsafe', '.').stdout, /^\+RUN mkdir -p \/data/m);
  });
});

cli('--only and --skip take names, and unknown ones are named with those there are', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    assert.is(unroot(folder, '--skip', 'run-as-user', '.').stdout, '');
    assert.is(unroot(folder, '--only', 'scratch-user', '.').stdout, '');
    assert.match(unroot(folder, '--only', 'run-as-user', '.').stdout, /^\+USER/m);
    const wrong = unroot(folder, '--only', 'run-as-usr', '.');
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, /no transform run-as-usr/);
  });
});

cli('--user says whom to run as, and never root', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    assert.match(unroot(folder, '--user', '1234:5678', '.').stdout, /^\+USER 1234:5678$/m);
    for (const user of ['root', '0', '0:0', '', 'a b']) assert.is(unroot(folder, `--user=${user}`, '.').status, 2, user);
  });
});

cli('--format json is the whole result, and its edits make the new text', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = unroot(folder, '--format', 'json', '.');
    const report = JSON.parse(run.stdout) as Report;
    assert.is(report.version, 1);
    assert.equal(report.targets.map(({ path, stage, base, verdict, safety, userBefore, userAfter }) => [path, stage, base, verdict, safety, userBefore, userAfter]), [['Dockerfile', '0', 'node:20', 'fixable', 'safe', 'root', '1000:1000']]);
    assert.equal(report.findings.map(({ transform, line, column, status }) => [transform, line, column, status]), [['run-as-user', 1, 1, 'pending']]);
    const [edit] = report.files[0]!.edits;
    assert.is(ROOT.slice(0, edit!.start) + edit!.text + ROOT.slice(edit!.end), FIXED);
  });
});

cli('- reads standard input, and with --write prints the new text', () => {
  inFolder({}, (folder) => {
    assert.match(unrootWith(ROOT, folder, '-').stdout, /^\+USER 1000:1000$/m);
    const written = unrootWith(ROOT, folder, '--write', '-');
    assert.is(written.stdout, FIXED);
    assert.is(written.status, 0);
    assert.is(unrootWith(NONROOT, folder, '--write', '-').stdout, NONROOT);
  });
});

cli('a path behind -- is a path', () => {
  inFolder({ 'a/Dockerfile': ROOT, 'b/Dockerfile': ROOT }, (folder) => {
    const run = unroot(folder, '--', 'a');
    assert.match(run.stdout, /a\/a\/Dockerfile/);
    assert.not.match(run.stdout, /b\/b\/Dockerfile/);
  });
});

const BAD: [what: string, files: Record<string, string | Buffer>, message: RegExp][] = [
  ['invalid UTF-8', { 'bad/Dockerfile': Buffer.from([0x46, 0x52, 0xff, 0xfe]) }, /bad\/Dockerfile\s+error\s+the file is not valid UTF-8/],
  ['a NUL byte', { 'bad/Dockerfile': 'FROM a\0\n' }, /NUL/],
  ['an empty file', { 'bad/Dockerfile': '' }, /bad\/Dockerfile:1\s+error\s+the file has no instructions/],
  ['no FROM', { 'bad/Dockerfile': 'ARG a=b\n' }, /no FROM/],
  ['a conflict', { 'bad/Dockerfile': 'FROM a\n<<<<<<< x\n' }, /bad\/Dockerfile:2\s+error\s+a merge conflict/],
  ['a template', { 'bad/Dockerfile': 'FROM {{ x }}\n' }, /template/],
  ['a file too large', { 'bad/Dockerfile': `FROM a\n${'#'.repeat(1_048_576)}` }, /larger than/],
  ['a compose file that does not parse', { 'bad/compose.yaml': 'services:\n  a: [\n' }, /bad\/compose.yaml:\d+\s+error/],
];

for (const [what, files, message] of BAD) {
  cli(`bad input is one line, and the other files go on: ${what}`, () => {
    inFolder({ ...files, 'good/Dockerfile': ROOT }, (folder) => {
      const run = unroot(folder, '--write', '.');
      assert.is(run.status, 2);
      assert.match(run.stderr, message);
      assert.not.match(run.stderr, /\n\s+at /);
      assert.is(text(folder, 'good/Dockerfile'), FIXED);
      for (const [path, content] of Object.entries(files)) assert.ok(readFileSync(join(folder, path)).equals(Buffer.from(content)), 'nothing is lost');
    });
  });
}

cli('links: one that leads out, one in a circle, one to nowhere', () => {
  inFolder({ 'out/Dockerfile': ROOT, 'tree/good/Dockerfile': ROOT }, (folder) => {
    const tree = join(folder, 'tree');
    symlinkSync('../out/Dockerfile', join(tree, 'Dockerfile'));
    symlinkSync('Dockerfile.b', join(tree, 'Dockerfile.a'));
    symlinkSync('Dockerfile.a', join(tree, 'Dockerfile.b'));
    symlinkSync('nowhere', join(tree, 'Dockerfile.c'));
    const run = unroot(tree, '--write', '.');
    assert.is(run.status, 2);
    assert.match(run.stderr, /Dockerfile\s+error\s+the link leads out of the tree/);
    assert.match(run.stderr, /Dockerfile.a\s+error\s+the link leads in a circle/);
    assert.match(run.stderr, /Dockerfile.c\s+error\s+the link leads nowhere/);
    assert.is(text(folder, 'out/Dockerfile'), ROOT);
    assert.is(text(tree, 'good/Dockerfile'), FIXED);
  });
});

cli('a path that is not there', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = unroot(folder, 'nope', '.');
    assert.is(run.status, 2);
    assert.match(run.stderr, /nope\s+error\s+there is no such file/);
    assert.match(run.stdout, /^\+USER/m);
  });
});

cli('.gitignore and folders of others are honoured, a named file is taken', () => {
  inFolder({ '.gitignore': 'ignored/\n', 'ignored/Dockerfile': ROOT, 'vendor/x/Dockerfile': ROOT, 'node_modules/y/Dockerfile': ROOT, 'sub/Dockerfile': NONROOT }, (folder) => {
    const run = unroot(folder, '.');
    assert.is(run.stdout, '');
    assert.match(run.stderr, /1 left under vendor/);
    assert.match(unroot(folder, 'ignored/Dockerfile').stdout, /^\+USER/m);
    assert.match(unroot(folder, 'vendor/x').stdout, /^\+USER/m);
  });
});

cli('unusable arguments are one line and status 2', () => {
  inFolder({}, (folder) => {
    for (const args of [['--nope'], ['--write', '--check'], ['--format', 'xml'], ['explain', 'nothing-like-it']]) {
      const run = unroot(folder, ...args);
      assert.is(run.status, 2, args.join(' '));
      assert.is(run.stderr.trim().split('\n').length, 1, run.stderr);
    }
  });
});

cli('explain lists transforms and rules, and explains each', () => {
  const all = unroot('.', 'explain').stdout;
  for (const name of ['run-as-user', 'scratch-user', 'drops-by-itself']) {
    assert.match(all, new RegExp(`^  ${name} `, 'm'));
    assert.is(unroot('.', 'explain', name).status, 0);
  }
});

cli('a reader that closes the pipe is no error', () => {
  const files = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`d${index}/Dockerfile`, ROOT]));
  inFolder(files, (folder) => {
    const run = spawnSync('bash', ['-c', `set -o pipefail; "${process.execPath}" "${COMMAND}" . | head -n 1`], { cwd: folder, encoding: 'utf8' });
    assert.not.match(run.stderr, /EPIPE|\n\s+at /);
  });
});

cli.run();

function unroot(cwd: string, ...args: string[]) {
  return unrootWith(undefined, cwd, ...args);
}

function unrootWith(input: string | undefined, cwd: string, ...args: string[]) {
  const { FORCE_COLOR: _, ...env } = process.env;
  return spawnSync(process.execPath, [COMMAND, ...args], { cwd, encoding: 'utf8', env, ...(input === undefined ? {} : { input }) });
}

function text(folder: string, path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

function inFolder(files: Record<string, string | Buffer>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-cli-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
