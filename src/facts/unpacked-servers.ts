import { posix } from 'node:path';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { mentions } from './commands.ts';
import { copiesOf } from './copies.ts';
import type { FrameworkState } from './frameworks.ts';
import { type History, historyOf } from './history.ts';
import { startOf } from './start.ts';
import { unpacksAny } from './unpacked.ts';

/** A server that comes as an archive and keeps its state beside its code. */
interface UnpackedServer {
  name: string;
  /** The variable that says where it lies. */
  home: string;
  /** Its own start scripts, in `bin`. */
  scripts: RegExp;
  /** What a RUN that fetches or unpacks it mentions, and how a directory of its own is called. */
  archive: RegExp;
  folder: RegExp;
  /** Directories that it writes, relative to where it lies. */
  state: string[];
  /** Where it unpacks what is put there. */
  unpacks?: string;
}

/** By the servers' own documentation: tomcat.apache.org (RUNNING.txt), zeppelin.apache.org (configuration), docs.sonarsource.com (install). */
const SERVERS: UnpackedServer[] = [
  { name: 'Tomcat', home: 'CATALINA_HOME', scripts: /^(catalina|startup)\.sh$/, archive: /apache-tomcat-/, folder: /\/(apache-)?tomcat[^/]*$/, state: ['logs', 'temp', 'work'], unpacks: 'webapps/*.war' },
  { name: 'Zeppelin', home: 'ZEPPELIN_HOME', scripts: /^zeppelin(-daemon)?\.sh$/, archive: /\/zeppelin-/, folder: /\/zeppelin[^/]*$/, state: ['conf', 'local-repo', 'logs', 'notebook', 'run', 'webapps'] },
  { name: 'SonarQube', home: 'SONARQUBE_HOME', scripts: /^sonar\.sh$/, archive: /\/sonarqube-/, folder: /\/sonarqube[^/]*$/, state: ['data', 'extensions', 'logs', 'temp'] },
];

/** The state of servers that a file unpacks itself, as their own images do, and that it starts or leaves to a script out of sight. */
export function unpackedServerState(target: Target): FrameworkState[] {
  return SERVERS.flatMap((server) => {
    const home = homeOf(server, target);
    if (home === undefined) return [];
    const state: FrameworkState[] = server.state.map((path) => ({ path: posix.join(home, path), framework: server.name }));
    const archives = server.unpacks === undefined ? undefined : posix.join(home, server.unpacks);
    return archives !== undefined && unpacksAny(archives, target) ? [...state, { path: posix.dirname(archives), framework: server.name, isFlat: true }] : state;
  });
}

/** Where a server lies that a file unpacks itself, undefined where it does not. */
export function unpackedHome(name: string, target: Target): string | undefined {
  const server = SERVERS.find((one) => one.name === name);
  return server && homeOf(server, target);
}

function homeOf({ home, scripts, archive, folder }: UnpackedServer, target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const isOfBase = history.base.kind === 'image' && scripts.test(posix.basename(history.base.facts?.entry.cmd?.[0] ?? ''));
  if (isOfBase) return undefined;
  const named = history.variables(home);
  const { commands, unseen } = startOf(target);
  const started = commands.find(({ name }) => scripts.test(name ?? ''));
  const isUnpacked = () => history.steps.some((step) => mentions(step, archive));
  if (named?.startsWith('/')) return started || (unseen.length > 0 && isUnpacked() && isFilled(named, history)) ? named : undefined;
  if (started) return homeAbove(resolvePath(started.command.cwd, started.words[0]?.value));
  // `WORKDIR /opt/sonarqube`, and a script of one's own in it.
  return unseen.length > 0 && history.cwd !== undefined && folder.test(history.cwd) && isUnpacked() ? history.cwd : undefined;
}

/** `/home/x/apache-tomcat-9/bin/startup.sh`: the directory above `bin`, but for those of the system. */
function homeAbove(script: string | undefined): string | undefined {
  const [, home] = /^(\/.+)\/bin\/[^/]+$/.exec(script ?? '') ?? [];
  return home === undefined || /^\/usr(\/local)?$/.test(home) ? undefined : home;
}

/** Whether a step names a directory, or copies into it. */
function isFilled(directory: string, history: History): boolean {
  return history.cwd === directory || history.steps.some(({ cwd }) => cwd === directory) || copiesOf(history).some(({ destination }) => destination?.startsWith(directory) === true);
}
