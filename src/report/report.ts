import type { Edit } from '../edit.ts';
import type { Reason, Verdict } from '../facts/judgement.ts';
import type { Use } from '../facts/services/uses.ts';
import type { Safety } from '../transform.ts';

/** The result of a run: what `--format json` prints. Stable within one `version`. */
export interface Report {
  version: 1;
  targets: TargetReport[];
  services: ServiceReport[];
  findings: FindingReport[];
  files: FileReport[];
  /** What a person should know of the run as a whole, a line each. */
  notes: string[];
  summary: Summary;
}

export interface TargetReport {
  path: string;
  /** The stage's name, else its index. */
  stage: string;
  /** Of the stage's FROM, from 1. */
  line: number;
  /** The image that the target rests on, variables replaced. */
  base: string;
  verdict: Verdict;
  /** Of its fix, where there is one; of the least safe one of those that it is made with. */
  safety: Safety | undefined;
  userBefore: string;
  /** What it runs as once its fix is made; undefined where none is. */
  userAfter: string | undefined;
  /** The target whose fix ends its root too, because it builds on it and adds nothing for root to do. */
  fixedWith?: { path: string; stage: string };
  reasons: Reason[];
}

export interface ServiceReport {
  path: string;
  name: string;
  /** Of its name in the file, from 1. */
  line: number;
  image: string | undefined;
  build: string | undefined;
  verdict: Verdict;
  safety: Safety | undefined;
  userBefore: string | undefined;
  userAfter: string | undefined;
  /** The target whose verdict this is, because the service runs what is built there. */
  runs?: { path: string; stage: string };
  reasons: Reason[];
  /** What its account must be able to read or write beside its image; only of services that change user. */
  uses?: Use[];
}

export interface FindingReport {
  transform: string;
  path: string;
  /** The target's stage: its name, else its index; the service's name for a service. */
  stage: string;
  /** The service, where the finding is about one. */
  service?: string;
  /** Other services that the same text gives the same change: by an anchor, `extends`, or another file. */
  also?: { path: string; service: string }[];
  /** Place in the original, from 1. */
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  message: string;
  /** The paths of all files that its edits change. */
  files: string[];
  safety: Safety;
  status: 'pending' | 'applied' | 'skipped' | 'manual';
  /** Why it was skipped. */
  skipped: string | undefined;
}

export interface FileReport {
  path: string;
  status: 'changed' | 'unchanged' | 'error';
  /** One line: what is wrong and what to do. */
  error: string | undefined;
  /** Of the error, from 1; 0 where it is the whole file. */
  errorLine: number | undefined;
  /** Against the original, UTF-16 offsets, end-exclusive. */
  edits: Edit[];
  notes: Note[];
}

/** Something that changes no verdict, and that somebody should mend. */
export interface Note {
  /** From 1. */
  line: number;
  /** One line: what it is and what to do. */
  message: string;
}

export interface Summary {
  files: number;
  targets: number;
  /** Targets by verdict. */
  verdicts: Partial<Record<Verdict, number>>;
  services: number;
  /** Services by verdict, those left out that have the verdict of the target they run. */
  serviceVerdicts: Partial<Record<Verdict, number>>;
  /** Fixes by what became of them. */
  fixes: { pending: number; applied: number; skipped: number; manual: number };
  /** Of the skipped: those that `--unsafe` would apply. */
  unsafe: number;
  errors: number;
  /** Files of others' code that were left because nobody named them. */
  left: number;
}
