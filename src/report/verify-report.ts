/** The result of `unroot verify`: what `--format json` prints. Stable within one `version`. */
export interface VerifyReport {
  version: 1;
  /** The engine's command and version. */
  engine: string;
  strict: boolean;
  targets: VerifiedTarget[];
  /** Targets that were left, and why. */
  left: { path: string; stage: string; why: string }[];
  /** Files that could not be read or parsed, and so were not looked at. */
  errors: { path: string; message: string }[];
  /** `unsafe`: fixes that were left out because nobody asked for them. */
  summary: { holds: number; differs: number; unproven: number; unsafe: number; left: number; errors: number };
}

export interface VerifiedTarget {
  path: string;
  /** The stage's name, else its index. */
  stage: string;
  /** Of the stage's FROM, from 1. */
  line: number;
  /** The compose service whose settings it ran with. */
  service: string | undefined;
  /** `unproven`: it does not build, start or work as it is, so that nothing can be shown. */
  outcome: 'holds' | 'differs' | 'unproven';
  /** Why nothing could be shown. */
  why: string | undefined;
  differences: { rule: string; message: string }[];
  notes: string[];
  /** Accesses that were denied after the change, all of them. */
  denied: { call: string; path: string; error: string }[];
  before: ObservationReport | undefined;
  after: ObservationReport | undefined;
  strict: ObservationReport | undefined;
  /** Bytes by which the image grew. */
  growth: number | undefined;
  seconds: number;
}

export interface ObservationReport {
  /** As USER says; empty for root. */
  user: string;
  /** `running`, `ended with status 1`, `not started: …`. */
  state: string;
  /** Capabilities are the effective ones, in hexadecimal. */
  processes: { uid: number; gid: number; capabilities: string | undefined; command: string }[];
  ports: number[] | undefined;
  /** UDP ports. */
  udp: number[] | undefined;
  answers: { ask: string; port: number; status: number | undefined; error: string | undefined }[];
  written: { path: string; how: 'made' | 'changed' | 'removed'; owner: string | undefined; mode: string | undefined }[];
  /** Bytes. */
  size: number;
  /** The last lines of its output. */
  log: string[];
}

/** The result of `unroot verify --learn`. */
export interface LearntReport {
  version: 1;
  engine: string;
  targets: LearntTarget[];
  /** Configurations that were written. */
  recorded: { path: string; isNew: boolean }[];
  /** Files that could not be read or parsed, and so were not looked at. */
  errors: { path: string; message: string }[];
}

export interface LearntTarget {
  path: string;
  /** The stage's name, else its index. */
  stage: string;
  /** Of the stage's FROM, from 1. */
  line: number;
  /** The compose service whose settings it ran with. */
  service: string | undefined;
  /** Why nothing could be learnt. */
  why: string | undefined;
  /** State directories and files that it writes: they are recorded. */
  paths: string[];
  /** Writes that a person must see to. */
  findings: string[];
}

/** How people call a target: `Dockerfile`, `Dockerfile (web)`, `Dockerfile (web) as service app`. */
export function nameOfTarget({ path, stage, service }: { path: string; stage: string; service?: string | undefined }): string {
  return `${path}${/^\d+$/.test(stage) ? '' : ` (${stage})`}${service === undefined ? '' : ` as service ${service}`}`;
}

/** `root → 1000:1000`. */
export function usersOf({ before, after }: VerifiedTarget): string {
  return before && after ? `${before.user || 'root'} → ${after.user || 'root'}` : '';
}

/** `80, 8125/udp`. */
export function portsOf({ after }: VerifiedTarget): string[] {
  return [...(after?.ports ?? []).map(String), ...(after?.udp ?? []).map((port) => `${port}/udp`)];
}

/** `+0.1 MB`. */
export function growthOf({ growth }: VerifiedTarget): string {
  return growth === undefined ? '' : `${growth < 0 ? '−' : '+'}${(Math.abs(growth) / 1_000_000).toFixed(1)} MB`;
}

/** What the run that differs said last; empty where all holds. */
export function lastWordsOf({ outcome, differences, after, strict }: VerifiedTarget): string[] {
  if (outcome !== 'differs') return [];
  const isStrictAlone = strict !== undefined && differences.every(({ rule }) => rule === 'strict');
  return (isStrictAlone ? strict : after)?.log ?? [];
}

/** `2 hold, 1 differs`. */
export function countsOf({ holds, differs, unproven, unsafe, left, errors }: VerifyReport['summary']): string {
  const parts = [
    holds > 0 ? `${holds} ${holds === 1 ? 'holds' : 'hold'}` : '',
    differs > 0 ? `${differs} ${differs === 1 ? 'differs' : 'differ'}` : '',
    unproven > 0 ? `${unproven} could not be shown` : '',
    unsafe > 0 ? `${unsafe} unsafe left out` : '',
    left > 0 ? `${left} left` : '',
    errors > 0 ? `${errors} ${errors === 1 ? 'error' : 'errors'}` : '',
  ];
  return parts.filter(Boolean).join(', ') || 'nothing to verify';
}
