import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../src/index.ts';
import { unifiedDiff } from '../src/report/diff.ts';
import { positionAt } from '../src/report/positions.ts';
import { summarizeForPeople } from '../src/report/summary.ts';

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

report('what a service uses is listed with what its account must be able to do', () => {
  const files: Record<string, string> = {
    'compose.yaml': [
      'services:',
      '  web:',
      '    image: php:8.3-apache',
      '    volumes: [uploads:/srv/uploads, ./conf:/etc/app:ro, ./closed.ini:/etc/closed.ini, ./gone:/etc/gone]',
      '    tmpfs: /scratch',
      '    secrets: [token, made]',
      '    configs:',
      '      - { source: rules, target: /rules }',
      '  api:',
      '    build: api',
      '    volumes: [./conf:/conf:ro]',
      '  db:',
      '    image: postgres:16',
      '    volumes: [rows:/var/lib/postgresql/data]',
      'secrets:',
      '  token: { file: token.txt }',
      '  made: { environment: TOKEN }',
      'configs:',
      '  rules: { content: a }',
      'volumes: { uploads: , rows: }',
      '',
    ].join('\n'),
    'conf/a.conf': 'a\n',
    'closed.ini': 'a\n',
    'token.txt': 'a\n',
    'api/Dockerfile': 'FROM node:22\nCOPY server.js .\nCMD ["node", "server.js"]\n',
    'api/server.js': '',
  };
  inFolder((folder) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text, { mode: path === 'closed.ini' ? 0o600 : 0o644 });
    }
    const result = unroot(['.'], { cwd: folder, unsafe: true }).report;
    const uses = Object.fromEntries(result.services.map((service) => [service.name, service.uses?.map(({ kind, source, target, access, holds }) => `${access} ${kind} ${source} ${target} ${holds}`)]));
    assert.equal(uses, {
      web: [
        'write volume uploads /srv/uploads undefined',
        'read folder ./conf /etc/app true',
        'read file ./closed.ini /etc/closed.ini false',
        'read folder ./gone /etc/gone undefined',
        'read secret token /run/secrets/token true',
        'read secret made /run/secrets/made true',
        'read config rules /rules true',
      ],
      api: ['read folder ./conf /conf true'],
      db: undefined,
    });
    const lines = summarizeForPeople(result, { paint: (_, text) => text }).split('\n');
    assert.ok(lines.includes('    writes uploads; reads ./conf, ./closed.ini (closed), ./gone (not in sight), the secret token and 2 more'), lines.join('\n'));
    assert.ok(lines.includes('    api reads ./conf'));
  });
});

report('what several files or targets keep in one volume is given away by one command', () => {
  const service = (name: string, image: string) => `name: shop\nservices:\n  ${name}:\n    ${image}\n    volumes: [uploads:/srv/uploads]\nvolumes:\n  uploads:\n`;
  const dockerfile = 'FROM node:22\nWORKDIR /app\nVOLUME /srv/uploads\nCOPY server.js .\nCMD ["node", "server.js"]\n';
  const stacks: Record<string, string>[] = [
    { 'compose.yaml': service('web', 'image: php:8.3-apache'), 'compose.jobs.yaml': service('jobs', 'image: php:8.3-apache') },
    { 'compose.yaml': service('web', 'build: web').replace('\nvolumes:', '\n  jobs:\n    build: jobs\n    volumes: [uploads:/srv/uploads]\nvolumes:'), 'web/Dockerfile': dockerfile, 'web/server.js': '', 'jobs/Dockerfile': dockerfile, 'jobs/server.js': '' },
  ];
  for (const files of stacks) {
    inFolder((folder) => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const said = summarizeForPeople(unroot(['.'], { cwd: folder, unsafe: true }).report, { paint: (_, text) => text });
      assert.is(said.match(/--entrypoint chown/g)?.length, 1, said);
      assert.is(said.match(/volume shop_uploads to \d+:\d+: once is enough, as said for /g)?.length, 1, said);
    });
  }
});

report('data of a service that probably runs what is built is given over by its own command', () => {
  const { report: said } = unroot(['.'], { cwd: 'fixtures/run-as-user/a-service-that-probably-runs-this-image-has-data/before' });
  const advice = said.targets.flatMap(({ reasons }) => reasons.map((reason) => reason.advice));
  assert.equal(advice, ['once, with api stopped: docker compose -f deploy/compose.yaml run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown api -R 1000:1000 /app/uploads']);
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
