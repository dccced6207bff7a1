import type { FileEdit } from '../edit.ts';
import type { ComposeFile, ServiceSource } from './file.ts';
import { isEmpty, pairsOf, servicesThatReach } from './file.ts';
import { type Found, scalarOf, type Place } from './layers.ts';
import { rangeInside } from './scalars.ts';
import type { ComposeService } from './stack.ts';
import { eolAt, flowItem, indentOf, leafEnd, lineStart, listStyle, quote, quoteStyle, written } from './style.ts';
import { isMergeKey, type YamlList, type YamlMap, type YamlNode, type YamlPair } from './yaml.ts';

/** An edit that can't be made safely, and why. */
export interface Refused {
  refused: string;
}

export type Edited = FileEdit | Refused;

/** What to write: a text (quoted only where it must be), a text in quotes whatever it is, something as it is, a list, or a map. */
export type NewValue = string | { quoted: string } | { raw: string } | string[] | Record<string, string>;

export interface EditOptions {
  /** The change is wanted in all services that share the text, so that it need not be the service's own. */
  shared?: boolean;
  /** It stands in no brackets: a comma ends nothing there. */
  block?: boolean;
}

export function isRefused(edited: Edited): edited is Refused {
  return 'refused' in edited;
}

/**
 * Adds a key to a service, in the style of the file and where its order would have it.
 * Refused where the service is only an alias, shares its map with others, or is written with `? `.
 */
export function insertKey(target: ComposeService, key: string, value: NewValue, options: EditOptions = {}): Edited {
  const own = ownMap(target, options);
  if ('refused' in own) return own;
  if (own.map.pairs.some((pair) => pair.key.value === key)) return { refused: `${target.source.name} has a key ${key} already` };
  return insertPair(target.file, own.map, key, value, predecessor(own.map, key, target.file));
}

/**
 * Adds a setting to a map or list of `NAME=value` under a key of a service (`environment`, `labels`, `sysctls`),
 * and the key where it is missing.
 */
export function insertSetting(target: ComposeService, key: string, name: string, value: string, options: EditOptions = {}): Edited {
  const found = target.service.layers.get(key);
  if (!found || isEmpty(found.node)) {
    if (found) return { refused: `${key} of ${target.source.name} is empty` };
    return insertKey(target, key, listsSettings(target.file, key) ? [`${name}=${value}`] : { [name]: value }, options);
  }
  const refused = notOwn(found.place, options) ?? notIn(found.place, target);
  if (refused) return refused;
  if (found.node.kind === 'map') return insertPair(found.place.file, found.node, name, value, found.node.pairs.at(-1));
  if (found.node.kind === 'list') return insertIntoList(found.place.file, found.node, `${name}=${value}`);
  return { refused: `${key} of ${target.source.name} is neither a map nor a list` };
}

/** The same for several settings at once: what the key gets where it is missing is one edit. */
export function insertSettings(target: ComposeService, key: string, settings: Readonly<Record<string, string>>, options: EditOptions = {}): Edited[] {
  const entries = Object.entries(settings);
  if (entries.length < 2 || target.service.layers.has(key)) return entries.map(([name, value]) => insertSetting(target, key, name, value, options));
  return [insertKey(target, key, listsSettings(target.file, key) ? entries.map(([name, value]) => `${name}=${value}`) : { ...settings }, options)];
}

/** Adds a text to the list under a key of a service, and the key where it is missing. */
export function insertItem(target: ComposeService, key: string, value: string, options: EditOptions = {}): Edited {
  const found = target.service.layers.get(key);
  if (!found) return insertKey(target, key, [value], options);
  const refused = notOwn(found.place, options) ?? notIn(found.place, target);
  if (refused) return refused;
  if (found.node.kind !== 'list') return { refused: `${key} of ${target.source.name} is no list` };
  return insertIntoList(found.place.file, found.node, value);
}

