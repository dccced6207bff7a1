/**
 * npm run corpus -- DIR…: a dry run over any folders. Each entry of a DIR (a repository, or a file of
 * a flat folder) is a run of its own. Prints targets and services by verdict and reason and fixes by
 * safety; its failures are crashes, results that don't parse, second runs that change something, and
 * bytes changed outside an edit. Exits 1 on any. `--list RULE|VERDICT|SAFETY` lists what falls under it.
 * `--config` asks Docker Compose as well what it makes of every compose file that compose-user changes,
 * before and after: what was meant to change apart, a variant's own paths and ports among it, both must be
 * the same. `--twice` writes what changes into a copy of each repository and runs there again, Dockerfiles
 * and compose files together: nothing may be left to do.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { readComposeFile } from '../src/compose/file.ts';
import { kindOf } from '../src/discover.ts';
import { parseDockerfile } from '../src/dockerfile/parse.ts';
import { applyEdits } from '../src/edit.ts';
import { type Result, type ServiceReport, unroot, unrootText } from '../src/index.ts';

const args = process.argv.slice(2);
const listAt = args.indexOf('--list');
const wanted = listAt < 0 ? undefined : args.splice(listAt, 2)[1];
const asksCompose = args.includes('--config') && args.splice(args.indexOf('--config'), 1).length > 0;
const runsTwice = args.includes('--twice') && args.splice(args.indexOf('--twice'), 1).length > 0;
const folders = args.length > 0 ? args : ['.'];

const verdicts = new Map<string, number>();
const reasons = new Map<string, number>();
const services = new Map<string, number>();
const serviceReasons = new Map<string, number>();
const configs = new Map<string, number>();
const fixes = new Map<string, number>();
const again = new Map<string, number>();
const failures: string[] = [];
const errors: string[] = [];
const empty = mkdtempSync(join(tmpdir(), 'unroot-corpus-'));
process.on('exit', () => rmSync(empty, { recursive: true, force: true }));
/** What a fix may change: whom the service runs as, with what goes with it. */
const MEANT = ['user', 'tmpfs', 'environment', 'image'];
/** What a variant of an image may have elsewhere. */
const INSIDE = ['volumes', 'ports', 'expose'];
let files = 0;
let targets = 0;
let rootTargets = 0;

for (const folder of folders) for (const unit of unitsOf(resolve(folder))) runOne(unit);

