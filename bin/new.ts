/**
 * npm run new -- NAME: lays down a transform and its first two fixtures, one that it acts on and one
 * that it leaves alone, and says what is left to do. Nothing that is there already is overwritten.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [name = '', ...more] = process.argv.slice(2);
if (more.length > 0 || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) stop('npm run new -- NAME takes one name, of lower-case words with hyphens: npm run new -- low-ports');

const acts = 'the-case-that-shows-it-best';
const keeps = 'a-case-that-it-leaves-alone';
const exported = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const fixtures = join('fixtures', name);
const dockerfile = 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD ["node", "server.js"]\n';

const files: Record<string, string> = {
  [join('transforms', `${name}.ts`)]: transform(),
  [join(fixtures, acts, 'before/Dockerfile')]: dockerfile,
  [join(fixtures, acts, 'after/Dockerfile')]: dockerfile,
  [join(fixtures, acts, 'expect.txt')]: 'One sentence: why this case is here.\n',
  [join(fixtures, keeps, 'before/Dockerfile')]: dockerfile,
  [join(fixtures, keeps, 'expect.txt')]: 'One sentence: why this is to be left alone.\n',
};

const taken = [join('transforms', `${name}.ts`), fixtures].find((path) => existsSync(path));
if (taken !== undefined) stop(`${taken} is there already; take another name`);
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(path);
}
console.log(`
What is left:
1. Rename the cases after what they show (the folder's name is the sentence), and write into before/ what
   is there and into after/ what you would have written yourself. No after/ means: stays as it is.
2. transforms/index.ts: import { ${exported} } from './${name}.ts', and put it into a phase.
3. transforms/${name}.ts: make the findings, until npm test finds those bytes.
4. UNROOT_UPDATE=1 npm test writes what it says into expect.txt: read it. npm run docs tells the README.`);

function transform(): string {
  return `import type { FileEdit } from '../src/edit.ts';
import { isOursToChange } from '../src/facts/keep-away/index.ts';
import type { Target } from '../src/project.ts';
import type { Finding, Transform } from '../src/transform.ts';

export const ${exported}: Transform = {
  name: '${name}',
  summary: 'one line: what is there, and what becomes of it',
  docs: \`What it does, and how.

When it stays away, and what is left to do by hand then.\`,
  setsUser: false,
  example: '${acts}',
  *apply({ project }) {
    for (const target of project.targets) {
      if (!isOursToChange(target, '${name}')) continue;
      const finding = findingOn(target);
      if (finding) yield finding;
    }
  },
};

/** What is to be said of a target; nothing where there is nothing to mend. */
function findingOn(target: Target): Finding | undefined {
  const edits = editsFor(target);
  if (edits.length === 0) return undefined;
  const { from } = target.stage;
  return { target, path: target.unit.file.path, start: from.start, end: from.end, message: 'what was seen, and what becomes of it', safety: 'safe', reasons: [], edits, user: undefined };
}

/** Ask the facts (src/facts/) and make edits with src/facts/lines.ts: offsets are UTF-16, end-exclusive. */
function editsFor(_target: Target): FileEdit[] {
  return [];
}
`;
}

function stop(why: string): never {
  console.error(why);
  process.exit(2);
}
