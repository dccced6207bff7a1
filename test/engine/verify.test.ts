import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VerifyReport } from '../../src/report/verify-report.ts';
import { inFolder, unroot } from '../command.ts';
import { engineState } from './engine.ts';
import { commitAll } from './history.ts';

const verify = suite('the command verify');
const test = engineState().answers ? verify : verify.skip;

const SERVER = "require('node:http').createServer((request, response) => response.end('hi')).listen(3000);\n";
const GOOD = { 'good/Dockerfile': 'FROM node:20\nCOPY app.js /app/app.js\nEXPOSE 3000\nCMD ["node", "/app/app.js"]\n', 'good/app.js': SERVER };
/** State in a place that no file names: the fix is safe by all that is in sight, and does not hold. */
const HIDDEN = {
  'hidden/Dockerfile': 'FROM node:20\nCOPY app.js /app/app.js\nEXPOSE 3000\nCMD ["node", "/app/app.js"]\n',
  'hidden/app.js': `const place = ['', 'var', 'lib', 'hidden'].join('/');\nrequire('node:fs').mkdirSync(place, { recursive: true });\n${SERVER}`,
};

test('--learn, --write and --base HEAD end with a program that works and is not root', () => {
  inFolder(HIDDEN, (folder) => {
    commitAll(folder);
    const before = unroot(folder, 'verify');
    assert.is(before.status, 1, before.stderr);
    assert.match(before.stdout, /hidden\/Dockerfile +differs +root → 1000:1000/);
    assert.match(before.stdout, /runs: it ends with status 1: .*EACCES: permission denied, mkdir '\/var\/lib\/hidden'/);

    const learnt = unroot(folder, 'verify', '--learn', '.');
    assert.is(learnt.status, 0, learnt.stderr);
    assert.match(learnt.stdout, /hidden\/Dockerfile +writes +\/var\/lib\/hidden\nunroot\.config\.yaml was made/);
    assert.is(unroot(folder, '--write', '.').status, 0);
    const after = unroot(folder, 'verify', '--base', 'HEAD');
    assert.is(after.status, 0, after.stdout + after.stderr);
    assert.match(after.stdout, /hidden\/Dockerfile +holds +root → 1000:1000 +3000/);
  });
});

test('--write --verify writes what holds, and says what failed of the rest', () => {
  inFolder({ ...GOOD, ...HIDDEN }, (folder) => {
    const run = unroot(folder, '--write', '--verify', '.');
    assert.is(run.status, 1, run.stderr);
    assert.match(run.stderr, /builds and runs these 2, programs without a way out to the network:\n {2}good\/Dockerfile\n {2}hidden\/Dockerfile\n/);
    assert.match(run.stderr, /good\/Dockerfile:1 {2}fixed/);
    assert.match(run.stderr, /hidden\/Dockerfile:1 {2}fixable .*left out\n(.*\n)* {4}not verified: runs: it ends with status 1/);
    assert.match(readFileSync(join(folder, 'good/Dockerfile'), 'utf8'), /^USER 1000:1000$/m);
    assert.is(readFileSync(join(folder, 'hidden/Dockerfile'), 'utf8'), HIDDEN['hidden/Dockerfile']);
  });
});

test('a service that needs others is brought up with them; JSON and Markdown say the same', () => {
  const files = {
    ...GOOD,
    'compose.yaml': 'services:\n  web:\n    image: nginx:latest\n    ports: ["8080:80"]\n    volumes: ["./site.conf:/etc/nginx/conf.d/default.conf:ro"]\n    depends_on: [api]\n  api:\n    build: ./good\n',
    'site.conf': 'server { listen 80; location / { proxy_pass http://api:3000; } }\n',
  };
  inFolder(files, (folder) => {
    const json = unroot(folder, 'verify', '--unsafe', '--format', 'json');
    assert.is(json.status, 0, json.stdout + json.stderr);
    const { version, targets } = JSON.parse(json.stdout) as VerifyReport;
    assert.is(version, 1);
    assert.equal(targets.map(({ path, stage, service, outcome }) => [path, stage, service, outcome]), [['good/Dockerfile', '0', 'api', 'holds'], ['compose.yaml', 'web', undefined, 'holds']]);
    const [, web] = targets;
    assert.equal(web!.after!.answers.map(({ ask, status }) => [ask, status]), [['GET /', 200]]);
    assert.ok(web!.notes.some((note) => note.startsWith('it was run together with the services beside it; alone, it ends with status 1')));
    assert.equal([...new Set(web!.after!.processes.map(({ uid }) => uid))], [101]);
    assert.match(unroot(folder, 'verify', '--unsafe', '--only', 'run-as-user', '--format', 'markdown').stdout, /^### Built and run before and after\n\n.*: 1 holds\.\n\n\| target \| result \|.*\n\|---.*\n\| `good\/Dockerfile as service api` \| holds \| root → 1000:1000 \| 3000 \|/);
  });
});

test('a build that takes too long is given up, and the others are shown', () => {
  const files = { ...GOOD, 'slow/Dockerfile': 'FROM node:20\nRUN sleep 600\nCOPY app.js /app/app.js\nCMD ["node", "/app/app.js"]\n', 'slow/app.js': SERVER, 'unroot.config.yaml': 'verify:\n  buildSeconds: 20\n' };
  inFolder(files, (folder) => {
    const run = unroot(folder, 'verify', '.');
    assert.is(run.status, 2, run.stderr);
    assert.match(run.stdout, /slow\/Dockerfile +unproven .*\n {4}it does not build as it is: docker build took longer than 20 s; verify\.buildSeconds/);
    assert.match(run.stdout, /good\/Dockerfile +holds/);
  });
});

verify.run();
