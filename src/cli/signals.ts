const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Holds back signals that would end the process in the middle of a write. Deciding needs none of
 * it: there the default is right, nothing was written and the process ends at once.
 */
export class SignalGuard {
  received: NodeJS.Signals | undefined;
  private readonly listener = (signal: NodeJS.Signals): void => {
    this.received = signal;
  };
  private isOn = false;

  /** Whether a signal came. Gives Node the turn of its event loop in which signals are delivered. */
  async hasCome(): Promise<boolean> {
    if (!this.isOn) for (const signal of SIGNALS) process.on(signal, this.listener);
    this.isOn = true;
    await new Promise((resolve) => setImmediate(resolve));
    return this.received !== undefined;
  }

  /** The signal that came, as its sender meant it: the process ends by it. */
  async passOn(): Promise<void> {
    if (!this.isOn) return;
    await this.hasCome();
    for (const signal of SIGNALS) process.off(signal, this.listener);
    if (this.received) process.kill(process.pid, this.received);
  }
}

/**
 * Lets work be given up in an orderly way: the first signal asks for it by an `AbortSignal`, a second one waits for nothing
 * but what `atOnce` takes away. The same is done where the process ends by a fault.
 */
export class SignalStop {
  received: NodeJS.Signals | undefined;
  private readonly controller = new AbortController();
  private removeNow: (() => void) | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.listener);
    process.on('exit', this.leave);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** What to do, without waiting, before the process ends; undefined: nothing any more. */
  atOnce(removeNow: (() => void) | undefined): void {
    this.removeNow = removeNow;
  }

  /** No signal is held back any more; one that came ends the process. */
  passOn(): void {
    for (const signal of SIGNALS) process.off(signal, this.listener);
    process.off('exit', this.leave);
    if (this.received) process.kill(process.pid, this.received);
  }

  private readonly listener = (signal: NodeJS.Signals): void => {
    if (this.received) {
      this.leave();
      this.passOn();
      return;
    }
    this.received = signal;
    this.controller.abort();
  };

  private readonly leave = (): void => {
    this.removeNow?.();
    this.removeNow = undefined;
  };
}
