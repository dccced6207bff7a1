import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMap, readYaml } from '../src/compose/yaml.ts';
import { parseDockerfile } from '../src/dockerfile/parse.ts';
import { unroot } from '../src/index.ts';
import { fixtures, treeOf } from './fixtures.ts';

const installs = suite('installs');

installs('bash reads every script, command and step that a fix leaves', () => {
  let read = 0;
  for (const { name, directory, transform, keepsAway } of fixtures()) {
    if (keepsAway || (transform !== 'runtime-install' && transform !== '_together')) continue;
    const after = join(directory, 'after');
    for (const path of treeOf(after).keys()) {
      for (const script of scriptsIn(join(after, path))) {
        assert.is(complaint(script), '', `${name}: ${path}: ${script}`);
        read += 1;
      }
    }
  }
  assert.ok(read >= 60, `${read} scripts`);
});

installs('bash would say so', () => {
  assert.not.equal(complaint('if true; then\nfi'), '');
});

installs('a service of a ready-made image gets a Dockerfile to copy, with the lines that go with it', () => {
  const [service] = unroot(['.'], { cwd: 'fixtures/runtime-install/a-ready-made-image-gets-a-dockerfile-to-copy/before' }).report.services;
  assert.equal(service!.reasons.map(({ advice }) => advice?.split('\n')), [
    [
      'build an image that has them, in web.Dockerfile:',
      '  FROM node:20',
      '  WORKDIR /app',
      '  COPY package.json package-lock.json ./',
      '  RUN NODE_ENV=production npm ci',
      'and say so in compose.yaml, in place of image: and what installs:',
      '  build:',
      '    context: .',
      '    dockerfile: web.Dockerfile',
      '  command: npm start',
      '  volumes, beside those that are there:',
      '    - /app/node_modules',
    ],
  ]);
});

installs.run();

/** What shells read of a file: a script, what instructions run, what services start. */
function scriptsIn(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const name = basename(path);
  if (/Dockerfile/.test(name)) return instructionsIn(text);
  if (/\.ya?ml$/.test(name)) return commandsIn(text);
  return /\.sh$/.test(name) || /^#!.*sh\b/.test(text) ? [text] : [];
}

function instructionsIn(text: string): string[] {
  const instructions = parseDockerfile(text).stages.flatMap((stage) => stage.instructions);
  return instructions.flatMap(({ keyword, json, args, heredocs }) => {
    if (!['RUN', 'CMD', 'ENTRYPOINT'].includes(keyword) || heredocs.length > 0) return [];
    return json ? carried(json) : [args.replace(/^(--[\w-]+(=\S+)?\s+)+/, '')];
  });
}

function commandsIn(text: string): string[] {
  const [document] = readYaml(text);
  const services = isMap(document) && isMap(document.services) ? Object.values(document.services).filter(isMap) : [];
  return services.flatMap(({ command, entrypoint }) =>
    [command, entrypoint].flatMap((value) => {
      if (typeof value === 'string') return [value.replaceAll('$$', '$')];
      return Array.isArray(value) ? carried(value.map((word) => String(word).replaceAll('$$', '$'))) : [];
    }),
  );
}

/** The script that a list of words hands to a shell. */
function carried(words: readonly string[]): string[] {
  const flag = words.findIndex((word) => /^-\w*c$/.test(word));
  return flag > 0 && words[flag + 1] !== undefined ? [words[flag + 1]!] : [];
}

/** What `bash -n` says; nothing for a script that it reads. Line ends of Windows are what the build takes out. */
function complaint(script: string): string {
  try {
    execFileSync('bash', ['-n'], { input: script.replaceAll('\r\n', '\n'), stdio: ['pipe', 'pipe', 'pipe'] });
    return '';
  } catch (error) {
    return (error as { stderr: Buffer }).stderr.toString();
  }
}
