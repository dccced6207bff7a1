import type { Reason } from '../facts/judgement.ts';
import { ROOT_STAYS, type Settled } from '../rewrite.ts';

/** What a fix that only clears the way for others leaves to say: why it is not safe or not made. */
export function inTheWay({ finding, skipped }: Settled): Reason[] {
  return skipped === ROOT_STAYS ? [{ rule: 'low-port', message: skipped }] : finding.reasons;
}
