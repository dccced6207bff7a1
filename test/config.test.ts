import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Options, type Report, transforms, unroot } from '../src/index.ts';
import { configSchema } from '../src/settings.ts';

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

config('ports says where low ports go, as far as they are free', () => {
  const files = { 'unroot.config.json': '{"ports": {"80": 3000, "81": 3000}}', Dockerfile: 'FROM python:3.12\nEXPOSE 80 81 82\nCMD ["gunicorn", "-b", ":80", "-b", ":81", "-b", ":82", "app:app"]\n' };
  const moved = run(files, { unsafe: true }).findings.find(({ transform }) => transform === 'low-ports')!;
  assert.match(moved.message, /inside it becomes 3000 and 3001 and 8082/);
});

const WRONG: [what: string, file: string, text: string, message: string][] = [
  ['an unknown setting', 'unroot.config.json', '{\n  "usr": "a"\n}', 'bad/unroot.config.json:2: there is no setting usr; did you mean user?'],
  ['a wrong type', 'unroot.config.json', '{"ignore": "x"}', 'bad/unroot.config.json:1: ignore takes a list of texts'],
  ['a wrong item', 'unroot.config.yaml', 'ignore:\n  - a\n  - [b]\n', 'bad/unroot.config.yaml:3: ignore[1] takes a text'],
  ['a number where YAML wants quotes', 'unroot.config.yaml', '# whom\nuser: 10001\n', 'bad/unroot.config.yaml:2: user takes a text; put it in quotes: "10001"'],
  ['root', 'unroot.config.yml', 'user: root\n', 'bad/unroot.config.yml:1: user takes a name, a uid, or uid:gid, and not root'],
  ['a wrong word', 'unroot.config.json', '{"safety": "unsave"}', 'bad/unroot.config.json:1: safety takes safe or unsafe; did you mean unsafe?'],
  ['an unknown transform', 'unroot.config.json', '{"user": "a",\n"skip": [\n"run-as-usr"]}', 'bad/unroot.config.json:3: skip[0] takes runtime-install, low-ports, scratch-user, run-as-user or compose-user; did you mean run-as-user?'],
  ['an image without its family', 'unroot.config.json', '{"images": [{"repos": ["a"]}]}', 'bad/unroot.config.json:1: images[0] lacks family; it needs repos, family, user and start'],
  ['a word of an image', 'unroot.config.yaml', 'images:\n  - repos: [a]\n    family: debain\n', 'did you mean debian?'],
  ['a setting of an image', 'unroot.config.yaml', 'images:\n  - repos: [a]\n    famly: debian\n', 'bad/unroot.config.yaml:3: there is no setting famly in images[0]; did you mean family?'],
  ['a path that is none', 'unroot.config.yaml', 'paths:\n  Dockerfile: [tmp/x]\n', 'bad/unroot.config.yaml:2: paths.Dockerfile[0] takes an absolute path'],
  ['a port that is low again', 'unroot.config.json', '{"ports": {\n"80": 81}}', 'bad/unroot.config.json:2: ports.80 takes a whole number from 1024 to 65535'],
  ['a port that needs no moving', 'unroot.config.yaml', 'ports:\n  "3000": 8080\n', 'bad/unroot.config.yaml:2: ports takes ports below 1024 by number, not 3000'],
  ['no JSON', 'unroot.config.json', '{"user": ', 'bad/unroot.config.json:1: '],
  ['a list', 'unroot.config.json', '[1]', 'bad/unroot.config.json:1: a configuration takes a map of settings'],
  ['no UTF-8', 'unroot.config.json', Buffer.from([0x7b, 0xff]).toString('latin1'), 'bad/unroot.config.json: it can not be read as UTF-8 text'],
  ['a manifest', 'package.json', '{\n  "name": "x",\n  "unroot": {\n    "usr": 1\n  }\n}', 'bad/package.json:4: there is no setting usr'],
];

for (const [what, file, text, message] of WRONG) {
  config(`one clear line, and the other files go on: ${what}`, () => {
    const report = run({ [`bad/${file}`]: text, 'bad/Dockerfile': ROOT, 'good/Dockerfile': ROOT });
    const bad = report.files.find(({ path }) => path === 'bad/Dockerfile')!;
    assert.is(bad.status, 'error');
    assert.match(bad.error!, message);
    assert.is(report.summary.fixes.pending, 1);
  });
}

config('a wrong one below the first Dockerfile of a project is told too', () => {
  const files = {
    'compose.yaml': 'services:\n  a: {build: a}\n  b: {build: b}\n',
    'a/Dockerfile': ROOT,
    'b/Dockerfile': ROOT,
    'b/unroot.config.json': '{"usr": 1}',
    'other/Dockerfile': ROOT,
  };
  const report = run(files);
  assert.match(report.files.find(({ path }) => path === 'b/Dockerfile')!.error!, 'b/unroot.config.json:1: there is no setting usr');
  assert.is(report.targets.find(({ path }) => path === 'other/Dockerfile')!.verdict, 'fixable');
});

config('the schema for editors says what is checked', () => {
  const names = transforms.map(({ name }) => name);
  const { properties } = configSchema(names) as { properties: Record<string, { description?: string; items?: { enum?: string[] } }> };
  assert.equal(properties.only!.items!.enum, names);
  for (const [name, { description }] of Object.entries(properties)) assert.ok(description, `${name} has a description`);
});

config('a --config that is not there', () => {
  assert.throws(() => run({ Dockerfile: ROOT }, { config: 'nope.json' }), /no such file/);
});

config.run();

function run(files: Record<string, string>, options: Options = {}): Report {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-config-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text, 'latin1');
    }
    return unroot(['.'], { cwd: folder, ...options }).report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
