import { posix } from 'node:path';
import { FAMILIES } from '../recipes.ts';
import type { Reference } from '../reference.ts';
import type { Family, ImageAccount, ImageEntry, StartKind } from '../types.ts';
import { unwrap } from '../../shell/invocation.ts';
import { readShell } from '../../shell/read.ts';
import type { ImageConfig, ImageFiles, Probe } from './engine.ts';

/**
 * The entry of an image as an engine describes it. Its configuration is a fact; so are its family and
 * accounts where its files were seen. What its program writes and, unless its entrypoint is a script
 * in sight, whether it drops, stays open.
 */
export function entryOf(text: string, { repo }: Reference, { config, files }: Probe): ImageEntry {
  const family = familyOf(files);
  const accounts = accountsOf(files, config);
  const shipped = accounts[0] && isForPrograms(accounts[0]) && !powerfulIn(files).has(accounts[0].name!);
  const user = userOf(config, accounts);
  const drops = dropsIn(files?.entrypoint);
  const open: NonNullable<ImageEntry['unverified']> = ['writes'];
  if (drops === undefined && (config.Entrypoint ?? []).length > 0) open.push('drop');
  const entry: ImageEntry = {
    id: text,
    repos: [repo],
    family,
    user,
    accounts,
    action: user !== 'root' ? 'already-nonroot' : shipped ? 'use-existing' : 'create-user',
    start: startKindOf(config),
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    drop: drops ? 'entrypoint' : 'none',
    workdir: config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir,
    ports: Object.keys(config.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10)),
    volumes: Object.keys(config.Volumes ?? {}),
    sources: ['the image itself'],
    verified: true,
    unverified: open,
  };
  const onbuild = (config.OnBuild ?? []).find((step) => /^\s*(RUN|USER|VOLUME)\b/i.test(step));
  if (onbuild !== undefined) entry.doubt = `${text} has ONBUILD ${onbuild}, which runs in front of this file's own steps`;
  return entry;
}

/** `ID` of os-release (freedesktop.org, os-release(5)), or what it is like. */
const FAMILY_BY_ID: Record<string, Family> = {
  ...{ debian: 'debian', raspbian: 'debian', ubuntu: 'ubuntu', alpine: 'alpine', wolfi: 'wolfi', chainguard: 'wolfi', arch: 'arch' },
  ...{ rhel: 'rhel', centos: 'rhel', rocky: 'rhel', almalinux: 'rhel', fedora: 'rhel', ol: 'rhel' },
  ...{ amzn: 'amazonlinux', azurelinux: 'azurelinux', mariner: 'azurelinux', photon: 'photon', suse: 'opensuse', sles: 'opensuse', opensuse: 'opensuse' },
};

function familyOf(files: ImageFiles | undefined): Family {
  if (!files) return 'unknown';
  const ids = ['ID', 'ID_LIKE'].flatMap((name) => valueIn(files.osRelease, name).split(/\s+/));
  const family = ids.map((id) => FAMILY_BY_ID[id.replace(/^opensuse-.*/, 'opensuse')]).find((one) => one !== undefined);
  if (!files.hasShell) return family === undefined && files.passwd === undefined ? 'scratch' : 'distroless';
  if (family === undefined) return 'unknown';
  if (FAMILIES[family as Exclude<Family, 'unknown'>].accounts !== 'shadow' || files.hasUseradd) return family;
  // It has the distribution's file system and not its tool: what holds of ubi-minimal holds of it.
  return family === 'rhel' ? 'ubi-minimal' : 'ubi-micro';
}

function valueIn(osRelease: string | undefined, name: string): string {
  const line = (osRelease ?? '').split('\n').find((one) => one.startsWith(`${name}=`)) ?? '';
  return line.slice(name.length + 1).replace(/^["']|["']$/g, '').toLowerCase();
}

/** The names by which images call the account that programs run as. */
function isForPrograms({ name, uid }: ImageAccount): boolean {
  return uid !== undefined && uid >= 100 && uid < 65_534 && /^(app|appuser|app-user|application|nonroot|non-root|node|bun|deno|runner|service|user|container|default|www|web)$/.test(name ?? '');
}

/** All accounts of the image but root, since their names are taken; those that programs run as first. */
function accountsOf(files: ImageFiles | undefined, { Env }: ImageConfig): ImageAccount[] {
  const home = (Env ?? []).find((one) => one.startsWith('HOME='))?.slice(5);
  const powerful = powerfulIn(files);
  const accounts = (files?.passwd ?? '').split('\n').flatMap((line): ImageAccount[] => {
    const [name, , uid, gid, , directory] = line.split(':');
    if (!name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '') || uid === '0') return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: home ?? directory ?? '/' }];
  });
  const rank = (account: ImageAccount) => Number(isForPrograms(account) && !powerful.has(account.name!));
  return accounts.sort((one, other) => rank(other) - rank(one));
}

/** The members of groups that give the power of root. */
function powerfulIn(files: ImageFiles | undefined): Set<string> {
  return new Set((files?.group ?? '').split('\n').flatMap((line) => (/^(sudo|wheel|docker|admin):/.test(line) ? (line.split(':')[3] ?? '').split(',') : [])));
}

/** `User` of the configuration: empty, a name or number, with or without a group. */
function userOf({ User }: ImageConfig, accounts: readonly ImageAccount[]): ImageEntry['user'] {
  const [user, group] = (User ?? '').split(':') as [string, string?];
  if (user === '' || user === 'root' || /^0+$/.test(user)) return 'root';
  const known = accounts.find(({ name, uid }) => name === user || String(uid) === user);
  const gid = group !== undefined && /^\d+$/.test(group) ? Number(group) : group === undefined ? known?.gid : undefined;
  const account: ImageAccount = { ...known, ...(/^\d+$/.test(user) ? { uid: Number(user) } : { name: user }) };
  if (gid === undefined) delete account.gid;
  else account.gid = gid;
  return account;
}

const PROMPTS = /^(sh|bash|ash|dash|zsh|python[\d.]*|node|irb|R|iex|erl|php|jshell|ghci|julia|pwsh|perl|lua)$/;

function startKindOf({ Entrypoint, Cmd, ExposedPorts }: ImageConfig): StartKind {
  const words = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  const last = (Cmd ?? []).length > 0 ? Cmd![0]! : words[0];
  if (last === undefined) return 'none';
  if (PROMPTS.test(posix.basename(last)) && words.at(-1) === last) return 'prompt';
  return Object.keys(ExposedPorts ?? {}).length > 0 ? 'server' : 'unknown';
}

const DROPPERS = new Set(['gosu', 'su-exec', 'setpriv', 'runuser', 'chpst', 'setuidgid', 's6-setuidgid', 'su', 'sudo']);

/** Whether an entrypoint script changes user by itself; undefined where it is not in sight or not understood. */
function dropsIn(script: string | undefined): boolean | undefined {
  if (script === undefined) return undefined;
  const { commands, complete } = readShell(script);
  const names = commands.map((command) => unwrap(command)).flatMap(({ name, through }) => [name ?? '', ...through]);
  return names.some((name) => DROPPERS.has(name)) ? true : complete ? false : undefined;
}
