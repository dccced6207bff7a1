import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { transforms } from '../src/index.ts';
import { configSchema } from '../src/settings.ts';
import { plainEnvironment } from './command.ts';

const pack = suite('package');

pack('the tarball works through npx in an empty folder, as a command and as a library', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-pack-'));
  try {
    const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { filename: string }[];
    const tarball = join(folder, packed!.filename);
    const app = join(folder, 'app');
    mkdirSync(app);
    writeFileSync(join(app, 'Dockerfile'), 'FROM node:20\nCOPY . /app\nCMD ["node", "/app/index.js"]\n');
    const npx = (...args: string[]) => spawnSync('npx', ['--yes', '--offline', '--package', tarball, 'unroot', ...args], { cwd: app, encoding: 'utf8', env: plainEnvironment() });
    const diff = npx('.');
    assert.is(diff.status, 1, diff.stderr);
    assert.match(diff.stdout, /^\+USER 1000:1000$/m);
    assert.is(npx('--write', '.').status, 0);
    assert.match(readFileSync(join(app, 'Dockerfile'), 'utf8'), /^USER 1000:1000$/m);

    assert.match(npx('explain', 'run-as-user').stdout, /^\+USER 1000:1000$/m, 'examples are shipped');

    writeFileSync(join(app, 'package.json'), '{"type": "module"}');
    execFileSync('npm', ['install', '--offline', '--silent', tarball], { cwd: app });
    const use = "import { unroot } from 'unroot'; process.stdout.write(String(unroot(['.']).report.summary.verdicts.nonroot))";
    assert.is(execFileSync(process.execPath, ['--input-type=module', '-e', use], { cwd: app, encoding: 'utf8' }), '1');
    const useVerify = "import { verify } from 'unroot/verify'; verify(['.'], { engine: 'no-such-engine' }).catch(({ name }) => process.stdout.write(name))";
    assert.is(execFileSync(process.execPath, ['--input-type=module', '-e', useVerify], { cwd: app, encoding: 'utf8' }), 'NoEngineError');
    const schema = readFileSync(join(app, 'node_modules/unroot/dist/config.schema.json'), 'utf8');
    assert.equal(JSON.parse(schema), JSON.parse(JSON.stringify(configSchema(transforms.map(({ name }) => name)))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

pack.run();
