import { posix } from 'node:path';
import { programOf } from '../../programs/lookup.ts';
import type { Target } from '../../project.ts';
import { resolvePath, type ShellWord } from '../../shell/read.ts';
import { clusterHostFolders } from '../clusters.ts';
import { commandsOf, mentions, operands, option, unwrap } from '../commands.ts';
import { copiesOf } from '../copies.ts';
import { baseEntry, historyOf, type Step } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { runLinesOf } from '../run-lines.ts';
import { candidatePaths, placeOf, type Started, startOf } from '../start.ts';
import { systemFolder, systemFolderAt } from '../system-folders.ts';
import { editedFiles, editedInPlace, laidBy, templateOutputs } from '../writes.ts';
import type { KeepAway } from './index.ts';

/** RULES B3: programs, mounts and powers that only root has. */

const DOCKER = 'it controls containers';
const NETWORK = 'it changes the network of the host or the container';
const SOCKET = 'it talks to docker.sock, which root owns';
const DHCP = 'it serves or asks for addresses (DHCP), with raw packets and a port of the system';
const RAW = 'it reads raw packets';
const PROGRAMS: Record<string, string> = {
  ...naming(DOCKER, ['dockerd', 'dockerd-entrypoint.sh', 'containerd', 'podman', 'buildkitd', 'kubelet', 'k3s', 'crio', 'wrapdocker', 'dind']),
  ...naming(NETWORK, ['openvpn', 'wg', 'wg-quick', 'ipsec', 'charon', 'strongswan', 'pppd', 'xl2tpd', 'pptpd', 'ocserv', 'openconnect', 'vpnc', 'keepalived', 'iptables', 'ip6tables', 'nft', 'ufw', 'tc', 'brctl', 'zebra', 'bgpd', 'bird', 'hostapd', 'wpa_supplicant', 'dhcpd', 'dhclient', 'udhcpd', 'radvd', 'tincd', 'n2n', 'tailscaled', 'zerotier-one', 'shadowvpn', 'fail2ban-server', 'nebula', 'yggdrasil', 'netmaker', 'netclient', 'netbird', 'innernet', 'pia-wg', 'wireguard-go', 'boringtun', 'boringtun-cli']),
  ...naming(SOCKET, ['watchtower', 'dockerwatch', 'diun', 'ouroboros', 'docker-gen', 'dry', 'ctop', 'lazydocker', 'portainer', 'cadvisor', 'dive', 'docker-bench-security', 'docker-bench-security.sh']),
  ...naming(RAW, ['snort', 'suricata', 'tcpdump', 'tshark', 'dumpcap', 'ngrep', 'iftop', 'bro', 'zeek', 'arpwatch', 'nmap', 'masscan', 'tcpreplay', 'ntopng', 'nprobe', 'darkstat', 'p0f', 'aircrack-ng', 'kismet', 'openvassd', 'openvas']),
  ...naming('it configures the host', ['puppet', 'chef-client', 'chef-solo', 'cinc-client', 'salt-minion', 'salt-call', 'cf-agent', 'cf-execd', 'ansible-pull']),
  ...naming('it sets the clock of the host', ['ntpd', 'chronyd', 'openntpd', 'hwclock', 'ptp4l']),
  ...naming('it works as other users', ['xrdp', 'xrdp-sesman', 'login', 'telnetd', 'rpcbind', 'rpc.nfsd', 'rpc.mountd', 'exportfs', 'ganesha.nfsd', 'netatalk', 'afpd', 'cupsd', 'slurmd', 'jupyterhub', 'rstudio-server', 'rserver', 'shellinaboxd', 'avahi-daemon', 'dbus-daemon', 'polkitd']),
  ...naming('it makes accounts when it starts', ['autouseradd']),
  ...naming('it takes the screen and the terminals of the host', ['weston-launch', 'Xorg', 'startx', 'xinit', 'lightdm', 'gdm', 'gdm3', 'sddm']),
  ...naming('it mounts or loads into the kernel', ['mount', 'umount', 'modprobe', 'insmod', 'rmmod', 'sysctl', 'losetup', 'mknod', 'chroot', 'pivot_root', 'swapon', 'debootstrap', 'mergerfs', 'libvirtd', 'virtlogd', 'udevd', 'ceph-osd']),
};

function naming(why: string, names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, why]));
}

export const needsRoot: KeepAway = (target) => startedProgram(target) ?? setuidProgram(target) ?? addOn(target) ?? baseOf(target) ?? mountsOf(target);

