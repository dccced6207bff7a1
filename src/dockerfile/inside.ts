/** The only door to dockerfile-ast: the inside of single instructions, one at a time. */
import { DockerfileParser, type PropertyInstruction } from 'dockerfile-ast';
import type { Instruction } from './parse.ts';

export interface Property {
  name: string;
  /** As written, quotes and variables included; undefined for an ARG without default. */
  value: string | undefined;
  /** Where the value begins in the instruction's logical line; undefined where none is written. */
  at: number | undefined;
}

/** The `name=value` pairs of an ARG, ENV or LABEL, in order; the old `ENV name value` is one of them. */
export function properties(instruction: Instruction, escape: string): Property[] {
  const text = escape === '`' ? `# escape=\`\n${instruction.logical}` : instruction.logical;
  const parsed = DockerfileParser.parse(text).getInstructions()[0] as PropertyInstruction;
  const lines = text.split('\n');
  return parsed.getProperties().map((property) => {
    const range = property.getValueRange();
    // The range is right where getValue() drops quotes and escapes that matter for variables.
    return {
      name: property.getName(),
      at: range?.start.character,
      value: range ? lines[range.start.line]!.slice(range.start.character, range.end.character) : valueOfEmpty(property.getAssignmentOperator()),
    };
  });
}

function valueOfEmpty(operator: string | null): string | undefined {
  return operator === '=' ? '' : undefined;
}
