import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unrootSteps, unrootText } from '../src/index.ts';
import { COMMAND, FIXED, inFolder, leftovers, manyFiles, plainEnvironment, ROOT, text, unroot, unrootWith } from './command.ts';

const bad = suite('bad input');

let serial = 0;
const BOMB = Array.from({ length: 9 }, (_, index) => `x${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(', ')}]`).join('\n');

const UNREADABLE: [what: string, files: Record<string, string | Buffer>, line: RegExp][] = [
  ['invalid UTF-8', { 'bad/Dockerfile': Buffer.from('FROM a\n# caf\xe9\n', 'latin1') }, /^bad\/Dockerfile:2 {2}error {2}the file is not valid UTF-8; convert it first$/m],
  ['UTF-16', { 'bad/Dockerfile': Buffer.from('\uFEFFFROM a\n', 'utf16le') }, /^bad\/Dockerfile:1 {2}error {2}the file is UTF-16, .*; convert it to UTF-8$/m],
  ['a NUL byte', { 'bad/Dockerfile': 'FROM a\nRUN b\0\n' }, /^bad\/Dockerfile:2 {2}error {2}the file holds a NUL byte, .*; remove it$/m],
  ['an empty file', { 'bad/Dockerfile': '' }, /^bad\/Dockerfile:1 {2}error {2}the file has no instructions/m],
  ['no FROM', { 'bad/Dockerfile': 'ARG a=b\n' }, /^bad\/Dockerfile:1 {2}error {2}the file has no FROM/m],
  ['a conflict', { 'bad/Dockerfile': 'FROM a\n<<<<<<< x\n' }, /^bad\/Dockerfile:2 {2}error {2}a merge conflict is not resolved; resolve it first$/m],
  ['a conflict inside a command', { 'bad/Dockerfile': 'FROM a\nRUN b && \\\n<<<<<<< x\n  c \\\n=======\n  d \\\n>>>>>>> y\n  e\n' }, /^bad\/Dockerfile:3 {2}error {2}a merge conflict/m],
  ['a conflict in a compose file', { 'bad/compose.yaml': 'services:\n<<<<<<< x\n  a: {image: b}\n=======\n  a: {image: c}\n>>>>>>> y\n' }, /^bad\/compose\.yaml:2 {2}error {2}a merge conflict/m],
  ['a template', { 'bad/Dockerfile': 'FROM {{ x }}\n' }, /^bad\/Dockerfile:1 {2}error {2}FROM holds a template; run unroot on what it renders to$/m],
  ['a template behind a keyword', { 'bad/Dockerfile': 'FROM a\nEXPOSE {{ port }}\n' }, /^bad\/Dockerfile:2 {2}error {2}EXPOSE holds a template/m],
  ['a template on a line of its own', { 'bad/Dockerfile': 'FROM a\n{% if x %}\nRUN b\n{% endif %}\n' }, /^bad\/Dockerfile:2 {2}error {2}this looks like a template/m],
  ['a file too large', { 'bad/Dockerfile': `FROM a\n${'#'.repeat(1_048_576)}` }, /^bad\/Dockerfile {2}error {2}the file is larger than 1048576 bytes/m],
  ['a line too long', { 'bad/Dockerfile': `FROM a\nRUN ${'a'.repeat(65_536)}\n` }, /^bad\/Dockerfile:2 {2}error {2}the line is longer than 65535 bytes/m],
  ['a compose file with a key twice', { 'bad/compose.yaml': 'services:\n  a:\n    image: b\n    image: c\n' }, /^bad\/compose\.yaml:4 {2}error {2}the key image stands twice in one map; remove one$/m],
  ['a compose file with an alias of nothing', { 'bad/compose.yaml': 'services:\n  a:\n    image: *b\n' }, /^bad\/compose\.yaml:3 {2}error {2}the alias \*b has no anchor &b before it$/m],
  ['a compose file whose aliases multiply', { 'bad/compose.yaml': `x0: &a0 [y]\n${BOMB}\nservices: {}\n` }, /^bad\/compose\.yaml:\d+ {2}error {2}aliases multiply to more than 1000000 values here; write them out or remove them$/m],
  ['a compose file nested beyond all measure', { 'bad/compose.yaml': `services:\n  a:\n    x-b: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n` }, /^bad\/compose\.yaml:3 {2}error {2}it is nested too deep to be read/m],
  ['a compose file with a template on a line of its own', { 'bad/compose.yaml': 'services:\n  a:\n{%- if x %}\n    image: a\n{%- endif %}\n' }, /^bad\/compose\.yaml:\d {2}error {2}this looks like a template; run unroot on what it renders to$/m],
  ['a compose file with a template', { 'bad/compose.yaml': 'services:\n  a:\n    image: {{ image }}\n' }, /^bad\/compose\.yaml:3 {2}error {2}.*of a template, run unroot on what is made of it$/m],
  ['services that extend each other in a circle', { 'bad/compose.yaml': 'services:\n  a:\n    extends: b\n  b:\n    extends: a\n' }, /^bad\/compose\.yaml:3 {2}error {2}a extends itself, by way of a, b; break the circle$/m],
  ['files that include each other in a circle', { 'bad/compose.yaml': 'include: [b.yaml]\n', 'bad/b.yaml': 'include: [compose.yaml]\n' }, /^bad\/compose\.yaml:1 {2}error {2}include leads back to this file by way of b\.yaml; break the circle$/m],
  ['more services than anybody has', { 'bad/compose.yaml': `services:\n${'  a#: {image: nats}\n'.repeat(501).replace(/#/g, () => String((serial += 1)))}` }, /^bad\/compose\.yaml:2 {2}error {2}it has 501 services; unroot reads 500 of a file, so split it$/m],
  ['more variables than anybody has', { 'bad/compose.yaml': `services:\n  a:\n    image: nginx\n    environment:\n${'      K#: v\n'.repeat(20_000).replace(/#/g, () => String((serial += 1)))}` }, /^bad\/compose\.yaml:4 {2}error {2}environment of a has 20000 entries; unroot reads 2000, so split it or move it to a file$/m],
  ['a compose file with a tab', { 'bad/compose.yaml': 'services:\n\ta:\n\t\timage: b\n' }, /^bad\/compose\.yaml:2 {2}error {2}Tabs are not allowed as indentation$/m],
  ['a service twice in one compose file', { 'bad/compose.yaml': 'services:\n  a: {image: b}\n  a: {image: c}\n' }, /^bad\/compose\.yaml:3 {2}error {2}the key a stands twice in one map; remove one$/m],
  ['two merge keys in one map', { 'bad/compose.yaml': 'x-a: &a {init: true}\nservices:\n  a:\n    <<: *a\n    <<: *a\n    image: b\n' }, /^bad\/compose\.yaml:5 {2}error {2}the key << stands twice in one map; write one with a list: <<: \[\*a, \*b\]$/m],
  ['a merge key that brings no map', { 'bad/compose.yaml': 'services:\n  a:\n    <<: [5]\n    image: b\n' }, /^bad\/compose\.yaml:3 {2}error {2}<< takes over the keys of a map or of a list of maps, and this is neither; remove it$/m],
  ['merge keys that multiply', { 'bad/compose.yaml': `x0: &a0 {k: v}\n${BOMB.replace(/\[(.*)\]/g, '{<<: [$1]}')}\nservices: {}\n` }, /^bad\/compose\.yaml:\d+ {2}error {2}aliases multiply to more than 1000000 values here/m],
  ['an alias inside its own anchor', { 'bad/compose.yaml': 'services: &s\n  a: *s\n' }, /^bad\/compose\.yaml:2 {2}error {2}the alias \*s stands inside what its own anchor names$/m],
  ['a service that extends itself in its own file', { 'bad/compose.yaml': 'services:\n  a:\n    extends: {file: ./compose.yaml, service: a}\n' }, /^bad\/compose\.yaml:3 {2}error {2}a extends itself, by way of itself; break the circle$/m],
  ['a file that includes itself', { 'bad/compose.yaml': 'include: [compose.yaml]\nservices:\n  a: {image: b}\n' }, /^bad\/compose\.yaml:1 {2}error {2}include leads back to this file by way of compose\.yaml; break the circle$/m],
  ['extends without an end', { 'bad/compose.yaml': `services:\n${Array.from({ length: 400 }, (_, index) => `  s${index}: {extends: s${index + 1}}\n`).join('')}  s400: {image: b}\n` }, /^bad\/compose\.yaml:\d+ {2}error {2}extends is nested more than 50 deep; write the settings out$/m],
  ['a service that is a text', { 'bad/compose.yaml': 'services:\n  a: nginx\n' }, /^bad\/compose\.yaml:2 {2}error {2}the service a is no map; write its settings as keys under it$/m],
  ['services that are a list', { 'bad/compose.yaml': 'services:\n  - a\n' }, /^bad\/compose\.yaml:2 {2}error {2}services is no map; write one entry a service under it$/m],
  ['a compose file that does not parse', { 'bad/compose.yaml': 'services:\n  a: [\n' }, /^bad\/compose\.yaml:\d+ {2}error/m],
];

