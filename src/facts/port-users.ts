import { basename, dirname, join, resolve } from 'node:path';
import type { Found } from '../compose/layers.ts';
import { declared } from '../compose/stack.ts';
import { splitKeyword } from '../dockerfile/scan.ts';
import { memo } from '../memo.ts';
import { everyHostPort, type HostPort, hostPortsIn } from '../ports/mentions.ts';
import { addressesIn } from '../ports/read.ts';
import type { LinkedService, Target } from '../project.ts';
import { guessedPort } from './guessed-ports.ts';
import { historyOf, type Step } from './history.ts';
import type { Listening, Obstacle, PortPlace } from './listening.ts';
import { argumentsOf, editIn, execWords, lineOf, partOf, type PlacedText, textOfFile } from './placed-text.ts';
import { type Run, runsOf } from './runs.ts';
import { serversIn } from './servers.ts';
import { serviceTarget } from './services/target.ts';
import { networkGuest } from './shared-network.ts';
import { type SourceFileText, sourcesOf } from './source-ports.ts';
import { composeWords, placedCommands, placedScalar, type PlacedCommand, shellCommands, unquoted } from './start-places.ts';
import { type PlacedVariable, variableAt, variablesOf } from './variables.ts';
import { memoByName } from './memo.ts';

/** Who else knows a port of a run, in the files of the run and of the services beside it. */
export interface PortUsers {
  places: PortPlace[];
  /** Places that know it and can't be changed. */
  obstacles: Obstacle[];
  /** What knows it perhaps, out of sight. */
  doubts: string[];
}

/** Everything in sight that names a port that a run listens on, the listener itself apart. */
export function usersOf(run: Run, { port, protocol }: Pick<Listening, 'port' | 'protocol'>): PortUsers {
  const users = new Users(run, port, protocol);
  users.image();
  if (run.service) users.service(run.service);
  if (run.service) {
    users.neighbours(run.service);
    users.askers(run.service);
  } else users.foldersBeside();
  return users;
}

