import { isAbsolute, resolve } from 'node:path';
import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { copiesOf } from '../copies.ts';
import { historyOf } from '../history.ts';
import type { Reason } from '../judgement.ts';
import { placeOf, type Started, startOf } from '../start.ts';
import type { KeepAway } from './index.ts';

/** RULES B6: source mounted or synced over the code, or a development server. */
export const development: KeepAway = (target) => mountedSource(target) ?? developmentServer(target);

function mountedSource(target: Target): Reason | undefined {
  const history = historyOf(target.stage, target.unit);
  for (const { service, path } of target.services) {
    if (service.watched) return { rule: 'development', message: `service ${service.name} in ${path} syncs files into it (develop.watch)`, advice: ADVICE };
    for (const { type, source, target: inside, directory } of service.mounts) {
      if (type !== 'bind' || source === undefined) continue;
      const host = isAbsolute(source) ? source : resolve(directory, source);
      if (target.disk.stat(host)?.kind === 'file') continue;
      const overCode = inside === history.cwd || (covers(copiesOf(history).map(({ destination }) => destination), inside) && covers(startedPaths(target, history.cwd), inside));
      if (overCode) {
        return { rule: 'development', message: `service ${service.name} in ${path} mounts ${source} over ${inside}`, advice: ADVICE };
      }
    }
  }
  return undefined;
}

function covers(paths: readonly (string | undefined)[], directory: string): boolean {
  return paths.some((path) => path === directory || path?.startsWith(`${directory.replace(/\/$/, '')}/`));
}

/** The programs and files that the start commands name. A configuration that is mounted over a copied one is no source. */
function startedPaths(target: Target, cwd: string | undefined): string[] {
  const words = startOf(target).commands.flatMap(({ words, command }) => words.map(({ value }) => resolvePath(command.cwd ?? cwd, value)));
  return words.flatMap((path) => (path === undefined || /^\/(etc|usr\/share)\//.test(path) ? [] : [path]));
}

function developmentServer(target: Target): Reason | undefined {
  const server = startOf(target).commands.find(isDevelopmentServer);
  if (!server) return undefined;
  return {
    rule: 'development',
    message: `${server.command.words.map(({ text }) => text).join(' ')}${server.service ? ` of ${placeOf(server)}` : ''} is a development server, which writes beside its code`,
    line: startOf(target).parts[0]?.instruction.line ?? target.stage.from.line,
    advice: ADVICE,
  };
}

function isDevelopmentServer({ name, words }: Started): boolean {
  const args = words.slice(1).map(({ value }) => value ?? '');
  const has = (word: string) => args.includes(word);
  switch (name) {
    case 'vite':
      return !has('preview') && !has('build');
    case 'next':
    case 'nuxt':
    case 'nuxi':
    case 'astro':
      return has('dev');
    case 'ng':
      return has('serve') || has('s');
    case 'vue-cli-service':
      return has('serve');
    case 'nodemon':
    case 'webpack-dev-server':
    case 'ts-node-dev':
    case 'air':
    case 'reflex':
    case 'CompileDaemon':
    case 'watchexec':
    case 'live-server':
    case 'browser-sync':
      return true;
    case 'webpack':
      return has('serve') || has('--watch');
    case 'react-scripts':
      return has('start');
    case 'flask':
      return has('--debug') || has('--reload');
    case 'uvicorn':
    case 'gunicorn':
      return has('--reload');
    case 'dotnet':
      return has('watch');
    case 'gatsby':
      return has('develop');
    case 'hugo':
      return has('server') || has('serve');
    case 'npm':
    case 'yarn':
    case 'pnpm':
    case 'bun':
      return args.some((arg) => /^(dev|develop|watch|serve:dev|start:dev|dev:\w+)$/.test(arg));
    case 'tsx':
    case 'cargo':
    case 'mix':
      return has('watch');
    default:
      return false;
  }
}

const ADVICE = 'give production its own stage and name it as target; for development run it as yourself: user: "${UID}:${GID}"';