for (const [what, files, line] of UNREADABLE) {
  bad(`one line, and the other files go on: ${what}`, () => {
    inFolder({ ...files, 'good/Dockerfile': ROOT }, (folder) => {
      assertTold(unroot(folder, '--write', '.'), line);
      assert.is(text(folder, 'good/Dockerfile'), FIXED);
      for (const [path, content] of Object.entries(files)) assert.ok(readFileSync(join(folder, path)).equals(Buffer.from(content)), 'nothing is lost');
    });
  });
}

bad('what is odd in a compose file and no error keeps nobody from the rest', () => {
  const odd = {
    'tags/compose.yaml': 'services:\n  a:\n    image: !!str nginx:1.27\n    command: !reset null\n    ports: !override ["80:80"]\n',
    'merge/compose.yaml': 'x-a: &a {init: true}\nx-b: &b {image: "nginx:1.27"}\nservices:\n  a:\n    <<: [*a, *b]\n',
    'documents/compose.yaml': 'services:\n  a:\n    image: nginx:1.27\n---\nservices:\n  a:\n    init: true\n...\n---\n# nothing\n',
    'deep/compose.yaml': `services:\n  a:\n    image: nginx:1.27\n    hostname: ${'${A:-'.repeat(3000)}x${'}'.repeat(3000)}\n    working_dir: ${'${A:-'.repeat(3000)}x${'}'.repeat(3000)}\n`,
    'names/compose.yaml': 'services:\n  __proto__:\n    image: nginx:1.27\n    environment: {constructor: a, __proto__: b}\n',
    'shapes/compose.yaml': 'services:\n  a:\n    image: nginx:1.27\n    ports: [[80]]\n    volumes: [[a], 5]\n    environment: [[a], {b: c}]\n    depends_on: 5\n  b:\n    extends: [a]\n  c:\n',
    'lost/compose.yaml': 'include: [gone.yaml]\nservices:\n  a:\n    image: nginx:1.27\n    env_file: [gone.env]\n',
  };
  inFolder({ ...odd, 'good/Dockerfile': ROOT }, (folder) => {
    const { status, stderr, stdout } = unroot(folder, '--unsafe', '.');
    assert.is(status, 1, stderr);
    assert.not.match(stderr, /\n\s+at |  error  /);
    for (const path of [...Object.keys(odd), 'good/Dockerfile']) assert.ok(stdout.includes(`+++ b/${path}\n`), path);
  });
});