const SELF = new Set(['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '::1', '[::]']);

class Users implements PortUsers {
  readonly places: PortPlace[] = [];
  readonly obstacles: Obstacle[] = [];
  readonly doubts: string[] = [];
  private readonly run: Run;
  private readonly port: number;
  private readonly protocol: Listening['protocol'];

  constructor(run: Run, port: number, protocol: Listening['protocol']) {
    this.run = run;
    this.port = port;
    this.protocol = protocol;
  }

  /** EXPOSE and HEALTHCHECK of the chain. */
  image(): void {
    const { target } = this.run;
    const history = historyOf(target.stage, target.unit);
    const checks = history.steps.filter(({ instruction }) => instruction.keyword === 'HEALTHCHECK');
    for (const step of history.steps) if (step.instruction.keyword === 'EXPOSE') this.exposed(step);
    const check = checks.at(-1);
    if (check && !this.run.service?.service.healthcheck?.test) this.healthcheck(check);
  }

  private exposed(step: Step): void {
    const { instruction, unit } = step;
    const args = argumentsOf(unit, instruction);
    for (const match of args.text.matchAll(/\$\{?(\w+)\}?(?:\/(\w+))?(?=\s|$)/g)) {
      const variable = variableAt(match[1]!, step, this.run);
      if (variable?.place && this.speaks(match[2] ?? 'tcp') && Number(variable.place.text) === this.port) this.variable(variable);
    }
    for (const match of args.text.matchAll(/(\d+)(?:-(\d+))?(?:\/(\w+))?(?=\s|$)/g)) {
      const [whole, first, last, protocol] = match;
      if (!this.speaks(protocol ?? 'tcp')) continue;
      if (last === undefined) {
        if (Number(first) === this.port) this.digits(partOf(args, match.index, match.index + first!.length), `EXPOSE ${whole}`);
      } else if (Number(first) <= this.port && this.port <= Number(last)) this.stuck(`EXPOSE ${whole} names a range that ${this.port} is in`);
    }
  }

  private healthcheck({ instruction, unit }: Step): void {
    const [keyword, rest] = splitKeyword(instruction.args);
    if (keyword !== 'CMD') return;
    const commands = instruction.json ? this.ofWords(execWords(unit, instruction, rest), 'HEALTHCHECK') : shellCommands(argumentsOf(unit, instruction, rest), 'HEALTHCHECK');
    this.checks(commands, 'HEALTHCHECK');
  }

  private ofWords(words: PlacedText[], where: string): PlacedCommand[] {
    const [first, second, third] = words;
    const carried = first && /(^|\/)(ba|da|a)?sh$/.test(first.text) && second?.text === '-c' ? third : undefined;
    return carried ? shellCommands(carried, where) : [{ name: first?.text.slice(first.text.lastIndexOf('/') + 1), words, assignments: [], where }];
  }

  /** A health check speaks of the container itself. */
  private checks(commands: readonly PlacedCommand[], where: string): void {
    for (const command of commands) {
      const before = this.places.length;
      const { name = '', words } = command;
      for (const word of words) this.hosts(word, SELF, where);
      this.bareWords(command, where);
      const isScript = /\.(sh|js|mjs|cjs|py|rb|php)$/.test(name) || words.slice(1).some(({ text }) => /\.(sh|js|mjs|cjs|py|rb|php)$/.test(text));
      if (isScript && this.places.length === before) this.stuck(`${where} runs ${words.map(({ text }) => text).join(' ')}, which may know ${this.port}`);
    }
  }

  /** `curl localhost`, `nc -z localhost 80`, `wget -q localhost/health`: a host without a scheme, a port as a word of its own. */
  private bareWords({ name = '', words }: PlacedCommand, where: string): void {
    words.forEach((word, index) => {
      if (index === 0) return;
      if (/^(curl|wget|http|https)$/.test(name) && this.port === 80) {
        const host = /^(localhost|127\.0\.0\.1|0\.0\.0\.0)(?=\/|\?|$)/.exec(word.text)?.[1];
        if (host) this.insert(word, host.length, where);
      }
      const before = words[index - 1]!.text;
      if (/^(nc|ncat|netcat|telnet)$/.test(name) && SELF.has(before) && word.text === String(this.port)) this.digits(word, where);
      const device = /^\/dev\/tcp\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\/(\d+)$/.exec(word.text);
      if (device && Number(device[1]) === this.port) this.digits(partOf(word, word.text.length - device[1]!.length, word.text.length), where);
      if (/^(grep|egrep)$/.test(name) && new RegExp(`(?<!\\d)${this.port}(?!\\d)`).test(word.text)) this.stuck(`${where} looks for ${word.text}`);
    });
  }

  /** What a service says of its own container. */
  service(linked: LinkedService): void {
    const { service } = linked;
    for (const { target, lastTarget, protocol, targetAt, place } of service.ports) {
      if (target === undefined || lastTarget === undefined) {
        if (target === undefined) this.stuck(`a port of service ${service.name} depends on a variable`);
        continue;
      }
      if (!this.speaks(protocol) || this.port < target || this.port > lastTarget) continue;
      if (target !== lastTarget || !targetAt) this.stuck(`service ${service.name} publishes ${this.port} in a way that can't be changed (${place.file.text.slice(place.start, place.end)})`);
      else this.digits(this.inCompose(place, targetAt.start, targetAt.end), `ports of service ${service.name}`);
    }
    for (const { port, lastPort, protocol, place } of service.expose) {
      if (port === undefined || lastPort === undefined || !this.speaks(protocol) || this.port < port || this.port > lastPort) continue;
      const digits = /\d+/.exec(place.file.text.slice(place.start, place.end));
      if (port !== lastPort || !digits) this.stuck(`service ${service.name} exposes a range that ${this.port} is in`);
      else this.digits(this.inCompose(place, place.start + digits.index, place.start + digits.index + digits[0].length), `expose of service ${service.name}`);
    }
    const test = service.layers.within('healthcheck').get('test');
    if (test && !service.healthcheck?.disabled) this.checks(this.composeCheck(test), `the health check of service ${service.name}`);
    this.labels(linked);
    const guessed = guessedPort(this.run, this.port);
    if (guessed && 'message' in guessed) this.stuck(guessed.message, guessed.advice);
    else if (guessed) this.add(guessed);
    const virtual = variablesOf(this.run).get('VIRTUAL_PORT');
    if (virtual?.value === String(this.port)) this.variable(virtual);
    this.pulled(linked);
    this.shared(linked);
  }

  /** An image that Compose pulls, though it could be built, listens as it was published. */
  private pulled({ service }: LinkedService): void {
    const policy = textIn(service.at('pull_policy'));
    if (service.at('image') && service.build && policy !== undefined && !/^(build|never)$/.test(policy)) this.doubts.push(`service ${service.name} pulls ${textIn(service.at('image'))} (pull_policy: ${policy}), which listens on ${this.port} until it is published again`);
  }

  private composeCheck(test: Found): PlacedCommand[] {
    const where = 'the health check';
    if (test.node.kind !== 'list') {
      const whole = placedScalar(test);
      return whole ? shellCommands(whole, where) : [];
    }
    const [kind, ...words] = composeWords(test);
    if (kind?.text === 'CMD-SHELL') return words.flatMap((word) => shellCommands(word, where));
    return kind?.text === 'CMD' ? this.ofWords(words, where) : [];
  }

  /** Proxies that read labels: Traefik, caddy-docker-proxy and others that name the port of the container. */
  private labels({ service }: LinkedService): void {
    for (const { name, value = '', place, valueAt } of [...service.labels, ...service.deployLabels]) {
      const isPort = /^traefik\.(.*\.)?(loadbalancer\.server\.port|port)$|^(caddy|nginx|proxy|swag|homepage|shepherd)[\w.]*\.?port$/i.test(name) || /(^|[._-])(container|internal|server|target)[._-]?port$/i.test(name);
      const text = valueAt && this.inCompose(place, valueAt.start, valueAt.end);
      if (isPort && Number(value) === this.port) {
        if (text && /^\d+$/.test(text.text)) this.digits(text, `label ${name}`);
        else this.stuck(`label ${name} names ${this.port} in a way that can't be changed`);
      }
      const upstreams = /\{\{\s*upstreams(?:\s+(https?|h2c))?(?:\s+(\d+))?\s*\}\}/.exec(text?.text ?? '');
      if (upstreams && text) {
        const port = upstreams[2] ?? (upstreams[1] === 'https' ? '443' : '80');
        if (Number(port) === this.port) {
          if (upstreams[2] !== undefined) {
            const at = upstreams.index + upstreams[0].lastIndexOf(upstreams[2]);
            this.digits(partOf(text, at, at + upstreams[2].length), `label ${name}`);
          } else this.insert(text, upstreams.index + upstreams[0].replace(/\s*\}\}$/, '').length, `label ${name}`, ' ');
        }
      }
    }
  }

  /** A network namespace that others use too, and networks of other projects. */
  private shared(linked: LinkedService): void {
    const { service, stack } = linked;
    if (service.sharedNetwork) this.stuck(`service ${service.name} has the network of ${service.networkMode === 'host' ? 'the host' : 'another container'}`);
    const guest = networkGuest(linked);
    if (guest !== undefined) this.stuck(`service ${guest} shares the network of ${service.name}`);
    for (const network of service.networks) {
      // Each file may be used without those that are laid over it.
      const external = stack.files.map((file) => declared({ files: [file], services: [] }, 'networks', network)?.get('external'));
      if (external.some((found) => found && !(found.node.kind === 'scalar' && /^(false|no)$/i.test(found.node.value)))) this.doubts.push(`service ${service.name} is on the external network ${network}, where others may ask for ${this.port}`);
    }
  }

  /** What services of the same stack say of this one. */
  neighbours(linked: LinkedService): void {
    const names = namesOf(linked);
    const others = linked.stack.services.filter((other) => other.source.name !== linked.source.name);
    for (const other of others) {
      const own = new Set([...names, ...linksTo(other, linked.service.name)]);
      this.commandsOf(other, own);
      const read = new Set(targetsOf(other, this.run).flatMap((target) => [...this.neighbour(target, other, own)]));
      this.mountedTexts(other, own, read);
      if (other.service.image === undefined && !other.service.build) this.partOfElsewhere(other, own);
    }
    // A service may also ask for itself by its name.
    this.variables([...variablesOf(this.run).values()], names, linked.service.name);
  }

  /** A service whose image another file names, such as a platform's own proxy, is told here whom to ask, and where. */
  private partOfElsewhere({ service: { name, variables } }: LinkedService, names: ReadonlySet<string>): void {
    for (const { name: variable, value } of variables) {
      const pair = value !== undefined && names.has(value.toLowerCase()) ? NAMES_HOST.exec(variable) : undefined;
      const companion = pair && variables.find((one) => one.name === `${pair[1]}PORT`);
      if (companion && Number(companion.value) === this.port) this.stuck(`${companion.name} of service ${name} says ${this.port}, and what runs that is not in sight`);
    }
  }

  /** A port that a service only exposes is for somebody: a proxy of the platform that runs the file, where nothing in sight asks. */
  askers({ service, stack, source }: LinkedService): void {
    const isExposed = service.expose.some(({ port }) => port === this.port);
    const isPublished = stack.services.some((one) => one.source.name === source.name && one.service.ports.length > 0);
    const isAsked = isPublished || this.places.some(({ path, start }) => !service.expose.some(({ place }) => place.file.path === path && place.start <= start && start < place.end));
    if (isExposed && !isAsked) this.doubts.push(`service ${service.name} exposes ${this.port} and publishes nothing, and what asks for that is not in sight`);
  }

  /** Where nothing in sight runs a target, what lies in the folders beside its own may still ask for it by that folder's name. */
  foldersBeside(): void {
    const { file } = this.run.target.unit;
    const own = dirname(file.absolute);
    const around = dirname(own);
    // The folders of a repository as a whole have as little to do with each other as with it.
    if (own === file.root || around === file.root) return;
    for (const source of textsBeside(this.run.disk, around)) if (!source.path.startsWith(`${own}/`)) this.sourceText(source, new Set([basename(own).toLowerCase()]));
  }

  private commandsOf({ service }: LinkedService, names: ReadonlySet<string>): void {
    const where = `service ${service.name}`;
    for (const key of ['command', 'entrypoint'] as const) {
      const found = service.layers.get(key);
      for (const word of found ? composeWords(found) : []) this.hosts(word, names, `${key} of ${where}`);
    }
    const test = service.layers.within('healthcheck').get('test');
    for (const { words } of test ? this.composeCheck(test) : []) for (const word of words) this.hosts(word, names, `the health check of ${where}`);
    for (const { name, place, valueAt } of service.labels) if (valueAt) this.hosts(this.inCompose(place, valueAt.start, valueAt.end), names, `label ${name} of ${where}`);
    if (!service.build) this.variables(service.variables.map(({ name, value, place, valueAt }): PlacedVariable => ({ name, value, place: valueAt && this.inCompose(place, valueAt.start, valueAt.end), where: `${name} of ${where}`, closed: undefined })), names, service.name);
  }

  /**
   * What a service's own image says: its variables, start command, server configurations, and source.
   * @returns the files of the configurations, absolute
   */
  private neighbour(target: Target, other: LinkedService, names: ReadonlySet<string>): Set<string> {
    const run = runsOf(target).find(({ service }) => service === other || target.standsFor === other) ?? { target, service: other, disk: target.disk, root: target.unit.file.root };
    for (const { words, where } of placedCommands(run)) for (const word of words) this.hosts(word, names, `${where} of service ${other.service.name}`);
    const read = new Set<string>();
    /** Whose port a template says beside it. */
    const said = new Set<string>();
    for (const { configuration } of serversIn(run)) {
      for (const { variable } of configuration.upstreams) if (variable !== undefined) said.add(variable);
      for (const { source } of configuration.files) if (source !== undefined) read.add(source);
      for (const { host, port, spot } of configuration.upstreams) {
        if (port !== this.port || !names.has(host.toLowerCase())) continue;
        const source = spot?.file.source;
        const whole = source === undefined ? undefined : textOfFile(source, run.root, run.disk, spot!.file.text, spot!.file.offset);
        if (whole && whole.closed === undefined) this.add({ path: whole.path, start: spot!.file.offset + spot!.start, end: spot!.file.offset + spot!.end, before: spot!.before, after: spot!.after });
        else this.stuck(`service ${other.service.name} hands over to ${host}:${port} in a configuration that can't be changed${whole?.closed === undefined ? '' : ` (${whole.closed})`}`);
      }
    }
    this.variables([...variablesOf(run).values()], names, other.service.name, said);
    for (const source of sourcesOf(target.unit, target.disk)) if (!read.has(source.path)) this.sourceText(source, names);
    return read;
  }

  /**
   * Texts that a service mounts: configurations of proxies and the like.
   * @param read those that were read as what they are, with names of their own for upstreams
   */
  private mountedTexts(other: LinkedService, names: ReadonlySet<string>, read: ReadonlySet<string>): void {
    const { disk } = this.run;
    for (const { type, source, directory } of other.service.mounts) {
      if (type !== 'bind' || source === undefined || /^~|\$/.test(source)) continue;
      for (const path of textsUnder(resolve(directory, source), disk, 3)) if (!read.has(path)) this.sourceText({ path, text: disk.read(path)! }, names);
    }
  }

  /** A text that is not read as what it is: whatever names the port there is for people to change. */
  private sourceText({ path, text }: SourceFileText, names: ReadonlySet<string>): void {
    for (const { from, port, host } of hostPortsOf(path, text, this.run.disk)) {
      if (port !== this.port || !names.has(host.toLowerCase())) continue;
      const { disk, root } = this.run;
      const whole = textOfFile(path, root, disk, text);
      const at = whole.at(from);
      const isKnown = this.places.some((place) => place.path === whole.path && at !== undefined && place.start <= at && at <= place.end);
      if (!isKnown) this.stuck(`${whole.path}:${lineOf(whole.text, { start: from })} asks ${host} for ${port}`, 'change it there by hand together with the rest');
    }
  }

  /** @param said variables whose port is known to be said where they are used */
  private variables(all: readonly PlacedVariable[], names: ReadonlySet<string>, service: string, said: ReadonlySet<string> = new Set()): void {
    for (const variable of all) {
      const text = variable.place ? unquoted(variable.place) : undefined;
      if (text) this.hosts(text, names, variable.where, variable.closed);
      else if (variable.value !== undefined && hostPortsIn(variable.value, names).some(({ port }) => port === this.port)) this.stuck(`${variable.where} names ${this.port} in a way that can't be changed`);
      const pair = NAMES_HOST.exec(variable.name);
      if (!pair || NAMES_OTHERS.test(variable.name) || said.has(variable.name) || variable.value === undefined || !names.has(variable.value.toLowerCase())) continue;
      const companion = all.find(({ name }) => name.toUpperCase() === `${pair[1]}PORT`.toUpperCase());
      if (companion) {
        if (Number(companion.value) === this.port) this.variable(companion);
      } else if (this.port === 80 || this.port === 443) this.stuck(`${variable.where} names ${variable.value} without a port (service ${service})`, 'what port it asks for is decided out of sight');
    }
  }

  private variable({ place, where, closed }: PlacedVariable): void {
    const digits = place && addressesIn(place.text).find(({ port }) => port === this.port)?.digits;
    if (closed !== undefined || !place || !digits) this.stuck(`${where} names ${this.port}${closed === undefined ? ' in a way that can\'t be changed' : `: ${closed}`}`);
    else this.digits(partOf(place, digits.from, digits.to), where);
  }

  /** Every `host:port` of some hosts in a text. */
  private hosts(text: PlacedText, names: ReadonlySet<string>, where: string, closed?: string): void {
    for (const { port, from, to, written } of hostPortsIn(text.text, names)) {
      if (port !== this.port) continue;
      if (closed !== undefined) this.stuck(`${where} names ${port}: ${closed}`);
      else if (written) this.digits(partOf(text, from, to), where);
      else this.insert(text, from, where);
    }
  }

  private speaks(protocol: string): boolean {
    return this.protocol === 'any' || this.protocol === protocol.toLowerCase();
  }

  private inCompose(place: Found['place'], start: number, end: number): PlacedText {
    const { file, sharedWith } = place;
    // Those who share it are moved along or not at all: the same place is an edit of both.
    const closed = file.path === undefined ? `it stands in ${file.absolute}, which is not part of this run` : this.foreign(sharedWith);
    return { text: file.text.slice(start, end), path: file.path ?? file.absolute, at: (offset) => start + offset, closed };
  }

  /** Services that would be changed along and are not the target's own. */
  private foreign(sharedWith: readonly string[]): string | undefined {
    const own = this.run.target.services.map(({ source }) => source.name);
    const others = sharedWith.filter((name) => !own.includes(name));
    return others.length > 0 ? `${others.join(', ')} would change too` : undefined;
  }

  private digits(text: PlacedText, where: string): void {
    const edit = editIn(text, 0, text.text.length, '');
    if (edit) this.add({ path: edit.path, start: edit.start, end: edit.end, before: '', after: '' });
    else this.stuck(`${where} names ${this.port}${text.closed === undefined ? ' in a way that can\'t be changed' : `, and ${text.closed}`}`);
  }

  private insert(text: PlacedText, at: number, where: string, before = ':'): void {
    const edit = editIn(text, at, at, '');
    if (edit) this.add({ path: edit.path, start: edit.start, end: edit.end, before, after: '' });
    else this.stuck(`${where} means ${this.port}${text.closed === undefined ? ' in a way that can\'t be changed' : `, and ${text.closed}`}`);
  }

  private add(place: PortPlace): void {
    if (!this.places.some(({ path, start, end }) => path === place.path && start === place.start && end === place.end)) this.places.push(place);
  }

  private stuck(message: string, advice?: string): void {
    if (!this.obstacles.some((one) => one.message === message)) this.obstacles.push({ message, advice });
  }
}

