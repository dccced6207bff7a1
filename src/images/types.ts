/** The shape of the catalogue: what is known of an image before anybody has pulled it. */

/** Distribution families that differ in how an account is made. `unknown` is an honest answer. */
export type Family =
  | 'debian'
  | 'ubuntu'
  | 'alpine'
  | 'busybox'
  | 'wolfi'
  | 'rhel'
  | 'ubi-minimal'
  | 'ubi-micro'
  | 'amazonlinux'
  | 'azurelinux'
  | 'photon'
  | 'opensuse'
  | 'arch'
  | 'distroless'
  | 'scratch'
  | 'windows'
  | 'unknown';

/** An account in an image. Ids are absent where they are not fixed or not known. */
export interface ImageAccount {
  name?: string;
  uid?: number;
  gid?: number;
  home?: string;
  /** The families of the image in which it exists, where not in all. */
  where?: Family[];
  /** A variable of the image that holds the uid, to be written instead of the number (`APP_UID`). */
  variable?: string;
}

/** What the image's own start command does when nothing overrides it. */
export type StartKind =
  /** a shell or a language's prompt: nothing that serves */
  | 'prompt'
  /** a daemon or a server */
  | 'server'
  /** a command-line tool that works and ends */
  | 'tool'
  /** no start command at all */
  | 'none'
  | 'unknown';

/** What the image's entrypoint does with privileges before it hands over. */
export type DropKind =
  /** keeps whoever it was started as */
  | 'none'
  /** changes user itself (gosu, su-exec, setpriv) when the conditions hold */
  | 'entrypoint'
  /** the server keeps a root master and runs workers as another user */
  | 'server'
  /** the daemon changes user for good after start */
  | 'daemon'
  /** an init or supervisor that starts others and needs root for it */
  | 'supervisor';

/** What can be done about an image that starts as root. */
export type Action =
  | 'already-nonroot'
  | 'use-existing'
  | 'create-user'
  | 'numeric-user'
  | 'self-drops'
  | 'reconfigure'
  | 'swap-image'
  | 'needs-root'
  | 'windows';

/** What becomes of a container of the image that is started as another user (`docker run --user`, compose `user:`). */
export type Override =
  /** any uid works as it is */
  | 'ok'
  /** any uid works that may write {@link ImageEntry.writes} and {@link ImageEntry.volumes} */
  | 'ok-writable'
  /** it works where {@link ImageEntry.conditions} hold */
  | 'conditional'
  /** it does not start, or misbehaves */
  | 'breaks'
  /** nothing: it runs as that user already, or nobody looks at it */
  | 'noop';

export interface ImageEntry {
  /** Unique, kebab-case. */
  id: string;
  /**
   * Repositories as {@link parseReference} normalises them: `library/node` for the Docker Hub's
   * official ones, `owner/name` for the Hub's others, `registry/path` elsewhere. `*` stops at `/`.
   */
  repos: string[];
  /** Tag globs. With tags an entry matches only by tag (a missing tag is `latest`); `!glob` keeps a tag out. */
  tags?: string[];
  /** Family where no glob of `familyByTag` matches. */
  family: Family;
  /** `[tag glob, family]`, the first match decides. */
  familyByTag?: [glob: string, family: Family][];
  /** The user that the image configuration names: `root`, an account, or `unknown`. */
  user: 'root' | 'unknown' | ImageAccount;
  /** Unprivileged accounts that the image ships for running programs; the first that fits is taken. */
  accounts?: ImageAccount[];
  action: Action;
  start: StartKind;
  /** The image's ENTRYPOINT and CMD where known (an empty list: known to be none). */
  entrypoint?: string[];
  cmd?: string[];
  drop: DropKind;
  /**
   * For `drop: 'entrypoint'`: names (or globs) of the first argument with which the entrypoint drops.
   * Absent: whatever is started. A different command stays root.
   */
  dropsFor?: string[];
  /** Absolute directory of the image's WORKDIR, where it is not `/`. */
  workdir?: string;
  /** Variables of the image that say where tools install to and look for things, the same in all its tags. */
  env?: Record<string, string>;
  /** TCP and UDP ports it listens on by default. */
  ports?: number[];
  /** Absolute paths that the program writes at run time. */
  writes?: string[];
  /** Those of them that hold data which a deployment keeps, VOLUME or not. */
  data?: string[];
  /** Paths whose mounts it only reads, read-only or not: what others put there belongs to them. */
  reads?: string[];
  /** Archives that it unpacks beside themselves, as a glob: their directory is written only for them. */
  unpacks?: string;
  /** Paths of its VOLUME instructions. */
  volumes?: string[];
  /** Directories that anybody may write in the image (mode 1777). */
  worldWritable?: string[];
  /** How its port is moved, in the image's own words. */
  portChange?: string;
  /** The variable that names its port or address. */
  portVariable?: string;
  /** What the entrypoint does as root before it drops. */
  rootSteps?: string[];
  /** An official variant that does not run as root. */
  rootless?: string;
  notes?: string;
  /** Absent where it is not known. */
  override?: Override;
  /** What must hold for another user, where it does not work by itself. */
  conditions?: string[];
  /** What no file can settle once it runs as another user: such a fix is unsafe. */
  doubt?: string;
  /** Where the facts were read: `repo:owner/name:path`, `idx:…`, `chroot:…`, `build:…`. */
  sources: string[];
  /** Whether the facts were read in a primary source. Only such an entry makes a fix safe. */
  verified: boolean;
  /** Fields of a verified entry that were not: what rests on one is unsafe. */
  unverified?: ('family' | 'user' | 'accounts' | 'drop' | 'ports' | 'writes' | 'volumes')[];
}
