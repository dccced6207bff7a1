import { dirname } from 'node:path';
import { isMergeKey, parseYaml, YamlError, lineAt, type YamlAlias, type YamlMap, type YamlNode, type YamlPair, type YamlScalar } from './yaml.ts';

/** A compose file as nodes with their places; nothing outside it is looked at. */
export interface ComposeFile {
  /** As reports name it; undefined for a file that another one brings in and that the run may not change. */
  path: string | undefined;
  absolute: string;
  /** What paths in it are relative to: its own directory, unless whoever brings it in says or shows otherwise. */
  directory: string;
  text: string;
  /** The roots of its documents that are maps. Compose merges them, the later over the earlier. */
  documents: YamlMap[];
  /** By name, in order. */
  services: Map<string, ServiceSource>;
}

/** What one file says of a service. */
export interface ServiceSource {
  name: string;
  key: YamlScalar;
  /** One for each document that names it, and the anchors through which it was reached. */
  maps: Reached<YamlMap>[];
}

/** A node with aliases resolved, and how one came to it. */
export interface Reached<N = Exclude<YamlNode, YamlAlias>> {
  node: N;
  via: Via;
  /** The anchored nodes on the way: whoever names one of these anchors reaches the node as well. */
  anchors: YamlNode[];
}

/** `own`: it stands in the service itself. `alias`, `merge`: it stands elsewhere. */
export type Via = 'own' | 'alias' | 'merge';

/**
 * Reads a compose file.
 * @throws YamlError for text that is no YAML, or that compose would refuse for its shape
 */
export function readComposeFile(path: string | undefined, absolute: string, text: string): ComposeFile {
  const documents = parseYaml(text).filter((root) => root.kind === 'map');
  const file: ComposeFile = { path, absolute, directory: dirname(absolute), text, documents, services: new Map() };
  for (const root of documents) {
    const services = servicesOf(root, file);
    if (!services) continue;
    const pairs = pairsOf(services.node);
    if (pairs.length > MAX_SERVICES) throw new YamlError(lineAt(text, services.node.start), `it has ${pairs.length} services; unroot reads ${MAX_SERVICES} of a file, so split it`);
    for (const pair of pairs) addService(file, pair, services);
  }
  return file;
}

/** More than any file of people has. */
const MAX_SERVICES = 500;

/** Of one key of a service, such as variables; some of them are weighed each against each. */
const MAX_ENTRIES = 2000;

/** The first compose format had the services at the top level. */
function servicesOf(root: YamlMap, { text }: ComposeFile): Reached<YamlMap> | undefined {
  const own = valueOf(root, 'services');
  if (own?.node.kind === 'map') return own as Reached<YamlMap>;
  if (own && !isEmpty(own.node)) throw new YamlError(lineAt(text, own.node.start), 'services is no map; write one entry a service under it');
  const isOld = own === undefined && root.pairs.some(({ key, value }) => !key.value.startsWith('x-') && isServiceLike(reach(value).node));
  return isOld ? { node: root, via: 'own', anchors: [] } : undefined;
}

function isServiceLike(node: YamlNode): boolean {
  return node.kind === 'map' && node.pairs.some(({ key }) => key.value === 'image' || key.value === 'build');
}

function addService(file: ComposeFile, { pair, via, anchors }: ReachedPair, parent: Reached<YamlMap>): void {
  const name = pair.key.value;
  const reached = reach(pair.value, via, [...parent.anchors, ...anchors]);
  const isTop = file.documents.includes(parent.node);
  if (name.startsWith('x-') || (isTop && reached.node.kind !== 'map')) return;
  if (isTop && TOP_LEVEL.has(name) && !isServiceLike(reached.node)) return;
  if (reached.node.kind !== 'map' && !isEmpty(reached.node)) throw new YamlError(lineAt(file.text, pair.key.start), `the service ${name} is no map; write its settings as keys under it`);
  const source = file.services.get(name) ?? { name, key: pair.key, maps: [] };
  if (reached.node.kind === 'map') {
    rejectEndless(reached.node, name, file);
    source.maps.push(reached as Reached<YamlMap>);
  }
  file.services.set(name, source);
}

