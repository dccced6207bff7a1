import { programOf } from '../programs/lookup.ts';
import type { Program } from '../programs/types.ts';
import type { Target } from '../project.ts';
import { historyOf } from './history.ts';
import { isLaunched } from './commands.ts';
import { familyOf } from './family.ts';
import { packagesOf } from './installs.ts';
import { looksLikeScript, type Started, startOf } from './start.ts';
import { fetchedBy } from './third-party.ts';

/** What a shell does itself, and small tools of every distribution that write nothing on their own. */
const HARMLESS =
  /^(:|\.|\[|\[\[|alias|basename|break|case|cat|cd|chmod|command|continue|cp|curl|cut|date|declare|dig|dirname|echo|env|envsubst|eval|exec|exit|export|expr|false|find|getent|getopts|grep|egrep|head|hostname|id|ip|jq|kill|let|ln|local|ls|mkdir|mktemp|mv|nc|nslookup|openssl|printenv|printf|ps|pwd|read|readlink|realpath|return|rm|sed|awk|gawk|seq|set|shift|sleep|sort|source|stat|sync|tail|tee|test|timeout|touch|tr|trap|true|type|ulimit|umask|uname|uniq|unset|wait|wait-for-it|wait-for-it\.sh|wget|which|whoami|xargs|sh|bash|ash|dash|dockerize|gomplate|consul-template|confd)$/;

/** Runtimes that run code of one's own, and servers that are libraries of one's application. */
const RUNTIMES =
  /^(node|nodejs|npm|npx|yarn|pnpm|bun|deno|pm2|pm2-runtime|pm2-docker|forever|ts-node|tsx|next|nuxt|serve|http-server|python[\d.]*|pypy[\d.]*|pip[\d.]*|uv|poetry|pipenv|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|flask|django-admin|celery|rq|streamlit|fastapi|sanic|twistd|airflow|ruby|bundle|bundler|rails|rake|puma|unicorn|thin|rackup|sidekiq|foreman|java|javac|sbt|gradle|gradlew|mvn|mvnw|dotnet|php|artisan|composer|perl|plackup|starman|hypnotoad|morbo|go|cargo|mix|elixir|iex|erl|lua|luajit|julia|Rscript|racket|swift|scala|clojure|lein|ghc|runghc|stack|mono|mono-sgen|nimble|crystal|kotlin|groovy|tclsh|guile|sbcl|octave|java_wrapper)$/;

/** Whether a program runs code of one's own. */
export function isRuntime(name: string): boolean {
  return RUNTIMES.test(name);
}

/**
 * Whether what a program writes is settled: it is of the shell, a runtime for code of one's own,
 * payload of the file, or the program of a catalogued base. What the file fetches is none of these.
 */
export function isKnownProgram(started: Started, target: Target): boolean {
  const { name, payload, followed } = started;
  if (fetchedBy(started, target) !== undefined) return false;
  const program = programOf(name ?? '');
  // Built here from its source, or taken from another image, it still writes what it always writes, perhaps elsewhere.
  if (payload && program) return (program.verified ?? false) && program.writes === undefined;
  if (name === undefined || payload || followed || isLaunched(started) || HARMLESS.test(name) || RUNTIMES.test(name) || looksLikeScript(name)) return true;
  const { base } = historyOf(target.stage, target.unit);
  const entry = base.kind === 'image' ? base.facts?.entry : undefined;
  const own = [entry?.entrypoint?.[0], entry?.cmd?.[0]].map((path) => path?.slice(path.lastIndexOf('/') + 1));
  if (isApplet(name, target)) return true;
  return (own.includes(name) && entry?.start === 'server') || (program?.verified ?? false);
}

/** BusyBox's own small servers bear the names of others and write nothing. */
export function isApplet(name: string, target: Target): boolean {
  const history = historyOf(target.stage, target.unit);
  const family = familyOf(history);
  if (family !== 'busybox' && family !== 'alpine') return false;
  return /^(httpd|nc|udpsvd|tcpsvd)$/.test(name) && !packagesOf(history).some((one) => one.name.startsWith('apache2'));
}

/** A catalogued program that a target starts from a package that its file installs. */
export interface InstalledProgram {
  program: Program;
  name: string;
}

/** The catalogued programs that a target starts and that its own packages brought, in order. */
export function installedPrograms(target: Target): InstalledProgram[] {
  const history = historyOf(target.stage, target.unit);
  const packages = packagesOf(history);
  const found: InstalledProgram[] = [];
  for (const { name, payload } of startOf(target).commands) {
    const program = name === undefined || payload ? undefined : programOf(name);
    if (!program || found.some((one) => one.program === program)) continue;
    const stems = program.commands.map((command) => command.replace(/[^a-z].*$/i, '')).filter((stem) => stem.length > 2);
    if (packages.some((one) => stems.some((stem) => one.name.includes(stem)))) found.push({ program, name: name! });
  }
  return familyOf(history) === 'unknown' ? [] : found;
}