/** Puts another text in the place of a scalar; its quotes stay where that is possible. */
export function replaceText(found: Found, value: string, options: EditOptions = {}): Edited {
  const refused = notOwn(found.place, options);
  if (refused) return refused;
  const { node, place } = found;
  if (node.kind !== 'scalar') return { refused: 'it is no text' };
  if (node.style === 'literal' || node.style === 'folded') return { refused: 'it is a block of lines' };
  const style = node.style === 'plain' ? undefined : node.style === 'single' ? "'" : '"';
  const text = style ? quote(value, style) : written(value, place.file, !options.block);
  return editOf(place, node.start, node.end, node.start === node.end ? ` ${text}` : text);
}

/**
 * Puts another text in the place of a part of a scalar's value.
 * @param from @param to offsets into the value as YAML gives it, before variables are replaced
 */
export function replaceInside(found: Found, from: number, to: number, value: string, options: EditOptions = {}): Edited {
  const refused = notOwn(found.place, options);
  if (refused) return refused;
  const scalar = scalarOf(found);
  const range = scalar && rangeInside(found.place.file.text, scalar, from, to);
  if (!range) return { refused: 'it is not written letter by letter' };
  if (!/^[\w./:=@+*%~-]*$/.test(value)) return { refused: `${value} would need quotes` };
  return editOf(found.place, range.start, range.end, value);
}

/** The other services, by name, that would get what is added to the map of a service. */
export function sharersOf({ file, source, service }: ComposeService): string[] {
  const own = service.layers.layers.filter(({ way }) => way === 'own').at(-1);
  return own ? sharers(own.reached.anchors, file, source, own.extendedBy) : [];
}

/** Removes a key of a service with its value, the whole of its lines. */
export function deleteKey(target: ComposeService, key: string, options: EditOptions = {}): Edited {
  const own = ownMap(target, options);
  if ('refused' in own) return own;
  const { map } = own;
  const index = map.pairs.findIndex((pair) => pair.key.value === key);
  const pair = map.pairs[index];
  if (!pair) return { refused: `${target.source.name} has no ${key} of its own` };
  if (bringsToo(map, key) || target.service.layers.all(key).length > 1) return { refused: `${target.source.name} would then have ${key} from elsewhere` };
  if (map.pairs.length === 1) return { refused: `${key} is all that ${target.source.name} says` };
  if (isAnchored(pair.value)) return { refused: `${key} has an anchor` };
  if (pair.explicit) return { refused: `${key} is written with "? "` };
  const parts = map.pairs.map((one) => ({ start: one.key.start, end: leafEnd(one.value, target.file.text, one.key.end) }));
  return deletePart(target.file, map.flow, parts, index);
}

/** Whether a merge key has a value for a key that the map's own hides. */
function bringsToo(map: YamlMap, key: string): boolean {
  const others = { ...map, pairs: map.pairs.filter((pair) => pair.key.value !== key) };
  return pairsOf(others).some(({ pair }) => pair.key.value === key);
}

/** Removes an item of a list, the whole of its lines. */
export function deleteItem(list: Found, index: number, options: EditOptions = {}): Edited {
  const refused = notOwn(list.place, options);
  if (refused) return refused;
  const { node, place } = list;
  if (node.kind !== 'list' || !node.items[index]) return { refused: 'it is no item of a list' };
  if (node.items.length === 1) return { refused: 'it is the only item of its list' };
  if (isAnchored(node.items[index]!)) return { refused: 'the item has an anchor' };
  const { text } = place.file;
  const parts = node.items.map((item) => ({ start: node.flow ? item.start : dashBefore(item, text), end: leafEnd(item, text, item.end) }));
  if (parts.some(({ start }) => start < 0)) return { refused: 'its dash stands on another line' };
  return deletePart(place.file, node.flow, parts, index);
}

/** An edit of a range of the place's file, for what the other helpers don't do. */
export function replaceRange(place: Place, range: { start: number; end: number }, text: string, options: EditOptions = {}): Edited {
  return notOwn(place, options) ?? editOf(place, range.start, range.end, text);
}

