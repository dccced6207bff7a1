import { isMap } from './compose/yaml.ts';
import { nearest } from './nearest.ts';

/** The part of JSON Schema (draft 7) that settings need. `patternErrorMessage` is what editors show for `pattern`. */
export interface Schema {
  description?: string;
  type?: 'string' | 'integer' | 'boolean' | 'array' | 'object';
  enum?: readonly string[];
  pattern?: string;
  patternErrorMessage?: string;
  /** A schema for every item, or one for each place of a list of that length. */
  items?: Schema | readonly Schema[];
  /** For editors, beside a list of schemas. */
  minItems?: number;
  maxItems?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema | false;
  /** What names of properties are like. */
  propertyNames?: Pick<Schema, 'pattern' | 'patternErrorMessage'>;
  minimum?: number;
  maximum?: number;
  anyOf?: readonly Schema[];
}

/** What is wrong with a value: where in it, and one sentence without a full stop. */
export interface Mismatch {
  path: readonly (string | number)[];
  message: string;
}

/** The first place where a value is not what its schema says; undefined for a value that fits. */
export function mismatch(value: unknown, schema: Schema, path: Mismatch['path'] = []): Mismatch | undefined {
  if (schema.anyOf) return schema.anyOf.some((one) => mismatch(value, one) === undefined) ? undefined : wrong(path, schema);
  if (schema.enum && !schema.enum.includes(value as string)) return wrongWord(value, schema.enum, path);
  if (!hasType(value, schema)) return wrong(path, schema, numberForText(value, schema));
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value as string)) return { path, message: `${nameOf(path)} ${schema.patternErrorMessage ?? `must match ${schema.pattern}`}` };
  if (typeof value === 'number' && isOut(value, schema)) return { path, message: `${nameOf(path)} takes a whole number from ${schema.minimum} to ${schema.maximum}` };
  if (Array.isArray(value)) return inItems(value, schema, path);
  return isMap(value) ? inProperties(value, schema, path) : undefined;
}

function hasType(value: unknown, { type }: Schema): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isMap(value);
  if (type === 'integer') return Number.isInteger(value);
  return type === undefined || typeof value === type;
}

function isOut(value: number, { minimum = -Infinity, maximum = Infinity }: Schema): boolean {
  return value < minimum || value > maximum;
}

function inItems(value: readonly unknown[], { items }: Schema, path: Mismatch['path']): Mismatch | undefined {
  if (items === undefined) return undefined;
  if (isTuple(items) && items.length !== value.length) return { path, message: `${nameOf(path)} takes ${items.length} items` };
  for (const [index, item] of value.entries()) {
    const found = mismatch(item, isTuple(items) ? items[index]! : items, [...path, index]);
    if (found) return found;
  }
  return undefined;
}

function isTuple(items: Schema | readonly Schema[]): items is readonly Schema[] {
  return Array.isArray(items);
}

function inProperties(value: Readonly<Record<string, unknown>>, { properties = {}, required = [], additionalProperties, propertyNames }: Schema, path: Mismatch['path']): Mismatch | undefined {
  for (const [name, item] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (schema === false) return unknownName(name, Object.keys(properties), path);
    if (propertyNames?.pattern !== undefined && !new RegExp(propertyNames.pattern, 'u').test(name)) return { path: [...path, name], message: `${nameOf(path)} ${propertyNames.patternErrorMessage}, not ${name}` };
    const found = schema && mismatch(item, schema, [...path, name]);
    if (found) return found;
  }
  const missing = required.find((name) => !Object.hasOwn(value, name));
  return missing === undefined ? undefined : { path, message: `${nameOf(path)} lacks ${missing}; it needs ${inWords(required, 'and')}` };
}

function unknownName(name: string, names: readonly string[], path: Mismatch['path']): Mismatch {
  const known = names.filter((one) => !one.startsWith('$'));
  const meant = nearest(name, known);
  const where = path.length === 0 ? '' : ` in ${nameOf(path)}`;
  return { path: [...path, name], message: `there is no setting ${name}${where}; ${meant ? `did you mean ${meant}?` : `there are ${inWords(known, 'and')}`}` };
}

function wrongWord(value: unknown, words: readonly string[], path: Mismatch['path']): Mismatch {
  const meant = typeof value === 'string' ? nearest(value, words) : undefined;
  return { path, message: `${nameOf(path)} takes ${inWords(words, 'or')}${meant ? `; did you mean ${meant}?` : ''}` };
}

function wrong(path: Mismatch['path'], schema: Schema, advice = ''): Mismatch {
  return { path, message: `${nameOf(path)} takes ${shapeOf(schema)}${advice}` };
}

/** YAML reads `user: 10001` as a number. */
function numberForText(value: unknown, { type }: Schema): string {
  return type === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? `; put it in quotes: "${String(value)}"` : '';
}

/** What a schema takes, in words. */
function shapeOf({ type, items, additionalProperties, enum: words, anyOf }: Schema): string {
  if (anyOf) return anyOf.map(shapeOf).join(', or ');
  if (words) return inWords(words, 'or');
  if (type === 'string') return 'a text';
  if (type === 'integer') return 'a whole number';
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return items === undefined || isTuple(items) ? 'a list' : `a list of ${pluralOf(items)}`;
  return additionalProperties ? `${pluralOf(additionalProperties)} by name` : 'a map of settings';
}

function pluralOf({ type, items }: Schema): string {
  if (type === 'string') return 'texts';
  if (type === 'integer') return 'whole numbers';
  if (type === 'array') return items === undefined || isTuple(items) ? 'lists' : `lists of ${pluralOf(items)}`;
  return 'maps';
}

/** `images[0].family`. */
function nameOf(path: Mismatch['path']): string {
  if (path.length === 0) return 'a configuration';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function inWords(words: readonly string[], link: 'and' | 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${link} ${words.at(-1)}`;
}