function startedProgram(target: Target): Reason | undefined {
  const start = startOf(target);
  for (const started of start.commands) {
    const { name, script, service } = started;
    const why = name === undefined ? undefined : (PROGRAMS[name] ?? neededBy(name));
    if (why === undefined || isCalledLikeDockers(started, target)) continue;
    const where = script || service ? `${placeOf(started)} runs ${name}` : `it starts ${name}`;
    return { rule: 'needs-root', message: `${where}: ${why}`, line: lineOf(target), advice: USERNS };
  }
  return undefined;
}

/** An add-on of Home Assistant, by the names that its builder knows: what the supervisor mounts into it is root's. */
function addOn({ stage, unit }: Target): Reason | undefined {
  const { base } = historyOf(stage, unit);
  if (base.kind !== 'unresolved' || !/\$\{?BUILD_FROM\b/.test(base.text)) return undefined;
  return { rule: 'needs-root', message: `${base.text} is what Home Assistant builds an add-on from, and it mounts /data as root's`, line: stage.from.line, advice: 'drop in a service of the add-on itself, behind the init of its base' };
}

/** A program that a RUN gives the setuid bit is root whoever starts it: USER would say what is not so. */
function setuidProgram(target: Target): Reason | undefined {
  const { steps } = historyOf(target.stage, target.unit);
  const programs = startOf(target).commands.flatMap(({ words, command }) => (words[0]?.value === undefined ? [] : candidatePaths(words[0].value, command.cwd)));
  for (const step of steps) {
    if (programs.length === 0 || !mentions(step, MAY_GIVE_SETUID)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const [mode, ...files] = name === 'chmod' ? operands(words) : [];
      if (!/^([ug]*u[ug]*\+\w*s|a?\+\w*s|0?[4-7]\d{3})/.test(mode?.value ?? '')) continue;
      const file = files.find(({ value }) => programs.includes(resolvePath(command.cwd, value) ?? ''));
      if (file) return { rule: 'needs-root', message: `RUN ${words.map(({ text }) => text).join(' ')}: ${file.text} is root whoever starts it`, line: step.instruction.line, advice: 'take the setuid bit away, then run unroot again' };
    }
  }
  return undefined;
}

/** A mode with the setuid bit behind `chmod`, or a variable that may hold one. */
const MAY_GIVE_SETUID = /chmod\b[^;&|]*?(\+\w*s|[4-7]\d{3}|\$)/;

/** A script of one's own may bear the name of Docker's entrypoint, where nothing brings Docker. */
function isCalledLikeDockers({ name, words }: Started, target: Target): boolean {
  const isUnseen = name === 'dockerd-entrypoint.sh' && startOf(target).unseen.includes(words[0]?.value ?? '');
  return isUnseen && !/docker-ce|docker\.io|docker-engine|get\.docker|download\.docker|DOCKER_(VERSION|BUCKET|CHANNEL)|\bdind\b/.test(target.unit.dockerfile.text);
}

function neededBy(name: string): string | undefined {
  const program = programOf(name);
  if (program?.need === 'needs-root') return program.note;
  return name.split(/[-_.]/).some((part) => /^dhcp[46]?d?$/.test(part)) ? DHCP : undefined;
}

function baseOf(target: Target): Reason | undefined {
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  const start = startOf(target);
  const why = PROGRAMS[posix.basename(entry?.entrypoint?.[0] ?? '')];
  if (why !== undefined && start.baseEntrypoint !== undefined) return { rule: 'needs-root', message: `${base.text} needs root: ${why}`, line: target.stage.from.line, advice: USERNS };
  // Whatever is started on top of Docker's client, it is there to be talked to.
  if (base.kind === 'image' && base.reference.repo === 'library/docker' && !base.reference.tag?.includes('rootless')) return { rule: 'needs-root', message: `${base.text} is for what talks to Docker: ${SOCKET}`, line: target.stage.from.line, advice: 'put a socket proxy in front of it; whoever has the socket has the host' };
  if (entry?.action !== 'needs-root' || (start.from !== 'base' && start.baseEntrypoint === undefined)) return undefined;
  return { rule: 'needs-root', message: `${base.text} needs root: ${entry.notes ?? 'see its documentation'}`, line: target.stage.from.line, advice: USERNS };
}

/** `usermod -aG docker jenkins`, `adduser jenkins docker`: the program is meant to talk to docker.sock. */
function dockerGroup(steps: readonly Step[]): Reason | undefined {
  for (const step of steps) {
    if (!mentions(step, 'docker') || !mentions(step, /usermod|adduser|addgroup/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const isDocker = ({ value }: ShellWord) => value?.split(',').includes('docker') ?? false;
      const [, group, ...more] = operands(words, /^(-[aghksuG]|--(home|gecos|shell|ingroup|uid|gid|add))$/);
      const joins = name === 'usermod' ? words.some(isDocker) && option(words, 'G', 'groups') !== undefined : (name === 'adduser' || name === 'addgroup') && group !== undefined && more.length === 0 && isDocker(group);
      if (joins) return { rule: 'needs-root', message: `RUN ${words.map(({ text }) => text).join(' ')}: ${SOCKET}`, line: step.instruction.line, advice: 'put a socket proxy in front of it; whoever has the socket has the host' };
    }
  }
  return undefined;
}

function mountsOf(target: Target): Reason | undefined {
  const { volumes, ports, steps } = historyOf(target.stage, target.unit);
  const group = dockerGroup(steps);
  if (group) return group;
  const addon = steps.find(({ instruction: { keyword, args } }) => (keyword === 'ENV' && /["'=\s]\/data\/options\.json\b/.test(args)) || (keyword === 'LABEL' && /\bio\.hass\.type\b/.test(args)));
  if (addon) return { rule: 'needs-root', message: 'it is an add-on of Home Assistant, which gives it settings and data in /data that only root may read and write', line: addon.instruction.line, advice: 'drop to another user in its start script, once that has read /data/options.json' };
  const dhcp = ports.find(({ port }) => port === 67 || port === 68);
  if (dhcp) return { rule: 'needs-root', message: `EXPOSE ${dhcp.port}: ${DHCP}`, line: dhcp.instruction.line, advice: USERNS };
  const docker = volumes.find(({ path }) => path === '/var/lib/docker' || path === '/var/run/docker.sock' || path === '/run/docker.sock');
  if (docker) return { rule: 'needs-root', message: `VOLUME ${docker.path}: ${DOCKER}`, line: docker.instruction.line, advice: USERNS };
  for (const linked of [...target.services, ...target.probable]) {
    const { service, path } = linked;
    const who = `service ${service.name} in ${path}${target.probable.includes(linked) ? ' probably runs it and' : ''}`;
    const socket = service.mounts.find((mount) => /(^|\/)docker\.sock$/.test(mount.source ?? '') || /\/docker\.sock$/.test(mount.target));
    if (socket) {
      return { rule: 'needs-root', message: `${who} mounts docker.sock, which root owns`, advice: 'put a socket proxy in front of it; whoever has the socket has the host' };
    }
    const folder = service.mounts.map(systemFolder).find((one) => one !== undefined);
    if (folder !== undefined) return { rule: 'needs-root', message: `${who} lets it write ${folder} of the host, which is root's`, advice: `mount only the folder that it works in, or all of it read-only (:ro)` };
    const [power] = service.powers;
    if (power) return { rule: 'needs-root', message: `${who} asks for ${power}`, advice: USERNS };
  }
  for (const { path, where } of clusterHostFolders(target)) {
    const folder = systemFolderAt(path);
    if (folder !== undefined) return { rule: 'needs-root', message: `${where} lets it write ${folder} of the host, which is root's`, advice: 'mount only the folder that it works in, or all of it read-only (readOnly: true)' };
  }
  for (const { place, mounts, powers } of runLinesOf(target)) {
    const [power] = mounts.some(({ target: to }) => to.endsWith('/docker.sock')) ? ['docker.sock'] : powers;
    if (power) return { rule: 'needs-root', message: `${place} runs it with ${power}`, advice: USERNS };
  }
  return undefined;
}

/** What only root can do, by the program that does it; `chown` to change owners and so on. */
const SCRIPT_NEEDS: Record<string, string> = {
  chown: 'changes owners',
  chgrp: 'changes groups',
  usermod: 'changes accounts',
  groupmod: 'changes accounts',
  useradd: 'makes accounts',
  groupadd: 'makes accounts',
  adduser: 'makes accounts',
  addgroup: 'makes accounts',
  deluser: 'changes accounts',
  chpasswd: 'sets passwords',
  passwd: 'sets passwords',
  'update-ca-certificates': 'changes the trusted certificates',
  ldconfig: 'changes the library cache',
  setcap: 'gives capabilities',
  'apt-get': 'installs packages',
  apt: 'installs packages',
  apk: 'installs packages',
  yum: 'installs packages',
  dnf: 'installs packages',
  a2enmod: 'changes the server in /etc',
  a2ensite: 'changes the server in /etc',
  a2dismod: 'changes the server in /etc',
  'locale-gen': 'makes locales',
  'update-locale': 'changes the locale of the system',
  'dpkg-reconfigure': 'configures packages',
  crontab: 'sets up cron',
  'docker-php-ext-install': 'builds extensions',
};

/** RULES B3: an entrypoint that chowns, makes accounts, installs, or writes where only root may. */
export const scriptNeedsRoot: KeepAway = (target) => {
  for (const started of startOf(target).commands) {
    const why = SCRIPT_NEEDS[started.name ?? ''] ?? installs(started) ?? systemWrite(started) ?? codeEdit(started, target) ?? renamedPid(started, target);
    if (why === undefined) continue;
    return {
      rule: 'script-needs-root',
      message: `${placeOf(started)} ${why}: ${(started.through.includes('dockerize') ? started.command : started).words.map(({ text }) => text).join(' ')}`,
      line: lineOf(target),
      advice: 'move that into a RUN at build time, then run unroot again',
    };
  }
  return undefined;
};

/** Package managers of languages, which put what they install beside the code. */
function installs({ name, words }: Started): string | undefined {
  const [verb] = operands(words, /^(--prefix|-C|--dir|--cwd)$/).map(({ value }) => value);
  const isInstall =
    ((name === 'npm' || name === 'pnpm') && /^(install|i|ci|add|update)$/.test(verb ?? '')) ||
    (name === 'yarn' && (verb === undefined ? !words.some(({ value }) => value === '--version') : /^(install|add|upgrade)$/.test(verb))) ||
    (/^pip[\d.]*$/.test(name ?? '') && verb === 'install') ||
    (name === 'bundle' && /^(install|update)$/.test(verb ?? '')) ||
    (name === 'composer' && /^(install|update|require)$/.test(verb ?? ''));
  return isInstall ? 'installs packages' : undefined;
}

/** `sed -i` makes a new file and renames it: where the file is not in sight, nothing can be given away for that. */
function codeEdit(started: Started, target: Target): string | undefined {
  const copies = copiesOf(historyOf(target.stage, target.unit));
  const given = editedFiles(started, target);
  for (const path of editedInPlace(started)) {
    if (!given.includes(path) && copies.some(({ destination }) => destination !== undefined && destination !== '/' && (path === destination || path.startsWith(`${destination}/`)))) return `edits ${path}`;
  }
  return undefined;
}

/** gunicorn writes its pid file under another name and renames it: that takes the directory. */
function renamedPid({ name, words, command }: Started, target: Target): string | undefined {
  if (name !== 'gunicorn') return undefined;
  const path = resolvePath(command.cwd ?? historyOf(target.stage, target.unit).cwd, (option(words, 'p', 'pid') ?? option(words, undefined, 'pidfile'))?.value);
  const directory = path === undefined ? undefined : posix.dirname(path);
  return directory !== undefined && /^(\/|\/run|\/var\/run|\/var)$/.test(directory) ? `makes ${path} by renaming a file in ${directory}` : undefined;
}

const SYSTEM = /^\/(etc|usr|bin|sbin|lib|lib64|boot)(\/|$)/;

/** Whether a start script changes files of the system: an edit in place, a copy, a redirection. */
function systemWrite({ name, words, command }: Started): string | undefined {
  const filled = templateOutputs(command.words).find((path) => SYSTEM.test(path));
  if (filled !== undefined) return `writes ${filled}`;
  const laid = laidBy(name, words).flatMap(({ to }) => resolvePath(command.cwd, to) ?? []).find((path) => SYSTEM.test(`${path}/`));
  if (laid !== undefined) return `writes ${laid}`;
  // A path may end in what only the start knows: `/etc/certs.d/$HOST/ca.crt`.
  const into = command.redirects.find(({ operator, target }) => operator.startsWith('>') && SYSTEM.test(target.value ?? target.open ?? ''));
  if (into) return `writes ${into.target.value ?? into.target.open}`;
  const end = words.at(-1);
  const last = end?.value ?? end?.open ?? '';
  if (['cp', 'mv', 'ln', 'tee', 'install', 'touch', 'rm', 'mkdir', 'chmod'].includes(name ?? '') && SYSTEM.test(last)) return `changes ${last}`;
  if (name === 'sed' && words.some(({ value }) => /^(-[a-z]*i|--in-place)/i.test(value ?? '')) && words.some(({ value }) => SYSTEM.test(value ?? ''))) return `edits ${last}`;
  return undefined;
}

function lineOf(target: Target): number {
  return startOf(target).parts[0]?.instruction.line ?? target.stage.from.line;
}

const USERNS = 'remap users where it runs (userns-remap of Docker, hostUsers: false of Kubernetes) if its powers allow it; it does not go with privileged, host namespaces or devices';