function editOf({ file }: { file: ComposeFile }, start: number, end: number, text: string): Edited {
  return file.path === undefined ? { refused: `${file.absolute} is not part of this run` } : { path: file.path, start, end, text };
}

function notOwn({ file, sharedWith }: Place, { shared }: EditOptions): Refused | undefined {
  if (file.path === undefined) return { refused: `it stands in ${file.absolute}, which is not part of this run` };
  return sharedWith.length > 0 && !shared ? { refused: `${sharedWith.join(', ')} would change too` } : undefined;
}

/** A list or map that a service gets from elsewhere can't be added to on the service itself. */
function notIn(place: Place, { file, source }: ComposeService): Refused | undefined {
  return place.file === file ? undefined : { refused: `${source.name} has it from ${place.file.absolute}` };
}

/** The map in which the service's file says what is its own. */
function ownMap({ file, source, service }: ComposeService, options: EditOptions): { map: YamlMap } | Refused {
  if (file.path === undefined) return { refused: `${file.absolute} is not part of this run` };
  const own = service.layers.layers.filter(({ way }) => way === 'own').at(-1);
  if (!own) return { refused: `${source.name} says nothing that could be added to` };
  if (own.reached.via !== 'own') return { refused: `${source.name} is an alias of another map` };
  const others = sharers(own.reached.anchors, file, source, own.extendedBy);
  if (others.length > 0 && !options.shared) return { refused: `${others.join(', ')} would change too` };
  return { map: own.reached.node };
}

function sharers(anchors: readonly YamlNode[], file: ComposeFile, { name }: ServiceSource, extendedBy: readonly string[]): string[] {
  const names = new Set(extendedBy);
  for (const anchor of anchors) for (const one of servicesThatReach(file, anchor)) names.add(one);
  names.delete(name);
  return [...names];
}

/** Compose's keys in the order in which most files have them. */
const USUAL_ORDER = [
  ...['<<', 'extends', 'image', 'build', 'platform', 'pull_policy', 'container_name', 'hostname', 'domainname', 'runtime', 'user', 'userns_mode', 'group_add'],
  ...['privileged', 'cap_add', 'cap_drop', 'security_opt', 'read_only', 'init', 'working_dir', 'entrypoint', 'command', 'restart', 'depends_on', 'links'],
  ...['env_file', 'environment', 'ports', 'expose', 'networks', 'network_mode', 'sysctls', 'volumes', 'tmpfs', 'configs', 'secrets', 'labels', 'logging', 'deploy', 'healthcheck'],
];

/** The pair behind which a new key goes: as in the file's other services, else by the alphabet if the file does so, else as usual. */
function predecessor(map: YamlMap, key: string, file: ComposeFile): YamlPair | undefined {
  return asElsewhere(map, key, file) ?? alphabetic(map, key) ?? usual(map, key) ?? map.pairs[0];
}

function asElsewhere(map: YamlMap, key: string, { services }: ComposeFile): YamlPair | undefined {
  for (const { maps } of services.values()) {
    for (const { node } of maps) {
      const at = node.pairs.findIndex((pair) => pair.key.value === key);
      const before = at > 0 ? node.pairs[at - 1]!.key.value : undefined;
      const found = before === undefined ? undefined : map.pairs.find((pair) => pair.key.value === before);
      if (found) return found;
    }
  }
  return undefined;
}

function alphabetic(map: YamlMap, key: string): YamlPair | undefined {
  const names = map.pairs.map((pair) => pair.key.value).filter((name) => name !== '<<');
  const isSorted = names.length >= 4 && names.every((name, index) => index === 0 || names[index - 1]! < name);
  return isSorted ? map.pairs.findLast((pair) => pair.key.value < key) : undefined;
}

