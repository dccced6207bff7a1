import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OPTIONS } from '../src/cli/options.ts';
import { EXIT } from '../src/cli/exit.ts';
import { transforms } from '../src/index.ts';

const authors = suite('for authors of transforms');
const readme = readFileSync('README.md', 'utf8');

/** One of the commands in bin/, in a folder of its own or here. */
function command(name: string, args: string[] = [], cwd = '.') {
  return spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), resolve('bin', `${name}.ts`), ...args], { cwd, encoding: 'utf8' });
}

authors('the README says what the transforms, rules and settings say; npm run docs mends it', () => {
  const run = command('docs', ['--check']);
  assert.is(run.status, 0, run.stderr);
  for (const { name, summary } of transforms) assert.match(readme, `| \`${name}\` | ${summary} |`);
});

authors('a README that is stale is told apart', () => {
  withFolder((folder) => {
    writeFileSync(join(folder, 'README.md'), readme.replace(transforms[0]!.summary, 'something else'));
    assert.match(command('docs', ['--check'], folder).stderr, /npm run docs mends it/);
    assert.is(command('docs', ['--check'], folder).status, 1);
    assert.is(command('docs', [], folder).status, 0);
    assert.is(readFileSync(join(folder, 'README.md'), 'utf8'), readme);
  });
});

authors('the README has every option and every exit status', () => {
  for (const name of Object.keys(OPTIONS)) assert.match(readme, new RegExp(`\`--${name}[ \`]`), `--${name}`);
  for (const status of Object.values(EXIT)) assert.match(readme, new RegExp(`^\\| ${status} \\|`, 'm'));
});

authors('the README names every file that it links to', () => {
  for (const [, path] of readme.matchAll(/\]\(((?!https?:|#)[^)]+)\)/g)) assert.ok(existsSync(path!), path);
});

authors('npm run new lays down a transform that type-checks and its fixtures, and overwrites nothing', () => {
  withFolder((folder) => {
    for (const name of ['transforms', 'fixtures']) mkdirSync(join(folder, name));
    symlinkSync(resolve('src'), join(folder, 'src'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const run = command('new', ['rename-ports'], folder);
    assert.is(run.status, 0, run.stderr);
    assert.match(run.stdout, "import { renamePorts } from './rename-ports.ts'");
    const [keeps, acts] = readdirSync(join(folder, 'fixtures/rename-ports')).sort();
    assert.equal([keeps, acts].map((name) => readdirSync(join(folder, 'fixtures/rename-ports', name!)).sort()), [['before', 'expect.txt'], ['after', 'before', 'expect.txt']]);

    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: resolve('tsconfig.json'), include: ['transforms'] }));
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '--noEmit'], { cwd: folder, stdio: 'inherit' });

    const again = command('new', ['rename-ports'], folder);
    assert.is(again.status, 2);
    assert.match(again.stderr, /transforms\/rename-ports\.ts is there already; take another name/);
    assert.is(command('new', ['Ports'], folder).status, 2);
    assert.is(command('new', [], folder).status, 2);
  });
});

authors.run();

function withFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'unroot-authors-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