bad('more directories than are weighed: the target is refused by a stated limit', () => {
  const made = Array.from({ length: 20_000 }, (_, index) => `mkdir -p /srv/data/number-${index}`);
  const { report } = unrootText('Dockerfile', `FROM node:20\nRUN <<EOF\n${made.join('\n')}\nEOF\nCMD ["node", "server.js"]\n`, { unsafe: true });
  assert.equal(report.targets.map(({ verdict, reasons: [reason] }) => `${verdict} ${reason!.rule}: ${reason!.message}`), [
    'refused too-large: it makes 20000 directories, volumes and accounts, and unroot weighs 1000 at the most',
  ]);
});

bad('links: one that leads out, one in a circle, one to nowhere', () => {
  inFolder({ 'out/Dockerfile': ROOT, 'tree/good/Dockerfile': ROOT }, (folder) => {
    const tree = join(folder, 'tree');
    symlinkSync('../out/Dockerfile', join(tree, 'Dockerfile'));
    symlinkSync('Dockerfile.b', join(tree, 'Dockerfile.a'));
    symlinkSync('Dockerfile.a', join(tree, 'Dockerfile.b'));
    symlinkSync('nowhere', join(tree, 'Dockerfile.c'));
    symlinkSync('.', join(tree, 'again'));
    const run = unroot(tree, '--write', '.');
    assertTold(run, /^Dockerfile {2}error {2}the link leads out of the tree; name the file itself to have it changed$/m);
    assertTold(run, /^Dockerfile\.a {2}error {2}the link could not be followed: its links lead in a circle; mend or remove them \(ELOOP\)$/m);
    assertTold(run, /^Dockerfile\.c {2}error {2}the link leads nowhere; mend or remove it$/m);
    assert.is(text(folder, 'out/Dockerfile'), ROOT);
    assert.is(text(tree, 'good/Dockerfile'), FIXED);
    assertTold(unroot(tree, 'Dockerfile.a'), /^Dockerfile\.a {2}error {2}the path could not be followed: its links lead in a circle/m);
  });
});