function usual(map: YamlMap, key: string): YamlPair | undefined {
  const rank = USUAL_ORDER.indexOf(key);
  // What says which container it is stands first in most files, in an order of their own.
  const later = map.pairs.findIndex((pair) => USUAL_ORDER.indexOf(pair.key.value) > rank);
  const first = rank < 0 || rank > USUAL_ORDER.indexOf('user') ? undefined : map.pairs.slice(0, later < 0 ? undefined : later).findLast((pair) => USUAL_ORDER.includes(pair.key.value));
  if (first) return first;
  let best: YamlPair | undefined;
  for (const pair of map.pairs) {
    const own = USUAL_ORDER.indexOf(pair.key.value);
    if (own >= 0 && own < rank && (!best || own > USUAL_ORDER.indexOf(best.key.value))) best = pair;
  }
  if (rank < 0 || !best) return rank < 0 ? map.pairs.at(-1) : best;
  // Behind all that stands together with it and says which container it is.
  const isIdentity = (pair: YamlPair | undefined) => pair !== undefined && USUAL_ORDER.includes(pair.key.value) && USUAL_ORDER.indexOf(pair.key.value) < Math.min(rank, USUAL_ORDER.indexOf('user'));
  let index = map.pairs.indexOf(best);
  while (isIdentity(best) && isIdentity(map.pairs[index + 1])) index += 1;
  return map.pairs[index];
}

/** Whether the file's services write such settings as lists. */
function listsSettings({ services }: ComposeFile, key: string): boolean {
  const values = [...services.values()].flatMap(({ maps }) => maps.flatMap(({ node }) => node.pairs.filter((pair) => pair.key.value === key)));
  return values.filter(({ value }) => value.kind === 'list').length > values.length / 2;
}

function insertPair(file: ComposeFile, map: YamlMap, key: string, value: NewValue, after: YamlPair | undefined): Edited {
  if (map.flow) return insertFlowPair(file, map, key, value);
  if (!after) return { refused: 'the map is empty' };
  if (after.explicit || map.pairs.some((pair) => pair.explicit)) return { refused: 'the map has keys written with "? "' };
  const first = map.pairs[0]!.key;
  if (first.anchor !== undefined || first.tag !== undefined) return { refused: 'the first key of the map has an anchor' };
  const { text } = file;
  const indent = indentOf(text, first.start);
  const eol = eolAt(text, first.start);
  const at = lineEndBehind(text, leafEnd(after.value, text, after.key.end));
  return editOf({ file }, at, at, `${eol}${indent}${keyText(map, key)}:${blockValue(value, indent, eol, file)}`);
}

function keyText(map: YamlMap, key: string): string {
  const quoted = map.pairs.filter((pair) => !isMergeKey(pair.key) && pair.key.style !== 'plain').length;
  return quoted > map.pairs.length / 2 ? quote(key, map.pairs[0]!.key.style === 'single' ? "'" : '"') : key;
}

function blockValue(value: NewValue, indent: string, eol: string, file: ComposeFile): string {
  if (typeof value === 'string') return ` ${written(value, file, false)}`;
  if ('quoted' in value && typeof value.quoted === 'string') return ` ${quote(value.quoted, quoteStyle(file))}`;
  if ('raw' in value && typeof value.raw === 'string') return ` ${value.raw}`;
  const style = listStyle(file);
  if (Array.isArray(value)) {
    if (style.flow) return ` [${value.map((item) => flowItem(item, file)).join(', ')}]`;
    return value.map((item) => `${eol}${indent}${' '.repeat(style.indent)}- ${written(item, file, false)}`).join('');
  }
  return Object.entries(value as Record<string, string>).map(([name, item]) => `${eol}${indent}${' '.repeat(style.step)}${name}: ${written(item, file, true)}`).join('');
}

function insertFlowPair(file: ComposeFile, map: YamlMap, key: string, value: NewValue): Edited {
  const rendered = `${keyText(map, key)}: ${flowValue(value, file)}`;
  return insertFlow(file, map, map.pairs.map((pair) => ({ start: pair.key.start, end: leafEnd(pair.value, file.text, pair.key.end) })), rendered);
}

