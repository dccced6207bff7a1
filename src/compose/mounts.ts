import { type Found, isTrue, keyIn, type Place, textOf } from './layers.ts';

export interface Mount {
  type: 'bind' | 'volume' | 'tmpfs' | 'other';
  /** A path, the name of a volume, or nothing for an anonymous volume. Variables without a value stay as written. */
  source: string | undefined;
  target: string;
  readOnly: boolean;
  /** Options behind the second colon of the short syntax; `nocopy` of the long one. */
  options: string[];
  /** What a path in `source` is relative to. */
  directory: string;
  place: Place;
}

/** Reads one entry of `volumes`: `[source:]target[:mode]`, or a map. */
export function mountOf(found: Found): Mount[] {
  if (found.node.kind === 'map') return longMount(found);
  const text = textOf(found);
  if (text === undefined) return [];
  const [first, second, mode] = splitMount(text);
  const options = (mode ?? '').split(',').filter(Boolean);
  const rest = { readOnly: options.includes('ro'), options, directory: found.place.file.directory, place: found.place };
  if (second === undefined) return [{ type: 'volume', source: undefined, target: first!, ...rest }];
  return [{ type: isPath(first!) ? 'bind' : 'volume', source: first, target: second, ...rest }];
}

function longMount(found: Found): Mount[] {
  const target = textOf(keyIn(found, 'target')) ?? textOf(keyIn(found, 'destination')) ?? textOf(keyIn(found, 'dst'));
  if (target === undefined) return [];
  const type = textOf(keyIn(found, 'type'));
  const volume = keyIn(found, 'volume');
  return [
    {
      type: type === 'bind' || type === 'volume' || type === 'tmpfs' ? type : 'other',
      source: textOf(keyIn(found, 'source')) ?? textOf(keyIn(found, 'src')),
      target,
      readOnly: isTrue(keyIn(found, 'read_only')),
      options: volume && isTrue(keyIn(volume, 'nocopy')) ? ['nocopy'] : [],
      directory: found.place.file.directory,
      place: found.place,
    },
  ];
}

/** `/run:uid=101,mode=0755` of `tmpfs`. */
export function tmpfsOf(found: Found): Mount[] {
  const text = textOf(found);
  if (text === undefined) return [];
  const [target, options = ''] = text.split(':') as [string, string | undefined];
  return [{ type: 'tmpfs', source: undefined, target, readOnly: false, options: options.split(',').filter(Boolean), directory: found.place.file.directory, place: found.place }];
}

/** At colons, but for those of variables and of a drive letter. */
function splitMount(text: string): string[] {
  const masked = text.replace(/\$\{[^}]*\}|^[A-Za-z]:(?=[\\/])/g, (part) => part.replaceAll(':', '\u0000'));
  return masked.split(':').map((part) => part.replaceAll('\u0000', ':'));
}

/** What compose takes for a path on the host; a variable is one if its name says so. */
function isPath(source: string): boolean {
  return /^[.~/\\]|^[A-Za-z]:[\\/]/.test(source) || /^\$\{?\w*(PWD|PATH|DIR|HOME|FOLDER|ROOT|LOCATION)/i.test(source) || (source.startsWith('$') && source.includes('/'));
}
