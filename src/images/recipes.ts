import type { Family } from './types.ts';

/** What a family makes accounts with, and what it is known by. */
export interface FamilyFacts {
  /** Its package managers, by command: one of them in a Dockerfile says that the family fits. */
  managers: readonly string[];
  /**
   * `shadow`: useradd and groupadd; `busybox`: adduser and addgroup with short flags; `lines`: a
   * shell, but no tool, so lines are appended to passwd and group; `none`: not even a shell.
   */
  accounts: 'shadow' | 'busybox' | 'lines' | 'none';
  /** The shell of an account that nobody logs in with. */
  noLogin: string;
}

/** Accounts that the distribution itself has in every image, by name: uid and gid where all its releases agree. */
export const DISTRIBUTION_ACCOUNTS: Partial<Record<Family, Readonly<Record<string, readonly [uid: number, gid: number] | undefined>>>> = {
  debian: { daemon: [1, 1], bin: [2, 2], games: [5, 60], man: [6, 12], lp: [7, 7], mail: [8, 8], news: [9, 9], uucp: [10, 10], proxy: [13, 13], 'www-data': [33, 33], backup: [34, 34], list: [38, 38], irc: undefined, nobody: [65534, 65534] },
  alpine: { daemon: [2, 2], bin: [1, 1], lp: [4, 7], mail: [8, 12], news: [9, 13], games: [35, 35], guest: [405, 100], nobody: [65534, 65534] },
  rhel: { bin: [1, 1], daemon: [2, 2], lp: [4, 7], mail: [8, 12], games: [12, 100], ftp: [14, 50], nobody: undefined },
};

/** The family whose packages and accounts a family shares, as far as they are alike. */
export function kindredOf(family: Family): Family {
  if (family === 'ubuntu') return 'debian';
  if (family === 'wolfi') return 'alpine';
  return family === 'ubi-minimal' || family === 'amazonlinux' ? 'rhel' : family;
}

/**
 * The families. Where it was read: `facts` of Debian 12 and 13 (chroots; Debian 13 and Ubuntu 24.04
 * have no adduser any more), repo-info of Ubuntu 24.04, Rocky 9, Amazon Linux 2 and 2023 (no
 * shadow-utils), MariaDB's and Nexus' Dockerfiles (ubi-minimal has none), Keycloak's (ubi-micro has a
 * shell), dotnet's (azurelinux has none), BusyBox' adduser.c, wolfi-baselayout. openSUSE, Arch, Photon
 * and Fedora are from general knowledge; their images are no verified entries.
 */
export const FAMILIES: Record<Exclude<Family, 'unknown'>, FamilyFacts> = {
  debian: { managers: ['apt-get', 'apt', 'aptitude'], accounts: 'shadow', noLogin: '/usr/sbin/nologin' },
  ubuntu: { managers: ['apt-get', 'apt', 'aptitude'], accounts: 'shadow', noLogin: '/usr/sbin/nologin' },
  alpine: { managers: ['apk'], accounts: 'busybox', noLogin: '/sbin/nologin' },
  wolfi: { managers: ['apk'], accounts: 'busybox', noLogin: '/sbin/nologin' },
  busybox: { managers: [], accounts: 'busybox', noLogin: '/sbin/nologin' },
  rhel: { managers: ['yum', 'dnf', 'microdnf'], accounts: 'shadow', noLogin: '/sbin/nologin' },
  'ubi-minimal': { managers: ['microdnf', 'yum', 'dnf'], accounts: 'lines', noLogin: '/sbin/nologin' },
  'ubi-micro': { managers: [], accounts: 'lines', noLogin: '/sbin/nologin' },
  amazonlinux: { managers: ['yum', 'dnf'], accounts: 'lines', noLogin: '/sbin/nologin' },
  azurelinux: { managers: ['tdnf', 'dnf', 'yum'], accounts: 'lines', noLogin: '/sbin/nologin' },
  photon: { managers: ['tdnf', 'yum'], accounts: 'lines', noLogin: '/sbin/nologin' },
  opensuse: { managers: ['zypper'], accounts: 'shadow', noLogin: '/sbin/nologin' },
  arch: { managers: ['pacman'], accounts: 'shadow', noLogin: '/usr/bin/nologin' },
  distroless: { managers: [], accounts: 'none', noLogin: '/sbin/nologin' },
  scratch: { managers: [], accounts: 'none', noLogin: '/sbin/nologin' },
  windows: { managers: [], accounts: 'none', noLogin: '' },
};

/**
 * The commands that make an account with a group and a home of its own, all of one number. Run on real
 * file systems of Debian 12 and 13 (shadow) and of BusyBox 1.35 as Alpine sets it up (busybox, lines);
 * shadow's long and short options are one program's everywhere.
 */
export function accountRecipe(tools: Exclude<FamilyFacts['accounts'], 'none'>, noLogin: string, name: string, id: number): string[] {
  switch (tools) {
    case 'shadow':
      return [`groupadd --gid ${id} ${name}`, `useradd --uid ${id} --gid ${id} --create-home --shell ${noLogin} ${name}`];
    case 'busybox':
      return [`addgroup -g ${id} ${name}`, `adduser -D -u ${id} -G ${name} -s ${noLogin} ${name}`];
    case 'lines':
      return [
        `echo '${name}:x:${id}:' >> /etc/group`,
        `echo '${name}:x:${id}:${id}::/home/${name}:${noLogin}' >> /etc/passwd`,
        `mkdir -p /home/${name}`,
        `chown ${id}:${id} /home/${name}`,
      ];
  }
}
