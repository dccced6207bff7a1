import { dirname } from 'node:path';
import type { Container, Events, Proof } from '../../src/verify/index.ts';

/** What comes of the targets of a run, folder by folder, as soon as it is there. */
export class Proofs {
  private failure: { error: unknown } | undefined;
  private isOver = false;
  private readonly byFolder = new Map<string, Folder>();
  private readonly look: ((container: Container, folder: string) => Promise<void>) | undefined;

  /** @param look at each container of after, while it runs or once it has ended */
  constructor(look?: (container: Container, folder: string) => Promise<void>) {
    this.look = look;
  }

  /** Follows a run to its end. @throws what it throws */
  async follow(run: (on: Partial<Events>) => Promise<unknown>): Promise<void> {
    const on: Partial<Events> = {
      planned: ({ subjects }) => subjects.forEach(({ path }) => (this.at(path).open += 1)),
      proved: (proof) => this.at(proof.subject.path).add(proof),
      running: async (container, side, { path }) => {
        if (side === 'after') await this.look?.(container, dirname(path)).catch((error: unknown) => this.at(path).fail(error));
      },
    };
    try {
      await run(on);
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.end();
  }

  /** Whoever waits for a folder hears of it. */
  fail(error: unknown): void {
    this.failure ??= { error };
    for (const folder of this.byFolder.values()) folder.fail(error);
    this.end();
  }

  /** All that came of a folder's targets. */
  of(folder: string): Promise<Proof[]> {
    const found = this.at(`${folder}/Dockerfile`);
    if (this.failure) found.fail(this.failure.error);
    if (this.isOver) found.end();
    return found.proofs;
  }

  private end(): void {
    this.isOver = true;
    for (const folder of this.byFolder.values()) folder.end();
  }

  private at(path: string): Folder {
    const name = path.split('/')[0]!;
    const known = this.byFolder.get(name) ?? new Folder();
    this.byFolder.set(name, known);
    return known;
  }
}

class Folder {
  /** Targets that are still at work. */
  open = 0;
  readonly proofs: Promise<Proof[]>;
  private readonly found: Proof[] = [];
  private failure: { error: unknown } | undefined;
  private settle!: () => void;

  constructor() {
    this.proofs = new Promise((resolve, reject) => {
      this.settle = () => (this.failure ? reject(this.failure.error) : resolve(this.found));
    });
    this.proofs.catch(() => {}); // whoever waits hears of it
  }

  add(proof: Proof): void {
    this.found.push(proof);
    if (this.found.length === this.open) this.end();
  }

  fail(error: unknown): void {
    this.failure ??= { error };
  }

  end(): void {
    this.settle();
  }
}
