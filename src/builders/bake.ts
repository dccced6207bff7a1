import { join } from 'node:path';
import { isMap } from '../compose/yaml.ts';
import { readHcl } from './hcl.ts';

/** A target of a bake file, what it inherits filled in. Paths are relative to the file. */
export interface BakeTarget {
  context: string;
  /** Relative as the context is. */
  dockerfile: string;
  target: string | undefined;
  tags: string[];
}

/** The targets of a bake file; none for one that its own tool could not read. */
export function readBake(text: string, isJson: boolean): BakeTarget[] {
  const targets = isJson ? jsonTargets(text) : hclTargets(text);
  return [...targets.values()].map((own) => {
    const { context = '.', dockerfile = 'Dockerfile', target, tags } = { ...inherited(own, targets), ...own };
    return { context: String(context), dockerfile: join(String(context), String(dockerfile)), target: asText(target), tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [] };
  });
}

type Attributes = Record<string, unknown>;

function jsonTargets(text: string): Map<string, Attributes> {
  try {
    const data: unknown = JSON.parse(text);
    const targets = isMap(data) && isMap(data.target) ? data.target : {};
    return new Map(Object.entries(targets).filter((entry): entry is [string, Attributes] => isMap(entry[1])));
  } catch {
    return new Map(); // bake could not read it either
  }
}

function hclTargets(text: string): Map<string, Attributes> {
  return new Map(readHcl(text).filter(({ type }) => type === 'target').map(({ labels, attributes }) => [labels[0] ?? '', attributes]));
}

function inherited({ inherits }: Attributes, targets: ReadonlyMap<string, Attributes>, depth = 0): Attributes {
  if (!Array.isArray(inherits) || depth > 8) return {};
  return Object.assign({}, ...inherits.map((name) => {
    const parent = targets.get(String(name)) ?? {};
    return { ...inherited(parent, targets, depth + 1), ...parent };
  })) as Attributes;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
