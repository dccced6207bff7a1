import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, Refusal } from '../src/images/resolve/engine.ts';
import { cacheFile } from '../src/images/resolve/cache.ts';
import { firstMember } from '../src/images/resolve/tar.ts';
import { type Report, unroot } from '../src/index.ts';

const resolve = suite('resolve');

const DAY = 24 * 60 * 60 * 1000;
const ID = `sha256:${'1'.repeat(64)}`;
const ALPINE = { '/etc/os-release': { link: '../usr/lib/os-release' }, '/usr/lib/os-release': 'NAME="Alpine Linux"\nID=alpine\n', '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/sbin/nologin\n', '/etc/group': 'root:x:0:\n', '/bin/sh': { link: '/bin/busybox' } };

resolve('a local image tells its user, and nothing of it is run', () => {
  inFolder({ 'team/base:1': { id: ID, config: { User: 'app', Cmd: ['serve'] }, files: ALPINE } }, ({ run, calls }) => {
    const [target] = run('FROM team/base:1\n').targets;
    assert.is(target!.verdict, 'nonroot');
    assert.equal(calls().filter((call) => /^(run|start|exec|pull)\b/.test(call)), []);
    assert.ok(calls().some((call) => call.startsWith('create ')) && calls().at(-1)!.startsWith('rm --force --volumes '), 'what is made is removed');
  });
});

resolve('its files tell the family and the names that are taken', () => {
  const files = { ...ALPINE, '/etc/passwd': `${ALPINE['/etc/passwd']}app:x:999:0::/:/sbin/nologin\n`, '/etc/group': 'root:x:0:\nwheel:x:10:root,app\n' };
  inFolder({ 'team/base:1': { id: ID, config: { Entrypoint: ['/serve'], ExposedPorts: { '8080/tcp': {} } }, files } }, ({ run }) => {
    const { targets, findings } = run('FROM team/base:1\nCOPY a /a\n', { unsafe: true });
    assert.is(targets[0]!.verdict, 'fixable');
    assert.is(targets[0]!.safety, 'unsafe');
    assert.match(findings[0]!.message, /a new account/);
  });
});

resolve('an account for programs that it ships is used', () => {
  const files = { ...ALPINE, '/etc/passwd': `${ALPINE['/etc/passwd']}svc:x:1000:1000::/:/bin/sh\napp:x:1001:1001::/srv:/bin/sh\n` };
  inFolder({ 'team/base:1': { id: ID, config: { Cmd: ['/serve'] }, files } }, ({ run }) => {
    assert.is(run('FROM team/base:1\nCOPY server /server\nCMD ["/server"]\n', { unsafe: true }).targets[0]!.userAfter, '1001:1001');
  });
});

resolve('an entrypoint script that drops is seen', () => {
  const files = { ...ALPINE, '/entrypoint.sh': '#!/bin/sh\nchown app /data\nexec gosu app "$@"\n' };
  inFolder({ 'team/base:1': { id: ID, config: { Entrypoint: ['/entrypoint.sh'], Cmd: ['serve'], ExposedPorts: { '80/tcp': {} } }, files } }, ({ run }) => {
    assert.is(run('FROM team/base:1\n').targets[0]!.verdict, 'drops');
  });
});

resolve('without a shell the image is one of those that have none', () => {
  const files = { '/etc/os-release': 'ID=debian\n', '/etc/passwd': 'root:x:0:0::/root:/sbin/nologin\n' };
  inFolder({ 'team/base:1': { id: ID, config: {}, files } }, ({ run }) => {
    assert.is(run('FROM team/base:1\nCOPY server /server\nCMD ["/server"]\n', { unsafe: true }).targets[0]!.userAfter, '10001:10001');
  });
});

resolve('what is not here is asked of its registry, once a day for a tag and once for a digest', () => {
  const digest = `team/base@sha256:${'2'.repeat(64)}`;
  const config = { User: '1000', Cmd: ['serve'] };
  inFolder({ 'team/base:1': { config }, [digest]: { config } }, ({ run, calls, age, forget }) => {
    for (const image of ['team/base:1', digest]) {
      const asked = () => calls().filter((call) => call.includes('imagetools') && call.endsWith(image)).length;
      assert.is(run(`FROM ${image}\n`).targets[0]!.verdict, 'nonroot');
      assert.is(asked(), 1);
      assert.is(run(`FROM ${image}\n`).targets[0]!.verdict, 'nonroot', 'from the cache');
      assert.is(asked(), 1);
      age(2 * DAY);
      run(`FROM ${image}\n`);
      assert.is(asked(), image === digest ? 1 : 2);
    }
    forget();
    assert.is(run('FROM team/base:1\n').targets[0]!.verdict, 'nonroot', 'a cache that is no JSON is none');
  });
});

