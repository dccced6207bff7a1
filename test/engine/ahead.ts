/**
 * Starts jobs in order, each when the one `atOnce` before it has ended: uvu runs one test after the other, and most of
 * the time is waiting. @returns their outcomes, in order; a failure is its test's to report, which comes later
 */
export function startAhead<T>(jobs: readonly (() => Promise<T>)[], atOnce: number): Promise<T>[] {
  const outcomes: Promise<T>[] = [];
  for (const job of jobs) {
    const outcome: Promise<T> = (outcomes.at(-atOnce) ?? Promise.resolve()).then(job, job);
    outcome.catch(() => {});
    outcomes.push(outcome);
  }
  return outcomes;
}
