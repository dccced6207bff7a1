import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { completionsOf } from '../src/cli/completion.ts';
import { OPTIONS, VERIFY_OPTIONS } from '../src/cli/options.ts';
import { paintDiff, painter } from '../src/cli/paint.ts';
import { ProgressLine } from '../src/cli/progress.ts';
import { discover, kindOf } from '../src/discover.ts';
import { type Report, RULES, transforms } from '../src/index.ts';
import { FIXED, inFolder, NONROOT, ROOT, text, UNSAFE, unroot, unrootWith } from './command.ts';
import { VERIFY_RULES } from '../src/verify/index.ts';

const cli = suite('command line');

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
    chmodSync(join(folder, 'Dockerfile'), 0o664);
    const run = unroot(folder, '--write', '.');
    assert.is(run.status, 0);
    assert.is(run.stdout, '');
    assert.is(text(folder, 'Dockerfile'), FIXED);
    assert.is(statSync(join(folder, 'Dockerfile')).mode & 0o777, 0o664);
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

cli('--sysctl lets a service keep its port, by the command line or the configuration', () => {
  const files = { Dockerfile: 'FROM node:20\nEXPOSE 80\nCMD ["node", "x.js"]\n', 'compose.yaml': 'services:\n  web:\n    build: .\n' };
  const written = /^\+    sysctls:\n\+      net\.ipv4\.ip_unprivileged_port_start: "0"$/m;
  inFolder(files, (folder) => {
    assert.not.match(unroot(folder, '.').stdout, 'sysctls');
    assert.match(unroot(folder, '--sysctl', '.').stdout, written);
  });
  inFolder({ ...files, 'unroot.config.json': '{"sysctl": true}' }, (folder) => {
    assert.match(unroot(folder, '.').stdout, written);
    assert.not.match(unroot(folder, '--no-sysctl', '.').stdout, 'sysctls');
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
    assert.match(unrootWith({ input: ROOT }, folder, '-').stdout, /^\+USER 1000:1000$/m);
    const written = unrootWith({ input: ROOT }, folder, '--write', '-');
    assert.is(written.stdout, FIXED);
    assert.is(written.status, 0);
    assert.is(unrootWith({ input: NONROOT }, folder, '--write', '-').stdout, NONROOT);
  });
});