bad('what a compose file mounts: a pipe, a device, and what lies outside the repository are not read', () => {
  const compose = ['services:', '  web:', '    build: web', '    ports: ["80:80"]', '  proxy:', '    image: haproxy:3', '    volumes: [./pipe:/run/control, /dev/zero:/dev/zero, ../outside:/outside, /proc/self/environ:/e]', ''].join('\n');
  const web = 'FROM nginx:1.27\nCOPY site.conf /etc/nginx/conf.d/default.conf\n';
  inFolder({ 'tree/compose.yaml': compose, 'tree/web/Dockerfile': web, 'tree/web/site.conf': 'server { listen 80; }\n', 'outside/notes.md': 'curl http://web:80/\n' }, (folder) => {
    const tree = join(folder, 'tree');
    assert.is(spawnSync('mkfifo', [join(tree, 'pipe')]).status, 0);
    const ran = unrootWith({ timeout: 60_000 }, tree, '--unsafe', '--format', 'json', '.');
    assert.is(ran.status, 1, ran.stderr);
    assert.not.match(ran.stdout, /notes\.md|outside\/notes/, 'a neighbour says nothing about this repository');
  });
});

bad('a path that is not there, and one that is no file', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = unroot(folder, 'nope', '/dev/null', '.');
    assertTold(run, /^nope {2}error {2}there is no such file or directory; check the path$/m);
    assertTold(run, /dev\/null {2}error {2}it is no regular file; name a file, or - for standard input$/m);
    assert.match(run.stdout, /^\+USER/m);
  });
});

