import * as assert from 'uvu/assert';
import type { RunningStack, StackPlan } from '../../src/verify/index.ts';

/** A small compose project in `stacks/<name>/`, and what unroot must make of it. */
export interface StackCase {
  name: string;
  /** Why it is here. */
  title: string;
  /**
   * For a project that installs when it starts: by reference of a base, the command that fetches beforehand what is to be
   * installed, since no run has a way out. The image with that in its caches stands in for the base.
   */
  fetched?: Record<string, string>;
  /** Files of `programs/shared/` that it takes, by where they go. */
  shared?: Record<string, string>;
  /** Whether its fixes need leave. */
  unsafe?: boolean;
  /** Whether what stays below 1024 is let listen there. */
  sysctl?: boolean;
  /** By service, the uids of its processes in the end: `[0, 101]` for one that is root and has workers that are not. */
  uids: Record<string, number[]>;
  asks: NonNullable<StackPlan['asks']>;
  needless?: StackPlan['needless'];
  /** For projects in which nothing is denied: where a port goes, what is installed. */
  traced?: StackPlan['traced'];
  /** `as told`: the commands of `docker compose` that the report names for data, word for word. */
  between?: StackPlan['between'] | 'as told';
  running?: StackPlan['running'];
  /** What must be found, by service, as `rule: message`; nothing where all holds. */
  finds?: Record<string, RegExp[]>;
}

const KEPT = [
  { published: 8080, path: '/a.txt', method: 'PUT', body: 'a', answer: 'ok' },
  { published: 8080, path: '/', answer: 'kept: a.txt' },
] as const;

// nginx's entrypoint has it listen on IPv6 too where it may change this file, and says so where it may not.
const NGINX_ENTRYPOINT = ['/etc/nginx/conf.d/default.conf'];

/** In a network of its own anybody may listen below 1024; a locked-down cluster does not let one. */
const LOW_PORT = /^strict: /;

/** A folder with packages and all that they need, from which apt installs in place of its servers. */
function apt(...packages: string[]): string {
  const entry = 'dpkg-deb -f $deb; echo "Filename: ./$deb"; echo "Size: $(stat -c %s $deb)"; echo "SHA256: $(sha256sum $deb | cut -d" " -f1)"; echo';
  return [
    'rm -rf /etc/apt/apt.conf.d/docker-clean',
    `apt-get update && apt-get install -y --download-only --no-install-recommends ${packages.join(' ')}`,
    'mkdir /packages && mv /var/cache/apt/archives/*.deb /packages && cd /packages',
    `for deb in *.deb; do ${entry}; done > Packages`,
    'rm -rf /etc/apt/sources.list.d/* && echo "deb [trusted=yes] file:/packages ./" > /etc/apt/sources.list',
  ].join(' && ');
}

// What installs write, root alone could.
const INSTALLED = ['/etc', '/usr', '/var/cache', '/var/lib', '/var/log', '/root'];

