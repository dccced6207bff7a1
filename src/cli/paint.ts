import type { WriteStream } from 'node:tty';

const CODES = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39] } as const;

/** Colours for a stream: on a terminal only, and not where NO_COLOR is set (no-color.org). */
export function painter(stream: WriteStream | NodeJS.WriteStream): (style: keyof typeof CODES, text: string) => string {
  const isOn = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  return (style, text) => (isOn ? `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : text);
}