bad('a file, a folder and a .gitignore that may not be read', () => {
  inFolder({ 'bad/Dockerfile': ROOT, 'closed/Dockerfile': ROOT, 'odd/Dockerfile': ROOT, 'good/Dockerfile': ROOT }, (folder) => {
    mkdirSync(join(folder, 'odd/.gitignore'));
    asOrdinaryUser(folder, (user) => {
      chmodSync(join(folder, 'bad/Dockerfile'), 0);
      chmodSync(join(folder, 'closed'), 0);
      const run = unrootWith(user, folder, '--write', '.');
      chmodSync(join(folder, 'closed'), 0o755);
      assertTold(run, /^bad\/Dockerfile {2}error {2}the file could not be read: you have no permission; change its mode or owner \(EACCES\)$/m);
      assertTold(run, /^closed {2}error {2}the directory could not be read: you have no permission/m);
      assertTold(run, /^odd\/\.gitignore {2}error {2}its rules could not be read/m);
      assert.is(text(folder, 'good/Dockerfile'), FIXED);
      assert.is(text(folder, 'odd/Dockerfile'), FIXED);
    });
  });
});

bad('a read-only file, and a file in a read-only folder', () => {
  inFolder({ 'file/Dockerfile': ROOT, 'folder/Dockerfile': ROOT, 'good/Dockerfile': ROOT }, (folder) => {
    asOrdinaryUser(folder, (user) => {
      chmodSync(join(folder, 'file/Dockerfile'), 0o444);
      chmodSync(join(folder, 'folder'), 0o555);
      const run = unrootWith(user, folder, '--write', '.');
      chmodSync(join(folder, 'folder'), 0o755);
      assertTold(run, /^file\/Dockerfile {2}error {2}the file is read-only; make it writable first \(chmod u\+w\)$/m);
      assertTold(run, /^folder\/Dockerfile {2}error {2}no new text could be put into its directory: you have no permission.*\(EACCES\); nothing was changed$/m);
      assert.equal(['file', 'folder', 'good'].map((name) => text(folder, `${name}/Dockerfile`)), [ROOT, ROOT, FIXED]);
      assert.equal(leftovers(folder), []);
    });
  });
});

bad('a file of somebody else, which would change hands', () => {
  if (process.getuid?.() !== 0) return void console.log('only root can make a file of somebody else; not tried');
  inFolder({ 'bad/Dockerfile': ROOT, 'good/Dockerfile': ROOT }, (folder) => {
    asOrdinaryUser(folder, (user) => {
      chownSync(join(folder, 'bad/Dockerfile'), 0, 0);
      assertTold(unrootWith(user, folder, '--write', '.'), /^bad\/Dockerfile {2}error {2}the file belongs to 0:0, which you can not keep: .*nothing was changed$/m);
      assert.equal(['bad', 'good'].map((name) => text(folder, `${name}/Dockerfile`)), [ROOT, FIXED]);
      assert.equal(leftovers(folder), []);
    });
  });
});

bad('a file that changes, and one that goes, between reading and writing', () => {
  inFolder({ 'changed/Dockerfile': ROOT, 'gone/Dockerfile': ROOT, 'good/Dockerfile': ROOT }, (folder) => {
    const steps = unrootSteps(['.'], { cwd: folder, write: true });
    let step = steps.next();
    for (; !step.done; step = steps.next()) {
      if (step.value.phase !== 'write' || step.value.done > 0) continue;
      writeFileSync(join(folder, 'changed/Dockerfile'), `${ROOT}# mine\n`);
      rmSync(join(folder, 'gone'), { recursive: true });
    }
    const { files, summary } = step.value.report;
    assert.equal(files.map(({ path, error }) => `${path}: ${error}`), [
      'changed/Dockerfile: the file changed while unroot ran; run it again',
      'gone/Dockerfile: the file could not be written: it is gone; run unroot again (ENOENT); nothing was changed',
      'good/Dockerfile: undefined',
    ]);
    assert.equal([summary.errors, summary.fixes.applied, summary.fixes.pending], [2, 1, 2]);
    assert.is(text(folder, 'changed/Dockerfile'), `${ROOT}# mine\n`);
    assert.is(text(folder, 'good/Dockerfile'), FIXED);
    assert.equal(leftovers(folder), []);
  });
});

