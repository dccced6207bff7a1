import { basename } from 'node:path';
import { addressesIn, portArguments, portsOfVariable, type WrittenPort } from '../ports/read.ts';
import type { Listener, PortSpot } from '../servers/types.ts';
import { memo } from '../memo.ts';
import type { Target } from '../project.ts';
import { commandsOf, unwrap } from './commands.ts';
import { entryOf, type History, historyOf } from './history.ts';
import { editIn, lineOf, type PlacedText, textOfFile } from './placed-text.ts';
import { installedPrograms } from './programs.ts';
import type { Run } from './runs.ts';
import { hostPath } from './services/target.ts';
import { type ConfiguredServer, serversIn } from './servers.ts';
import { listensIn, readsVariable, shownIn } from './source-ports.ts';
import { placedCommands } from './start-places.ts';
import { startOf } from './start.ts';
import { type PlacedVariable, variablesOf } from './variables.ts';
import { sedReplacement } from './sed-places.ts';

/** A place that says a port, and how to write another one there. */
export interface PortPlace {
  /** The file, as reports name it. */
  path: string;
  /** What stands there now: an empty range where a default is not written. */
  start: number;
  end: number;
  before: string;
  after: string;
}

/** What keeps a port from being moved. */
export interface Obstacle {
  message: string;
  /** What to do by hand. */
  advice: string | undefined;
}

/** A port that a run listens on, and everything that says so. */
export interface Listening {
  port: number;
  /** `any` where nothing tells. */
  protocol: 'tcp' | 'udp' | 'any';
  /** For the reader. */
  said: string;
  places: PortPlace[];
  /** Files that the image brings with a server and that name it: to be changed by a RUN. */
  defaults: { server: ConfiguredServer; path: string }[];
  /** The variable to set where the image's default is one. */
  unset: { name: string; value: (port: number) => string } | undefined;
  obstacles: Obstacle[];
  /** What it rests on that nothing shows. */
  doubts: string[];
}

/** The ports that a run listens on, in order, as far as something in sight says so. */
export const listeningOf = memo((run: Run): Listening[] => {
  const found = new Findings(run);
  found.servers();
  found.commands();
  found.variables();
  found.aspNet();
  found.base();
  found.exposed();
  return found.all();
});

class Findings {
  private readonly byKey = new Map<string, Listening>();
  private readonly run: Run;
  /** What may make a server listen where nothing in sight tells. */
  private readonly unclear: string[] = [];

  constructor(run: Run) {
    this.run = run;
  }

  all(): Listening[] {
    return [...this.byKey.values()].sort((one, other) => one.port - other.port);
  }

  private at(port: number, protocol: Listening['protocol'], said: string): Listening {
    const known = this.ofPort(port, protocol);
    if (known) return known;
    const made: Listening = { port, protocol, said, places: [], defaults: [], unset: undefined, obstacles: [], doubts: [] };
    this.byKey.set(`${port}/${protocol}`, made);
    return made;
  }

  private ofPort(port: number, protocol: Listening['protocol']): Listening | undefined {
    return [...this.byKey.values()].find((one) => one.port === port && (one.protocol === protocol || one.protocol === 'any' || protocol === 'any'));
  }

  /** What the configurations of servers say. */
  servers(): void {
    for (const server of serversIn(this.run)) {
      const { listeners, mentions, gaps } = server.configuration;
      // What the repository says is shown before what the image says.
      for (const listener of [...listeners].sort((one, other) => Number(isOfImage(one)) - Number(isOfImage(other)))) {
        if (!counts(listener, this.run)) continue;
        if (listener.port === undefined) {
          this.unclear.push(`${whereIs(listener)} says where it listens in a way that can't be changed (${textOf(listener)})`);
          continue;
        }
        const listening = this.at(listener.port, listener.protocol, saidBy(listener, this.run));
        const chosen = chosenBy(listener, this.run);
        if (chosen !== undefined) addDoubt(listening, `${chosen} may have another file mounted than ${basename(listener.directive.file.source!)}, which would listen where it does`);
        if (listener.variable !== undefined) this.place(listening, variablesOf(this.run).get(listener.variable));
        else if (listener.spot) this.spot(listening, listener.spot, server);
        else listening.obstacles.push({ message: `${listening.said} in a way that can't be changed`, advice: undefined });
        for (const gap of gaps) listening.obstacles.push({ message: `part of the configuration of ${server.name} is out of sight: ${gap}`, advice: undefined });
      }
      this.unclear.push(...gaps.map((gap) => `part of the configuration of ${server.name} is out of sight: ${gap}`));
      for (const { port, spot } of mentions) {
        const listening = this.ofPort(port, 'tcp');
        if (listening) this.spot(listening, spot, server);
      }
    }
  }