/** Variables whose value is a host. */
const NAMES_HOST = /^(.*?)(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|(?:HOST|CONTAINER|BACKEND|UPSTREAM|SERVICE)_?NAME|SERVICE|UPSTREAM|DOMAIN|BACKEND|FRONTEND|API|TARGET|ORIGIN|PROXY|URL|URI)$/i;
/** Those that name an image, a project, or what telemetry is to call somebody. */
const NAMES_OTHERS = /(^|_)(IMAGE|TAG|REGISTRY|REPO|REPOSITORY|PROJECT|STACK|OTEL|DD|APM|INSTANA|NEW_RELIC)(_|$)/i;

/** What a file names, looked up once however many services may mean it. */
function hostPortsOf(path: string, text: string, disk: Run['disk']): HostPort[] {
  const known = namedIn(disk);
  const found = known.get(path) ?? everyHostPort(text);
  known.set(path, found);
  return found;
}

const namedIn = memo((_disk: Run['disk']): Map<string, HostPort[]> => new Map());

/** The names by which other containers reach a service. */
const namesOf = memo((linked: LinkedService): Set<string> => {
  const { service } = linked;
  const project = basename(dirname(linked.file.absolute));
  const containers = [`${project}_${service.name}_1`, `${project}-${service.name}-1`];
  const names = [service.name, ...containers, textIn(service.at('container_name')), textIn(service.at('hostname'))];
  for (const network of service.networks) {
    const aliases = service.layers.within('networks').within(network).items('aliases');
    names.push(...aliases.map(textIn));
  }
  return new Set(names.flatMap((name) => (name === undefined ? [] : [name.toLowerCase()])));
});