resolve('of several platforms the one for Linux on AMD64 counts', () => {
  const platforms = { 'windows/amd64': { config: { User: 'ContainerUser' } }, 'linux/arm64': { config: { User: 'root' } }, 'linux/amd64': { config: { User: '7' } } };
  inFolder({ 'team/base:1': { platforms } }, ({ run }) => assert.is(run('FROM team/base:1\nCMD ["serve"]\n').targets[0]!.userBefore, '7'));
});

resolve('the same image is asked about once in a run, a catalogued one never', () => {
  inFolder({ 'team/base:1': { id: ID, config: { User: 'app' }, files: ALPINE } }, ({ run, calls }) => {
    run('FROM team/base:1 AS a\nFROM team/base:1\nCMD ["x"]\n', {}, { 'b/Dockerfile': 'FROM team/base:1\n', 'c/Dockerfile': 'FROM node:20\nCMD ["node", "x.js"]\n' });
    assert.is(calls().filter((call) => call.startsWith('image inspect')).length, 1);
    assert.not.ok(calls().some((call) => call.includes('node:20')));
  });
});

resolve('an image that nobody knows is named in one line, and the rest goes on', () => {
  inFolder({}, ({ run }) => {
    const { targets, notes } = run('FROM team/none:1\n', {}, { 'b/Dockerfile': 'FROM node:20\nCMD ["node", "x.js"]\n' });
    assert.equal(targets.map(({ verdict }) => verdict), ['unknown', 'fixable']);
    assert.equal(notes, ['--resolve: nothing could be learnt of team/none:1 (ERROR: team/none:1: not found)']);
  });
});

resolve('an engine that is not there is named once', () => {
  inFolder({}, ({ run }) => {
    const { notes } = run('FROM team/a:1\n', { engine: 'no-such-engine' }, { 'b/Dockerfile': 'FROM team/b:1\n' });
    assert.equal(notes, ["--resolve: no-such-engine can't be run (ENOENT); --engine names another command; images that are not in the catalogue stay unknown"]);
  });
});

resolve('an engine that is not running is named once, and registries are asked where its command can', () => {
  const said = 'Cannot connect to the Docker daemon at unix:///gone.sock. Is the docker daemon running?';
  withEngine(`if [ "$1" = buildx ]; then echo "docker: 'buildx' is not a docker command." >&2; else echo '${said}' >&2; fi; echo 'For more help on how to use Docker, head to https://docs.docker.com/go/guides/' >&2; exit 1`, (engine) => {
    assert.equal(notesOf(engine), [`--resolve: ${said}; images that are not in the catalogue stay unknown`]);
  });
  withEngine(`[ "$1" = buildx ] && { echo '{"config":{"User":"7"}}'; exit 0; }; echo '${said}' >&2; exit 1`, (engine) => assert.equal(notesOf(engine), []));
});

resolve('of what an engine says the line that tells is shown', () => {
  withEngine("printf 'WARNING: old\\nERROR: no basic auth credentials\\nUsage: x\\nFor more help, see y\\n' >&2; exit 1", (engine) => {
    assert.equal(notesOf(engine), ['--resolve: nothing could be learnt of team/a:1 (ERROR: no basic auth credentials), team/b:1 (ERROR: no basic auth credentials)']);
  });
});

resolve('without --resolve nobody is asked', () => {
  inFolder({}, ({ run, calls }) => {
    run('FROM team/a:1\n', { resolve: false });
    assert.equal(calls(), []);
  });
});