  private spot(listening: Listening, { file, start, end, before, after }: PortSpot, server: ConfiguredServer): void {
    if (file.source !== undefined) {
      const { root, disk } = this.run;
      const whole = textOfFile(file.source, root, disk, file.text, file.offset);
      if (whole.closed === undefined) add(listening.places, { path: whole.path, start: file.offset + start, end: file.offset + end, before, after });
      else listening.obstacles.push({ message: `${whole.path} can't be changed: ${whole.closed}`, advice: undefined });
      return;
    }
    if (file.closed !== undefined) {
      listening.obstacles.push({ message: `${file.path} can't be changed: ${file.closed}`, advice: `listen on ${listening.port + 8000} there, and change what names ${listening.port} with it` });
      return;
    }
    const editors = server.image.editedBy(file.path);
    if (editors.length > 0) {
      const places = editors.flatMap((step) => sedReplacement(step, file.path, listening.port) ?? []);
      if (places.length > 0) for (const place of places) add(listening.places, place);
      else listening.obstacles.push({ message: `a RUN edits ${file.path}, and where it says ${listening.port} is not clear`, advice: undefined });
    } else if (server.installation.files[file.path] === file.text && server.installation.moves) {
      if (this.run.target.standsFor) listening.obstacles.push({ message: `${listening.said}, as ${file.path} of the image says`, advice: `mount a ${basename(file.path)} of your own there that listens on ${listening.port + 8000}, and change what names ${listening.port} with it` });
      else if (!listening.defaults.some((one) => one.server === server && one.path === file.path)) listening.defaults.push({ server, path: file.path });
    } else listening.obstacles.push({ message: `${file.path} comes with the image, and its text is not known`, advice: `copy a ${basename(file.path)} of your own` });
  }

  private place(listening: Listening, variable: PlacedVariable | undefined): void {
    const written = variable?.place && [...addressesIn(variable.place.text), ...portsOfVariable(variable.name, variable.place.text)].find(({ port, digits }) => port === listening.port && digits);
    this.written(listening, variable?.place, written, variable?.where ?? 'a variable');
    if (variable?.closed !== undefined) listening.obstacles.push({ message: `${variable.where}: ${variable.closed}`, advice: undefined });
  }

  /** A port in a text in sight. */
  private written(listening: Listening, text: PlacedText | undefined, written: WrittenPort | undefined, where: string): void {
    const edit = text && written?.digits && editIn(text, written.digits.from, written.digits.to, '');
    if (edit) add(listening.places, { path: edit.path, start: edit.start, end: edit.end, before: '', after: '' });
    else listening.obstacles.push({ message: `${where} says ${listening.port}${text?.closed === undefined ? ' in a way that can\'t be changed' : `, and ${text.closed}`}`, advice: undefined });
  }

  /** What the arguments of the start command say. */
  commands(): void {
    const variables = variablesOf(this.run);
    for (const { words, assignments, where } of placedCommands(this.run)) {
      for (const argument of portArguments(words.map(({ text }) => text))) {
        const variable = argument.variable === undefined ? undefined : variables.get(argument.variable);
        const assigned = assignments.find(({ name }) => name === argument.variable);
        const value = assigned ? Number(assigned.value.text) : variable ? numberIn(variable) : argument.port;
        if (value === undefined || Number.isNaN(value)) continue;
        const listening = this.at(value, 'any', `${where} listens on ${value}`);
        if (variable && !assigned) this.place(listening, variable);
        if (argument.digits && argument.port === value) this.written(listening, words[argument.word], argument, where);
      }
      for (const { name, value } of assignments) {
        for (const written of portsOfVariable(name, value.text)) if (written.port !== undefined) this.written(this.at(written.port, 'any', `${where} sets ${name}=${value.text}`), value, written, where);
      }
    }
  }

  /** Variables that the program takes for where to listen. */
  variables(): void {
    const servers = serversIn(this.run);
    if (servers.length > 0 && servers.every(({ configuration }) => configuration.gaps.length === 0)) return;
    const portVariable = entryOf(this.run.target)?.portVariable;
    for (const variable of variablesOf(this.run).values()) {
      const text = variable.place?.text ?? variable.value ?? '';
      for (const written of variable.name === portVariable ? addressesIn(text) : portsOfVariable(variable.name, text)) {
        if (written.port === undefined) continue;
        const listening = this.at(written.port, 'any', `${variable.where} says ${written.port}`);
        this.place(listening, variable);
        if (variable.name !== portVariable) this.reader(listening, variable);
      }
    }
  }

