/** Standard output could not take the result. */
export class OutputError extends Error {
  override name = 'OutputError';
}

/**
 * A reader that closes the pipe when it has seen enough (`| head`) is no error: the run goes on to
 * its summary and its exit status. Without a listener Node would end the process with a stack.
 */
export function outliveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isClosed(error) && stream === process.stderr) throw error;
    });
  }
}

/**
 * Writes to standard output and waits until the text has gone down the pipe.
 * @throws OutputError where it could not, a full disk behind `>` for one
 */
export function print(text: string): Promise<void> {
  if (text === '') return Promise.resolve();
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && !isClosed(error)) reject(new OutputError(`standard output could not be written: ${error.message}`));
      else resolve();
    });
  });
}

function isClosed(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}
