import * as assert from 'uvu/assert';
import { Container, makeVolume, removeVolume } from './engine.ts';
import type { Ask } from './talk.ts';

/** A small program with the build context `programs/<name>/`, how to know that it works, and what unroot must make of it. */
export interface Program {
  name: string;
  /** Why it is here. */
  title: string;
  /** Files of `programs/shared/` that its context takes. */
  shared?: string[];
  /** Modes that git does not keep. */
  modes?: Record<string, number>;
  /** `host` where a step installs a package. */
  network?: 'host';
  /** What unroot must say: a safe fix, an unsafe one, or that it drops by itself and stays as it is. */
  unroot: 'safe' | 'unsafe' | 'drops';
  /** The uid and gid that it runs as in the end, and that USER must name where there is a fix. */
  user: string;
  /** The port that it answers on; undefined for a program that does its work and ends. */
  port?: number;
  /** What it must answer, or print in the end, before and after alike. `{uid}` stands for whom it runs as. */
  says: Said[];
  /** What root writes only because it can, and the program does without. */
  needless?: string[];
  /** What it starts from that the account must not be able to change. */
  code?: string;
  /** What else must hold after. */
  also?: (images: { before: string; after: string }, container: Container) => Promise<void>;
}

/** A question and its answer, or what a program that ends prints. */
export type Said = (Ask & { answer: string }) | { prints: string };

// nginx's entrypoint has it listen on IPv6 too where it may change this file, and says so where it may not.
const NGINX_ENTRYPOINT = ['/etc/nginx/conf.d/default.conf'];

const UPLOAD: Said[] = [
  { path: '/a.txt', method: 'PUT', body: 'a', answer: 'ok' },
  { path: '/b.txt', method: 'PUT', body: 'b', answer: 'ok' },
];