  /** Whether anything shows that the program reads a variable. */
  private reader(listening: Listening, { name, where }: PlacedVariable): void {
    const { target, disk } = this.run;
    const literal = listensIn(target.unit, listening.port, disk).find(({ text }) => !text.includes(name));
    if (literal) {
      const shown = `${shownIn(target.unit, literal.path)}:${literal.line}`;
      listening.obstacles.push({ message: `${shown} says ${listening.port} too (${literal.text})`, advice: `read ${name} there` });
    } else if (!isReadBy(name, this.run) && readsVariable(target.unit, name, disk).length === 0) listening.doubts.push(`${where} says ${listening.port}, and nothing in sight shows that the program reads ${name}`);
  }

  /** Before .NET 8 the ASP.NET images listen on 80 unless a variable says otherwise. */
  aspNet(): void {
    const { base } = historyOf(this.run.target.stage, this.run.target.unit);
    const variables = variablesOf(this.run);
    if (base.kind !== 'image' || !base.reference.repo.endsWith('/aspnet') || [...variables.keys()].some((name) => ASP_VARIABLES.test(name))) return;
    const port = base.facts?.entry.ports?.find((one) => one < 1024);
    if (port === undefined || this.ofPort(port, 'any')) return;
    this.at(port, 'tcp', `${imageOf(this.run.target)} listens on ${port}`).unset = { name: 'ASPNETCORE_URLS', value: (other) => `http://+:${other}` };
  }

  /** What the base's own server listens on, where none of the above says so. */
  base(): void {
    // Arguments that say where it listens come before that.
    if (serversIn(this.run).length > 0 || this.byKey.size > 0) return;
    const entry = entryOf(this.run.target);
    const start = startOf(this.run.target);
    const runsBase = start.from === 'base' || start.commands.some(({ name }) => name !== undefined && name === entry?.cmd?.[0]);
    const low = ((runsBase && entry?.start === 'server' && entry.ports) || []).filter((port) => port < 1024);
    for (const port of low) {
      const said = `${imageOf(this.run.target)} listens on ${port}`;
      // One variable says one port.
      if (entry?.portVariable !== undefined && low.length === 1) this.at(port, 'any', said).unset = { name: entry.portVariable, value: String };
      else this.outOfSight(port, 'any', said);
    }
    for (const { name, program } of installedPrograms(this.run.target)) for (const port of program.ports ?? []) if (port < 1024) this.outOfSight(port, 'any', `${name} listens on ${port}`);
  }

  /** What EXPOSE and compose say that something listens on. */
  exposed(): void {
    const { target, service } = this.run;
    const exposed = rangesOf(historyOf(target.stage, target.unit).ports).map(({ port, last, protocol }) => ({ port, protocol, said: `EXPOSE ${port}${last === port ? '' : `-${last}`}` }));
    const published = (service?.service.ports ?? []).flatMap(({ target: port, lastTarget, protocol }) => (port === undefined || port !== lastTarget ? [] : [{ port, protocol, said: `service ${service!.service.name} publishes ${port}` }]));
    // Where all that listens is known, the rest is said in vain.
    if (serversIn(this.run).length > 0 && this.unclear.length === 0) return;
    // Of a service of a ready-made image that is said with its network.
    const isOpen = !target.standsFor && startOf(target).from === 'base' && exposed.length + published.length + this.byKey.size === 0;
    for (const port of (isOpen && entryOf(target)?.ports) || []) if (port < 1024) this.outOfSight(port, 'any', `${imageOf(target)} listens on ${port}`);
    for (const { port, protocol, said } of [...exposed, ...published]) if (port < 1024) this.outOfSight(port, protocol === 'udp' ? 'udp' : protocol === 'tcp' ? 'tcp' : 'any', said);
  }

  private outOfSight(port: number, protocol: Listening['protocol'], said: string): void {
    if (this.ofPort(port, protocol)) return;
    const listening = this.at(port, protocol, said);
    const [literal] = listensIn(this.run.target.unit, port, this.run.disk);
    const [unclear] = this.unclear;
    listening.obstacles.push(
      unclear !== undefined
        ? { message: `${said}, and ${unclear}`, advice: undefined }
        : literal
        ? { message: `${said}, and ${shownIn(this.run.target.unit, literal.path)}:${literal.line} listens there (${literal.text})`, advice: `listen on ${port + 8000} there, and change what names ${port} with it` }
        : { message: `${said}, and what listens there is not in sight`, advice: `listen on ${port + 8000} there, and change what names ${port} with it` },
    );
  }
}

