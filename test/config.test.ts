import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Options, type Report, unroot } from '../src/index.ts';

const config = suite('configuration');
const ROOT = 'FROM node:20\nCOPY . /app\nCMD ["node", "/app/index.js"]\n';

config('the nearest one at or above a file holds', () => {
  const files = { 'unroot.config.json': '{"user": "1234:1234"}', 'a/Dockerfile': ROOT, 'b/unroot.config.yaml': 'user: "5678:5678"\n', 'b/c/Dockerfile': ROOT, 'd/package.json': '{"name": "d", "unroot": {"safety": "unsafe"}}', 'd/Dockerfile': `${ROOT}VOLUME /data\n` };
  const users = run(files).targets.map(({ path, userAfter }) => `${path} ${userAfter}`);
  assert.equal(users, ['a/Dockerfile 1234:1234', 'b/c/Dockerfile 5678:5678', 'd/Dockerfile 1000:1000']);
  assert.is(run(files).summary.fixes.pending, 3, 'd applies unsafe fixes');
});

config('the command line comes before it, and --config instead of it', () => {
  const files = { 'unroot.config.json': '{"user": "1234:1234"}', 'other.json': '{"user": "4321:4321"}', Dockerfile: ROOT };
  assert.is(run(files, { user: '9:9' }).targets[0]!.userAfter, '9:9');
  assert.is(run(files, { config: 'other.json' }).targets[0]!.userAfter, '4321:4321');
});

config('ignore leaves files, targets name stages, paths are owned', () => {
  const files = {
    'unroot.config.yaml': 'ignore: ["legacy/**", "old"]\ntargets: {Dockerfile: [web, worker]}\npaths: {"Dockerfile:worker": [/var/spool/jobs]}\n',
    Dockerfile: 'FROM node:20 AS web\nCMD ["node", "web.js"]\n\nFROM node:20 AS worker\nCMD ["node", "worker.js"]\n\nFROM node:20 AS tools\nCMD ["node", "tools.js"]\n',
    'legacy/deep/Dockerfile': ROOT,
    'old/Dockerfile': ROOT,
  };
  const { targets, files: seen, findings } = run(files);
  assert.equal(targets.map(({ stage }) => stage), ['web', 'worker']);
  assert.equal(seen.map(({ path }) => path), ['Dockerfile']);
  assert.match(findings.map(({ message }) => message).join('\n'), /\/var\/spool\/jobs/);
});

config('images that only you know are as good as catalogued ones', () => {
  const base = 'registry.example.com/team/runtime';
  const files = { 'unroot.config.yaml': `images:\n  - repos: [${base}]\n    family: debian\n    user: root\n    start: prompt\n    accounts: [{name: svc, uid: 4242, gid: 4242}]\n`, Dockerfile: `FROM ${base}:3\nCOPY . /app\nCMD ["node", "/app/index.js"]\n` };
  const [target] = run(files).targets;
  assert.is(target!.userAfter, '4242:4242');
  assert.is(target!.safety, 'safe');
});

config('scratch: numeric asks for the number alone', () => {
  const files = { 'unroot.config.json': '{"scratch": "numeric"}', Dockerfile: 'FROM golang:1.23 AS build\nRUN go build -o /s .\n\nFROM scratch\nCOPY --from=build /s /s\nEXPOSE 1080\nCMD ["/s"]\n' };
  const { files: seen } = run(files);
  assert.is(seen.find(({ path }) => path === 'Dockerfile')!.edits.length, 1);
});

const WRONG: [what: string, text: string, message: RegExp][] = [
  ['an unknown setting', '{"usr": "a"}', /no setting usr; did you mean user\?/],
  ['a wrong type', '{"ignore": "x"}', /ignore takes a list of texts/],
  ['a wrong word', '{"safety": "maybe"}', /safety takes safe or unsafe/],
  ['an image without its family', '{"images": [{"repos": ["a"]}]}', /images takes/],
  ['no JSON', '{"user": ', /unroot\.config\.json/],
  ['a list', '[1]', /a map of settings/],
];

for (const [what, text, message] of WRONG) {
  config(`one clear line, and the other files go on: ${what}`, () => {
    const report = run({ 'bad/unroot.config.json': text, 'bad/Dockerfile': ROOT, 'good/Dockerfile': ROOT });
    const bad = report.files.find(({ path }) => path === 'bad/Dockerfile')!;
    assert.is(bad.status, 'error');
    assert.match(bad.error!, message);
    assert.is(report.summary.fixes.pending, 1);
  });
}

config('a --config that is not there', () => {
  assert.throws(() => run({ Dockerfile: ROOT }, { config: 'nope.json' }), /no such file/);
});

config.run();

function run(files: Record<string, string>, options: Options = {}): Report {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-config-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return unroot(['.'], { cwd: folder, ...options }).report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