function flowValue(value: NewValue, file: ComposeFile): string {
  if (typeof value === 'string') return flowItem(value, file);
  if ('quoted' in value && typeof value.quoted === 'string') return quote(value.quoted, quoteStyle(file));
  if ('raw' in value && typeof value.raw === 'string') return value.raw;
  if (Array.isArray(value)) return `[${value.map((item) => flowItem(item, file)).join(', ')}]`;
  return `{${Object.entries(value as Record<string, string>).map(([name, item]) => `${name}: ${flowItem(item, file)}`).join(', ')}}`;
}

function insertIntoList(file: ComposeFile, list: YamlList, value: string): Edited {
  const { text } = file;
  const last = list.items.at(-1);
  const style = last?.kind === 'scalar' ? last.style : undefined;
  const like = (inFlow: boolean) => (style === 'single' ? quote(value, "'") : style === 'double' ? quote(value, '"') : inFlow ? flowItem(value, file) : written(value, file, false));
  if (list.flow) return insertFlow(file, list, list.items.map((item) => ({ start: item.start, end: leafEnd(item, text, item.end) })), like(true));
  if (!last) return { refused: 'the list is empty' };
  const dash = dashBefore(last, text);
  if (dash < 0) return { refused: 'the dash of its last item stands on another line' };
  const at = lineEndBehind(text, leafEnd(last, text, last.end));
  return editOf({ file }, at, at, `${eolAt(text, dash)}${indentOf(text, dash)}- ${like(false)}`);
}

/** Behind the last part of a collection in brackets, on a line of its own if the last is. */
function insertFlow(file: ComposeFile, node: YamlList | YamlMap, parts: { start: number; end: number }[], rendered: string): Edited {
  const { text } = file;
  const last = parts.at(-1);
  if (!last) return editOf({ file }, node.start + 1, node.start + 1, rendered);
  const between = text.slice(last.end, node.end - 1);
  const comma = between.indexOf(',');
  if (between.includes('#')) return { refused: 'a comment stands behind its last entry' };
  const start = lineStart(text, last.start);
  const isAlone = parts.length > 1 && text.slice(start, last.start).trim() === '' && start > node.start;
  const lead = isAlone ? `${eolAt(text, last.start)}${text.slice(start, last.start)}` : ' ';
  if (comma >= 0) return editOf({ file }, last.end + comma + 1, last.end + comma + 1, `${lead}${rendered}${isAlone ? ',' : ''}`);
  return editOf({ file }, last.end, last.end, `,${lead}${rendered}`);
}

function deletePart(file: ComposeFile, flow: boolean, parts: { start: number; end: number }[], index: number): Edited {
  const { text } = file;
  const { start, end } = parts[index]!;
  if (flow) {
    const next = parts[index + 1];
    return next ? editOf({ file }, start, next.start, '') : editOf({ file }, parts[index - 1]!.end, end, '');
  }
  const from = lineStart(text, start);
  if (text.slice(from, start).trim().replace('\uFEFF', '') !== '') return { refused: 'something else stands before it on its line' };
  const lineEnd = text.indexOf('\n', end);
  if (lineEnd >= 0) return editOf({ file }, from, lineEnd + 1, '');
  return editOf({ file }, lineEndBehind(text, parts[index - 1]!.end), text.length, '');
}

function isAnchored(node: YamlNode): boolean {
  return node.anchor !== undefined || (node.kind === 'map' ? node.pairs.some(({ value }) => isAnchored(value)) : node.kind === 'list' && node.items.some(isAnchored));
}

/** Where the dash of a list's item stands, on the item's own line; -1 elsewhere. */
function dashBefore(item: YamlNode, text: string): number {
  const start = lineStart(text, item.start);
  const match = /^(.*?)-[ \t]+(?:[&!]\S+[ \t]+)*$/.exec(text.slice(start, item.start));
  return match ? start + match[1]!.length : -1;
}

/** The end of the line that an offset lies in, before its line end. */
function lineEndBehind(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  if (newline < 0) return text.length;
  return text[newline - 1] === '\r' && newline - 1 >= offset ? newline - 1 : newline;
}
