import { basename } from 'node:path';
import { isMap, parseYaml, readYaml, type YamlList, type YamlMap, type YamlNode } from './compose/yaml.ts';
import { applyEdits, type Edit } from './edit.ts';

/** A configuration that is written in a way that nothing can be added to: an alias, say. */
export class ConfigEditError extends Error {
  override name = 'ConfigEditError';
}

/**
 * Adds paths to the `paths` of a configuration, by Dockerfile or `Dockerfile:stage`; what is there already stays
 * out. Everything else in the file stays as it is, and new lines follow its indentation and line ends.
 * @param file its name decides: in a package.json the settings stand under `unroot`
 * @throws ConfigEditError
 */
export function withPaths(file: string, text: string, paths: ReadonlyMap<string, readonly string[]>): string {
  let result = text;
  for (const [key, all] of paths) {
    const missing = all.filter((path) => !pathsIn(file, result, key).includes(path));
    if (missing.length === 0) continue;
    const edit = editFor(file, result, key, missing);
    result = applyEdits(result, [{ ...edit, text: edit.text.replace(/\r?\n/g, lineEndOf(result)) }]);
  }
  for (const [key, all] of paths) if (!all.every((path) => pathsIn(file, result, key).includes(path))) throw new ConfigEditError(`nothing could be added to paths in ${basename(file)}; add ${key}: ${all.join(', ')} by hand`);
  return result;
}

function pathsIn(file: string, text: string, key: string): unknown[] {
  const [root] = readYaml(text);
  const settings = isPackage(file) && isMap(root) ? root.unroot : root;
  const paths = isMap(settings) && isMap(settings.paths) ? settings.paths[key] : undefined;
  return Array.isArray(paths) ? paths : [];
}

function isPackage(file: string): boolean {
  return basename(file) === 'package.json';
}

function editFor(file: string, text: string, key: string, added: readonly string[]): Edit {
  const [root] = parseYaml(text);
  if (root === undefined) return { start: text.length, end: text.length, text: blockPairs(lineEndOf(text), '', [['paths', [[key, added]]]]) };
  const settings = isPackage(file) ? valueIn(asMap(root, file), 'unroot') : root;
  const map = asMap(settings ?? root, file);
  const paths = valueIn(map, 'paths');
  if (paths === undefined || isNothing(paths)) return paths ? fillIn(text, paths, key, added) : addPair(text, map, 'paths', [[key, added]]);
  const byName = asMap(paths, file);
  const list = valueIn(byName, key);
  if (list === undefined) return addPair(text, byName, key, added);
  if (list.kind !== 'list') throw new ConfigEditError(`${key} in paths of ${basename(file)} is no list; make it one`);
  return addItems(text, list, added);
}

/** `paths:` with nothing behind it. */
function fillIn(text: string, empty: YamlNode, key: string, added: readonly string[]): Edit {
  const eol = lineEndOf(text);
  return { start: empty.end, end: empty.end, text: `${eol}${blockPairs(eol, '  ', [[key, added]])}`.replace(/\r?\n$/, '') };
}

function asMap(node: YamlNode, file: string): YamlMap {
  if (node.kind !== 'map') throw new ConfigEditError(`the settings in ${basename(file)} are not written out as a map; write them out`);
  return node;
}

function valueIn(map: YamlMap, name: string): YamlNode | undefined {
  return map.pairs.find(({ key }) => key.value === name)?.value;
}

function isNothing(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === '' && node.style === 'plain';
}

/** What stands behind a new key: a list, or a map of lists. */
type Value = readonly string[] | readonly (readonly [string, readonly string[]])[];

function addPair(text: string, map: YamlMap, name: string, value: Value): Edit {
  const last = map.pairs.at(-1);
  if (map.flow) return addInFlow(text, map, last && { start: last.key.start, end: last.value.end }, (indent) => `${JSON.stringify(name)}: ${flowValue(value, indent)}`);
  const eol = lineEndOf(text);
  const indent = indentAt(text, map.pairs[0]!.key.start);
  const end = lineEndBehind(text, last!.value.end);
  return { start: end, end, text: `${endsLine(text, end) ? '' : eol}${blockPairs(eol, indent, [[name, value]])}` };
}