export const stacks: StackCase[] = [
  {
    name: 'proxy-and-data',
    title: 'a proxy in front of an application with a new volume',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
  },
  {
    name: 'proxy-and-data',
    title: 'the same with data that root wrote, which is given over by the command that the report names',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
    between: 'as told',
  },
  {
    name: 'proxy-and-data',
    title: 'the same with data that nobody gives over: the application can no longer write',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
    between: [],
    finds: { proxy: [/^answers: PUT \/a\.txt on port 8080 answers 500, not 200: .*EACCES/, /^strict: PUT/], api: [/^state: root wrote \/data\/a\.txt, and the account may not/] },
  },
  {
    name: 'ready-made-proxy',
    title: 'nginx as it comes, with a mounted site, in front of an application',
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
  },
  {
    name: 'memory',
    title: 'nginx as it comes, with a tmpfs of root\'s where it writes',
    uids: { web: [101] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
    finds: { web: [LOW_PORT] },
  },
  {
    name: 'shared-volume',
    title: 'what an application writes, and two servers read',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { files: [101], more: [33], api: [1000] },
    asks: [
      { published: 8080, path: '/a.txt', method: 'PUT', body: 'a', answer: 'ok' },
      { published: 8081, path: '/a.txt', answer: 'a' },
      { published: 8082, path: '/files/a.txt', answer: 'a' },
    ],
    needless: { files: NGINX_ENTRYPOINT },
    finds: { more: [LOW_PORT] },
  },
  {
    name: 'templates',
    title: 'nginx as it comes, with a template that its entrypoint fills in',
    traced: false,
    uids: { web: [101] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
  },
  {
    name: 'web-and-postgres',
    title: 'an application with uploads and a database, both with data from before: all of it is still there',
    unsafe: true,
    shared: { 'server.js': 'web/server.js' },
    uids: { web: [1000], db: [999] },
    asks: [...KEPT],
    between: 'as told',
    async running({ exec }, side) {
      if (side === 'before') await psql(exec, 'create table t (x text); insert into t values ($$kept$$)');
      assert.match(await psql(exec, 'select x from t'), 'kept');
    },
  },
  {
    name: 'redis',
    title: 'redis with and without a shell, with data from before that are given over by the command that the report names',
    unsafe: true,
    uids: { plain: [999], shell: [999] },
    asks: [],
    between: 'as told',
    async running({ exec }, side) {
      if (side === 'before') await exec('shell', ['redis-cli', 'set', 'key', 'kept']);
      assert.match(await exec('shell', ['redis-cli', 'get', 'key']), 'kept');
    },
  },
  {
    name: 'override',
    title: 'a file that is laid over another',
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
    finds: { web: [LOW_PORT] },
  },
  {
    name: 'anchors',
    title: 'services that share text by anchors and merge keys',
    uids: { one: [33], two: [33], cache: [999] },
    asks: [
      { published: 8081, path: '/', answer: 'hello\n' },
      { published: 8082, path: '/', answer: 'hello\n' },
    ],
    finds: { one: [LOW_PORT], two: [LOW_PORT] },
  },
  {
    name: 'target',
    title: 'a stage in the middle is what is built, and the one behind it needs root for its steps',
    shared: { 'server.js': 'server.js' },
    uids: { app: [1000], tools: [1000] },
    asks: [...KEPT],
  },
  {
    name: 'secrets',
    title: 'a secret that is a file which everybody may read',
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: 'a secret\n' }],
    finds: { web: [LOW_PORT] },
  },
  {
    name: 'php',
    title: 'php with apache as it comes, with the source mounted',
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
    finds: { web: [LOW_PORT] },
  },
  {
    name: 'inline',
    title: 'a Dockerfile inside the compose file',
    shared: { 'server.js': 'server.js' },
    uids: { web: [1000] },
    asks: [...KEPT],
  },
  {
    name: 'asked-for-root',
    title: 'root that a service asks for over an image that does without',
    unsafe: true,
    shared: { 'server.js': 'server.js' },
    uids: { web: [1000] },
    asks: [...KEPT],
    finds: { web: [/^strict: USER is node/] },
  },
  {
    name: 'nginx-that-installs',
    title: 'nginx on port 80, whose start script installs what its health check needs',
    traced: false,
    fetched: { 'nginx:latest': apt('curl') },
    uids: { web: [101] },
    asks: [
      { published: 8080, path: '/', answer: 'a page\n' },
      { published: 8080, path: '/health', answer: 'fine\n' },
    ],
    needless: { web: INSTALLED },
    // What was installed into the container is in the image now.
    finds: { web: [/^size: the image grew by \d+\.\d MB/] },
  },
  {
    name: 'node-that-installs',
    title: 'a proxy on port 80 in front of a server on port 80, which compose has run npm first',
    traced: false,
    fetched: { 'node:20': 'npm config set --global prefer-offline true && npm cache add ms@2.1.3' },
    uids: { proxy: [101], api: [1000] },
    asks: [{ published: 8080, path: '/7200000', answer: '7200000: 2 hours' }],
    needless: { api: [...INSTALLED, '/app/node_modules'] },
  },
  {
    name: 'python-that-installs',
    title: 'a Python server on port 80 with an entrypoint that installs what is missing',
    traced: false,
    fetched: { 'python:3.11-slim': apt('jq') },
    uids: { sum: [10001] },
    asks: [{ published: 8080, path: '/19+23', answer: '42\n' }],
    needless: { sum: INSTALLED },
  },
  {
    name: 'apache-that-installs',
    title: 'Apache on port 80 with a configuration of its own, which installs in its start command',
    traced: false,
    fetched: { 'httpd:2.4': apt('figlet') },
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: 'a page\n' }],
    needless: { web: INSTALLED },
  },
  {
    name: 'port-redirect',
    title: 'nginx with its own configuration on port 80: a folder without its slash, and what it thinks its port is, are told as before',
    traced: false,
    uids: { web: [101] },
    asks: [
      { published: 8080, path: '/docs/', answer: 'a page\n' },
      { published: 8080, path: '/port', answer: '80\n' },
      { published: 8081, path: '/docs', answer: '301 http://www.example.com/docs/' },
    ],
    needless: { web: NGINX_ENTRYPOINT },
  },
  {
    name: 'port-chain',
    title: 'a ready-made nginx in front of a built one in front of a server, all on port 80 and by their names',
    traced: false,
    uids: { edge: [101], middle: [101], api: [1000] },
    asks: [{ published: 8080, path: '/a', answer: 'asked for /a' }],
    needless: { edge: NGINX_ENTRYPOINT, middle: NGINX_ENTRYPOINT },
  },
  {
    name: 'port-apache',
    title: 'Apache with a virtual host on port 80',
    traced: false,
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: 'a page\n' }],
  },
  {
    name: 'port-php',
    title: 'php with apache, whose port 80 the image says',
    traced: false,
    uids: { web: [33] },
    asks: [{ published: 8080, path: '/', answer: '42\n' }],
  },
  {
    name: 'port-healthcheck',
    title: 'python -m http.server on port 80 with a health check, which another service waits for, and no EXPOSE or published port that names it',
    traced: false,
    uids: { site: [10001], ask: [1000] },
    asks: [
      { published: 8080, path: '/', answer: 'a page\n' },
      { published: 8081, path: '/', answer: '200 a page\n' },
    ],
  },
  {
    name: 'port-urls',
    title: 'a server that listens where ASPNETCORE_URLS in an env file says',
    traced: false,
    uids: { web: [1000] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
  },
  {
    name: 'port-datagrams',
    title: 'a server on port 53, for datagrams and for connections',
    traced: false,
    uids: { names: [1000] },
    asks: [
      { published: 8053, line: 'one', answer: 'connection one' },
      { published: 8081, path: '/two', answer: 'datagram two' },
    ],
  },
  {
    name: 'port-sysctl',
    title: 'a server whose source says port 80, which --sysctl lets it keep',
    traced: false,
    sysctl: true,
    uids: { web: [1000] },
    asks: [{ published: 8080, path: '/', answer: 'hello\n' }],
    finds: { web: [LOW_PORT] },
  },
];

async function psql(exec: RunningStack['exec'], statement: string): Promise<string> {
  return exec('db', ['psql', '--username', 'postgres', '--no-align', '--tuples-only', '--command', statement]);
}
