import { commandsOf, mentions, unwrap } from '../commands.ts';
import { type History, historyOf } from '../history.ts';
import { packagesOf } from '../installs.ts';
import { startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** What makes an unseen start script likely to need root. */
const TELLTALE = /^(gosu|su-exec|supervisor|docker-ce|docker\.io|docker-engine|moby-engine|openvas[\w-]*|s6|s6-overlay|runit|openssh(-server|-sftp-server)?|cron|cronie|dcron|busybox-suid|sudo|tini-root)$/;

/** A cheap look: without one of these words no such package is installed. */
const MAY_TELL = /SSH_PASSWD|EXPOSE|docker-ce|docker\.io|docker-engine|moby-engine|openvas|gosu|su-exec|supervisor|s6|runit|openssh|cron|busybox-suid|sudo|tini-root/;

/** RULES B4: the start script is out of sight, and what is installed says that it needs root. */
export const scriptOutOfSight: KeepAway = (target) => {
  const start = startOf(target);
  const [script] = start.unseen;
  if (script === undefined) return undefined;
  if (!MAY_TELL.test(target.unit.dockerfile.text)) return undefined;
  const history = historyOf(target.stage, target.unit);
  const tool = packagesOf(history).find(({ name }) => TELLTALE.test(name))?.name ?? fetched(target.unit.dockerfile.text) ?? installedByPip(history);
  const sign = tool === undefined ? sshSign(history) : `${tool} is installed, which such scripts use as root`;
  if (sign === undefined) return undefined;
  return {
    rule: 'script-out-of-sight',
    message: `${script} is not in the build context, and ${sign}`,
    line: start.parts[0]?.instruction.line ?? target.stage.from.line,
    advice: 'run unroot where the script is, or move to a non-root start by hand',
  };
};

/** Tools for dropping that are fetched rather than installed. */
function fetched(text: string): string | undefined {
  return /\b(gosu|su-exec|s6-overlay|supervisord)\b/.exec(text)?.[1];
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
