import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Report, unroot } from '../../src/index.ts';
import { startAhead } from './ahead.ts';
import { engineState } from './engine.ts';

/** A project whose data root has written, and that must still be there, and writable, once unroot and its report were followed. */
interface DataCase {
  title: string;
  /** Of `stacks/`, where it is one of those. */
  stack?: string;
  /** Files of `programs/shared/` that it takes, by where they go. */
  shared?: Record<string, string>;
  files?: Record<string, string>;
  /** Run in a service as it is: writes the data. */
  write: [service: string, ...command: string[]][];
  /** Run in a service as it is in the end: writes more, and prints all that must be there. */
  read: [prints: RegExp, service: string, ...command: string[]][];
  /** What the report must tell to do, word for word but for the project's name. */
  told: string[];
  /** Files of the repository that keep their owner. */
  kept?: string[];
}

const AT_ONCE = 2;
const APPEND = 'touch /data/new && cat /data/old && ls /data && id -u';

const CASES: DataCase[] = [
  {
    title: 'an application with uploads, and postgres',
    stack: 'web-and-postgres',
    shared: { 'server.js': 'web/server.js' },
    write: [['web', 'sh', '-c', 'echo kept > /data/old'], ['db', 'psql', '-U', 'postgres', '-c', "create table t (x text); insert into t values ('rows')"]],
    read: [[/^kept\nnew\nold\n1000\n$/, 'web', 'sh', '-c', APPEND], [/rows/, 'db', 'psql', '-U', 'postgres', '-c', 'select x from t']],
    told: ['docker compose run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown web -R 1000:1000 /data'],
  },
  {
    title: 'without any capability',
    shared: { 'server.js': 'app/server.js' },
    files: { 'compose.yaml': 'services:\n  web:\n    image: node:20\n    cap_drop: [ALL]\n    read_only: true\n    command: node /app/server.js\n    environment:\n      DIR: /data\n    volumes:\n      - ./app:/app:ro\n      - data:/data\nvolumes:\n  data:\n' },
    write: [['web', 'sh', '-c', 'echo kept > /data/old']],
    read: [[/^kept\nnew\nold\n1000\n$/, 'web', 'sh', '-c', APPEND]],
    told: ['docker compose run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown web -R 1000:1000 /data'],
  },
  {
    title: 'source mounted below the data keeps its owner',
    files: { 'compose.yaml': 'services:\n  web:\n    image: php:8.2-apache\n    volumes:\n      - data:/data\n      - ./theme:/data/theme\nvolumes:\n  data:\n', 'theme/style.css': 'body {}\n' },
    write: [['web', 'sh', '-c', 'echo kept > /data/old']],
    read: [[/^kept\nnew\nold\ntheme\n33\n$/, 'web', 'sh', '-c', APPEND]],
    told: ['docker run --rm --user 0 --entrypoint chown -v PROJECT_data:/data php:8.2-apache -R 33:33 /data'],
    kept: ['theme', 'theme/style.css'],
  },
  {
    title: 'an image without chown has a helper',
    shared: { 'main.go': 'main.go' },
    files: {
      Dockerfile: 'FROM golang:1.19 AS build\nWORKDIR /src\nCOPY main.go .\nRUN CGO_ENABLED=0 GO111MODULE=off go build -o /server main.go\n\nFROM scratch\nCOPY --from=build /server /server\nCMD ["/server"]\n',
      'compose.yaml': 'services:\n  web:\n    build: .\n    volumes:\n      - data:/data\n  look:\n    image: busybox\n    command: sleep infinity\n    volumes:\n      - data:/data\nvolumes:\n  data:\n',
    },
    write: [['look', 'sh', '-c', 'mkdir -m 700 /data/closed && echo kept > /data/closed/old']],
    read: [[/^10001:10001\n10001:10001\n$/, 'look', 'stat', '-c', '%u:%g', '/data', '/data/closed/old']],
    told: ['docker run --rm --user 0 -v PROJECT_data:/data busybox chown -R 10001:10001 /data'],
  },
  {
    title: 'a volume without a name goes over to the new container',
    files: { 'compose.yaml': 'services:\n  cache:\n    image: redis:7\n    command: sh -c "exec redis-server"\n' },
    write: [['cache', 'sh', '-c', 'redis-cli set key kept && redis-cli save']],
    read: [[/^kept\n$/, 'cache', 'redis-cli', 'get', 'key'], [/^OK\n999\n$/, 'cache', 'sh', '-c', 'redis-cli save && stat -c %u /data/dump.rdb']],
    told: ['docker run --rm --user 0 --entrypoint chown --volumes-from "$(docker compose ps --all --quiet cache)" redis:7 -R 999:999 /data'],
  },
  {
    title: 'a folder of the host',
    files: { '.gitignore': 'state/\n', 'compose.yaml': 'services:\n  cache:\n    image: redis:7\n    command: sh -c "exec redis-server"\n    volumes:\n      - ./state:/data\n' },
    write: [['cache', 'sh', '-c', 'redis-cli set key kept && redis-cli save']],
    read: [[/^kept\n$/, 'cache', 'redis-cli', 'get', 'key'], [/^OK\n999\n$/, 'cache', 'sh', '-c', 'redis-cli save && stat -c %u /data/dump.rdb']],
    told: ['docker compose run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown cache -R 999:999 /data'],
  },
  {
    title: 'paths with blanks and quotes',
    files: {
      '.gitignore': "it's data/\n",
      'compose.yaml': "services:\n  web:\n    image: php:8.2-apache\n    volumes:\n      - \"./it's data:/my data\"\n      - ./theme:/my data/theme\n      - more:/more $$data\nvolumes:\n  more:\n",
      'theme/style.css': 'body {}\n',
    },
    write: [['web', 'sh', '-c', 'echo kept > "/my data/old"; echo more > "/more \\$data/old"']],
    read: [[/^kept\nmore\nnew\nold\ntheme\n33\n$/, 'web', 'sh', '-c', 'cd "/my data" && touch new "/more \\$data/new" && cat old "/more \\$data/old" && ls && id -u']],
    told: [
      "docker run --rm --user 0 --entrypoint chown -v \"$PWD\"/'it'\\''s data':'/my data' php:8.2-apache -R 33:33 '/my data'",
      "docker compose run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown web -R 33:33 '/more $data'",
    ],
    kept: ['theme', 'theme/style.css'],
  },
  {
    title: 'a folder that one service writes and another serves',
    files: {
      '.gitignore': 'html/\n',
      'compose.yaml': 'services:\n  web:\n    image: nginx:alpine\n    volumes:\n      - ./html:/usr/share/nginx/html\n  php:\n    image: php:8.2-apache\n    volumes:\n      - ./html:/var/www/html\n',
    },
    write: [['php', 'sh', '-c', 'echo kept > /var/www/html/old']],
    read: [[/^33\n$/, 'php', 'sh', '-c', 'echo new > /var/www/html/new && id -u'], [/^keptnew101$/, 'web', 'sh', '-c', 'echo "$(wget -qO- http://localhost/old)$(wget -qO- http://localhost/new)$(id -u)" | tr -d "\\n"']],
    told: ['docker compose run --rm --no-deps --user 0 --cap-add CHOWN --entrypoint chown php -R 33:33 /var/www/html'],
  },
];

