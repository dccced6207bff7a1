import { posix } from 'node:path';
import { properties } from '../../dockerfile/inside.ts';
import { programOf } from '../../programs/lookup.ts';
import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { madeAccounts } from '../accounts.ts';
import { commandsOf, mentions, operands, unwrap } from '../commands.ts';
import { type Copy, copiesOf, hidesAt } from '../copies.ts';
import { familyOf } from '../family.ts';
import { baseEntry, type History, historyOf } from '../history.ts';
import { packagesOf, packagesOfStep } from '../installs.ts';
import { isKnownProgram } from '../programs.ts';
import { candidatePaths, startOf } from '../start.ts';
import { isRoot } from '../user.ts';
import type { KeepAway } from './index.ts';
import { preparedWork } from './script-work.ts';

/** What makes an unseen start script likely to need root: tools for it, and daemons that start as root and change their user. */
const TELLTALE = /^(gosu|su-exec|supervisor|docker(-cli)?|docker-ce(-cli)?|docker\.io|docker-engine|moby-engine|puppet(-agent)?|salt-minion|openvas[\w-]*|s6|s6-overlay|runit|openrc|monit|openssh(-server|-sftp-server)?|cron|cronie|dcron|busybox-suid|sudo|tini-root|aircrack-ng|hostapd|openvpn|strongswan|xl2tpd|pptpd|wireguard(-tools)?|dnsmasq|keepalived|isc-dhcp-server|(default-)?(mysql|mariadb|percona|postgresql)(?![\w.-]*-dev)[\w.-]*server[\w.-]*|vsftpd|proftpd[\w-]*|pure-ftpd|samba|slapd|postfix|exim4?|dovecot[\w-]*|rsyslog|syslog-ng|uml-utilities|dynamips|qemu-kvm|syslinux)$/i;

/** RULES B4: the start script is out of sight, and what the file does says that it needs root. */
export const scriptOutOfSight: KeepAway = (target) => {
  const start = startOf(target);
  const script = start.unseen.find((path) => !isKnownServers(path, target)) ?? start.opaque[0];
  const unknown = script === undefined ? ownProgram(target) : undefined;
  const sign = script === undefined ? unknown && (daemonSign(target) ?? placeSign(target)) : signOf(target, script);
  if (sign === undefined) return undefined;
  return {
    rule: 'script-out-of-sight',
    message: script === undefined ? `what ${unknown} does is not in sight, and ${sign}` : `${script} is not in the build context, and ${sign}`,
    line: start.parts[0]?.instruction.line ?? target.stage.from.line,
    advice: 'run unroot where the script is, or move to a non-root start by hand',
  };
};

/** A program of the file's own that no package is known to bring, so that it may be a script: `CMD app-init`. */
function ownProgram(target: Target): string | undefined {
  const packages = packagesOf(historyOf(target.stage, target.unit));
  const started = startOf(target).commands.find((one) => one.name !== undefined && !one.script && !one.payload && !isKnownProgram(one, target) && programOf(one.name) === undefined);
  return started === undefined || packages.some(({ name }) => name === started.name) ? undefined : started.name;
}

/** Daemons that are installed to be started beside what the image is for. */
function daemonSign(target: Target): string | undefined {
  const daemon = packagesOf(historyOf(target.stage, target.unit)).find(({ name }) => /^(supervisor|runit|s6|s6-overlay|openssh-server|cron|cronie|dcron|rsyslog|syslog-ng|dnsmasq|(default-)?(mysql|mariadb|percona)[\w.-]*-server(-[\d.]+)?)$/.test(name));
  return daemon && `${daemon.name} is installed, which starts as root`;
}

/** `catalina.sh`, which no COPY may bring: the script of a catalogued server, of which more is known than of another. */
function isKnownServers(script: string, target: Target): boolean {
  if (programOf(posix.basename(script))?.need !== 'any-uid') return false;
  const history = historyOf(target.stage, target.unit);
  const paths = candidatePaths(script, history.cwd);
  const isNamed = ({ sources }: Copy) => sources.some((source) => source !== undefined && posix.basename(source) === posix.basename(script));
  return !copiesOf(history).some((copy) => copy.from === undefined && (isNamed(copy) || paths.some((path) => hidesAt(target, history, copy, path))));
}