/** The names that a service gives another one with `links: [web:api]`. */
function linksTo({ service }: LinkedService, name: string): string[] {
  return service.links.flatMap((link) => {
    const [to, alias] = link.split(':') as [string, string | undefined];
    return to === name && alias !== undefined ? [alias.toLowerCase()] : [];
  });
}

function textIn(found: Found | undefined): string | undefined {
  return found?.node.kind === 'scalar' ? found.node.value : undefined;
}

/** The targets that a service builds, or what stands for its ready-made image. */
function targetsOf(linked: LinkedService, { target }: Run): Target[] {
  const { project } = target;
  const built = project.targets.filter(({ services }) => services.some((one) => one === linked));
  const readyMade = built.length > 0 || linked.service.build ? undefined : serviceTarget(linked, project);
  return readyMade ? [readyMade] : built;
}

const MAX_TEXTS = 200;

/** Text files in a folder, to a depth; a file by itself. */
function textsUnder(path: string, disk: Run['disk'], depth: number): string[] {
  const entry = disk.stat(path);
  if (!entry) return [];
  if (entry.kind === 'file') return entry.size < 200_000 && !/\.(png|jpe?g|gif|ico|svg|woff2?|zip|gz|db|sqlite3?|pem|crt|key|sql|log|lock)$/.test(path) && disk.read(path) !== undefined ? [path] : [];
  if (depth === 0) return [];
  return disk.list(path).filter((name) => !/^(node_modules|\.git|vendor|dist|build)$/.test(name)).flatMap((name) => textsUnder(join(path, name), disk, depth - 1)).slice(0, MAX_TEXTS);
}

/** The configurations in the folders of a folder. */
const textsBeside = memoByName((disk: Run['disk'], folder): SourceFileText[] =>
  textsUnder(folder, disk, 2)
    .filter((path) => /\.(conf|cfg|ya?ml|toml|json|ini|env)$|(^|\/)(Caddyfile|\.env)/.test(path))
    .map((path) => ({ path, text: disk.read(path)! })),
);