print('verdict', verdicts);
print('reason', reasons);
print('fix', fixes);
print('verdict of services', services);
print('reason of services', serviceReasons);
if (runsTwice) print('second run of a repository', again);
if (asksCompose) print('what Docker Compose says', configs);
const safe = fixes.get('safe') ?? 0;
const unsafe = fixes.get('unsafe') ?? 0;
console.log(`\n${files} files, ${targets} targets, ${rootTargets} root targets: ${safe} safe (${percent(safe)}), ${safe + unsafe} with --unsafe (${percent(safe + unsafe)})`);
console.log(`${errors.length} files refused, ${failures.length} failures`);
for (const error of errors.slice(0, 20)) console.log(`  refused ${error}`);
for (const failure of failures) console.log(`  FAILED ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** A repository or folder is one run; a flat folder of Dockerfiles is a run per file. */
function unitsOf(folder: string): string[] {
  const entries = readdirSync(folder).filter((name) => name !== '.git' && name !== 'node_modules');
  const flat = entries.filter((name) => kindOf(name)).length > 20;
  if (flat) return entries.filter((name) => kindOf(name)).map((name) => join(folder, name));
  const repositories = entries.map((name) => join(folder, name)).filter((path) => existsSync(join(path, '.git')));
  return repositories.length > 0 ? repositories : [folder];
}

function runOne(path: string): void {
  let result: Result;
  try {
    result = unroot([path], { unsafe: true, cwd: statSync(path).isDirectory() ? path : undefined });
  } catch (error) {
    failures.push(`${path}: crash: ${error instanceof Error ? error.stack : String(error)}`);
    return;
  }
  count(path, result);
  if (asksCompose) compareConfigs(path);
  if (runsTwice && result.changes.size > 0) runAgain(path);
  for (const [name, change] of result.changes) verify(`${path} ${name}`, result, name, change);
}

function count(path: string, { report, diff }: Result): void {
  files += report.files.length;
  targets += report.targets.length;
  for (const target of report.targets) {
    add(verdicts, target.verdict);
    if (target.verdict !== 'nonroot') rootTargets += 1;
    const names = [...new Set(target.reasons.map(({ rule }) => rule))];
    for (const rule of names) add(reasons, `${target.verdict} ${rule}`);
    if (target.verdict === 'fixable' && target.userAfter) add(fixes, target.safety ?? 'safe');
    if (wanted && (names.includes(wanted as never) || target.verdict === wanted || (target.verdict === 'fixable' && target.safety === wanted))) {
      console.log(`${path} ${target.path}:${target.line} ${target.verdict} ${target.safety ?? ''}`);
      for (const reason of target.reasons) console.log(`    ${reason.rule}: ${reason.message}`);
    }
  }
  for (const service of report.services) {
    add(services, service.runs ? `${service.verdict}, as its target` : service.verdict);
    if (service.runs) continue;
    const rule = service.reasons[0]?.rule;
    add(serviceReasons, `${service.verdict} ${rule ?? service.safety ?? ''}`);
    if (wanted && (rule === wanted || service.verdict === wanted)) console.log(`${path} ${service.path}:${service.line} (${service.name}) ${service.verdict} ${service.reasons[0]?.message ?? ''}`);
  }
  for (const { path: name, error, errorLine } of report.files) if (error) errors.push(`${path} ${name}:${errorLine} ${error}`);
  for (const { skipped, path: name } of report.findings) if (skipped?.includes('bug of unroot')) failures.push(`${path} ${name}: ${skipped}`);
  void diff;
}

/** The checks that the engine makes, made again from outside. */
function verify(where: string, { report }: Result, name: string, { before, after }: { before: string; after: string }): void {
  const { edits } = report.files.find((file) => file.path === name)!;
  if (applyEdits(before, edits) !== after) failures.push(`${where}: bytes changed outside an edit`);
  const kind = kindOf(name);
  try {
    if (kind === 'dockerfile') parseDockerfile(after);
    if (kind === 'compose') readComposeFile(name, name, after);
  } catch (error) {
    failures.push(`${where}: the result does not parse: ${String(error)}`);
    return;
  }
  if (kind !== 'dockerfile') return; // what it builds and mounts is not there; the run itself has looked
  const second = unrootText(name, after, { unsafe: true, cwd: empty });
  const target = second.report.targets.at(-1);
  // Away from its compose file the target is the last stage: another one can't be compared.
  const [own, ...more] = report.targets.filter((one) => one.path === name);
  if (more.length === 0 && own?.stage === target?.stage && target?.verdict === 'fixable') failures.push(`${where}: a second run would change it again`);
}

/** A run over what a run has written, in a copy. */
function runAgain(path: string): void {
  if (!statSync(path).isDirectory()) return;
  const copy = mkdtempSync(join(tmpdir(), 'unroot-corpus-'));
  try {
    cpSync(path, copy, { recursive: true, verbatimSymlinks: true, filter: (one) => !['.git', 'node_modules'].includes(basename(one)) });
    unroot(['.'], { unsafe: true, cwd: copy, write: true });
    const { report, changes } = unroot(['.'], { unsafe: true, cwd: copy });
    for (const { path: name, line, message, status } of report.findings) if (status === 'pending') failures.push(`${path} ${name}:${line}: a second run would change it again: ${message}`);
    add(again, changes.size === 0 ? 'nothing left to do' : 'something left to do');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Compose's own reading of the files that compose-user changes, before and after. */
function compareConfigs(path: string): void {
  if (!statSync(path).isDirectory()) return;
  const { report, changes } = unroot([path], { unsafe: true, cwd: path, only: ['compose-user'] });
  for (const [name, { before, after }] of changes) {
    const folder = dirname(join(path, name));
    const was = composeConfig(before, folder);
    if (was === undefined) {
      add(configs, 'not taken as it was');
      continue;
    }
    const is = composeConfig(after, folder);
    const fixed = report.services.filter((service) => service.path === name && service.verdict === 'fixable' && !service.runs);
    const wrong = is === undefined ? 'it is not taken any more' : differenceBesides(was, is, fixed);
    add(configs, wrong === undefined ? 'the same besides what was meant' : 'something else');
    if (wrong !== undefined) failures.push(`${path} ${name}: docker compose config: ${wrong}`);
  }
}

interface ComposeConfig {
  services: Record<string, Record<string, unknown>>;
}

function composeConfig(text: string, folder: string): ComposeConfig | undefined {
  const run = spawnSync('docker', ['compose', '--project-name', 'corpus', '--project-directory', folder, '-f', '-', 'config', '--format', 'json', '--no-interpolate'], { cwd: folder, input: text, encoding: 'utf8' });
  return run.status === 0 ? (JSON.parse(run.stdout) as ComposeConfig) : undefined;
}

function differenceBesides(was: ComposeConfig, is: ComposeConfig, fixed: readonly ServiceReport[]): string | undefined {
  for (const { name, userAfter, image } of fixed) {
    const [before, after] = [was.services[name], is.services[name]];
    if (!before || !after) return `${name} is gone`;
    const user = after.user === undefined ? undefined : String(after.user);
    if (user !== userAfter && after.image === image && before.user === after.user) return `${name} runs as ${user ?? 'nobody in particular'}, not ${userAfter ?? '?'}`;
    // A variant of the image has other paths and ports inside, which its health check asks; which folder or port of the host they meet stays.
    if (before.image !== after.image) {
      for (const key of INSIDE) if (hostSides(before[key]) === hostSides(after[key])) after[key] = before[key];
      if ('healthcheck' in before && 'healthcheck' in after) after.healthcheck = before.healthcheck;
    }
    for (const key of MEANT) {
      if (key in before) after[key] = before[key];
      else delete after[key];
    }
  }
  return JSON.stringify(sorted(was)) === JSON.stringify(sorted(is)) ? undefined : 'more has changed than was meant';
}

/** Mounts or ports without what is the container's own of them. */
function hostSides(list: unknown): string {
  return JSON.stringify(Array.isArray(list) ? list.map((one) => (typeof one === 'object' ? sorted({ ...one, target: undefined }) : typeof one)) : list);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, one]) => [key, sorted(one)]));
}

function add(into: Map<string, number>, key: string): void {
  into.set(key, (into.get(key) ?? 0) + 1);
}

function print(title: string, counted: Map<string, number>): void {
  console.log(`\nby ${title}`);
  for (const [key, number] of [...counted].sort((one, other) => other[1] - one[1])) console.log(`  ${String(number).padStart(6)}  ${key}`);
}

function percent(number: number): string {
  return rootTargets === 0 ? '0 %' : `${((100 * number) / rootTargets).toFixed(1)} %`;
}