const data = suite('data that root wrote');
const { answers } = engineState();
const test = answers ? data : data.skip;
const proofs = answers ? startAhead(CASES.map((one, index) => () => prove(one, index)), AT_ONCE) : [];

CASES.forEach(({ title }, index) => test(title, () => proofs[index]));

data.run();

/** Brings it up as it is, writes data, follows the report to the letter, brings it up again, and reads. */
async function prove({ stack, shared = {}, files = {}, write, read, told, kept = [] }: DataCase, index: number): Promise<void> {
  const project = `unroot-data-${process.pid}-${index}`;
  const parent = mkdtempSync(join(tmpdir(), 'unroot-engine-'));
  const folder = join(parent, project);
  const run = (...command: [string, ...string[]]) => execute(folder, command);
  const compose = (...args: string[]) => run('docker', 'compose', ...args);
  try {
    mkdirSync(folder);
    if (stack) cpSync(join('test/engine/stacks', stack), folder, { recursive: true });
    for (const [from, to] of Object.entries(shared)) cpSync(join('test/engine/programs/shared', from), join(folder, to));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const owners = kept.map((path) => statSync(join(folder, path)).uid);
    await compose('up', '--detach', '--build', '--wait');
    for (const [service, ...command] of write) await eventually(() => compose('exec', '-T', service, ...command));
    const commands = commandsTold(unroot(['.'], { cwd: folder, write: true, unsafe: true }).report);
    assert.equal(commands.map((line) => line.replace(project, 'PROJECT')), told);
    await compose('stop', '--timeout', '1');
    for (const line of commands) await run('sh', '-c', line);
    await compose('up', '--detach', '--build', '--wait');
    for (const [prints, service, ...command] of read) assert.match(await eventually(() => compose('exec', '-T', service, ...command)), prints);
    assert.equal(kept.map((path) => statSync(join(folder, path)).uid), owners, 'the source belongs to whom it belonged');
  } finally {
    await compose('down', '--timeout', '1', '--volumes', '--rmi', 'local');
    rmSync(parent, { recursive: true, force: true });
  }
}

/** What the report says has to be done once with services stopped, as it is typed. */
function commandsTold({ services }: Report): string[] {
  const lines = [...new Set(services.flatMap(({ reasons }) => reasons.flatMap(({ advice }) => advice?.split('\n') ?? [])))];
  return lines.flatMap((one) => /^once, with .* stopped.*?: (docker .*)$/.exec(one)?.[1] ?? []);
}

/** Tries again for a while: a database takes its time. */
async function eventually(work: () => Promise<string>): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function execute(cwd: string, [command, ...args]: readonly [string, ...string[]]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, encoding: 'utf8', timeout: 300_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => (error ? reject(new Error(`${command} ${args.join(' ')}: ${stderr || error.message}`)) : resolve(stdout)));
  });
}
