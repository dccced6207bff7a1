import { offsetsOf } from '../compose/scalars.ts';
import { parseYaml, YamlError, type YamlNode } from '../compose/yaml.ts';
import { parseToml, setting } from './toml.ts';
import { type ConfigFile, ConfigurationError, type Directive, type Word } from './types.ts';

/**
 * The settings of a YAML or TOML file, each named by the way to it: `entryPoints.web.address`. Items of a list are
 * named by their number.
 * @throws ConfigurationError for what is neither
 */
export function parseSettings(file: ConfigFile): Directive[] {
  if (file.path.endsWith('.toml')) return parseToml(file);
  try {
    return parseYaml(file.text).flatMap((root) => settingsIn(root, [], file));
  } catch (error) {
    if (error instanceof YamlError) throw new ConfigurationError(error.line, 'this is no YAML that is understood; of a template, run unroot on what is made of it');
    throw error;
  }
}

function settingsIn(node: YamlNode, way: readonly string[], file: ConfigFile): Directive[] {
  if (node.kind === 'alias') return [];
  // `http3: {}` says something too.
  if (node.kind === 'map' && node.pairs.length === 0) return [setting(way, { text: '', value: '', start: node.start, end: node.end }, file)];
  if (node.kind === 'map') return node.pairs.flatMap(({ key, value }) => settingsIn(value, [...way, key.value], file));
  if (node.kind === 'list') return node.items.flatMap((item, index) => settingsIn(item, [...way, String(index)], file));
  const offsets = offsetsOf(file.text, node);
  const [start, end] = [offsets?.[0] ?? node.start, offsets?.at(-1) ?? node.end];
  // One that is not written letter by letter has no place in which to write another port.
  const word: Word = { text: offsets ? node.value : `\\${node.value}`, value: node.value, start, end };
  return [setting(way, word, file)];
}
