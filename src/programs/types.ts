import type { Family } from '../images/types.ts';

/** What a program makes of not being root. */
export type Need =
  /** runs as whoever starts it, if it can write what it writes */
  | 'any-uid'
  /** a root master with unprivileged workers, which runs without root as well */
  | 'root-master'
  /** starts as root and changes to its own user */
  | 'drops'
  /** refuses to run as root: whoever has it running uses another account already */
  | 'refuses-root'
  /** needs capabilities or files that only root has */
  | 'needs-root'
  /** starts others as other users */
  | 'starts-others';

/** A server or daemon that Dockerfiles install into a distribution's image. */
export interface Program {
  /** The commands that start it. */
  commands: string[];
  /** Globs for the distributions' packages that bring it, where their names don't begin as its commands do. */
  packages?: string[];
  need: Need;
  /** The account of its package, by family where they differ; made by the package, so its number is not fixed. */
  account?: string | Partial<Record<Family, string>>;
  /**
   * Absolute directories and files that it writes with its package's configuration, by family where they
   * differ. `VERSION` stands for the version in the command's or the package's name (`php-fpm8.2`).
   */
  writes?: string[] | Partial<Record<Family, string[]>>;
  /** As its maker's own packages have it, which another repository brings: the name of that, and what differs. */
  upstream?: { repository: string; account: string; writes: string[] };
  /** Where it listens by default. */
  ports?: number[];
  /** Why, for `needs-root` and `starts-others`; else what to know. */
  note?: string;
  /**
   * The families in which it was installed and run, as its account or as 10001, with those paths and
   * nothing else to write to; `true` where that does not depend on a distribution. Only then it makes a fix safe.
   */
  verified?: true | Family[];
  /** Where its configuration lies, of programs whose configuration nobody here reads: another one may name other paths. */
  configuration?: string[];
  /** Where the facts were read. Packages of Debian 12, Alpine 3.19 and RHEL 9 are meant where nothing else is said. */
  source: string;
}
