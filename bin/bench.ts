/**
 * npm run bench -- DIR…: how fast the built command is, each figure beside what it is to be held
 * against, all measured in one run: files and megabytes a second and peak memory beside the time of
 * reading the same files alone; the start-up of `--version` beside an empty Node program; and the
 * time of single files that are as large as files may be, which must grow no faster than they do.
 * Times are wall-clock, the median of several runs, in processes of their own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { discover } from '../src/discover.ts';
import { MAX_FILE_BYTES } from '../src/disk.ts';

const COMMAND = join(dirname(fileURLToPath(import.meta.url)), '../dist/bin/unroot.js');
const RUNS = 3;
const STARTS = 15;

/** Node reports on itself when it ends, through a pipe of its own. */
const REPORT = 'data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>{const{maxRSS,userCPUTime,systemCPUTime}=process.resourceUsage();writeSync(3,JSON.stringify([maxRSS,userCPUTime+systemCPUTime]))})';

if (!existsSync(COMMAND)) {
  console.error('there is no built command; npm run build makes it');
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'unroot-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const folders = process.argv.slice(2).map((path) => resolve(path));
console.log(`Node ${process.version}`);
for (const folder of folders.length > 0 ? folders : [process.cwd()]) throughput(folder);
startUp();
largeFiles();

/** One process over a whole folder: reading, deciding, checking, reporting. */
function throughput(folder: string): void {
  const { files } = discover([folder], folder);
  const megabytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
  if (files.length === 0) return console.log(`\n${folder}: no Dockerfile and no compose file`);
  const readings = times(RUNS, () => timed(() => files.forEach(({ absolute }) => readFileSync(absolute))).ms);
  const runs = times(RUNS, () => run(['--check', folder]));
  const ms = median(runs.map((one) => one.ms));
  console.log(`\n${folder}: ${files.length} files, ${megabytes.toFixed(2)} MB, median of ${RUNS}`);
  row('unroot --check', `${ms.toFixed(0)} ms, ${((1000 * files.length) / ms).toFixed(0)} files/s, ${((1000 * megabytes) / ms).toFixed(1)} MB/s`);
  row('processor time, all threads', `${median(runs.map(({ cpuMs }) => cpuMs)).toFixed(0)} ms`);
  row('peak memory', `${Math.max(...runs.map(({ peakMb }) => peakMb)).toFixed(0)} MB`);
  row('reading the same files alone', `${median(readings).toFixed(0)} ms`);
}

/** In turn, so that what else the machine does falls on both alike. */
function startUp(): void {
  const empty = join(scratch, 'empty.mjs');
  writeFileSync(empty, '');
  const pairs = times(STARTS, () => [node([COMMAND, '--version']), node([empty])] as const);
  const [ours, nodes] = [median(pairs.map(([one]) => one)), median(pairs.map(([, other]) => other))];
  console.log(`\nstart-up, median of ${STARTS} in turn`);
  row('unroot --version', `${ours.toFixed(0)} ms, ${median(pairs.map(([one, other]) => one / other)).toFixed(2)} times an empty Node program (${nodes.toFixed(0)} ms)`);
}

function largeFiles(): void {
  console.log('\nlarge files, one each');
  for (const [name, text] of Object.entries(cases())) {
    const folder = join(scratch, 'large');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), text);
    const { ms, status, said } = run(['--check', '--unsafe', folder]);
    row(`${name} (${(Buffer.byteLength(text) / 1e6).toFixed(2)} MB)`, `${ms.toFixed(0)} ms, ${status === 2 ? 'refused: ' : ''}${said}`);
  }
}

function cases(): Record<string, string> {
  const start = 'FROM node:20\nWORKDIR /app\n';
  const end = 'CMD ["node", "server.js"]\n';
  const lines = (count: number, line: (index: number) => string) => Array.from({ length: count }, (_, index) => line(index)).join('\n');
  const upToLimit = (line: string) => `${line}\n`.repeat(Math.floor((MAX_FILE_BYTES - 200) / (line.length + 1)));
  return {
    '100,000 lines of RUN': `${start}${lines(100_000, () => 'RUN a')}\n${end}`,
    '100,000 lines of one RUN': `${start}RUN true \\\n${lines(100_000, () => ' a b \\')}\n c\n${end}`,
    '20,000 stages': `${lines(20_000, (index) => `FROM node:20 AS s${index}`)}\n${end}`,
    '20,000 stages, each on the last': `FROM node:20 AS s0\n${lines(20_000, (index) => `FROM s${index} AS s${index + 1}`)}\n${end}`,
    '20,000 comments': `${start}${lines(20_000, (index) => `# comment ${index}`)}\n${end}`,
    '20,000 ENV': `${start}${lines(20_000, (index) => `ENV V${index}=$V${index - 1}`)}\n${end}`,
    '20,000 COPY': `${start}${lines(20_000, (index) => `COPY f${index} /app/f${index}`)}\n${end}`,
    '20,000 VOLUME': `${start}${lines(20_000, (index) => `VOLUME /srv/d${index}`)}\n${end}`,
    '20,000 RUN with a directory and an account': `${start}${lines(20_000, (index) => `RUN mkdir -p /srv/d${index} && useradd u${index}`)}\n${end}`,
    'a RUN of 1 MB that writes 20,000 files': `${start}RUN true \\\n${lines(20_000, (index) => ` && echo text >> /srv/conf/number/f${index} \\`)}\n && true\n${end}`,
    'a RUN of 1 MB': `${start}RUN true \\\n${upToLimit(' && mkdir -p /app/data/one/two/three \\')} && true\n${end}`,
    'a RUN of 1 MB in a heredoc': `${start}RUN <<EOF\n${upToLimit('mkdir -p /app/data/one/two/three')}EOF\n${end}`,
    'a RUN of 1 MB in one line': `${start}RUN ${'a'.repeat(MAX_FILE_BYTES - 200)}\n${end}`,
  };
}

interface Run {
  ms: number;
  cpuMs: number;
  peakMb: number;
  status: number | null;
  /** What it said first, in short. */
  said: string;
}

function run(args: string[]): Run {
  const { ms, value } = timed(() => spawnSync(process.execPath, ['--import', REPORT, COMMAND, ...args], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], encoding: 'utf8', maxBuffer: 1 << 28 }));
  const [kilobytes, cpu] = JSON.parse(value.output[3] || '[0,0]') as [number, number];
  const [first = ''] = value.stderr.split('\n');
  return { ms, cpuMs: cpu / 1000, peakMb: kilobytes / 1000, status: value.status, said: first.replace(/^\S+ +/, '').replace(/ +/g, ' ').slice(0, 90) };
}

function node(args: string[]): number {
  return timed(() => spawnSync(process.execPath, args, { stdio: 'ignore' })).ms;
}

function timed<T>(act: () => T): { ms: number; value: T } {
  const began = performance.now();
  const value = act();
  return { ms: performance.now() - began, value };
}

function times<T>(count: number, act: () => T): T[] {
  return Array.from({ length: count }, act);
}

function median(values: number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function row(name: string, figure: string): void {
  console.log(`  ${name.padEnd(44)}${figure}`);
}
