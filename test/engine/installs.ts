/** A small program that installs something when it starts, with the build context `installs/<name>/`. */
export interface InstallingProgram {
  name: string;
  /** Why it is here. */
  title: string;
  /** The uid and gid that it runs as in the end. */
  user: string;
  /** What it prints in the end; before, the installer's words come first. */
  prints: string;
  /** The service of its compose file whose own command is what starts. */
  service?: string;
}

const FIGLET_HI = [' _     _ ', '| |__ (_)', "| '_ \\| |", '| | | | |', '|_| |_|_|', '         ', ''].join('\n');
const WAIT = '172800000 is 2 days\n';

export const installingPrograms: InstallingProgram[] = [
  { name: 'apt-in-cmd', title: "the talk's own example, in shell form", user: '10001:10001', prints: FIGLET_HI },
  { name: 'apt-joins-a-step', title: 'one more package for a step that installs some', user: '10001:10001', prints: '42\n' },
  { name: 'apt-in-an-entrypoint', title: 'an entrypoint that installs and hands over', user: '10001:10001', prints: 'drawn in 3 lines\n' },
  { name: 'apt-in-called-scripts', title: 'an install behind a guard, in a script that another one reads', user: '10001:10001', prints: FIGLET_HI },
  { name: 'npm-in-cmd', title: 'npm install in shell form', user: '1000:1000', prints: WAIT },
  { name: 'npm-ci-in-a-list', title: 'npm ci in exec form', user: '1000:1000', prints: WAIT },
  { name: 'npm-behind-a-guard', title: 'npm install where node_modules is missing', user: '1000:1000', prints: WAIT },
  { name: 'npm-in-a-folder', title: 'npm ci in another folder', user: '1000:1000', prints: WAIT },
  { name: 'npm-in-compose', title: "npm ci in a service's own command", user: '1000:1000', prints: WAIT, service: 'wait' },
  { name: 'pnpm-in-a-script', title: 'pnpm, which the build itself brings, in a script', user: '1000:1000', prints: WAIT },
];

/** A service of a ready-made image that installs first, in `installs/<name>/`. */
export interface ReadyMade {
  name: string;
  title: string;
  service: string;
  /** Whom it runs as once its image is built here and unroot has run again; undefined where the code is mounted for development. */
  user?: string;
  prints: string;
}

export const readyMade: ReadyMade[] = [
  { name: 'ready-made-debian', title: "the report's Dockerfile for an image of Debian, which the next run takes off root", service: 'greet', user: '10001:10001', prints: FIGLET_HI },
  { name: 'ready-made-node', title: "the report's Dockerfile for an image of Node with the code mounted, and a volume for its modules", service: 'wait', prints: WAIT },
];
