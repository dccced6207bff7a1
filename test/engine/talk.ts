import { request } from 'node:http';
import { connect } from 'node:net';

export interface Address {
  host: string;
  port: number;
}

/** A request, or a line for servers that speak in lines. */
export type Ask = { path: string; method?: string; body?: string } | { line: string };

/** The whole body of the answer to a request, or the first line of the answer to a line. */
export function talk(address: Address, ask: Ask): Promise<string> {
  return 'line' in ask ? answerToLine(address, ask.line) : answerToRequest(address, ask);
}

function answerToRequest({ host, port }: Address, { path, method = 'GET', body }: { path: string; method?: string; body?: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    // No agent: a connection that is kept would outlive its container.
    const asked = request({ host, port, path, method, agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('timed out'))).on('error', reject);
    asked.end(body);
  });
}

function answerToLine({ host, port }: Address, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 3000 }, () => socket.write(`${line}\r\n`));
    socket.setEncoding('utf8').once('data', (text: string) => {
      resolve(text.trimEnd());
      socket.destroy();
    });
    socket.on('timeout', () => socket.destroy(new Error('timed out'))).on('error', reject).on('close', () => reject(new Error('closed without a word')));
  });
}