function addItems(text: string, list: YamlList, added: readonly string[]): Edit {
  const last = list.items.at(-1);
  if (list.flow) return addInFlow(text, list, last, () => added.map((path) => JSON.stringify(path)).join(', '));
  const eol = lineEndOf(text);
  const indent = indentAt(text, last!.start).replace(/-\s*$/, '');
  const end = lineEndBehind(text, last!.end);
  return { start: end, end, text: `${endsLine(text, end) ? '' : eol}${added.map((path) => `${indent}- ${plain(path)}${eol}`).join('')}` };
}

/** Behind the last item in braces or brackets, on a line of its own where that stands on one. */
function addInFlow(text: string, parent: YamlMap | YamlList, last: { start: number; end: number } | undefined, write: (indent: string | undefined) => string): Edit {
  const inside = text.slice(last?.end ?? parent.start + 1, parent.end - 1);
  const start = last?.end ?? parent.start + 1;
  if (!last) {
    const outer = indentAt(text, parent.start, true);
    const eol = lineEndOf(text);
    const indent = `${outer}${unitOf(text)}`;
    const isList = parent.kind === 'list';
    return { start, end: parent.end - 1, text: isList ? write(undefined) : `${eol}${indent}${write(indent)}${eol}${outer}` };
  }
  const ownLine = text.slice(0, last.start).match(/\n[ \t]*$/) !== null;
  const comma = inside.trimStart().startsWith(',') ? '' : ',';
  const at = comma === '' ? start + inside.indexOf(',') + 1 : start;
  const indent = indentAt(text, last.start);
  return { start: at, end: at, text: ownLine ? `${comma}${lineEndOf(text)}${indent}${write(indent)}` : `${comma} ${write(undefined)}` };
}

/** @param indent of the line that the value begins on; undefined: all on that line */
function flowValue(value: Value, indent: string | undefined): string {
  const isList = value.every((item) => typeof item === 'string');
  if (isList) return `[${(value as readonly string[]).map((path) => JSON.stringify(path)).join(', ')}]`;
  const pairs = (value as readonly (readonly [string, readonly string[]])[]).map(([name, list]) => `${JSON.stringify(name)}: ${flowValue(list, undefined)}`);
  if (indent === undefined) return `{ ${pairs.join(', ')} }`;
  const inner = `${indent}${indent.includes('\t') ? '\t' : '  '}`;
  return `{\n${inner}${pairs.join(`,\n${inner}`)}\n${indent}}`;
}

function blockPairs(eol: string, indent: string, pairs: readonly (readonly [string, Value])[]): string {
  return pairs
    .map(([name, value]) => {
      const isList = value.every((item) => typeof item === 'string');
      const inner = `${indent}  `;
      const body = isList ? (value as readonly string[]).map((path) => `${inner}- ${plain(path)}${eol}`).join('') : blockPairs(eol, inner, value as readonly (readonly [string, Value])[]);
      return `${indent}${plain(name)}:${eol}${body}`;
    })
    .join('');
}

/** Without quotes where YAML needs none. */
function plain(text: string): string {
  return /^[A-Za-z./_][\w./-]*$/.test(text) ? text : JSON.stringify(text);
}

function lineEndOf(text: string): string {
  return /\r\n/.test(text) ? '\r\n' : '\n';
}

/** What stands before an offset on its line. @param blanksOnly only the blanks at the line's start */
function indentAt(text: string, offset: number, blanksOnly = false): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return blanksOnly ? /^[ \t]*/.exec(line)![0] : line;
}

/** The first indentation that the file uses. */
function unitOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
}

/** The start of the line behind the one in which a value ends. A block collection ends there already. */
function lineEndBehind(text: string, offset: number): number {
  if (endsLine(text, offset)) return offset;
  const newline = text.indexOf('\n', offset);
  return newline < 0 ? text.length : newline + 1;
}

function endsLine(text: string, offset: number): boolean {
  return offset === 0 || text[offset - 1] === '\n';
}
