/** What is said of a target, and why. */
export type Verdict = 'nonroot' | 'fixable' | 'fixed' | 'drops' | 'refused' | 'unknown';

/** The rules that a user reads in reasons, by name, with what they mean. `unroot explain` prints them. */
export const RULES = {
  'already-nonroot': 'the image runs as an unprivileged user',
  'unknown-base': 'the base image is not in the catalogue and nothing in the file tells its user',
  'starts-nothing': 'neither the file nor its base starts a program: a base or tool image',
  'starts-a-prompt': 'the start command is a shell, a prompt, or only keeps the container open',
  'opted-out': 'a comment in the file asks tools to leave this alone',
  'generated-file': 'the file says that something generates it',
  'looks-like-json': 'the start command looks like a JSON array and is none, so builders run it as shell text',
  'too-large': 'it makes more directories, volumes and accounts than unroot weighs',
  'onbuild-run': 'an ONBUILD RUN in the chain runs in images built on this one, which may need root',
  'github-action': 'GitHub runs action containers with files that only root may write',
  'dev-container': 'a development container, whose user the editor chooses',
  windows: 'a Windows image: Linux users do not apply',
  'rootless-variant': 'another stage of the file is the same without root',
  'drops-by-itself': 'it starts as root on purpose and drops to an unprivileged user by itself',
  'starts-others': 'it starts an init, a supervisor or a daemon that starts others and needs root for it',
  'needs-root': 'what it starts needs what only root has',
  'script-needs-root': 'its start script does what only root can do',
  'installs-at-start': 'it installs packages when it starts, which an unprivileged user cannot, and what they are may depend on the start',
  'script-out-of-sight': 'its start script is not in the build context, so what it does is not known',
  'tool-image': 'a command-line tool that works on files of whoever calls it',
  development: 'it runs a development server or has the source mounted over it',
  'low-port-in-kubernetes': 'it listens below 1024, and Kubernetes, Helm or a host network here runs it, where that needs root',
  'lives-in-root-home': 'it needs something under /root, which is closed to other users',
  'unreadable-start': 'the start command could not be understood in full',
  'unverified-base': 'what the catalogue says of the base was not read in a primary source',
  data: 'data that root wrote may already lie where the account must write',
  'closed-file': 'a file that only root may read or run must be opened for the account, or given to it',
  'foreign-runtime': 'another runtime than the engine\'s own runs it, whose users may mean something else',
  'low-port': 'it listens below 1024, which needs root outside a private Docker network',
  'port-out-of-sight': 'who asks for a port that is moved, or what listens on it, is not in sight',
  'port-elsewhere': 'a manifest, a script or a document here names a port that is moved, and has to be changed with it',
  'program-out-of-sight': 'the program that it starts is not in sight, so it may be a script',
  'unknown-program': 'the program that it starts was installed by the file and is not in the catalogue, so what it writes is not known',
  'write-sign': 'something in sight says that it writes somewhere that could not be settled',
  conditions: 'whether the image works as another user depends on what no file here settles',
  'asked-for-root': 'a compose file asks for root, for a reason that is not in sight',
  'unknown-user': 'whom it runs as is up to a variable that has no value in sight',
  'shared-text': 'the text of a compose file that would change is not the service\'s own, or can not be changed by itself',
  'not-in-sight': 'what a service builds or extends is not part of this run',
  'unknown-accounts': 'the account that it should run as could not be settled',
  'fix-left-out': 'there is a fix, and something keeps it from being made: a check of its own work, another fix, or one that it builds on',
} as const;

export type Rule = keyof typeof RULES;

/** One reason, as the user reads it. */
export interface Reason {
  rule: Rule;
  /** What was seen, in one sentence. */
  message: string;
  /** From 1, where there is a place. */
  line?: number;
  /** What is left to do by hand. */
  advice?: string;
  /** Whom the advice gives what on the host, line by line: where others keep it too, once is enough. */
  gives?: (string | undefined)[];
  /** The compose service whose data it is about, where a fix changes several. */
  service?: string;
}

export interface Judgement {
  verdict: Verdict;
  reasons: Reason[];
}

/** The reasons without those that say the same again. */
export function unique(reasons: readonly Reason[]): Reason[] {
  return reasons.filter((reason, index) => reasons.findIndex(({ rule, message }) => rule === reason.rule && message === reason.message) === index);
}
