/** What the system's error codes mean for whoever runs unroot, and what to do. */
const MEANINGS: Record<string, string> = {
  EACCES: 'you have no permission; change its mode or owner',
  EPERM: 'you have no permission; change its mode or owner',
  EROFS: 'the file system is read-only; mount it writable',
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'your disk quota is used up; make room',
  EFBIG: 'it would be larger than the limit for files (ulimit -f)',
  ENOENT: 'it is gone; run unroot again',
  ELOOP: 'its links lead in a circle; mend or remove them',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open (ulimit -n)',
  EIO: 'the disk reports an error',
};

/** One clause on a failed system call, with its code; the error itself is thrown again where it is none. */
export function systemError(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) throw error;
  return `${MEANINGS[error.code] ?? 'the system refuses'} (${error.code})`;
}
