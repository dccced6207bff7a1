import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { folderWith, unroot } from '../command.ts';
import { Running } from './command.ts';
import { engineState } from './engine.ts';

const stop = suite('stopping verify');
const test = engineState().answers ? stop : stop.skip;

const SLEEP = 'setTimeout(() => {}, 1e9);\n';
/** It never opens its port, so that it is waited for. */
const WAITING = {
  'Dockerfile': 'FROM node:20\nCOPY app.js /app/app.js\nVOLUME /var/spool\nEXPOSE 3000\nCMD ["node", "/app/app.js"]\n',
  'app.js': SLEEP,
  'compose.yaml': 'services:\n  web:\n    build: .\n    volumes: ["./conf:/conf"]\n',
  'conf/a': '',
};
const BUILDING = { Dockerfile: 'FROM node:20\nCOPY app.js /app/app.js\nRUN sleep 300\nCMD ["node", "/app/app.js"]\n', 'app.js': SLEEP };
/** Neither works alone, so that both are brought up together. */
const TOGETHER = {
  'compose.yaml': 'services:\n  web:\n    image: nginx:latest\n    ports: ["8080:80"]\n    volumes: ["./site.conf:/etc/nginx/conf.d/default.conf:ro", "data:/data"]\n    depends_on: [api]\n  api:\n    image: node:20\n    command: ["sleep", "300"]\n    user: "1000"\n    volumes: ["/kept"]\nvolumes:\n  data:\n',
  'site.conf': 'server { listen 80; location / { proxy_pass http://api:3000; } }\n',
};

test('SIGINT while a program runs: all that was made is taken away, and it ends by the signal', async () => {
  await withRun(WAITING, ['verify', '--unsafe', '.'], async (run) => {
    await run.until('a container', () => run.ofEngine('container').length > 0);
    run.kill('SIGINT');
    assert.is((await run.ended).signal, 'SIGINT');
    assert.match(run.told, 'stopped by SIGINT; what was built and run is taken away\n');
    assert.equal(run.made(), []);
  });
});

test('SIGTERM in the middle of a build ends it', async () => {
  await withRun(BUILDING, ['verify', '.'], async (run) => {
    await run.until('a build', () => run.commands().length > 1);
    run.kill('SIGTERM');
    assert.is((await run.ended).signal, 'SIGTERM');
    assert.equal(run.made(), []);
  });
});

test('a second signal waits for nothing', async () => {
  await withRun(WAITING, ['verify', '--unsafe', '.'], async (run) => {
    await run.until('a container', () => run.ofEngine('container').length > 0);
    run.kill('SIGINT');
    run.kill('SIGINT');
    assert.is((await run.ended).signal, 'SIGINT');
    assert.equal(run.made(), []);
  });
});

test('SIGHUP before --write --verify has written: nothing is written', async () => {
  await withRun(WAITING, ['--write', '--verify', '--unsafe', '.'], async (run, folder) => {
    await run.until('a container', () => run.ofEngine('container').length > 0);
    run.kill('SIGHUP');
    assert.is((await run.ended).signal, 'SIGHUP');
    assert.equal(run.made(), []);
    assert.is(readFileSync(join(folder, 'Dockerfile'), 'utf8'), WAITING.Dockerfile);
  });
});

test('a fault of our own: all that was made is taken away', async () => {
  const fault = "process.on('SIGUSR2', () => { throw new Error('a fault'); })";
  await withRun(WAITING, ['verify', '--unsafe', '.'], async (run) => {
    await run.until('a container', () => run.ofEngine('container').length > 0);
    run.kill('SIGUSR2');
    assert.is.not((await run.ended).status, 0);
    assert.match(run.told, 'Error: a fault');
    assert.equal(run.made(), []);
  }, ['--import', `data:text/javascript,${encodeURIComponent(fault)}`]);
});

for (const [when, files, args, isThere] of [
  ['a program runs', WAITING, ['--unsafe'], (run: Running) => run.ofEngine('container').length > 0 && run.ofEngine('volume').length > 0],
  ['an image is built', BUILDING, [], (run: Running) => run.commands().length > 1],
  ['a compose project is up', TOGETHER, ['--unsafe'], (run: Running) => execFileSync('docker', ['ps', '--quiet', '--filter', 'label=com.docker.compose.service=web', '--filter', 'label=unroot.verify'], { encoding: 'utf8' }) !== '' && run.ofEngine('network').length > 1],
] as const) {
  test(`kill -9 while ${when}: the next run takes away what was left`, async () => {
    await withRun(files, ['verify', ...args, '.'], async (run) => {
      await run.until(when, () => isThere(run));
      run.kill('SIGKILL');
      await run.ended;
      assert.is.not(run.made().length, 0, 'something was left, or nothing is shown here');
      nextRun();
      assert.equal(run.made(), []);
    });
  });
}

test('what another run made that is at work is left alone, and so is what is not ours', async () => {
  const foreign = ['', 'somebody', 'a-b-c-d-e'].map((label) => execFileSync('docker', ['volume', 'create', '--label', `unroot.verify${label && '='}${label}`], { encoding: 'utf8' }).trim());
  try {
    await withRun(WAITING, ['verify', '--unsafe', '.'], async (run) => {
      await run.until('a container', () => run.ofEngine('container').length > 0);
      const before = run.ofEngine('network').length + run.ofEngine('image').length;
      nextRun();
      assert.is(run.ofEngine('network').length + run.ofEngine('image').length, before);
      assert.is.not(run.ofEngine('container').length, 0);
      run.kill('SIGTERM');
      await run.ended;
    });
    execFileSync('docker', ['volume', 'inspect', ...foreign], { stdio: 'ignore' });
  } finally {
    execFileSync('docker', ['volume', 'rm', '--force', ...foreign], { stdio: 'ignore' });
  }
});

stop.run();

async function withRun(files: Record<string, string>, args: readonly string[], use: (run: Running, folder: string) => Promise<void>, flags: readonly string[] = []): Promise<void> {
  const folder = folderWith(files);
  const run = new Running(folder, args, flags);
  try {
    await use(run, folder);
  } finally {
    run.kill('SIGTERM');
    await run.ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One that has nothing to verify. */
function nextRun(): void {
  const folder = folderWith({ Dockerfile: 'FROM scratch\n' });
  try {
    assert.is(unroot(folder, 'verify', '.').status, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
