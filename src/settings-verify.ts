import type { Schema } from './schema.ts';

/** How `unroot verify` builds and runs. Paths are relative to the configuration's directory. */
export interface VerifySettings {
  bases: Record<string, string>;
  args: Record<string, string>;
  secrets: Record<string, string>;
  buildNetwork: 'default' | 'none' | 'host';
  /** After how long a build is given up. */
  buildSeconds: number;
  network: boolean;
  targets: Record<string, VerifyTarget>;
}

export interface VerifyTarget {
  env?: Record<string, string>;
  command?: string[];
  asks?: VerifyAsk[];
  prints?: string;
  needless?: string[];
  seconds?: number;
}

/** A request, or a line for servers that speak in lines. */
export type VerifyAsk = ({ path: string; method?: string; body?: string } | { line: string }) & { port?: number; answer?: string };

/** What holds where a configuration says nothing. */
export const VERIFY_DEFAULTS: VerifySettings = { bases: {}, args: {}, secrets: {}, buildNetwork: 'default', buildSeconds: 1200, network: false, targets: {} };

const TEXT: Schema = { type: 'string' };
const TEXTS_BY_NAME: Schema = { type: 'object', additionalProperties: TEXT };

const ANSWER = {
  port: { type: 'integer', description: 'The container\'s port; else the first that is published, exposed or open.' },
  answer: { type: 'string', description: 'What must come back, before and after; {uid} stands for whom it runs as. Without it the answers are compared.' },
} satisfies Record<string, Schema>;

const ASK: Schema = {
  anyOf: [
    { type: 'object', properties: { path: TEXT, method: TEXT, body: TEXT, ...ANSWER }, required: ['path'], additionalProperties: false },
    { type: 'object', properties: { line: TEXT, ...ANSWER }, required: ['line'], additionalProperties: false },
  ],
  description: 'A request (path, method, body), or a line for servers that speak in lines.',
};

const TARGET: Schema = {
  type: 'object',
  properties: {
    env: { ...TEXTS_BY_NAME, description: 'Variables for its container.' },
    command: { type: 'array', items: TEXT, description: 'Instead of CMD.' },
    asks: { type: 'array', items: ASK, description: 'What the program is asked, one after the other, instead of GET / on every open port.' },
    prints: { type: 'string', description: 'What a program that ends must print; {uid} stands for whom it runs as.' },
    needless: { type: 'array', items: TEXT, description: 'Paths that root writes only because it can, and the program does without.' },
    seconds: { type: 'integer', description: 'How long it may take to be ready.' },
  } satisfies Record<keyof VerifyTarget, Schema>,
  additionalProperties: false,
};

/** The schema of `verify`. */
export const VERIFY_SCHEMA: Schema = {
  type: 'object',
  description: 'How unroot verify builds and runs.',
  properties: {
    bases: { ...TEXTS_BY_NAME, description: 'Images that stand in for those that a Dockerfile names, by reference as written.' },
    args: { ...TEXTS_BY_NAME, description: 'Build arguments.' },
    secrets: { ...TEXTS_BY_NAME, description: 'Build secrets: the file that holds each, by id.' },
    buildNetwork: { type: 'string', enum: ['default', 'none', 'host'], description: 'What RUN steps reach.' },
    buildSeconds: { type: 'integer', description: 'After how long a build is given up; 1200 by default.' },
    network: { type: 'boolean', description: 'Whether programs may reach others while they are verified.' },
    targets: { type: 'object', additionalProperties: TARGET, description: 'How a target is run, by Dockerfile or Dockerfile:stage.' },
  } satisfies Record<keyof VerifySettings, Schema>,
  additionalProperties: false,
};
