/** Exit statuses, a contract (see the README). */
export const EXIT = { done: 0, pending: 1, failed: 2 } as const;