/** Ports that one instruction exposes in a row, as one: nobody moves them one by one. */
function rangesOf(ports: History['ports']): { port: number; last: number; protocol: string }[] {
  const ranges: (History['ports'][number] & { last: number })[] = [];
  for (const { port, protocol, instruction } of ports) {
    const range = ranges.at(-1);
    if (range && range.instruction === instruction && instruction.args.includes('-') && range.protocol === protocol && range.last + 1 === port) range.last = port;
    else ranges.push({ port, last: port, protocol, instruction });
  }
  return ranges;
}

const ASP_VARIABLES = /^(ASPNETCORE|DOTNET)_(URLS|HTTP_PORTS|HTTPS_PORTS)$/;

function addDoubt({ doubts }: Listening, doubt: string): void {
  if (!doubts.includes(doubt)) doubts.push(doubt);
}

function add(places: PortPlace[], place: PortPlace): void {
  if (!places.some(({ path, start, end }) => path === place.path && start === place.start && end === place.end)) places.push(place);
}

function numberIn({ value }: PlacedVariable): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** Whether a program reads a variable for its port by its own documentation. */
function isReadBy(variable: string, { target }: Run): boolean {
  const names = startOf(target).commands.flatMap(({ name, words }) => [name, ...words.slice(0, 4).map(({ value }) => value)]);
  return READERS.some(([reader, program]) => reader.test(variable) && names.some((name) => name !== undefined && program.test(name)));
}

const READERS: [variable: RegExp, program: RegExp][] = [
  [/^(ASPNETCORE|DOTNET)_/, /^dotnet$/],
  [/^PORT$/, /^(next|nuxt|serve|http-server|react-scripts|vite-node|puma|rails|strapi|remix-serve|nest|streamlit|n8n)$/],
  [/^FLASK_RUN_PORT$/, /^flask$/],
  [/^UVICORN_PORT$/, /^uvicorn$/],
  [/^GUNICORN_CMD_ARGS$/, /^gunicorn$/],
  [/^STREAMLIT_SERVER_PORT$/, /^streamlit$/],
  [/^SERVER_PORT$/, /^java$/],
];

/** Apache's own files listen on 443 only with a module that is not loaded by itself. */
function counts({ conditions, directive }: Listener, { target }: Run): boolean {
  const isSsl = conditions.some((condition) => /ssl|gnutls/i.test(condition));
  if (!isSsl || directive.file.source !== undefined) return true;
  return historyOf(target.stage, target.unit).steps.some((step) => commandsOf(step).some((command) => unwrap(command).name === 'a2enmod' && command.words.some(({ value }) => value === 'ssl' || value === 'gnutls')));
}

/** `nginx.conf:3 listens on 80`, or the image that brings the configuration. */
function saidBy(listener: Listener, { target }: Run): string {
  return `${isOfImage(listener) ? imageOf(target) : whereIs(listener)} listens on ${listener.port}`;
}

/** The image, as the file that names it says. */
function imageOf({ standsFor, stage, unit }: Target): string {
  return standsFor?.service.image ?? historyOf(stage, unit).base.text;
}

function isOfImage({ directive: { file } }: Listener): boolean {
  return file.source === undefined && file.closed === undefined;
}

/** The variable of compose that says which file is mounted; undefined where the file is named outright. */
function chosenBy({ directive: { file } }: Listener, { target, service }: Run): string | undefined {
  const { source } = file;
  const mounts = source === undefined ? [] : ((target.standsFor ?? service)?.service.mounts ?? []);
  for (const mount of mounts) {
    const host = hostPath(mount);
    const written = mount.place.file.text.slice(mount.place.start, mount.place.end);
    const name = /\$\{?(\w+)/.exec(written)?.[1];
    if (host !== undefined && name !== undefined && name !== 'PWD' && (source === host || source!.startsWith(`${host}/`))) return name;
  }
  return undefined;
}

/** `nginx.conf:3` */
function whereIs({ directive: { file, start } }: Listener): string {
  return `${basename(file.source ?? file.path)}:${lineOf(file.text, { start })}`;
}

/** The directive as it is written. */
function textOf({ directive: { file, start, end } }: Listener): string {
  return file.text.slice(start, end).replace(/\s+/g, ' ').slice(0, 80);
}

