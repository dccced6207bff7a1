import { posix } from 'node:path';
import { programOf } from '../../programs/lookup.ts';
import type { Target } from '../../project.ts';
import { copiesOf } from '../copies.ts';
import { baseEntry, historyOf } from '../history.ts';
import { placeOf, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** Inits, supervisors and daemons that start others and need root for it. */
const STARTERS: Record<string, string> = {
  init: 'an init',
  systemd: 'systemd',
  my_init: 'an init',
  runit: 'runit',
  'runit-init': 'runit',
  runsvdir: 'runit',
  'runsvdir-start': 'runit',
  runsvinit: 'runit',
  sv: 'runit',
  's6-svscan': 's6',
  's6-overlay': 's6',
  svscan: 'daemontools',
  svscanboot: 'daemontools',
  supervisord: 'supervisord',
  supervisorctl: 'supervisord',
  sshd: 'sshd, which changes user for each session',
  dropbear: 'an SSH server, which changes user for each session',
  cron: 'cron, which changes user for each job',
  crond: 'cron, which changes user for each job',
  anacron: 'cron, which changes user for each job',
  service: 'a system service',
  systemctl: 'a system service',
  'rc-service': 'a system service',
  openrc: 'OpenRC',
  initctl: 'a system service',
  invoke_rcd: 'a system service',
  monit: 'monit',
  containerpilot: 'a supervisor',
  xinetd: 'xinetd',
  inetd: 'inetd',
  rsyslogd: 'a system logger',
  'syslog-ng': 'a system logger',
  'baseimage-init': 'an init',
  boot: 'an init',
};

/** Whether a program is an init, a supervisor or a daemon that starts others. */
export function isStarter(name: string): boolean {
  return name in STARTERS;
}

/** RULES B2: an init, a supervisor, sshd or cron, in the start command, its scripts or the base. */
export const startsOthers: KeepAway = (target) => {
  const start = startOf(target);
  const { base, entrypoint } = historyOf(target.stage, target.unit);
  const line = start.parts[0]?.instruction.line ?? target.stage.from.line;
  for (const started of start.commands) {
    const { name, words } = started;
    if (name === undefined) continue;
    const path = words[0]?.value ?? '';
    const what = /^\/etc\/(init\.d|rc\d?\.d)\//.test(path) || path === '/etc/rc.local' ? 'a system service' : (STARTERS[name] ?? starterOf(name));
    if (what === undefined || (name === 'boot' && path !== '/sbin/boot') || (name === 'init' && isOnesOwn(path, target))) continue;
    return { rule: 'starts-others', message: `${placeOf(started)} runs ${name}: ${what}`, line, advice: REMAINS };
  }
  const systemd = target.stage.instructions.find(({ keyword, args }) => keyword === 'STOPSIGNAL' && /RTMIN\+3/.test(args));
  if (systemd) return { rule: 'starts-others', message: `STOPSIGNAL ${systemd.args} is systemd's`, line: systemd.line, advice: REMAINS };
  const cgroup = historyOf(target.stage, target.unit).volumes.find(({ path }) => path === '/sys/fs/cgroup');
  if (cgroup) return { rule: 'starts-others', message: `VOLUME /sys/fs/cgroup is for systemd`, line: cgroup.instruction.line, advice: REMAINS };
  const entry = baseEntry(base);
  if (entry?.drop === 'supervisor' && !entrypoint) {
    return { rule: 'starts-others', message: `${base.text} starts a supervisor as root`, line, advice: PUID_ADVICE };
  }
  return undefined;
};

/** `COPY docker/init /init`: a script of one's own bears the name. */
function isOnesOwn(path: string, target: Target): boolean {
  return copiesOf(historyOf(target.stage, target.unit)).some(({ sources, destination }) => destination === path && sources.some((source) => source !== undefined && posix.basename(source) === posix.basename(path)));
}

/** A catalogued program that starts others, or works as others. */
function starterOf(name: string): string | undefined {
  const program = programOf(name);
  return program?.need === 'starts-others' ? program.note : undefined;
}

const REMAINS = 'run one program per container, or remap users where it runs (userns-remap of Docker, hostUsers: false of Kubernetes)';
const PUID_ADVICE = 'set the ids it drops to (PUID, PGID) where it has them, or remap users where it runs (userns-remap of Docker, hostUsers: false of Kubernetes)';