cli('a path behind -- is a path', () => {
  inFolder({ 'a/Dockerfile': ROOT, 'b/Dockerfile': ROOT }, (folder) => {
    const run = unroot(folder, '--', 'a');
    assert.match(run.stdout, /a\/a\/Dockerfile/);
    assert.not.match(run.stdout, /b\/b\/Dockerfile/);
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

cli('Dockerfiles and compose files are known by their names', () => {
  const kinds = (kind: string | undefined, ...names: string[]) => assert.equal(names.filter((name) => kindOf(name) !== kind), []);
  kinds('dockerfile', 'Dockerfile', 'dockerfile', 'Containerfile', 'Dockerfile.prod', 'Dockerfile.go', 'Dockerfile-alpine', 'web.Dockerfile', 'web.dockerfile', 'Dockerfile.3.12');
  kinds('compose', 'compose.yaml', 'docker-compose.prod.yml', 'Docker-Compose.yml');
  kinds(undefined, 'dockerfile.yaml', 'Dockerfile.md', 'Dockerfile.j2', 'dockerfile.go', 'dockerfile_test.go', 'dockerfile.py', 'Dockerfile.toml', 'DockerfileParser.java', 'Dockerfile.dockerignore', 'Makefile');
});

cli('names that other tools have too are compose files by what is in them, and any YAML that is named', () => {
  const stack = 'services:\n  web:\n    image: httpd:2.4\n';
  const files = { 'docker-stack.yml': stack, 'stack.prod.yaml': stack, 'dev.compose.yml': stack, 'stack.yaml': 'resolver: lts-22.0\npackages: [.]\n', 'app.swarm.yml': 'services: []\n', 'web.yml': stack };
  inFolder(files, (folder) => {
    const found = (...paths: string[]) => discover(paths.length > 0 ? paths : ['.'], folder).files.map(({ path, kind }) => `${kind} ${path}`);
    assert.equal(found(), ['compose dev.compose.yml', 'compose docker-stack.yml', 'compose stack.prod.yaml']);
    assert.equal(found('web.yml'), ['compose web.yml']);
  });
});

cli('ignore comments: a missing reason, a wrong name and a wrong spelling are told, and change no status', () => {
  const files = {
    'a/Dockerfile': `# unroot ignore=run-as-user\n${ROOT}`,
    'b/Dockerfile': `# unroot ignore=run-as-user,scratch-usr it is so\n${ROOT}`,
    'c/Dockerfile': `# unroot-ignore: it is so\n${NONROOT}`,
    'd/Dockerfile': `# unroot ignore=run-as-user it is so\n${ROOT}`,
  };
  inFolder(files, (folder) => {
    const { status, stdout, stderr } = unroot(folder, '.');
    assert.equal([status, stdout], [0, '']);
    assert.equal(stderr.split('\n').filter((line) => line.includes('  note  ')), [
      'a/Dockerfile:1  note  the comment gives no reason; say why behind it: # unroot ignore=run-as-user REASON',
      'b/Dockerfile:1  note  the comment names a transform that there is not: scratch-usr; did you mean scratch-user?',
      'c/Dockerfile:1  note  unroot does not read this comment; write # unroot ignore=TRANSFORM REASON',
    ]);
  });
});

const UNUSABLE: [args: string[], message: RegExp][] = [
  [['--nope'], /there is no option --nope; unroot --help lists them/],
  [['--onyl', 'x'], /there is no option --onyl; did you mean --only\?/],
  [['--write', '--check'], /--check writes nothing/],
  [['--format', 'xml'], /--format takes diff or json, not "xml"/],
  [['--user'], /--user needs a value/],
  [['--only', 'run-as-usr'], /there is no transform run-as-usr; did you mean run-as-user\?/],
  [['explian'], /did you mean unroot explain\?/],
  [['explain', 'nothing-like-it'], /there is no transform or rule nothing-like-it; unroot explain lists them/],
  [['explain', 'drop-by-itself'], /did you mean drops-by-itself\?/],
  [['completion', 'csh'], /shell takes bash or zsh/],
  [['--config', 'nope.json'], /nope\.json: there is no such file/],
  [['-', '.'], /goes with no other path/],
  [['--verify', '.'], /--verify goes with --write/],
  [['--write', '--verify', '-'], /does not read standard input/],
  [['verify', '-'], /does not read standard input/],
  [['verify', '--jobs', '0'], /--jobs takes a whole number above 0/],
  [['verify', '--seconds', 'soon'], /--seconds takes a whole number above 0/],
  [['verify', '--format', 'diff'], /--format takes table, json or markdown, not "diff"/],
  [['verify', '--learn', '--strict'], /--learn looks at the programs as they are; leave out --strict/],
  [['verify', '--lern'], /there is no option --lern; did you mean --learn\?/],
  [['verify', '--engine', 'no-such-engine'], /there is no no-such-engine on the PATH; install Docker, or name another engine with --engine/],
  [['verify', '--engine', 'false'], /false does not answer/],
  [['verify', '--base', 'HEAD'], /--base: not a git repository/],
  [['--write', '--verify', '--engine', 'no-such-engine'], /there is no no-such-engine on the PATH/],
  [['verfy'], /did you mean unroot verify\?/],
];

for (const [args, message] of UNUSABLE) {
  cli(`unusable arguments are one line and status 2: ${args.join(' ')}`, () => {
    inFolder({}, (folder) => {
      const run = unroot(folder, ...args);
      assert.is(run.status, 2);
      assert.match(run.stderr, message);
      assert.is(run.stderr.trim().split('\n').length, 1, run.stderr);
      assert.is(run.stdout, '');
    });
  });
}

cli('help fits 80 columns and names every option', () => {
  for (const args of [['--help'], ['verify', '--help'], ['explain', '--help'], ['completion', '--help'], ['explain'], ...[...transforms.map(({ name }) => name), ...Object.keys(VERIFY_RULES)].map((name) => ['explain', name])]) {
    const { stdout, status } = unroot('.', ...args);
    assert.is(status, 0);
    const long = stdout.split('\n').filter((line) => line.length > 80 && !line.includes('fixtures/') && !/^[-+ ]/.test(line));
    assert.equal(long, [], args.join(' '));
  }
  const help = unroot('.', '--help').stdout;
  const verifyHelp = unroot('.', 'verify', '--help').stdout;
  for (const name of Object.keys(VERIFY_OPTIONS)) assert.match(verifyHelp, new RegExp(`^ +--${name} `, 'm'));
  for (const name of Object.keys(OPTIONS)) assert.match(help, new RegExp(`^ +(-\\w, )?--${name} `, 'm'));
});

cli('explain lists transforms and rules, and explains each with a fixture', () => {
  const all = unroot('.', 'explain').stdout;
  for (const name of [...transforms.map((one) => one.name), ...Object.keys(RULES), ...Object.keys(VERIFY_RULES)]) assert.match(all, new RegExp(`^  ${name}$`, 'm'));
  for (const { name, example, summary } of transforms) {
    const { stdout } = unroot('.', 'explain', name);
    assert.match(stdout.replace(/\s+/g, ' '), summary);
    assert.match(stdout, `fixtures/${name}/${example}`);
    assert.match(stdout, /^\+([A-Z]+ | +user:)/m);
  }
  const rule = unroot('.', 'explain', 'drops-by-itself').stdout;
  assert.match(rule, /^For example \(fixtures\/[\w-]+\//m);
  assert.match(rule, /^ {4}(FROM |services:)/m);
  assert.match(rule, /^ {6}drops-by-itself: /m);
});

cli('colours are for terminals, NO_COLOR takes them away, FORCE_COLOR brings them', () => {
  const on = (isTTY: boolean, env: Record<string, string>) => painter({ isTTY }, env)('red', 'x') !== 'x';
  assert.is(on(true, {}), true);
  assert.is(on(false, {}), false);
  assert.is(on(true, { NO_COLOR: '1' }), false);
  assert.is(on(true, { NO_COLOR: '' }), true);
  assert.is(on(true, { TERM: 'dumb' }), false);
  assert.is(on(false, { FORCE_COLOR: '1' }), true);
  assert.is(on(false, { FORCE_COLOR: '', NO_COLOR: '1' }), true);
  assert.is(on(true, { FORCE_COLOR: '0' }), false);
  inFolder({ Dockerfile: ROOT }, (folder) => {
    const forced = unrootWith({ env: { FORCE_COLOR: '1' } }, folder, '.');
    assert.match(forced.stderr, /\u001b\[32mfixable/);
    assert.is(spawnSync('git', ['apply'], { cwd: folder, input: forced.stdout }).status, 0, 'a diff that goes down a pipe must apply');
    assert.not.match(unroot(folder, '.').stderr, /\u001b/);
  });
});

cli('a diff is painted by what its lines are, not by how they look', () => {
  const paint = painter({ isTTY: true }, {});
  const plain = '--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n--- b\n+++ c\n\\ No newline at end of file\n--- a/y\n';
  const painted = paintDiff(plain, paint);
  assert.is(painted.replace(/\u001b\[\d+m/g, ''), plain);
  assert.match(painted, paint('red', '--- b'));
  assert.match(painted, paint('green', '+++ c'));
  assert.match(painted, paint('bold', '--- a/y'));
});

cli('progress is one line on a terminal, for long runs, and gone at the end', () => {
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const stream = { isTTY, write: (chunk: string) => written.push(chunk) > 0 } as unknown as NodeJS.WriteStream;
    const line = new ProgressLine(stream, 0);
    line.show({ phase: 'decide', done: 3, total: 9 });
    line.show({ phase: 'decide', done: 4, total: 9 });
    line.clear();
    assert.equal(written, isTTY ? ['\r\u001b[2Kdeciding 3 of 9', '\r\u001b[2K'] : []);
  }
  const written: string[] = [];
  const short = new ProgressLine({ isTTY: true, write: (chunk: string) => written.push(chunk) > 0 } as unknown as NodeJS.WriteStream);
  short.show({ phase: 'decide', done: 0, total: 1 });
  short.clear();
  assert.equal(written, []);
});

const COMPLETED: [words: string[], expected: string[]][] = [
  [['e'], ['explain']],
  [['--on'], ['--only']],
  [['--write', '--w'], []],
  [['--only', 'run-'], ['run-as-user']],
  [['--only', 'run-as-user,sc'], ['run-as-user,scratch-user']],
  [['--skip=scr'], ['--skip=scratch-user']],
  [['--skip', '=', 'scr'], ['scratch-user']],
  [['--format', ''], ['diff', 'json']],
  [['--config', ''], []],
  [['explain', 'drops'], ['drops-by-itself']],
  [['explain', 'run-as'], ['run-as-user']],
  [['explain', 'deni'], ['denied']],
  [['completion', 'z'], ['zsh']],
  [['v'], ['verify']],
  [['verify', '--le'], ['--learn']],
  [['verify', '--format', ''], ['table', 'json', 'markdown']],
  [['verify', '--only', 'run-'], ['run-as-user']],
  [['verify', '--base', ''], []],
  [['verify', 'services/'], []],
  [['services/'], []],
];

cli('completion offers options, transforms, rules and values', () => {
  for (const [words, expected] of COMPLETED) assert.equal(completionsOf(words), expected, words.join(' '));
});

cli('the script for bash completes', () => {
  const script = `unroot() { "${process.execPath}" dist/bin/unroot.js "$@"; }\n${unroot('.', 'completion', 'bash').stdout}\nCOMP_WORDS=(unroot explain drops); COMP_CWORD=2; _unroot; echo "\${COMPREPLY[@]}"`;
  assert.is(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout, 'drops-by-itself\n');
  assert.match(unrootWith({ env: { SHELL: '/usr/bin/zsh' } }, '.', 'completion').stdout, /^#compdef unroot$/m);
});

cli.run();
