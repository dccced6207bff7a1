/** What holds where nothing else is asked for. */

/** How many targets are worked on at once. */
export const JOBS = 4;
/** Seconds for a program to become ready. */
export const SECONDS = 30;