function signOf(target: Target, script: string): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const tool = installed(history) ?? fetched(target.unit.dockerfile.text) ?? installedByPip(history);
  if (tool !== undefined) return `${tool} is installed, which such scripts use as root`;
  return baseSign(target) ?? broughtSign(history) ?? shadowSign(history) ?? sshSign(history) ?? nameSign(script) ?? rootAgainSign(history) ?? serviceSign(history) ?? rightsSign(history, script) ?? placeSign(target) ?? changeSign(history) ?? writtenSign(history) ?? idSign(history) ?? givenIds(target, script) ?? preparedWork(target);
}

/** A script that nothing here brings is the base's, and what that starts is known. */
function baseSign({ stage, unit }: Target): string | undefined {
  const { base } = historyOf(stage, unit);
  const entry = baseEntry(base);
  if (entry?.drop === 'supervisor') return `${base.text} has a supervisor, which such scripts use as root`;
  return entry?.drop === 'entrypoint' ? `the start script of ${base.text} changes its user, so this one may do it in the same way` : undefined;
}

/** A program that drops by itself or needs root, copied to where the script calls it: `COPY --from=builder /src/zabbix_agentd /usr/sbin/`. */
function broughtSign(history: History): string | undefined {
  for (const path of broughtPrograms(history)) {
    const need = programOf(posix.basename(path))?.need;
    if (need === 'drops') return `it brings ${path}, which starts as root and changes its user by itself`;
    if (need === 'starts-others' || need === 'needs-root') return `it brings ${path}, which needs root`;
  }
  for (const { name } of madeAccounts(history)) {
    const need = programOf(name)?.need;
    if (need === 'drops') return `it makes the account ${name}, to which ${name} changes by itself`;
    if (need === 'refuses-root') return `it makes the account ${name}, and ${name} refuses to run as root, so the script changes to it`;
  }
  return undefined;
}

/** `RUN sudo …`, `RUN usermod -aG mqm root`: what the build does with its rights, the script does too. */
function rightsSign({ steps }: History, script: string): string | undefined {
  for (const step of steps) {
    if (!mentions(step, /\bsudo\b|\b(usermod|adduser|addgroup|gpasswd)\b.*\broot\b/)) continue;
    for (const command of commandsOf(step)) {
      const [name, ...words] = command.words.map(({ value }) => value);
      // What a package has in /etc is read, and starts nothing itself.
      if (name === 'sudo' && !script.startsWith('/etc/')) return 'a RUN uses sudo, so it is there, and such scripts use it as root';
      const isJoining = (name === 'usermod' && words.some((word) => /^(-a?Ga?|--groups)$/.test(word ?? ''))) || ((name === 'adduser' || name === 'addgroup') && words.length === 2);
      if (isJoining && words.includes('root')) return `RUN ${command.words.map(({ text }) => text).join(' ')} says that root works with it`;
    }
  }
  return undefined;
}

/** Where copies and moves put single programs. */
function broughtPrograms(history: History): string[] {
  const copied = copiesOf(history).flatMap(({ sources, destination, intoDirectory }) => {
    if (destination === undefined) return [];
    return intoDirectory ? sources.flatMap((source) => (source === undefined ? [] : [posix.join(destination, posix.basename(source))])) : [destination];
  });
  const moved = history.steps.flatMap((step) => {
    if (!mentions(step, /\b(mv|cp|install)\b/)) return [];
    return commandsOf(step).flatMap((command) => {
      const { name, words } = unwrap(command);
      const [source, to] = name === 'mv' || name === 'cp' || name === 'install' ? operands(words, /^-[mogtS]$/).map(({ value }) => value) : [];
      return source === undefined || to === undefined ? [] : [resolvePath(command.cwd, to.endsWith('/') ? posix.join(to, posix.basename(source)) : to) ?? ''];
    });
  });
  return [...copied, ...moved].filter((path) => /\/s?bin\/[^/]+$/.test(path));
}

/** A script that is called after a program which needs root, or drops it, or that lies in its directory. */
function nameSign(script: string): string | undefined {
  for (const part of script.split(/[-_./]/)) {
    if (programOf(part)?.need === 'drops') return `by its name it starts ${part}, which starts as root and changes its user by itself`;
    if (/^(starts-others|needs-root)$/.test(programOf(part)?.need ?? '') || ROOTS.test(part)) return `by its name it starts ${part}, which needs root`;
  }
  return undefined;
}

/** Names that such programs alone bear. */
const ROOTS = /^(kubelet|k3s|openvpn|openvas|snort|suricata|zeek|tcpdump|ntopng|strongswan|keepalived|hostapd|wireguard|tailscaled|zerotier|fail2ban|xrdp|slurmd|libvirtd|puppet)$/;

