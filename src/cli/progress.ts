/** Runs that are over sooner show nothing. */
const PATIENCE_MS = 700;
const EVERY_MS = 100;
const CLEAR = '\r\u001b[2K';

const WORDS = { decide: 'deciding', write: 'writing', verify: 'verified' } as const;

/** How far something is. */
interface Progress {
  phase: keyof typeof WORDS;
  done: number;
  total: number;
}

/** One line on a terminal that says how far a long run is, and is gone when it ends. */
export class ProgressLine {
  private readonly stream: NodeJS.WriteStream;
  private readonly began = performance.now();
  private readonly patience: number;
  private shown: number | undefined;

  constructor(stream: NodeJS.WriteStream, patience = PATIENCE_MS) {
    this.stream = stream;
    this.patience = patience;
  }

  show({ phase, done, total }: Progress): void {
    if (!this.stream.isTTY) return;
    const now = performance.now();
    if (now - this.began < this.patience || (this.shown !== undefined && now - this.shown < EVERY_MS)) return;
    this.shown = now;
    this.stream.write(`${CLEAR}${WORDS[phase]} ${done} of ${total}`);
  }

  clear(): void {
    if (this.shown !== undefined) this.stream.write(CLEAR);
  }
}
