import { RULES, transforms, UsageError } from '../index.ts';
import { EXIT } from './main.ts';

/** `unroot explain [name]`: a transform, a rule, or the list of both. */
export function explainCommand(name: string | undefined): number {
  process.stdout.write(`${name === undefined ? overview() : explanation(name)}\n`);
  return EXIT.done;
}

function overview(): string {
  const width = Math.max(...[...transforms.map((one) => one.name), ...Object.keys(RULES)].map((one) => one.length));
  return [
    'Transforms, in the order in which they run:',
    ...transforms.map((one) => `  ${one.name.padEnd(width)}  ${one.summary}`),
    '',
    'Rules, as reasons name them:',
    ...Object.entries(RULES).map(([rule, text]) => `  ${rule.padEnd(width)}  ${text}`),
  ].join('\n');
}

function explanation(name: string): string {
  const transform = transforms.find((one) => one.name === name);
  if (transform) return `${transform.name}: ${transform.summary}\n\n${transform.docs}`;
  if (name in RULES) return `${name}: ${RULES[name as keyof typeof RULES]}`;
  throw new UsageError(`there is no transform or rule ${name}; unroot explain lists them`);
}
