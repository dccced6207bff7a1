import type { ImageFacts } from '../lookup.ts';
import type { Reference } from '../reference.ts';
import { Cache, cacheFile } from './cache.ts';
import { Engine, type ImageFiles, type LocalImage, type Probe, Refusal } from './engine.ts';
import { entryOf } from './entry.ts';

/** For all questions of a run together. */
const ALL_MILLISECONDS = 60_000;
/** How many images a note names. */
const NAMED = 5;
/** What commands say when no engine is running, and when they can't ask registries. */
const OFFLINE = /cannot connect to the docker daemon|error during connect|failed to connect to|unable to connect to podman/i;
const LACKING = /not a docker command|unknown (flag|command)|unrecognized command/i;

/**
 * What may be asked of a container engine about images that neither the configuration nor the catalogue
 * knows. Each is asked once in a run, so that a run is of one piece; what is learnt is kept for the next.
 */
export class Resolver {
  private readonly answers = new Map<string, ImageFacts | undefined>();
  private readonly unanswered: { image: string; why: string }[] = [];
  private readonly cache = new Cache(cacheFile());
  private readonly engine: Engine;
  private gone: string | undefined;
  /** Why no engine answers, though registries may: asking them takes none. */
  private offline: string | undefined;

  /** @param command the engine's command: a name on the PATH, or a path */
  constructor(command: string) {
    this.engine = new Engine(command, Date.now() + ALL_MILLISECONDS);
  }

  /** The facts of an image; undefined where the engine can't tell. */
  lookUp(text: string, reference: Reference): ImageFacts | undefined {
    if (!this.answers.has(text)) this.answers.set(text, this.ask(text, reference));
    return this.answers.get(text);
  }

  /** What a person should know once all is asked. */
  notes(): string[] {
    const notes = [];
    if (this.unanswered.length > 0) {
      const named = this.unanswered.slice(0, NAMED).map(({ image, why }) => `${image} (${why})`);
      const more = this.unanswered.length > NAMED ? [`${this.unanswered.length - NAMED} more`] : [];
      notes.push(`--resolve: nothing could be learnt of ${[...named, ...more].join(', ')}`);
    }
    if (this.gone !== undefined) notes.push(`--resolve: ${this.gone}; images that are not in the catalogue stay unknown`);
    return notes;
  }

  /** Keeps what was learnt. */
  close(): void {
    this.cache.save();
  }

  private ask(text: string, reference: Reference): ImageFacts | undefined {
    const probe = this.attempt(text, () => this.local(text)) ?? this.attempt(text, () => this.remote(text, reference));
    if (!probe) return undefined;
    this.unanswered.splice(0, this.unanswered.length, ...this.unanswered.filter(({ image }) => image !== text));
    const entry = entryOf(text, reference, probe);
    return { entry, family: entry.family, accounts: entry.accounts ?? [], verified: true };
  }

  private attempt(image: string, ask: () => Probe | undefined): Probe | undefined {
    if (this.gone !== undefined) return undefined;
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.gone) this.gone = error.message;
      else if (OFFLINE.test(error.message)) this.offline = error.message;
      else if (this.offline !== undefined && LACKING.test(error.message)) this.gone = this.offline;
      else this.noteDown(image, error.message);
      return undefined;
    }
  }

  /** The last thing that was tried says best why nothing is known. */
  private noteDown(image: string, why: string): void {
    const known = this.unanswered.find((one) => one.image === image);
    if (known) known.why = why;
    else this.unanswered.push({ image, why });
  }

  /** An image that the engine has. What a tag means here can change at any time, what an id means can't. */
  private local(text: string): Probe | undefined {
    const image = this.engine.local(text);
    if (!image) return undefined;
    const known = this.cache.get(image.id);
    if (known) return known;
    const files = this.filesOf(image);
    if (files) this.cache.set(image.id, { config: image.config, files });
    return { config: image.config, files };
  }

  /** Without its files an image's configuration still tells most. */
  private filesOf(image: LocalImage): ImageFiles | undefined {
    try {
      return this.engine.files(image);
    } catch (error) {
      if (error instanceof Refusal && !error.gone) return undefined;
      throw error;
    }
  }

  private remote(text: string, { repo, tag, digest }: Reference): Probe {
    const key = digest === undefined ? `${repo}:${tag ?? 'latest'}` : `${repo}@${digest}`;
    const known = this.cache.get(key);
    if (known) return known;
    const probe = { config: this.engine.remote(text), files: undefined };
    this.cache.set(key, probe);
    return probe;
  }
}
