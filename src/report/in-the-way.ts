import type { Reason } from '../facts/judgement.ts';
import { ROOT_STAYS, type Settled } from '../rewrite.ts';

/** What a fix that only clears the way for others leaves to say: why it is not safe or not made. */
export function inTheWay({ finding, skipped }: Settled): Reason[] {
  if (skipped === ROOT_STAYS) return [{ rule: 'low-port', message: skipped }];
  return skipped === undefined ? finding.reasons : finding.reasons.map(withoutMove);
}

/** A reason without what to do once a port has moved: where the move is left out, the port stays. */
function withoutMove(reason: Reason): Reason {
  if (reason.rule !== 'port-elsewhere' && reason.rule !== 'port-out-of-sight') return reason;
  const { advice: _, ...rest } = reason;
  return rest;
}
