/** Bundles what is published: the command, split so that each part is loaded when needed, the library with its types, the configuration's schema for editors, and the examples of `unroot explain`. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { examplesFrom } from '../src/cli/examples.ts';
import { RULES } from '../src/index.ts';
import { configSchema } from '../src/settings.ts';
import { transforms } from '../transforms/index.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['bin/unroot.ts', 'src/index.ts', 'src/verify/index.ts'],
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  // yaml's CommonJS build asks for node:process in a way that ESM bundles lack; its browser build is ESM and needs nothing.
  alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
  banner: { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" },
});
chmodSync(join(dist, 'bin/unroot.js'), 0o755);
writeFileSync(join(dist, 'config.schema.json'), `${JSON.stringify(configSchema(transforms.map(({ name }) => name)), null, 2)}\n`);
writeFileSync(join(dist, 'examples.json'), JSON.stringify(examplesFrom(join(root, 'fixtures'), [...transforms.map(({ name }) => name), ...Object.keys(RULES)])));
writeFileSync(join(dist, 'THIRD-PARTY.txt'), licences(Object.keys(metafile.inputs)));
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'bin/types.tsconfig.json')], { stdio: 'inherit' });

/** The licences of the packages that the bundle holds, which ask to go with it. */
function licences(inputs: string[]): string {
  const packages = new Set(inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
  return [...packages].sort().map(licence).join('\n\n');
}

function licence(name: string): string {
  const directory = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string; license: string };
  const file = existsSync(directory) ? readdirSync(directory).find((one) => /^licen[cs]e/i.test(one)) : undefined;
  return `${name} ${version} (${license})\n${file ? readFileSync(join(directory, file), 'utf8').trim() : ''}`;
}
