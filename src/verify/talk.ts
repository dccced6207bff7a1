import { request } from 'node:http';
import { connect } from 'node:net';
import type { VerifyAsk } from '../settings-verify.ts';

export interface Address {
  host: string;
  port: number;
}

export type Ask = VerifyAsk;

export interface Answer {
  ask: string;
  port: number;
  /** Of HTTP; undefined where something else was spoken, or nothing. */
  status: number | undefined;
  /** The body, or the first line of what is no HTTP; its beginning, where it is long. */
  text: string | undefined;
  /** Why there is no answer. */
  error: string | undefined;
}

const SECONDS = 10;
const MAX_TEXT = 1 << 16;

/** The question as people read it: `GET /`, `PING`. */
export function nameOf(ask: Ask): string {
  return 'line' in ask ? ask.line : `${ask.method ?? 'GET'} ${ask.path}`;
}

/** Asks once. Never throws: what went wrong is in the answer. */
export async function talk(address: Address, ask: Ask, port: number): Promise<Answer> {
  const answer: Answer = { ask: nameOf(ask), port, status: undefined, text: undefined, error: undefined };
  try {
    return { ...answer, ...('line' in ask ? { text: await answerToLine(address, ask.line) } : await answerToRequest(address, ask)) };
  } catch (error) {
    return { ...answer, error: error instanceof Error ? (('code' in error && String(error.code)) || error.message) : String(error) };
  }
}

function answerToRequest({ host, port }: Address, { path, method = 'GET', body }: { path: string; method?: string; body?: string }): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept would outlive its container.
    const asked = request({ host, port, path, method, agent: false, timeout: SECONDS * 1000, headers: { host: 'localhost' } }, (response) => {
      let text = '';
      const end = () => resolve({ status: response.statusCode!, text });
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length < MAX_TEXT) return;
        end();
        response.destroy();
      });
      response.on('end', end).on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('timed out'))).on('error', reject);
    asked.end(body);
  });
}

function answerToLine({ host, port }: Address, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: SECONDS * 1000 }, () => socket.write(`${line}\r\n`));
    socket.setEncoding('utf8').once('data', (text: string) => {
      resolve(text.split('\n')[0]!.trimEnd());
      socket.destroy();
    });
    socket.on('timeout', () => socket.destroy(new Error('timed out'))).on('error', reject).on('close', () => reject(new Error('closed without a word')));
  });
}
