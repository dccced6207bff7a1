/** What is passed between the steps of a verification. */
import type { Answer } from './talk.ts';
import type { Access } from './trace.ts';

/** What a container was seen to be and do. */
export interface Observation {
  /** As USER of the image says, or who asks for another; empty for root. */
  user: string;
  /** Bytes of the image. */
  size: number;
  state: State;
  processes: Process[];
  /** TCP ports that somebody may reach; undefined where nothing could tell. */
  ports: number[] | undefined;
  /** UDP ports; likewise. */
  udp: number[] | undefined;
  answers: Answer[];
  /** Files and directories made, changed or taken away, temporary ones too where the run was traced. */
  written: Written[];
  /** The last lines of stdout and stderr. */
  log: string[];
  /** The whole of stdout of a program that ended, as far as it is kept. */
  output: string | undefined;
  home: string;
  /** The name of its account; undefined for a number without one. */
  account: string | undefined;
}

/** What a run answered to the questions, and what it printed if it ended. */
export type Said = Pick<Observation, 'answers' | 'output'>;

export type State =
  /** It never started: no such account, a start script that can't be executed. */
  | { kind: 'not started'; why: string }
  | { kind: 'running'; health: 'healthy' | 'unhealthy' | undefined; readySeconds: number; checkSaid?: string | undefined }
  | { kind: 'ended'; status: number; why: string };

export interface Process {
  uid: number;
  gid: number;
  /** Without the primary group; undefined where the process could not be looked at. */
  groups: number[] | undefined;
  /** Effective capabilities as a bit mask; undefined where the process could not be looked at. */
  capabilities: bigint | undefined;
  command: string;
}

export interface Written {
  path: string;
  how: 'made' | 'changed' | 'removed';
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Of what lies there in the end; undefined for what is gone. */
  owner: { uid: number; gid: number; mode: number } | undefined;
  /** Whether it lies in a volume or mount. */
  data: boolean;
}

/** What a traced run adds; the reason where there is none. */
export type Trace = { accesses: Access[] } | { unavailable: string };
