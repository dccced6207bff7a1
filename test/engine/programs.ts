import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Container } from '../../src/verify/index.ts';
import type { VerifyAsk } from '../../src/settings-verify.ts';
import { treeOf } from '../fixtures.ts';
import { Container as Plain } from './engine.ts';

/** A small program with the build context `programs/<name>/`, how to know that it works, and what unroot must make of it. */
export interface Program {
  name: string;
  /** Why it is here. */
  title: string;
  /** Files of `programs/shared/` that its context takes; behind a colon where they go. */
  shared?: string[];
  /** Modes that git does not keep. */
  modes?: Record<string, number>;
  /** `host` where a step installs a package. */
  network?: 'host';
  /** What unroot must say: a safe fix, an unsafe one, or that it stays as it is because it drops by itself or needs root. */
  unroot: 'safe' | 'unsafe' | 'drops' | 'refused';
  /** The uid and gid that it runs as in the end, and that USER must name where there is a fix. */
  user: string;
  /** What it is asked, one after the other, and must answer before and after alike. `{uid}` stands for whom it runs as. */
  asks?: (VerifyAsk & { answer: string })[];
  /** What it prints, for a program that does its work and ends. */
  prints?: string;
  /** What root writes only because it can, and the program does without. */
  needless?: string[];
  /** How long it may take to be ready, where that is more than usual. */
  seconds?: number;
  /** What it starts from that the account must not be able to change. */
  code?: string;
  /** What unroot's fix lacks until the paths that the program was seen to write are learnt: what must be found without. */
  learns?: { paths: string[]; without: RegExp };
  /** More of the configuration's `verify`. */
  settings?: { args?: Record<string, string>; secrets?: Record<string, string> };
  /** How many targets, or services that run them, it has; 1 by default. */
  targets?: number;
  /** The port of one that stays as it is. */
  port?: number;
  /** What else must hold after, while it runs or once it has ended. */
  also?: (container: Container) => Promise<void>;
}

// nginx's entrypoint has it listen on IPv6 too where it may change this file, and says so where it may not.
const NGINX_ENTRYPOINT = ['/etc/nginx/conf.d/default.conf'];