/** `USER app`, then `USER root` again right for the script: it is started as root on purpose, and changes to the other itself. */
function rootAgainSign({ steps, stages }: History): string | undefined {
  const users = steps.filter(({ stage, instruction }) => stage === stages.at(-1) && instruction.keyword === 'USER').map(({ instruction }) => instruction);
  const [before, last] = users.slice(-2);
  const isRootAgain = last !== undefined && isRoot(last.args) && before !== undefined && !isRoot(before.args);
  return isRootAgain ? `USER ${last.args} in line ${last.line}, behind USER ${before.args}, says that it starts as root on purpose` : undefined;
}

/** Alpine has `adduser` of its own: what is installed for `usermod`, and used in no RUN, is for the script. */
function shadowSign(history: History): string | undefined {
  if (familyOf(history) !== 'alpine') return undefined;
  const isInstalled = history.steps.some((step) => mentions(step, 'shadow') && packagesOfStep(step).some(({ name }) => name === 'shadow'));
  const isUsed = isInstalled && history.steps.some((step) => mentions(step, /useradd|groupadd|usermod|groupmod|userdel|chsh|passwd|gpasswd|newgidmap/));
  return isInstalled && !isUsed ? 'shadow is installed, with which such scripts change accounts as root' : undefined;
}

/** `RUN service postgresql start`: what the build starts that way the script does too. */
function serviceSign({ steps }: History): string | undefined {
  for (const step of steps) {
    if (!mentions(step, /\bservice\b|\/etc\/init\.d\//)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const [first, second, third] = words.map(({ value }) => value);
      const isService = (name === 'service' && third === 'start') || (first?.startsWith('/etc/init.d/') && second === 'start');
      if (isService) return `RUN ${words.map(({ text }) => text).join(' ')} says that it starts system services`;
    }
  }
  return undefined;
}

/** Files for an init, a supervisor or cron, which only root starts. */
function placeSign(target: Target): string | undefined {
  for (const { sources, destination } of copiesOf(historyOf(target.stage, target.unit))) {
    const place = [...sources, destination].find((path) => path !== undefined && isForInit(path));
    if (place !== undefined) return `${place} is for what starts others as root`;
  }
  const made = runPlaces(historyOf(target.stage, target.unit)).find(isForInit);
  return made === undefined ? undefined : `${made} is for what starts others as root`;
}

function isForInit(path: string): boolean {
  return /^\/etc\/(init\.d|sv|service|services\.d|cont-init\.d|s6[\w.-]*|my_init\.d|supervisor|periodic|cron(tabs|\.\w+))(\/|$)/.test(path) || /(^|\/)(supervisord?\.conf|crontab)$/.test(path);
}

/** What a RUN writes to, makes executable, copies to or gives to cron. */
function runPlaces({ steps }: History): string[] {
  return steps.flatMap((step) => {
    if (!mentions(step, /\/etc\/(init|sv|serv|cont|s6|my_init|super|periodic|cron)/)) return [];
    return commandsOf(step).flatMap((command) => {
      const { name, words } = unwrap(command);
      const named = name === 'chmod' || name === 'crontab' ? operands(words) : /^(cp|mv|ln|install|tee)$/.test(name ?? '') ? words.slice(-1) : [];
      return [...named, ...command.redirects.map(({ target }) => target)].flatMap(({ value }) => resolvePath(command.cwd, value) ?? []);
    });
  });
}

/** `RUN echo 'su -c "…" app' > server.sh`: a script of the build's own changes user. */
function writtenSign({ steps }: History): string | undefined {
  for (const step of steps) {
    if (!mentions(step, />/) || !mentions(step, /\bsu\b/)) continue;
    const echo = commandsOf(step).find((command) => /^(echo|printf)$/.test(unwrap(command).name ?? '') && command.redirects.length > 0 && command.words.some(({ value }) => /(^|[;&|]\s*|\bexec\s+)su\s+-/m.test(value ?? '')));
    if (echo) return `RUN writes ${echo.redirects[0]!.target.text}, which changes user with su`;
  }
  return undefined;
}

/** `RUN su app -c …` and an account of its own for it: the script changes to it in the same way. */
function changeSign(history: History): string | undefined {
  const names = new Set(madeAccounts(history).map(({ name }) => name));
  for (const step of history.steps) {
    if (!mentions(step, /\bsu(do)?\b|runuser|chpst|setuser/)) continue;
    for (const command of commandsOf(step)) {
      const words = [...command.words.slice(1), ...unwrap(command).words].map(({ value }) => value);
      const changes = /^(su|sudo|runuser|chpst|setuser)$/.test(command.words[0]?.value ?? '');
      const to = changes ? words.find((value) => value !== undefined && names.has(value)) : undefined;
      if (to !== undefined) return `RUN ${command.words[0]!.value} changes to ${to}, as such scripts do as root`;
    }
  }
  return undefined;
}

/** `ENV PUID=1000` that no RUN reads: the script gives an account the ids that whoever runs it asks for. */
function idSign({ steps }: History): string | undefined {
  for (const { instruction, unit } of steps) {
    if (instruction.keyword !== 'ENV' || !/GID|UID|(USER|GROUP)_ID/.test(instruction.args)) continue;
    const id = properties(instruction, unit.dockerfile.escape).find(({ name, value }) => /^(P?[UG]ID|\w+_[UG]ID|(\w+_)?(USER|GROUP)_?ID)$/.test(name) && /^"?\d+"?$/.test(value ?? ''));
    const isRead = id !== undefined && steps.some((step) => step.instruction.keyword !== 'ENV' && mentions(step, new RegExp(`\\$\\{?${id.name}\\b`)));
    if (id !== undefined && !isRead) return `ENV ${id.name} says that it changes ids, which takes root`;
  }
  return undefined;
}

/** `CMD ["1002", "app_group", "1001", "app_user"]`: numbers beside a user or a group are ids that the script gives to them. */
function givenIds(target: Target, script: string): string | undefined {
  const { argv = [] } = startOf(target);
  const words = argv.slice(argv.indexOf(script) + 1);
  const at = words.findIndex((word, index) => /(^|[-_])([ug]id|users?|groups?)($|[-_])/i.test(word) && [words[index - 1], words[index + 1]].some((one) => /^[1-9]\d{2,4}$/.test(one ?? '')));
  return at < 0 ? undefined : `it is given ids (${words.slice(Math.max(0, at - 1), at + 2).join(' ')}), and to change accounts takes root`;
}

/** The first package that tells. With xfsprogs, iptables is of the list of what Docker's daemon needs, which is copied into images that start none. */
function installed(history: History): string | undefined {
  const family = familyOf(history);
  const packages = packagesOf(history);
  const isOfDockersList = packages.some(({ name }) => name === 'xfsprogs');
  const isServer = (name: string) => (/^postgresql(-\d[\d.]*)?$/.test(name) && /^(debian|ubuntu|alpine)$/.test(family)) || (/^(mariadb|mysql)$/.test(name) && family === 'alpine');
  return packages.find(({ name }) => TELLTALE.test(name) || isServer(name) || (name === 'iptables' && !isOfDockersList))?.name;
}

/** Tools for dropping, and what needs root, that are fetched rather than installed, or of which the package's name holds a variable. */
function fetched(text: string): string | undefined {
  const [, tool] = /\b(gosu|su-exec|s6-overlay|supervisord|sudo(?=ers\b)|kubeadm(?!\.)|openvas-scanner|puppet-agent)/.exec(text) ?? [];
  return tool ?? (/\b(get\.docker\.com|download\.docker\.com\/linux\/static)\b/.test(text) ? 'the Docker client' : undefined);
}

/** `pip install supervisor`, `easy_install supervisor`. */
function installedByPip({ steps }: History): string | undefined {
  const isInstalled = steps.some((step) =>
    mentions(step, 'supervisor') && commandsOf(step).some((command) => {
      const { name, words } = unwrap(command);
      return /^(pip[\d.]*|easy_install[\d.-]*)$/.test(name ?? '') && words.some(({ value }) => /^supervisor([=<>~!]|$)/.test(value ?? ''));
    }),
  );
  return isInstalled ? 'supervisor' : undefined;
}

/** What says that an SSH server is started: its port, or a password for it as hosting services have it set. */
function sshSign({ ports, environment }: History): string | undefined {
  const ssh = ports.find(({ port }) => port === 22 || port === 2222);
  if (ssh) return `EXPOSE ${ssh.port} says that it starts an SSH server, which changes user for each session`;
  return environment('SSH_PASSWD') === undefined ? undefined : 'SSH_PASSWD says that it starts an SSH server, which changes user for each session';
}