resolve('an engine that does not answer is waited for only so long', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-resolve-'));
  try {
    writeFileSync(join(folder, 'slow'), '#!/bin/sh\nexec sleep 30\n', { mode: 0o755 });
    const began = Date.now();
    assert.throws(() => new Engine(join(folder, 'slow'), began + 300).local('a/b'), (error: unknown) => error instanceof Refusal && /in time/.test(error.message));
    assert.throws(() => new Engine(join(folder, 'slow'), began - 1).local('a/b'), (error: unknown) => error instanceof Refusal && error.gone);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

resolve('the cache lies where caches lie', () => {
  assert.is(cacheFile({ XDG_CACHE_HOME: '/c' }), '/c/unroot/images.json');
  assert.match(cacheFile({}), /\.cache\/unroot\/images\.json$/);
});

resolve('an archive gives its first file, past long names, or its link', () => {
  assert.equal(firstMember(tarOf('x', 'hello')), { content: Buffer.from('hello') });
  assert.equal(firstMember(Buffer.concat([tarOf('././@LongLink', 'x'.repeat(600), 'L').subarray(0, -1024), tarOf('x', 'hello')])), { content: Buffer.from('hello') });
  assert.equal(firstMember(tarOf('x', { link: '../y' })), { link: '../y' });
  assert.is(firstMember(Buffer.alloc(1024)), undefined);
  assert.is(firstMember(Buffer.from('no archive')), undefined);
});

resolve.run();

interface FakeImage {
  /** Present for an image that the engine has. */
  id?: string;
  config?: object;
  platforms?: object;
  files?: Record<string, string | { link: string }>;
}

interface Scene {
  run: (dockerfile: string, options?: { unsafe?: boolean; engine?: string; resolve?: boolean }, more?: Record<string, string>) => Report;
  /** What the engine was asked, a line each. */
  calls: () => string[];
  /** Makes what is kept older. */
  age: (milliseconds: number) => void;
  /** Spoils what is kept. */
  forget: () => void;
}

/** A script as the engine's command. */
function withEngine(script: string, use: (engine: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-resolve-'));
  try {
    const engine = join(folder, 'docker');
    writeFileSync(engine, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    use(engine);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a run over two unknown images has to say. */
function notesOf(engine: string): string[] {
  let notes: string[] = [];
  inFolder({}, ({ run }) => (notes = run('FROM team/a:1\n', { engine }, { 'b/Dockerfile': 'FROM team/b:1\n' }).notes));
  return notes;
}

/** A project beside an engine that knows these images and answers as Docker's command line does. */
function inFolder(images: Record<string, FakeImage>, use: (scene: Scene) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-resolve-'));
  const cacheHome = process.env.XDG_CACHE_HOME;
  try {
    const engine = fakeEngine(join(folder, 'engine'), images);
    const cache = join(folder, 'cache');
    process.env.XDG_CACHE_HOME = cache;
    const kept = join(cache, 'unroot', 'images.json');
    use({
      run: (dockerfile, options = {}, more = {}) => {
        const project = join(folder, 'project');
        rmSync(project, { recursive: true, force: true });
        for (const [path, text] of Object.entries({ Dockerfile: dockerfile, ...more })) {
          mkdirSync(join(project, path, '..'), { recursive: true });
          writeFileSync(join(project, path), text);
        }
        return unroot(['.'], { cwd: project, resolve: true, engine, ...options }).report;
      },
      calls: () => (existsSync(join(folder, 'engine', 'calls')) ? readFileSync(join(folder, 'engine', 'calls'), 'utf8').trim().split('\n') : []),
      age: (milliseconds) => {
        const data = JSON.parse(readFileSync(kept, 'utf8')) as { images: Record<string, { at: number }> };
        for (const one of Object.values(data.images)) one.at -= milliseconds;
        writeFileSync(kept, JSON.stringify(data));
      },
      forget: () => writeFileSync(kept, 'spoilt'),
    });
  } finally {
    if (cacheHome === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cacheHome;
    rmSync(folder, { recursive: true });
  }
}

/** A command that answers out of files: what it is asked is the name of one. */
function fakeEngine(folder: string, images: Record<string, FakeImage>): string {
  mkdirSync(join(folder, 'answers'), { recursive: true });
  const answers: Record<string, string | Buffer> = {};
  for (const [name, { id, config, platforms, files = {} }] of Object.entries(images)) {
    if (id === undefined) answers[`buildx imagetools inspect --format {{json .Image}} ${name}`] = JSON.stringify(platforms ?? { config });
    else answers[`image inspect ${name}`] = JSON.stringify([{ Id: id, Config: config }]);
    for (const command of ['', ' -']) answers[`create --network none ${id}${command}`] = 'container\n';
    for (const [path, content] of Object.entries(files)) answers[`cp container:${path} -`] = tarOf(path, content);
  }
  answers['rm --force --volumes container'] = 'container\n';
  for (const [asked, content] of Object.entries(answers)) writeFileSync(join(folder, 'answers', asked.replaceAll('/', '|')), content);
  const script = join(folder, 'docker');
  writeFileSync(
    script,
    `#!/bin/sh
echo "$*" >> '${folder}/calls'
answer="${folder}/answers/$(echo "$*" | tr / '|')"
if [ -f "$answer" ]; then cat "$answer"; exit 0; fi
for last; do :; done
case "$1" in
  image) echo "Error response from daemon: No such image: $last" >&2 ;;
  cp) echo "Error response from daemon: Could not find the file in container" >&2 ;;
  *) echo "ERROR: $last: not found" >&2 ;;
esac
exit 1
`,
  );
  chmodSync(script, 0o755);
  return script;
}

/** An archive of one member, as POSIX ustar lays it down. */
function tarOf(name: string, content: string | { link: string }, type = '0'): Buffer {
  const header = Buffer.alloc(512);
  const body = typeof content === 'string' ? Buffer.from(content) : Buffer.alloc(0);
  header.write(name.slice(0, 100), 0);
  header.write(`${body.length.toString(8).padStart(11, '0')} `, 124);
  header.write(typeof content === 'string' ? type : '2', 156);
  if (typeof content !== 'string') header.write(content.link, 157);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512), Buffer.alloc(1024)]);
}