const UPLOAD: NonNullable<Program['asks']> = [
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
    asks: [{ path: '/', answer: 'kept: ' }, ...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'go-scratch',
    title: 'a Go binary on scratch, which gets an account that it can look up',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/uid', answer: 'uid {uid}' }],
    code: '/server',
    also: async (container) => assert.is((await container.ask({ path: '/who' }, 8080)).text, 'uid 10001 has a name'),
  },
  {
    name: 'go-scratch-with-passwd',
    title: 'a Go binary on scratch that looks itself up in the accounts of the builder',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/who', answer: 'uid {uid} has a name' }],
    code: '/server',
  },
  {
    name: 'python-log-file',
    title: 'Python with a log file in its start command',
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/x', answer: '/x\n' }, { path: '/y', answer: '/x\n/y\n' }],
    code: '/srv/app.py',
  },
  {
    name: 'alpine-tool',
    title: 'an Alpine tool with nothing in sight that says whose files it works on',
    network: 'host',
    unroot: 'unsafe',
    user: '10001:10001',
    prints: 'banner of uid {uid}: --help\n',
    code: '/usr/local/bin/banner',
    also: async ({ image }) => {
      // Whoever calls it with files of their own needs --user, which must still work.
      const called = await Plain.run(image.id, { flags: ['--user', '4242:4242'], command: ['hello'] });
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
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/srv/server.js',
  },
  {
    name: 'redis-config',
    title: 'redis with a configuration, which drops by itself',
    unroot: 'drops',
    port: 6379,
    user: '999:999',
    asks: [{ line: 'PING', answer: '+PONG' }, { line: 'SET key value', answer: '+OK' }, { line: 'SAVE', answer: '+OK' }],
  },
  {
    name: 'redis-behind-a-shell',
    title: 'redis behind a shell, which never dropped',
    unroot: 'unsafe',
    user: '999:999',
    asks: [{ line: 'PING', answer: '+PONG' }, { line: 'SET key value', answer: '+OK' }, { line: 'SAVE', answer: '+OK' }],
    code: '/usr/local/etc/redis/redis.conf',
  },
  {
    name: 'node-home',
    title: 'a Node server that caches under its home',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'cached' }],
    code: '/app/cache.js',
  },
  {
    name: 'python-home',
    title: 'Python that caches under the home of a new account',
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'cached' }],
    code: '/srv/app.py',
  },
  {
    name: 'go-scratch-temporary',
    title: 'a Go binary on scratch whose file says that it writes to /tmp',
    shared: ['main.go'],
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/note', answer: 'noted' }, { path: '/note', answer: 'noted' }],
    code: '/server',
  },
  {
    name: 'nginx-own-server',
    title: 'nginx with a server of its own on 8080, which buffers uploads',
    unroot: 'safe',
    user: '101:101',
    asks: [{ path: '/', answer: '<p>a site</p>\n' }, { path: '/upload', method: 'POST', body: 'x'.repeat(100_000), answer: 'taken' }],
    needless: NGINX_ENTRYPOINT,
    code: '/usr/share/nginx/html/index.html',
  },
  {
    name: 'nginx-alpine',
    title: 'nginx on port 80 with nothing that shows how it runs',
    unroot: 'unsafe',
    user: '101:101',
    asks: [{ path: '/', answer: '<p>a site</p>\n' }],
    needless: NGINX_ENTRYPOINT,
    code: '/etc/nginx/nginx.conf',
  },
  {
    name: 'nginx-in-compose',
    title: 'nginx on port 80 of a private network',
    unroot: 'safe',
    user: '101:101',
    asks: [{ path: '/', answer: '<p>a site</p>\n' }],
    needless: NGINX_ENTRYPOINT,
    code: '/usr/share/nginx/html/index.html',
  },
  {
    name: 'apache-own-configuration',
    title: 'Apache with a configuration of its own, logs included',
    unroot: 'safe',
    user: '33:33',
    asks: [{ path: '/', answer: '<p>a page of Apache</p>\n' }],
    code: '/usr/local/apache2/conf/httpd.conf',
  },
  {
    name: 'apache-in-compose',
    title: 'Apache on port 80 of a private network',
    unroot: 'safe',
    user: '33:33',
    asks: [{ path: '/', answer: '<p>a page of Apache</p>\n' }],
    code: '/usr/local/apache2/conf/httpd.conf',
  },
  {
    name: 'php-apache',
    title: 'PHP under Apache that keeps what is posted',
    unroot: 'safe',
    user: '33:33',
    asks: [{ path: '/', method: 'POST', body: 'posted', answer: 'ok' }, { path: '/', answer: 'kept: posted' }],
    // Not the page: its directory is the account's in the base, and so it stays.
    code: '/etc/apache2/apache2.conf',
  },
  {
    name: 'go-distroless',
    title: 'a Go binary on distroless, which has an account for it',
    shared: ['main.go'],
    unroot: 'safe',
    user: '65532:65532',
    asks: [{ path: '/uid', answer: 'uid {uid}' }, { path: '/who', answer: 'uid {uid} has a name' }],
    code: '/server',
  },
  {
    name: 'multi-stage-packages',
    title: 'a stage that installs packages on top of another that did',
    shared: ['server.js'],
    network: 'host',
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'ends-in-root',
    title: 'a file that went back to root for an install and stayed there',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'sqlite-volume',
    title: 'a database in a volume, which is given over by the command that unroot names',
    unroot: 'unsafe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'hit 1' }, { path: '/', answer: 'hit 2' }],
    code: '/srv/app.py',
  },
  {
    name: 'closed-start-script',
    title: 'a start script that only root may run',
    shared: ['server.js'],
    modes: { 'start.sh': 0o700 },
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/start.sh',
  },
  {
    name: 'config-and-data',
    title: 'a configuration to read and a directory in the environment to write',
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/caller', answer: 'hello from the configuration' }],
    code: '/app/config.json',
  },
  {
    name: 'shell-form-pid-file',
    title: 'a shell that writes a pid file and becomes the server',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt app.pid b.txt' }],
    code: '/app/server.js',
  },
  {
    name: 'silent-cache',
    title: 'a cache in a place that no file names, whose failure the program swallows',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'a picture' }],
    code: '/app/app.js',
    learns: { paths: ['/var/cache/thumbs'], without: /^state: root wrote \/var\/cache\/thumbs, and the account may not/ },
  },
  {
    name: 'computed-state',
    title: 'state in a place that no file names',
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'visit 1' }, { path: '/', answer: 'visit 2' }],
    code: '/srv/app.py',
    learns: { paths: ['/var/lib/ledger'], without: /^answers: .* answers 500, not 200: .*Permission denied/ },
  },
  {
    name: 'shared-log-directory',
    title: 'a log in a directory that many share, under a name that no file has',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'logged' }],
    code: '/app/app.js',
    learns: { paths: ['/var/log/access.log'], without: /^runs: it ends with status 1: .*EACCES: permission denied, open '\/var\/log\/access\.log'/ },
  },
  {
    name: 'alpine-new-account',
    title: 'Alpine, where a new account is made with the tools of BusyBox',
    unroot: 'unsafe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'a page of Alpine\n' }],
    code: '/srv/www/index.html',
  },
  {
    name: 'uid-1000-is-taken',
    title: 'an operating system whose first number is somebody\'s, as Ubuntu\'s',
    shared: ['main.go'],
    unroot: 'unsafe',
    user: '1000:1000',
    asks: [{ path: '/who', answer: 'uid {uid} has a name' }],
    code: '/usr/local/bin/server',
  },
  {
    name: 'closed-configuration',
    title: 'a configuration that only root may read',
    modes: { 'settings.json': 0o600 },
    unroot: 'unsafe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'hello from a file that was root\'s alone' }],
    code: '/app/app.py',
  },
  {
    name: 'output-beside-code',
    title: 'a file that is kept beside the code',
    unroot: 'unsafe',
    user: '10001:10001',
    asks: [{ path: '/', answer: 'visit 1' }, { path: '/', answer: 'visit 2' }],
    code: '/app/app.py',
  },
  {
    name: 'healthy',
    title: 'a health check that is first asked after half a minute, runs as the account too and leaves a mark',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'well' }],
    // Each check starts a Node of its own, which takes long on a busy machine.
    seconds: 120,
    code: '/app/app.js',
  },
  {
    name: 'argument-and-secret',
    title: 'a build that wants an argument and a secret',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'hello' }],
    settings: { args: { GREETING: 'hello' }, secrets: { token: 'token.txt' } },
    code: '/app/app.js',
  },
  {
    name: 'inputs-of-compose',
    title: 'a build that gets argument, secrets and another context from compose, and a health check',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'hello you!' }],
    code: '/app/app.js',
  },
  {
    name: 'clock',
    title: 'a page that is another each second',
    unroot: 'safe',
    user: '1000:1000',
    code: '/app/app.js',
  },
  {
    name: 'udp-listener',
    title: 'a server that hears UDP alone',
    unroot: 'safe',
    user: '10001:10001',
    code: '/srv/app.py',
  },
  {
    name: 'says-who',
    title: 'a program that says who runs it, and ends',
    unroot: 'safe',
    user: '1000:1000',
    code: '/who.sh',
  },
  {
    name: 'read-only-root',
    title: 'a service that is read-only but for /tmp',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'visit 1' }, { path: '/', answer: 'visit 2' }],
    code: '/app/app.js',
  },
  {
    name: 'two-services',
    title: 'one image that two services run, with commands of their own',
    unroot: 'safe',
    user: '1000:1000',
    targets: 2,
    code: '/app/app.js',
  },
  {
    name: 'workdir-root',
    title: 'a program that lives in root\'s home and moves out',
    unroot: 'safe',
    user: '1000:1000',
    asks: [{ path: '/', answer: 'at home' }],
    code: '/app/app.js',
  },
  {
    name: 'hands-over',
    title: 'a start script that makes a directory and becomes what CMD names',
    shared: ['server.js'],
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt starts' }],
    code: '/entrypoint.sh',
  },
  {
    name: 'batch-report',
    title: 'a program that writes into a volume and ends',
    unroot: 'unsafe',
    user: '10001:10001',
    prints: 'reported by uid {uid}\n',
    code: '/srv/report.py',
  },
  {
    name: 'model-beside-code',
    title: 'a large file beside the code, which is not copied into another layer',
    unroot: 'safe',
    user: '10001:10001',
    asks: [{ path: '/', answer: '8000000 bytes' }],
    code: '/srv/model.bin',
  },
  {
    name: 'chowning-entrypoint',
    title: 'a start script that does what only root can',
    shared: ['server.js'],
    unroot: 'refused',
    user: '0',
    asks: UPLOAD,
    port: 3000,
  },
  {
    name: 'built-upon',
    title: 'an image that is built on another one here',
    shared: ['server.js:app/server.js'],
    unroot: 'safe',
    user: '1000:1000',
    asks: [...UPLOAD, { path: '/', answer: 'kept: a.txt b.txt' }],
    code: '/app/server.js',
  },
];

