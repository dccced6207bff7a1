import type { Target } from '../project.ts';
import { editIn, partOf, type PlacedText, textOfFile } from './placed-text.ts';
import { type Run, runsOf } from './runs.ts';
import { addOnce, type ServerMove, whereIs } from './server-move.ts';
import { serversIn } from './servers.ts';
import { placedCommands } from './start-places.ts';

/**
 * A redirect to an entry point carries that one's own port unless it is the scheme's, and HTTP/3 is advertised there:
 * once it moves, the port that the outside sees is said instead (doc.traefik.io, "EntryPoints": `to` is the name of an
 * entry point or a port).
 * @param moved the new port by the old one
 */
export function traefikMove(target: Target, moved: ReadonlyMap<number, number>): ServerMove {
  const move: ServerMove = { edits: [], obstacles: [], doubts: [] };
  for (const run of runsOf(target)) {
    const settings = settingsOf(run);
    const ports = new Map(settings.flatMap(({ name, value }) => (/^entrypoints\.[\w-]+\.address$/.test(name) ? [[name.split('.')[1]!, portIn(value)] as const] : [])));
    for (const { name, value, place, where } of settings) {
      const [, from = ''] = name.split('.');
      if (/^entrypoints\.[\w-]+\.http\.redirections\.entrypoint\.to$/.test(name)) {
        const port = ports.get(value.toLowerCase());
        const edit = port !== undefined && moved.has(port) ? editIn(place, 0, place.text.length, `:${port}`) : undefined;
        if (edit) addOnce(move, edit);
        else if (port !== undefined && moved.has(port)) move.obstacles.push({ message: `${where} redirects to the port of an entry point, which would be the new one`, advice: `name the port that the outside sees: :${port}` });
      } else if (/^entrypoints\.[\w-]+\.redirect\.entrypoint$/.test(name) && moved.has(ports.get(value.toLowerCase()) ?? 0)) {
        move.obstacles.push({ message: `${where} redirects to the port of an entry point, which would be the new one`, advice: 'redirect by regex and replacement instead' });
      } else if (/^entrypoints\.[\w-]+\.http3$|^entrypoints\.[\w-]+\.http3\./.test(name) && moved.has(ports.get(from) ?? 0) && !settings.some((other) => other.name === `entrypoints.${from}.http3.advertisedport`)) {
        move.obstacles.push({ message: `${where} has HTTP/3 advertised at the port of the entry point, which would be the new one`, advice: `set http3.advertisedPort to ${ports.get(from)} there` });
      }
    }
  }
  return move;
}

/** A setting of the static configuration, on the command line or in a file, its name in lower case. */
interface Setting {
  name: string;
  value: string;
  place: PlacedText;
  where: string;
}

function settingsOf(run: Run): Setting[] {
  const written = placedCommands(run).flatMap(({ words, where }) =>
    words.flatMap((word): Setting[] => {
      const match = /^--(entrypoints\.[\w.-]+?)(?:=(.*))?$/i.exec(word.text);
      if (!match) return [];
      const value = match[2] ?? '';
      return [{ name: match[1]!.toLowerCase(), value, place: partOf(word, word.text.length - value.length, word.text.length), where }];
    }),
  );
  const inFiles = serversIn(run).flatMap(({ configuration }) => (configuration.kind === 'traefik' ? configuration.directives : []));
  return [
    ...written,
    ...inFiles.flatMap((directive): Setting[] => {
      const { name, args, file } = directive;
      const word = args[0];
      if (!word || file.source === undefined) return [];
      const whole = textOfFile(file.source, run.root, run.disk, file.text, file.offset);
      const place: PlacedText = { text: word.text, path: whole.path, at: (offset) => (word.text === word.value ? file.offset + word.start + offset : undefined), closed: whole.closed };
      return [{ name: name.toLowerCase(), value: word.value, place, where: whereIs(directive, run) }];
    }),
  ];
}

function portIn(address: string): number {
  return Number(/:(\d+)(?:\/\w+)?$/.exec(address)?.[1] ?? Number.NaN);
}
