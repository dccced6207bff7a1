import { execFileSync } from 'node:child_process';

/** Makes a folder a git repository in which everything was committed. */
export function commitAll(folder: string): void {
  const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=unroot', '-c', 'user.email=unroot@localhost', '-c', 'commit.gpgsign=false', ...args], { cwd: folder, stdio: 'ignore' });
  git('init', '--quiet');
  git('add', '--all', '--force');
  git('commit', '--quiet', '--message', 'as it was');
}