/** A program in a folder of a tree. */
export interface Placed {
  folder: string;
  program: Program;
}

const PROGRAMS = 'test/engine/programs';

/** Puts programs into a tree, with a configuration that says how to verify them. */
export function place(placed: readonly Placed[], tree: string): void {
  for (const { folder, program: { name, shared = [], modes = {} } } of placed) {
    const directory = join(tree, folder);
    mkdirSync(directory, { recursive: true });
    cpSync(join(PROGRAMS, name), directory, { recursive: true });
    for (const [from, to = from] of shared.map((file) => file.split(':') as [string, string?])) cpSync(join(PROGRAMS, 'shared', from), join(directory, to));
    // What a checkout's umask made of the files must not matter.
    for (const path of treeOf(directory).keys()) chmodSync(join(directory, path), modes[path] ?? 0o755);
  }
  const targets = placed.flatMap(({ folder, program: { asks, prints, needless, seconds } }) =>
    [...treeOf(join(tree, folder)).keys()].filter((path) => path.endsWith('Dockerfile')).map((path) => [`${folder}/${path}`, { asks, prints, needless, seconds }]),
  );
  const args = Object.assign({}, ...placed.map(({ program: { settings } }) => settings?.args));
  const secrets = Object.fromEntries(placed.flatMap(({ folder, program: { settings } }) => Object.entries(settings?.secrets ?? {}).map(([id, path]) => [id, `${folder}/${path}`])));
  writeFileSync(join(tree, 'unroot.config.json'), JSON.stringify({ verify: { buildNetwork: 'host', args, secrets, targets: Object.fromEntries(targets) } }, null, 2));
}
