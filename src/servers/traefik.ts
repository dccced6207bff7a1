import { posix } from 'node:path';
import { portNumber, splitAddress, splitUrl, spotIn } from './address.ts';
import { parseSettings } from './settings.ts';
import { type ConfigFile, type ConfigFiles, ConfigurationError, type Directive, type Listener, type ServerConfiguration, type Upstream, type Word } from './types.ts';

/**
 * What Traefik's static configuration says, in a file of YAML or TOML, and the dynamic one that it names there
 * (doc.traefik.io, "Configuration Discovery"). A file that is not there leaves that to the command line.
 * @param entry the file, whose ending may be another one
 */
export function readTraefik(entry: string, files: ConfigFiles): ServerConfiguration {
  const result: ServerConfiguration = { kind: 'traefik', files: [], directives: [], listeners: [], mentions: [], upstreams: [], writes: [], users: [], gaps: [] };
  const path = [entry, ...ENDINGS.map((ending) => entry.replace(/\.\w+$/, ending))].find((one) => files.read(one));
  if (path === undefined) {
    if (files.isHidden(entry)) result.gaps.push(`what is put at ${entry} is not in sight`);
    return result;
  }
  const settings = read(path, files, result);
  for (const one of settings) result.listeners.push(...listenersOf(one, settings));
  if (result.gaps.length === 0 && !settings.some(({ name }) => ADDRESS.test(name))) result.listeners.push(...unwritten(result.files[0]!));
  const dynamic = settings.flatMap(({ name, args }) => (/^(providers\.)?file\.(filename|directory)$/i.test(name) ? [args[0]!.value] : []));
  const others = dynamic.flatMap((one) => (files.read(one) ? [one] : files.list(one).filter((name) => /\.(ya?ml|toml)$/.test(name)).map((name) => posix.join(one, name))));
  // One that can't be read says nothing of where Traefik listens.
  for (const other of others) if (other !== path) read(other, files, { ...result, gaps: [] });
  for (const one of result.directives) result.upstreams.push(...upstreamOf(one));
  return result;
}

const ENDINGS = ['.yml', '.yaml', '.toml'];

/** The settings of one file, which is taken note of. */
function read(path: string, files: ConfigFiles, { files: known, directives, gaps }: ServerConfiguration): Directive[] {
  const file = files.read(path);
  if (!file) return [];
  try {
    const settings = parseSettings(file);
    known.push(file);
    directives.push(...settings);
    return settings;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    gaps.push(`${posix.basename(file.source ?? path)}:${error.line} can't be read: ${error.message}`);
    return [];
  }
}

const ADDRESS = /^entryPoints\.[\w-]+\.address$/i;

/** `:443/udp`; an entry point with HTTP/3 listens for both. */
function listenersOf({ name, args, ...directive }: Directive, settings: readonly Directive[]): Listener[] {
  const word = args[0]!;
  if (!ADDRESS.test(name)) return [];
  const [, protocol] = /\/(tcp|udp)$/i.exec(word.value) ?? [];
  const plain: Word = protocol === undefined ? word : { ...word, text: word.text.slice(0, -protocol.length - 1), value: word.value.slice(0, -protocol.length - 1), end: word.end - protocol.length - 1 };
  const address = splitAddress(plain.text);
  const http3 = settings.some((other) => other.name.toLowerCase().startsWith(`${name.toLowerCase().replace(/address$/, 'http3')}`));
  const one: Listener = { address: address.host, port: portNumber(address.port), variable: undefined, protocol: protocol?.toLowerCase() === 'udp' ? 'udp' : 'tcp', tls: false, spot: spotIn(directive.file, plain, address), directive: { name, args, ...directive }, conditions: [] };
  return http3 ? [one, { ...one, protocol: 'udp' }] : [one];
}

/** Without entry points it makes one on 80 (doc.traefik.io, "EntryPoints"). */
function unwritten(file: ConfigFile): Listener[] {
  const eol = file.text.includes('\r\n') ? '\r\n' : '\n';
  const directive: Directive = { name: 'entryPoints', args: [], block: undefined, inside: undefined, file, start: 0, end: 0 };
  const spot = file.path.endsWith('.toml') || /^(\uFEFF|---|%)/.test(file.text) ? undefined : { file, start: 0, end: 0, before: `entryPoints:${eol}  http:${eol}    address: ":`, after: `"${eol}${eol}` };
  return [{ address: '', port: 80, variable: undefined, protocol: 'tcp', tls: false, spot, directive, conditions: [] }];
}

/** `http.services.web.loadBalancer.servers.0.url: http://web:80`, and `address` of TCP and UDP services. */
function upstreamOf(directive: Directive): Upstream[] {
  const word = directive.args[0];
  if (!word || !/\.servers\.[\w-]+\.(url|address)$/i.test(directive.name)) return [];
  const address = splitUrl(word.text);
  if (address.host === '') return [];
  const port = address.port === undefined ? (address.scheme === 'https' ? 443 : 80) : portNumber(address.port);
  return [{ host: address.host, port, spot: spotIn(directive.file, word, address), directive }];
}