export const programs: Program[] = [
  {
    name: 'node-uploads',
    title: 'a Node server that keeps uploads in a directory made for them',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [{ path: '/', answer: 'kept: ' }, ...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'go-scratch',
    title: 'a Go binary on scratch, which gets an account that it can look up',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    port: 8080,
    says: [{ path: '/uid', answer: 'uid {uid}' }],
    code: '/server',
    also: async (_, container) => assert.is(await container.answer({ path: '/who' }), 'uid 10001 has a name'),
  },
  {
    name: 'go-scratch-with-passwd',
    title: 'a Go binary on scratch that looks itself up in the accounts of the builder',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    port: 8080,
    says: [{ path: '/who', answer: 'uid {uid} has a name' }],
    code: '/server',
  },
  {
    name: 'python-log-file',
    title: 'Python with a log file in its start command',
    unroot: 'safe',
    user: '10001:10001',
    port: 8000,
    says: [{ path: '/x', answer: '/x\n' }, { path: '/y', answer: '/x\n/y\n' }],
    code: '/srv/app.py',
  },
  {
    name: 'alpine-tool',
    title: 'an Alpine tool with nothing in sight that says whose files it works on',
    network: 'host',
    unroot: 'unsafe',
    user: '10001:10001',
    says: [{ prints: 'banner of uid {uid}: --help\n' }],
    code: '/usr/local/bin/banner',
    also: async ({ after }) => {
      // Whoever calls it with files of their own needs --user, which must still work.
      const called = await Container.run(after, { flags: ['--user', '4242:4242'], command: ['hello'] });
      assert.is(await called.exit(), 0);
      assert.is(await called.logs(), 'banner of uid 4242: hello\n');
      await called.remove();
    },
  },
  {
    name: 'unused-account',
    title: 'an account that the file makes and never uses',
    shared: ['server.js'],
    unroot: 'safe',
    user: '2000:2000',
    port: 3000,
    says: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/srv/server.js',
  },
  {
    name: 'redis-config',
    title: 'redis with a configuration, which drops by itself',
    unroot: 'drops',
    user: '999:999',
    port: 6379,
    says: [{ line: 'PING', answer: '+PONG' }, { line: 'SET key value', answer: '+OK' }, { line: 'SAVE', answer: '+OK' }],
  },
  {
    name: 'redis-behind-a-shell',
    title: 'redis behind a shell, which never dropped',
    unroot: 'unsafe',
    user: '999:999',
    port: 6379,
    says: [{ line: 'PING', answer: '+PONG' }, { line: 'SET key value', answer: '+OK' }, { line: 'SAVE', answer: '+OK' }],
    code: '/usr/local/etc/redis/redis.conf',
  },
  {
    name: 'node-home',
    title: 'a Node server that caches under its home',
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [{ path: '/', answer: 'cached' }],
    code: '/app/cache.js',
  },
  {
    name: 'python-home',
    title: 'Python that caches under the home of a new account',
    unroot: 'safe',
    user: '10001:10001',
    port: 8000,
    says: [{ path: '/', answer: 'cached' }],
    code: '/srv/app.py',
  },
  {
    name: 'go-scratch-temporary',
    title: 'a Go binary on scratch whose file says that it writes to /tmp',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    port: 8080,
    says: [{ path: '/note', answer: 'noted' }, { path: '/note', answer: 'noted' }],
    code: '/server',
  },
  {
    name: 'nginx-own-server',
    title: 'nginx with a server of its own on 8080, which buffers uploads',
    unroot: 'safe',
    user: '101:101',
    port: 8080,
    says: [{ path: '/', answer: '<p>a site</p>\n' }, { path: '/upload', method: 'POST', body: 'x'.repeat(100_000), answer: 'taken' }],
    needless: NGINX_ENTRYPOINT,
    code: '/usr/share/nginx/html/index.html',
  },
  {
    name: 'nginx-alpine',
    title: 'nginx on port 80 with nothing that shows how it runs',
    unroot: 'unsafe',
    user: '101:101',
    port: 80,
    says: [{ path: '/', answer: '<p>a site</p>\n' }],
    needless: NGINX_ENTRYPOINT,
    code: '/etc/nginx/nginx.conf',
    also: async ({ before, after }) => {
      // Where ports below 1024 are root's, as in Kubernetes, it worked and no longer does: that is why it is unsafe.
      assert.ok(await startsWithGuardedPorts(before));
      assert.not.ok(await startsWithGuardedPorts(after));
    },
  },
  {
    name: 'nginx-in-compose',
    title: 'nginx on port 80 of a private network',
    unroot: 'safe',
    user: '101:101',
    port: 80,
    says: [{ path: '/', answer: '<p>a site</p>\n' }],
    needless: NGINX_ENTRYPOINT,
    code: '/usr/share/nginx/html/index.html',
  },
  {
    name: 'apache-own-configuration',
    title: 'Apache with a configuration of its own, logs included',
    unroot: 'safe',
    user: '33:33',
    port: 8080,
    says: [{ path: '/', answer: '<p>a page of Apache</p>\n' }],
    code: '/usr/local/apache2/conf/httpd.conf',
  },
  {
    name: 'apache-in-compose',
    title: 'Apache on port 80 of a private network',
    unroot: 'safe',
    user: '33:33',
    port: 80,
    says: [{ path: '/', answer: '<p>a page of Apache</p>\n' }],
    code: '/usr/local/apache2/conf/httpd.conf',
  },
  {
    name: 'php-apache',
    title: 'PHP under Apache that keeps what is posted',
    unroot: 'safe',
    user: '33:33',
    port: 80,
    says: [{ path: '/', method: 'POST', body: 'posted', answer: 'ok' }, { path: '/', answer: 'kept: posted' }],
    // Not the page: its directory is the account's in the base, and so it stays.
    code: '/etc/apache2/apache2.conf',
  },
  {
    name: 'go-distroless',
    title: 'a Go binary on distroless, which has an account for it',
    shared: ['main.go'],
    unroot: 'safe',
    user: '65532:65532',
    port: 8080,
    says: [{ path: '/uid', answer: 'uid {uid}' }, { path: '/who', answer: 'uid {uid} has a name' }],
    code: '/server',
  },
  {
    name: 'multi-stage-packages',
    title: 'a stage that installs packages on top of another that did',
    shared: ['server.js'],
    network: 'host',
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'ends-in-root',
    title: 'a file that went back to root for an install and stayed there',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'sqlite-volume',
    title: 'a database in a volume, which is given over by the command that unroot names',
    unroot: 'unsafe',
    user: '10001:10001',
    port: 8000,
    says: [{ path: '/', answer: 'hit 1' }, { path: '/', answer: 'hit 2' }],
    code: '/srv/app.py',
    also: keepsItsVolume,
  },
  {
    name: 'closed-start-script',
    title: 'a start script that only root may run',
    shared: ['server.js'],
    modes: { 'start.sh': 0o700 },
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/start.sh',
  },
  {
    name: 'config-and-data',
    title: 'a configuration to read and a directory in the environment to write',
    unroot: 'safe',
    user: '10001:10001',
    port: 8000,
    says: [{ path: '/caller', answer: 'hello from the configuration' }],
    code: '/app/config.json',
  },
  {
    name: 'shell-form-pid-file',
    title: 'a shell that writes a pid file and becomes the server',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    port: 3000,
    says: [...UPLOAD, { path: '/', answer: 'kept: a.txt app.pid b.txt' }],
    code: '/app/server.js',
  },
];

/** Whether an image that serves on port 80 does so where ports below 1024 are root's. */
async function startsWithGuardedPorts(image: string): Promise<boolean> {
  const container = await Container.run(image, { port: 80, flags: ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=1024'] });
  const answers = await container.answer({ path: '/' }).then(() => true, () => false);
  await container.remove();
  return answers;
}

/** What root wrote into a volume is in the way until it is given over, and is there afterwards. */
async function keepsItsVolume({ before, after }: { before: string; after: string }): Promise<void> {
  const volume = await makeVolume('hits');
  const hit = async (image: string): Promise<string> => {
    const container = await Container.run(image, { port: 8000, flags: ['--volume', `${volume}:/data`] });
    return container.answer({ path: '/' }).finally(() => container.remove());
  };
  assert.is(await hit(before), 'hit 1');
  assert.is(await hit(after), 'attempt to write a readonly database');
  const given = await Container.run(after, { flags: ['--user', '0', '--volume', `${volume}:/data`], command: ['chown', '-R', '10001:10001', '/data'] });
  assert.is(await given.exit(), 0);
  await given.remove();
  assert.is(await hit(after), 'hit 2');
  await removeVolume(volume);
}
