import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unroot } from '../../src/index.ts';
import { build, containersOf, engineState, nameImage, removeAllAtExit, removeImage } from './engine.ts';

const resolve = suite('resolve');
const { answers } = engineState();
const test = answers ? resolve : resolve.skip;
if (answers) removeAllAtExit();

/** What is built, what a file on it says, and what must come of it. */
const IMAGES: [what: string, image: string, file: string, userBefore: string, userAfter: string | undefined][] = [
  ['a server that its image runs as its own user', 'FROM debian:bookworm-slim\nRUN useradd --uid 4711 --no-user-group --gid 100 svc\nUSER svc\nCMD ["serve"]\n', '', '4711', undefined],
  ['Debian by its files, where the new account must not be called app', 'FROM debian:bookworm-slim\nRUN groupadd --gid 300 app && useradd --uid 300 --gid 300 --shell /bin/bash app && usermod --append --groups sudo app\n', 'COPY server /server\nCMD ["/server"]\n', 'root', '10001:10001'],
  ['Alpine by its files, with an account for programs', 'FROM alpine:3.19\nRUN adduser -D -u 1234 app\n', 'COPY server /server\nCMD ["/server"]\n', 'root', '1234:1234'],
];

for (const [what, image, file, userBefore, userAfter] of IMAGES) {
  test(what, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
    process.env.XDG_CACHE_HOME = join(folder, 'cache');
    try {
      writeFileSync(join(folder, 'Dockerfile'), image);
      const id = await build(folder);
      const name = await nameImage(id, 'resolve');
      writeFileSync(join(folder, 'server'), '');
      writeFileSync(join(folder, 'Dockerfile'), `FROM ${name}\n${file}`);
      const [target] = unroot(['Dockerfile'], { cwd: folder, resolve: true, unsafe: true }).report.targets;
      assert.is(target!.userBefore, userBefore);
      assert.is(target!.userAfter, userAfter, JSON.stringify(target!.reasons, null, 2));
      assert.equal(await containersOf(id), [], 'no container is left');
      if (userAfter !== undefined) {
        unroot(['Dockerfile'], { cwd: folder, resolve: true, unsafe: true, write: true });
        await removeImage(await build(folder));
      }
      await removeImage(name);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

resolve.run();
