/** The only door to yaml. */
import { parseAllDocuments } from 'yaml';

/** What is wrong with a YAML text, and where (line from 1). */
export class YamlError extends Error {
  override name = 'YamlError';
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * The documents of a YAML text as plain data, merge keys filled in.
 * @throws YamlError for text that is no YAML
 */
export function readYaml(text: string): unknown[] {
  const data: unknown[] = [];
  // Keys are not checked for being unique: yaml takes quadratic time for it, and the last one counts for us.
  for (const document of parseAllDocuments(text, { merge: true, logLevel: 'error', uniqueKeys: false })) {
    if ('empty' in document && document.empty) continue;
    const [error] = document.errors ?? [];
    if (error) throw new YamlError(error.linePos?.[0].line ?? 1, firstLine(error.message));
    try {
      data.push(document.toJS());
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      throw new YamlError(1, error.message); // an alias without its anchor, or too many of them
    }
  }
  return data;
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

export type Data = Record<string, unknown>;

/** Whether a value is a YAML mapping. */
export function isMap(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
