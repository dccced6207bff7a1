import { nearest } from '../nearest.ts';
import { RULES, transforms, UsageError } from '../index.ts';
import { VERIFY_RULES, VERIFY_RULE_DOCS, type VerifyRule } from '../verify/compare.ts';
import type { Transform } from '../transform.ts';
import { type Example, exampleOf } from './examples.ts';
import { EXIT } from './exit.ts';
import { print } from './output.ts';
import { type Paint, paintDiff, painter } from './paint.ts';

const WIDTH = 80;

/** `unroot explain [name]`: a transform, a rule, or the list of both. */
export async function explainCommand(name: string | undefined): Promise<number> {
  const paint = painter(process.stdout);
  await print(`${name === undefined ? overview(paint) : explanation(name, paint)}\n`);
  return EXIT.done;
}

function overview(paint: Paint): string {
  return [
    paint('bold', 'Transforms, in the order in which they run:'),
    ...transforms.map((one) => entry(one.name, one.summary, paint)),
    '',
    paint('bold', 'Rules, as the reasons of a verdict name them:'),
    ...Object.entries(RULES).map(([rule, text]) => entry(rule, text, paint)),
    '',
    paint('bold', 'Rules by which unroot verify compares before and after:'),
    ...Object.entries(VERIFY_RULES).map(([rule, text]) => entry(rule, text, paint)),
    '',
    'unroot explain NAME shows one with an example.',
  ].join('\n');
}

const INDENT = '    ';

function entry(name: string, text: string, paint: Paint): string {
  return [`  ${paint('green', name)}`, ...wrapped(text, WIDTH - INDENT.length).map((line) => INDENT + line)].join('\n');
}

function explanation(name: string, paint: Paint): string {
  const transform = transforms.find((one) => one.name === name);
  if (transform) return ofTransform(transform, paint);
  if (Object.hasOwn(RULES, name)) return ofRule(name as keyof typeof RULES, paint);
  if (Object.hasOwn(VERIFY_RULES, name)) return ofVerifyRule(name as VerifyRule, paint);
  const meant = nearest(name, [...transforms.map((one) => one.name), ...Object.keys(RULES), ...Object.keys(VERIFY_RULES)]);
  throw new UsageError(`there is no transform or rule ${name}; ${meant ? `did you mean ${meant}?` : 'unroot explain lists them'}`);
}

function ofTransform({ name, summary, docs }: Transform, paint: Paint): string {
  const head = [paint('bold', name), ...wrapped(`${summary}.`, WIDTH), '', ...inParagraphs(docs)];
  const shown = exampleOf(name);
  return [...head, ...(shown ? ['', ...caption(shown, paint), '', paintDiff(shown.diff.trimEnd(), paint)] : [])].join('\n');
}

function ofRule(name: keyof typeof RULES, paint: Paint): string {
  const head = [paint('bold', name), ...wrapped(`${RULES[name]}.`, WIDTH)];
  const shown = exampleOf(name);
  if (!shown) return head.join('\n');
  const files = shown.files.flatMap(([path, text]) => ['', paint('dim', path), ...text.trimEnd().split(/\r?\n/).map((line) => INDENT + line)]);
  return [...head, '', ...caption(shown, paint), ...files, '', 'unroot says:', ...shown.said.map((line) => INDENT + line)].join('\n');
}

function ofVerifyRule(name: VerifyRule, paint: Paint): string {
  return [paint('bold', name), ...wrapped(`unroot verify asks: ${VERIFY_RULES[name]}.`, WIDTH), '', ...inParagraphs(VERIFY_RULE_DOCS[name])].join('\n');
}

function caption({ name, why }: Example, paint: Paint): string[] {
  return [paint('dim', `For example (${name}):`), ...wrapped(why, WIDTH)];
}

/** Paragraphs in lines of our width; one that is indented is a table or a code and stays. */
function inParagraphs(text: string): string[] {
  return text.trim().split(/\n{2,}/).flatMap((paragraph, index) => [...(index > 0 ? [''] : []), ...(/^\s/m.test(paragraph) ? paragraph.split('\n') : wrapped(paragraph, WIDTH))]);
}

/** The words of a text in lines of at most `width` characters, longer words aside. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