bad('a disk that fills up in the middle of a file: the old text stays whole, smaller files are still written', () => {
  const large = `${ROOT}${'# a comment that takes room\n'.repeat(200)}`;
  inFolder({ 'bad/Dockerfile': large, 'good/Dockerfile': ROOT }, (folder) => {
    // No file may grow beyond 1 KiB: the write stops half-way, as on a full disk.
    const run = spawnSync('bash', ['-c', `ulimit -f 1; exec "${process.execPath}" "${COMMAND}" --write .`], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    assertTold(run, /^bad\/Dockerfile {2}error {2}no new text could be put into its directory: it would be larger than the limit for files \(ulimit -f\) \(EFBIG\); nothing was changed$/m);
    assert.is(text(folder, 'bad/Dockerfile'), large);
    assert.is(text(folder, 'good/Dockerfile'), FIXED);
    assert.equal(leftovers(folder), []);
  });
});

bad('a full disk', () => {
  inFolder({}, (folder) => {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder]).status === 0;
    if (!mounted) return void console.log('no file system of our own can be mounted; a full disk was tried with ulimit alone');
    try {
      writeFileSync(join(folder, 'Dockerfile'), ROOT);
      const filler = spawnSync('bash', ['-c', 'cat /dev/zero > filler'], { cwd: folder });
      assert.is.not(filler.status, 0, 'the disk is full');
      assertTold(unroot(folder, '--write', '.'), /^Dockerfile {2}error {2}no new text could be put into its directory: the disk is full; make room \(ENOSPC\); nothing was changed$/m);
      assert.is(text(folder, 'Dockerfile'), ROOT);
      assert.equal(leftovers(folder), []);
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});

bad('standard output on a full disk', () => {
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const run = spawnSync('bash', ['-c', `"${process.execPath}" "${COMMAND}" . > /dev/full`], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    assertTold({ ...run, stdout: '' }, /^unroot: standard output could not be written: ENOSPC/m);
  });
});

bad('a reader that closes the pipe is no error: the summary still comes, and the status is the run\'s', () => {
  inFolder(manyFiles(600), (folder) => {
    const run = spawnSync('bash', ['-c', `"${process.execPath}" "${COMMAND}" . | head -n 1; echo "\${PIPESTATUS[0]}"`], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    assert.match(run.stdout, /^--- a\/d0\/Dockerfile\n1\n$/);
    assert.match(run.stderr, '600 targets in 600 files: 600 to fix');
    assert.not.match(run.stderr, /EPIPE|\n\s+at /);
    const both = spawnSync('bash', ['-c', `"${process.execPath}" "${COMMAND}" . 2>&1 | head -n 1; echo "\${PIPESTATUS[0]}"`], { cwd: folder, encoding: 'utf8', env: plainEnvironment() });
    assert.match(both.stdout, /^--- a\/d0\/Dockerfile\n1\n$/);
  });
});

bad.run();

/** Status 2, the line, and no stack. */
function assertTold({ status, stderr }: { status: number | null; stderr: string; stdout: string }, line: RegExp): void {
  assert.is(status, 2, stderr);
  assert.match(stderr, line);
  assert.not.match(stderr, /\n\s+at /);
}

/** Modes hold nobody back who is root: then the folder goes to an ordinary account, and the command runs as that. */
function asOrdinaryUser(folder: string, use: (user: { uid?: number; gid?: number }) => void): void {
  if (process.getuid?.() !== 0) return use({});
  const user = { uid: 65_534, gid: 65_534 };
  spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const works = spawnSync(process.execPath, [COMMAND, '--version'], user);
  assert.is(works.status, 0, `${process.execPath} and ${COMMAND} can be read by an ordinary account`);
  use(user);
}
