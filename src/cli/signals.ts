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
