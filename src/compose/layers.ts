import { type ComposeFile, pairsOf, reach, type Reached, servicesThatReach } from './file.ts';
import { interpolate, type Variables } from './variables.ts';
import type { YamlMap, YamlNode, YamlScalar } from './yaml.ts';

/** How a value came into a service. `override`: from another file that compose lays over or under this one. */
export type Way = 'own' | 'alias' | 'merge' | 'extends' | 'override';

/** Where a value stands. Offsets are UTF-16 and end-exclusive. */
export interface Place {
  file: ComposeFile;
  start: number;
  end: number;
  /** The service that was read. */
  service: string;
  /** `own`: in the service itself, in the file that the service is of. */
  via: Way;
  /** Other services that have the same text as theirs, by anchors, merge keys or `extends`: an edit changes them too. */
  readonly sharedWith: string[];
}

/** A node of a service with aliases followed. */
export interface Found {
  node: Exclude<YamlNode, { kind: 'alias' }>;
  place: Place;
  variables: Variables;
}

/** One map of what makes up a service: of an extended service, of its own, of an override. Later ones win. */
export interface Layer {
  file: ComposeFile;
  /** The service whose map this is. */
  service: string;
  /** The service that is read, which may extend the other. */
  viewer: string;
  reached: Reached<YamlMap>;
  way: 'own' | 'extends' | 'override';
  variables: Variables;
  /** Services that extend the one this map is of. */
  extendedBy: string[];
}

/** A map that may be spread over several places, read as compose merges them. */
export class Layers {
  readonly layers: readonly Layer[];
  private names: ReadonlySet<string> | undefined;

  constructor(layers: readonly Layer[]) {
    this.layers = layers;
  }

  /** What counts for a key of which only one value can hold: the last. */
  get(name: string): Found | undefined {
    return this.all(name).at(-1);
  }

  /** All values of a key that are merged, in order; `!reset` and `!override` drop those before. */
  all(name: string): Found[] {
    const found: Found[] = [];
    if (!this.named().has(name)) return found;
    for (const layer of this.layers) {
      const one = find(layer, name);
      if (!one) continue;
      if (one.node.tag === '!reset' || one.node.tag === '!override') found.length = 0;
      if (one.node.tag !== '!reset') found.push(one);
    }
    return found;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The keys that any of them has: a service is asked for dozens, and has a few. */
  private named(): ReadonlySet<string> {
    return (this.names ??= new Set(this.layers.flatMap(({ reached }) => pairsOf(reached.node).map(({ pair }) => pair.key.value))));
  }

  /** The map under a key, merged. */
  within(name: string): Layers {
    const layers: Layer[] = [];
    for (const layer of this.named().has(name) ? this.layers : []) {
      const one = find(layer, name);
      if (one && (one.node.tag === '!reset' || one.node.tag === '!override')) layers.length = 0;
      if (one?.node.kind === 'map') layers.push({ ...layer, reached: one.reached as Reached<YamlMap> });
    }
    return new Layers(layers);
  }

  /** The items of the lists under a key, one after the other; a single value counts as a list of one. */
  items(name: string): Found[] {
    return this.all(name).flatMap(itemsOf);
  }

  /** What stands at a way of keys and list positions. */
  at(...path: (string | number)[]): Found | undefined {
    const [first, ...rest] = path;
    if (typeof first !== 'string') return undefined;
    if (rest.length === 0) return this.get(first);
    const [next] = rest;
    if (typeof next === 'string') return this.within(first).at(...(rest as string[]));
    const item = this.items(first)[next!];
    return item && rest.length > 1 ? childAt(item, rest.slice(1)) : item;
  }
}

interface FoundInLayer extends Found {
  reached: Reached;
}

function find(layer: Layer, name: string): FoundInLayer | undefined {
  const { node, via: outer, anchors: above } = layer.reached;
  const pair = pairsOf(node).find((one) => one.pair.key.value === name);
  if (!pair) return undefined;
  const reached = reach(pair.pair.value, outer === 'own' ? pair.via : outer, [...above, ...pair.anchors]);
  return { node: reached.node, reached, variables: layer.variables, place: placeOf(reached, layer) };
}

function placeOf({ node, via, anchors }: Reached, { file, service, viewer, way, extendedBy }: Layer): Place {
  const others = () => [service, ...extendedBy, ...anchors.flatMap((anchor) => [...servicesThatReach(file, anchor)])];
  return place(node, file, viewer, way === 'own' ? via : way, others);
}

/** Who else has a text is asked for seldom, so it is found out when it is. */
function place({ start, end }: YamlNode, file: ComposeFile, service: string, via: Way, others: () => string[]): Place {
  return {
    file,
    service,
    start,
    end,
    via,
    get sharedWith() {
      return [...new Set(others())].filter((name) => name !== service);
    },
  };
}

function itemsOf(found: Found): Found[] {
  const { node, place, variables } = found;
  if (node.kind === 'list') return node.items.map((item) => childOf(item, place, variables));
  return node.kind === 'scalar' && node.style === 'plain' && node.value === '' ? [] : [found];
}

/** A node inside one that was found. */
export function childOf(child: YamlNode, parent: Place, variables: Variables): Found {
  const { node, via, anchors } = reach(child);
  const { file, service } = parent;
  const others = () => [...parent.sharedWith, ...anchors.flatMap((anchor) => [...servicesThatReach(file, anchor)])];
  return { node, variables, place: place(node, file, service, parent.via === 'own' ? via : parent.via, others) };
}

/** The value of a key inside a map that was found. */
export function keyIn({ node, place, variables }: Found, name: string): Found | undefined {
  if (node.kind !== 'map') return undefined;
  const pair = pairsOf(node).find((one) => one.pair.key.value === name)?.pair;
  return pair && childOf(pair.value, place, variables);
}

function childAt(found: Found, path: (string | number)[]): Found | undefined {
  let at: Found | undefined = found;
  for (const step of path) {
    if (!at) return undefined;
    if (typeof step === 'string') at = keyIn(at, step);
    else {
      const item: YamlNode | undefined = at.node.kind === 'list' ? at.node.items[step] : undefined;
      at = item && childOf(item, at.place, at.variables);
    }
  }
  return at;
}

/** A scalar's text with variables replaced as far as they are known; undefined for null, maps and lists. */
export function textOf(found: Found | undefined): string | undefined {
  const scalar = scalarOf(found);
  return scalar && interpolate(scalar.value, found!.variables).text;
}

/** A scalar that says something. */
export function scalarOf(found: Found | undefined): YamlScalar | undefined {
  const node = found?.node;
  return node?.kind === 'scalar' && !(node.style === 'plain' && /^(|~|null|Null|NULL)$/.test(node.value)) ? node : undefined;
}

/** Whether a value says yes, as compose reads it. */
export function isTrue(found: Found | undefined): boolean {
  return /^(true|t|yes|y|on|1)$/i.test(textOf(found) ?? '');
}