function rejectEndless(map: YamlMap, service: string, { text }: ComposeFile): void {
  for (const { pair } of pairsOf(map)) {
    const { node } = reach(pair.value);
    const size = node.kind === 'map' ? pairsOf(node).length : node.kind === 'list' ? node.items.length : 0;
    if (size > MAX_ENTRIES) throw new YamlError(lineAt(text, pair.key.start), `${pair.key.value} of ${service} has ${size} entries; unroot reads ${MAX_ENTRIES}, so split it or move it to a file`);
  }
}

const TOP_LEVEL = new Set(['version', 'name', 'volumes', 'networks', 'configs', 'secrets', 'include', 'models']);

/** Whether nothing is written, or null. */
export function isEmpty(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.style === 'plain' && /^(|~|null|Null|NULL)$/.test(node.value);
}

/** Follows an alias. */
export function reach(node: YamlNode, via: Via = 'own', anchors: readonly YamlNode[] = []): Reached {
  if (node.kind === 'alias') return { node: node.target, via: via === 'own' ? 'alias' : via, anchors: [...anchors, node.target] };
  return { node, via, anchors: node.anchor === undefined ? [...anchors] : [...anchors, node] };
}

/** A pair of a map, its own or one that a merge key brings. */
export interface ReachedPair {
  pair: YamlPair;
  via: 'own' | 'merge';
  anchors: YamlNode[];
}

const flattened = new WeakMap<YamlMap, ReachedPair[]>();

/** The pairs of a map with those of its merge keys; the map's own come first in right, the first merged next. */
export function pairsOf(map: YamlMap): ReachedPair[] {
  let pairs = flattened.get(map);
  if (!pairs) {
    pairs = map.pairs.some(({ key }) => isMergeKey(key)) ? merged(map) : map.pairs.map((pair) => ({ pair, via: 'own', anchors: [] }));
    flattened.set(map, pairs);
  }
  return pairs;
}

function merged(map: YamlMap): ReachedPair[] {
  const byName = new Map<string, ReachedPair>();
  for (const pair of map.pairs) if (!isMergeKey(pair.key)) byName.set(pair.key.value, { pair, via: 'own', anchors: [] });
  for (const { key, value } of map.pairs) {
    if (!isMergeKey(key)) continue;
    const source = reach(value);
    const maps = source.node.kind === 'list' ? source.node.items.map((item) => reach(item, 'own', source.anchors)) : [source];
    for (const { node, anchors } of maps) {
      if (node.kind !== 'map') continue;
      for (const inner of pairsOf(node)) {
        const name = inner.pair.key.value;
        if (!byName.has(name)) byName.set(name, { pair: inner.pair, via: 'merge', anchors: [...anchors, ...inner.anchors] });
      }
    }
  }
  return [...byName.values()];
}

/** The value of a key, aliases and merge keys followed. */
export function valueOf(map: YamlMap, name: string, from: Reached<YamlMap> = { node: map, via: 'own', anchors: [] }): Reached | undefined {
  const found = pairsOf(map).find(({ pair }) => pair.key.value === name);
  if (!found) return undefined;
  const via = from.via === 'own' ? found.via : from.via;
  return reach(found.pair.value, via, [...from.anchors, ...found.anchors]);
}

const users = new WeakMap<ComposeFile, Map<YamlNode, Set<string>>>();

/** The services of a file that reach an anchored node, by an alias, a merge key, or because it stands in them. */
export function servicesThatReach(file: ComposeFile, anchored: YamlNode): ReadonlySet<string> {
  let byAnchor = users.get(file);
  if (!byAnchor) {
    byAnchor = new Map();
    for (const { name, maps } of file.services.values()) for (const { node, anchors } of maps) for (const one of [...anchors, node]) collect(one, name, byAnchor, new Set());
    users.set(file, byAnchor);
  }
  return byAnchor.get(anchored) ?? new Set();
}

function collect(node: YamlNode, service: string, byAnchor: Map<YamlNode, Set<string>>, seen: Set<YamlNode>): void {
  if (node.kind === 'alias') return collect(node.target, service, byAnchor, seen);
  if (seen.has(node)) return;
  seen.add(node);
  if (node.anchor !== undefined) {
    const names = byAnchor.get(node) ?? new Set<string>();
    names.add(service);
    byAnchor.set(node, names);
  }
  if (node.kind === 'map') for (const { value } of node.pairs) collect(value, service, byAnchor, seen);
  else if (node.kind === 'list') for (const item of node.items) collect(item, service, byAnchor, seen);
}
