const CODES = { bold: [1, 22], dim: [2, 22], green: [32, 39], yellow: [33, 39], red: [31, 39], cyan: [36, 39] } as const;

export type Paint = (style: keyof typeof CODES, text: string) => string;

/**
 * Colours for a stream: on a terminal, unless NO_COLOR is set (no-color.org), and anywhere with
 * FORCE_COLOR, which comes first as it does in Node.
 */
export function painter(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  const isOn = force === undefined ? stream.isTTY === true && !no && term !== 'dumb' : force !== '0' && force !== 'false';
  return (style, text) => (isOn ? `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : text);
}

/** A diff in colours, for eyes only: tools can't apply it. */
export function paintDiff(diff: string, paint: Paint): string {
  let left = 0;
  return diff
    .split('\n')
    .map((line) => {
      const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
      if (hunk) {
        left = Number(hunk[1] ?? 1) + Number(hunk[2] ?? 1);
        return paint('cyan', line);
      }
      // Outside a hunk --- and +++ are headers, inside they are lines like others.
      if (left <= 0) return line === '' || line.startsWith('\\') ? line : paint('bold', line);
      left -= line.startsWith(' ') ? 2 : line.startsWith('\\') ? 0 : 1;
      return line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line;
    })
    .join('\n');
}
