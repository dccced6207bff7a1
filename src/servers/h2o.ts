import { portNumber, splitAddress, spotIn } from './address.ts';
import { parseSettings } from './settings.ts';
import { type ConfigFiles, ConfigurationError, type Directive, type Listener, type ServerConfiguration } from './types.ts';

/** What a configuration of H2O says: `listen: 80`, `listen: { port: 80 }`, or a list of either, of all hosts or of one (h2o.examp1e.net, "Base Directives"). */
export function readH2o(entry: string, files: ConfigFiles): ServerConfiguration {
  const result: ServerConfiguration = { kind: 'h2o', files: [], directives: [], listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps: [] };
  const file = files.read(entry);
  if (!file) {
    result.gaps.push(`${entry} is not in sight`);
    return result;
  }
  result.files.push(file);
  try {
    result.directives.push(...parseSettings(file));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    result.gaps.push(`${entry}:${error.line} could not be read: ${error.message}`);
  }
  for (const directive of result.directives) {
    if (LISTEN.test(directive.name)) result.listeners.push(listenerOf(directive, result.directives));
    if (directive.name === 'user') result.users.push(directive);
  }
  return result;
}

const LISTEN = /(^|\.)listen(\.\d+)?(\.port)?$/;

function listenerOf(directive: Directive, settings: readonly Directive[]): Listener {
  const word = directive.args[0]!;
  const address = splitAddress(word.text);
  const own = directive.name.replace(/\.port$/, '');
  const tls = settings.some(({ name }) => name.startsWith(`${own}.ssl`));
  return { address: address.host, port: portNumber(address.port), variable: undefined, protocol: 'tcp', tls, spot: spotIn(directive.file, word, address), directive, conditions: [] };
}
