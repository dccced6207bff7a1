import { isPackageOf, isVerified, knowsItsPaths, programOf } from '../programs/lookup.ts';
import type { Program } from '../programs/types.ts';
import type { Target } from '../project.ts';
import { isLaunched, mentions } from './commands.ts';
import { copiesOf } from './copies.ts';
import { familyOf } from './family.ts';
import { baseEntry, type History, historyOf } from './history.ts';
import { packagesOf } from './installs.ts';
import { looksLikeScript, type Started, startOf } from './start.ts';
import { fetchedBy } from './third-party.ts';

/** What a shell does itself, and small tools of every distribution that write nothing on their own. */
const HARMLESS =
  /^(:|\.|\[|\[\[|alias|basename|break|case|cat|cd|chmod|command|continue|cp|curl|cut|date|declare|dig|dirname|echo|env|envsubst|eval|exec|exit|export|expr|false|find|getent|getopts|grep|egrep|head|hostname|id|ip|jq|kill|let|ln|local|ls|mkdir|mktemp|mv|nc|nslookup|openssl|printenv|printf|ps|pwd|read|readlink|realpath|return|rm|sed|awk|gawk|seq|set|shift|sleep|sort|source|stat|sync|tail|tee|test|timeout|touch|tr|trap|true|type|ulimit|umask|uname|uniq|unset|wait|wait-for-it|wait-for-it\.sh|wget|which|whoami|xargs|sh|bash|ash|dash|dockerize|readarray|mapfile|free|df|du|sha256sum|sha1sum|sha512sum|md5sum|base64|fold|uuidgen|nproc|host|tty|stty|pushd|popd|shopt|getconf|paste|comm|psql|mysql|mysqladmin|pg_isready|redis-cli|mongo|mongosh|yq|xxd|od|nl|cmp|diff|join|split|tac|rev|shuf|expand|getopt|hostnamectl|logname|groups|users|who|nice|time|dos2unix|netstat|ss|pgrep|pidof|bc|enable|hash|help|times|fg|bg|jobs|disown|compgen|complete|typeset|readonly|unalias|caller|suspend|tput|clear|column|wait4ports|wait-for|wait-for\.sh|traceroute|zcat|gunzip|gzip|unzip|tar|install|mkfifo|wc)$/;

/** Whether a command is the shell's own or a small tool that writes nothing on its own. */
export function isShellTool(name: string): boolean {
  return HARMLESS.test(name);
}

/** Runtimes that run code of one's own, and servers that are libraries of one's application. */
const RUNTIMES =
  /^(node|nodejs|pwsh|npm|npx|yarn|pnpm|bun|deno|pm2|pm2-runtime|pm2-docker|forever|ts-node|tsx|next|nuxt|serve|http-server|python[\d.]*|pypy[\d.]*|pip[\d.]*|uv|poetry|pipenv|gunicorn|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|flask|django-admin|celery|rq|streamlit|fastapi|sanic|twistd|airflow|ruby|bundle|bundler|rails|rake|puma|unicorn|thin|rackup|sidekiq|foreman|java|javac|sbt|gradle|gradlew|mvn|mvnw|dotnet|php|artisan|composer|perl|plackup|starman|hypnotoad|morbo|go|cargo|mix|elixir|iex|erl|lua|luajit|julia|Rscript|racket|swift|scala|clojure|lein|ghc|runghc|stack|mono|mono-sgen|nimble|crystal|kotlin|groovy|tclsh|guile|sbcl|octave|java_wrapper)$/;

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
  if (payload && program) return program.verified !== undefined && program.writes === undefined;
  if (name === undefined || payload || followed || (isLaunched(started) && !program) || HARMLESS.test(name) || RUNTIMES.test(name) || looksLikeScript(name)) return true;
  const { base } = historyOf(target.stage, target.unit);
  const entry = baseEntry(base);
  const own = [entry?.entrypoint?.[0], entry?.cmd?.[0]].map((path) => path?.slice(path.lastIndexOf('/') + 1));
  if (isApplet(name, target)) return true;
  return (own.includes(name) && entry?.start === 'server') || isAsItWasRun(name, target);
}

/** Whether a program starts here as it did when it was run: from its distribution's package, with that package's configuration. */
function isAsItWasRun(name: string, target: Target): boolean {
  const program = programOf(name);
  if (!program?.verified) return false;
  if (program.verified === true) return true;
  const history = historyOf(target.stage, target.unit);
  const family = familyOf(history);
  const packaged = installedPrograms(target).find((one) => one.program.commands === program.commands);
  if (!packaged || !isVerified(program, family) || !knowsItsPaths(program, family, [name, ...packaged.packages])) return false;
  return !addsRepository(history) && !isConfigured(program, target);
}

/** Whether packages may come from another repository than the distribution's: their programs have other paths. */
function addsRepository(history: History): boolean {
  return history.steps.some((step) => mentions(step, /sources\.list|add-apt-repository|apt-key|\bppa:|signed-by|\.repo\b/));
}

/** Whether the file brings a configuration of its own for a program whose configurations nobody here reads. */
function isConfigured({ configuration }: Program, target: Target): boolean {
  if (configuration === undefined) return false;
  const history = historyOf(target.stage, target.unit);
  const isWithin = (path: string) => configuration.some((own) => path === own || path.startsWith(`${own}/`));
  if (copiesOf(history).some(({ destination }) => destination !== undefined && (isWithin(destination) || configuration.some((own) => own.startsWith(`${destination}/`) || destination === '/')))) return true;
  if (history.steps.some((step) => configuration.some((own) => mentions(step, own)))) return true;
  return startOf(target).commands.some(({ words }) => words.slice(1).some(({ value }) => value !== undefined && /^(?:--?[\w-]+=)?(\/[^=]+\.(?:conf|cnf|cfg|ini|ya?ml|toml|xml|lua))$/.test(value) && !isWithin(value.replace(/^[^/]*/, ''))));
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
  /** The command that starts it. */
  name: string;
  /** The packages that may have brought it. */
  packages: string[];
}

/** The catalogued programs that a target starts and that its own packages brought, in order. */
export function installedPrograms(target: Target): InstalledProgram[] {
  const history = historyOf(target.stage, target.unit);
  const found: InstalledProgram[] = [];
  for (const { name, payload } of startOf(target).commands) {
    const program = name === undefined || payload ? undefined : programOf(name);
    if (!program || found.some((one) => one.program.commands === program.commands)) continue;
    const own = packagesOf(history).map((one) => one.name).filter((one) => isPackageOf(program, one));
    if (own.length > 0) found.push({ program: asBrought(program, history), name: name!, packages: own });
  }
  return found.length === 0 || familyOf(history) === 'unknown' ? [] : found;
}

/** The catalogued servers whose packages a target has and that nothing in sight starts: its start script, which is out of sight, does. */
export function hiddenPrograms(target: Target): InstalledProgram[] {
  const history = historyOf(target.stage, target.unit);
  if (startOf(target).unseen.length === 0 || familyOf(history) === 'unknown') return [];
  const started = new Set(installedPrograms(target).map(({ program }) => program.commands));
  const found: InstalledProgram[] = [];
  for (const { name } of packagesOf(history)) {
    const program = programOf(name);
    if (!program || !/^(any-uid|root-master|refuses-root)$/.test(program.need) || started.has(program.commands)) continue;
    started.add(program.commands);
    found.push({ program: asBrought(program, history), name, packages: [name] });
  }
  return found;
}

/** A program with what differs where its maker's own package brings it. */
function asBrought(program: Program, history: History): Program {
  if (!program.upstream || !isOfMaker(program, history)) return program;
  const { verified: _, ...rest } = program;
  return { ...rest, account: program.upstream.account, writes: program.upstream.writes };
}

/** Whether a RUN of the chain names the repository in which a program's maker has packages. */
export function isOfMaker({ upstream }: Program, history: History): boolean {
  return upstream !== undefined && history.steps.some((step) => mentions(step, upstream.repository));
}
