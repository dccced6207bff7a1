/**
 * npm run docs: writes what the README says of the transforms, the rules and the settings from what
 * they say of themselves, between `<!-- docs NAME -->` and `<!-- end -->`. With --check it writes
 * nothing and exits 1 where the README is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { RULES, transforms } from '../src/index.ts';
import { settings } from '../src/settings.ts';

const README = 'README.md';

const TABLES: Record<string, () => string> = {
  transforms: () => table(['transform', 'what it does', 'shown by'], transforms.map(({ name, summary, example }) => [`\`${name}\``, summary, `[${example}](fixtures/${name}/${example})`])),
  rules: () => table(['rule', 'what it means'], Object.entries(RULES).map(([rule, meaning]) => [`\`${rule}\``, meaning])),
  settings: () => table(['setting', ''], Object.entries(settings(transforms.map(({ name }) => name))).map(([name, { description }]) => [`\`${name}\``, description ?? ''])),
};

const before = readFileSync(README, 'utf8');
const after = Object.entries(TABLES).reduce((text, [name, make]) => filled(text, name, make()), before);

if (!process.argv.includes('--check')) writeFileSync(README, after);
else if (before !== after) {
  console.error(`${README} does not say what the transforms, rules and settings say; npm run docs mends it`);
  process.exitCode = 1;
}

/** The text with something else between the marks of that name. */
function filled(text: string, name: string, content: string): string {
  const start = text.indexOf(`<!-- docs ${name} -->`);
  const end = text.indexOf('<!-- end -->', start);
  if (start < 0 || end < 0) throw new Error(`${README} has no place for ${name}: <!-- docs ${name} --> and <!-- end -->`);
  return `${text.slice(0, start)}<!-- docs ${name} -->\n${content}\n${text.slice(end)}`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
