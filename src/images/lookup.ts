import { catalogue } from './catalogue/index.ts';
import { globMatches, pathGlobMatches } from './glob.ts';
import type { Reference } from './reference.ts';
import type { Family, ImageAccount, ImageEntry } from './types.ts';

/** What the catalogue says of one reference. */
export interface ImageFacts {
  entry: ImageEntry;
  family: Family;
  /** The entry's accounts that exist in this family. */
  accounts: ImageAccount[];
  /** Whether it was read in a primary source and the reference means that image for certain. */
  verified: boolean;
}

/** Whoever else may be asked about an image: an engine, with `--resolve`. */
export interface ImageSource {
  /** @param text the reference as it stands in the file, variables replaced */
  lookUp(text: string, reference: Reference): ImageFacts | undefined;
}

/**
 * What is known of an image; undefined for one that the catalogue does not have.
 * @param own entries of the user, which come first
 */
export function lookUp(reference: Reference, own: readonly ImageEntry[] = []): ImageFacts | undefined {
  const entry = own.find((one) => matches(one, reference)) ?? entryFor(reference);
  if (!entry) return undefined;
  const family = familyOf(entry, reference);
  const accounts = (entry.accounts ?? []).filter(({ where }) => where === undefined || where.includes(family));
  return { entry, family, accounts, verified: entry.verified && reference.match === 'exact' };
}

/** The catalogue does not change, and the same few images are asked about in file after file. */
function entryFor(reference: Reference): ImageEntry | undefined {
  const { repo, tag, digest } = reference;
  const key = `${repo}\n${tag ?? ''}\n${digest ?? ''}`;
  let found = entries.get(key);
  if (!found) {
    const { exact, globs } = index();
    found = { entry: exact.get(repo)?.find((entry) => tagMatches(entry, reference)) ?? globs.find((entry) => matches(entry, reference)) };
    entries.set(key, found);
  }
  return found.entry;
}

const entries = new Map<string, { entry: ImageEntry | undefined }>();

interface Index {
  exact: Map<string, ImageEntry[]>;
  /** Entries with a `*` in a repository, the longest pattern first: it says the most. */
  globs: ImageEntry[];
}

let built: Index | undefined;

function index(): Index {
  if (built) return built;
  const exact = new Map<string, ImageEntry[]>();
  for (const entry of catalogue) for (const repo of entry.repos) if (!repo.includes('*')) exact.set(repo, [...(exact.get(repo) ?? []), entry]);
  for (const entries of exact.values()) entries.sort((one, other) => Number(other.tags !== undefined) - Number(one.tags !== undefined));
  const longest = (entry: ImageEntry) => Math.max(...entry.repos.map((repo) => repo.length));
  const globs = catalogue.filter(({ repos }) => repos.some((repo) => repo.includes('*'))).sort((one, other) => longest(other) - longest(one));
  built = { exact, globs };
  return built;
}

function matches(entry: ImageEntry, reference: Reference): boolean {
  return entry.repos.some((repo) => pathGlobMatches(repo, reference.repo)) && tagMatches(entry, reference);
}

/** An entry with tags matches only by tag. By digest alone the tag is not known, so no tag is excluded. */
function tagMatches({ tags }: ImageEntry, { tag, digest }: Reference): boolean {
  if (tags === undefined) return true;
  if (tag === undefined && digest !== undefined) return tags.every((glob) => glob.startsWith('!'));
  const name = tag ?? 'latest';
  const wanted = tags.filter((glob) => !glob.startsWith('!'));
  const isOut = tags.some((glob) => glob.startsWith('!') && globMatches(glob.slice(1), name));
  return !isOut && (wanted.length === 0 || wanted.some((glob) => globMatches(glob, name)));
}

/** By digest alone the family is known only where all tags share it. */
function familyOf({ family, familyByTag }: ImageEntry, { tag, digest }: Reference): Family {
  if (!familyByTag) return family;
  if (tag === undefined && digest !== undefined) return 'unknown';
  return familyByTag.find(([glob]) => globMatches(glob, tag ?? 'latest'))?.[1] ?? family;
}
