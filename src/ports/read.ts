/** Ports in words: addresses that a program is told to listen on, and addresses that name a host of somebody's. */

/** The lowest port that anybody may listen on. */
export const FIRST_OPEN = 1024;

/** A port as a word writes it. */
export interface WrittenPort {
  /** As written in front of it; empty where nothing is. */
  host: string;
  scheme: string;
  /** Undefined where only a variable says it. */
  port: number | undefined;
  /** The variable that holds it: `$PORT`, `${PORT}`, `${PORT:-80}`. */
  variable: string | undefined;
  /** Where the digits stand in the word: those of the default behind a variable's name, where it has one. */
  digits: { from: number; to: number } | undefined;
}

const PORT = String.raw`(\d{1,5}|\$\w+|\$\{\w+(?::?-\d{1,5})?\})`;
const HOST = String.raw`(\[[0-9a-fA-F:.]*\]|[\w.*+-]*|\$\w+|\$\{\w+(?::?-[\w.*]*)?\}|::)`;
const ADDRESS = new RegExp(`^(?:(\\w+)://)?(?:${HOST}:)?${PORT}(?=$|[/?#]|:interface=)`);

/** The addresses in a word that lists them with `;` or `,`, each as far as it is one: `http://+:80;https://+:443`, `0.0.0.0:80`, `80`. */
export function addressesIn(word: string): WrittenPort[] {
  const found: WrittenPort[] = [];
  let from = 0;
  for (const part of word.split(/[;,]/)) {
    const match = ADDRESS.exec(part);
    if (match) found.push(written(match, from));
    from += part.length + 1;
  }
  return found;
}

function written(match: RegExpExecArray, from: number): WrittenPort {
  const [whole, scheme = '', host = '', text] = match as unknown as [string, string | undefined, string | undefined, string];
  const start = from + whole.length - text.length;
  const variable = /^\$\{?(\w+)/.exec(text)?.[1];
  const fallback = /^\$\{\w+:?-(\d+)\}$/.exec(text)?.[1];
  const digits = variable === undefined ? { from: start, to: start + text.length } : fallback === undefined ? undefined : { from: start + text.length - 1 - fallback.length, to: start + text.length - 1 };
  const number = variable === undefined ? text : fallback;
  return { host, scheme, port: number === undefined ? undefined : Number(number), variable, digits };
}

/** Whether a host means the container itself, whatever its name. */
export function isOwnHost(host: string): boolean {
  return /^(\*|\+|0\.0\.0\.0|::|\[::\]|localhost|127\.\d+\.\d+\.\d+|\[::1\]|::1|)$/i.test(host) || /^\$\{?(HOST|HOSTNAME|BIND|ADDR|ADDRESS|LISTEN|IP)\w*/.test(host);
}

/** Options whose value is a port, or an address to listen on. */
const PORT_OPTION = /(^|[-_.])(port|(?:https?|listen|bind|server)-?ports|listen|bind|listen-?address|bind-?address|addr|address|urls?|http|https|http-?socket|http-?addr|listen-?addr)$/i;
const SHORT_OPTION = /^(p|b|l|S|a)$/;
/** Options that speak of somebody else's port. */
const OTHERS = /(^|[-_.])(db|database|redis|mysql|mariadb|postgres\w*|pg|mongo\w*|smtp|mail|imap|ldap|upstream|backend|remote|target|dest\w*|peer|join|seed|broker|brokers|kafka|amqp|rabbit\w*|nats|etcd|consul|zookeeper|elastic\w*|proxy|origin|forward|connect|server-url|api-url|base-url|callback|public|external|(?<!listen[-_.])client|graphite|statsd|advertise\w*)([-_.]|$)/i;

/** An argument that tells a program where to listen. */
export interface PortArgument extends WrittenPort {
  /** The word that holds it, from 0. */
  word: number;
  /** Where the address begins in the word: behind `--port=`. */
  offset: number;
}

/**
 * The arguments of a command that say where it listens, by the names of its options and the forms that
 * servers share: `--port 80`, `-p 80`, `--bind=0.0.0.0:80`, `:80`, `http.server 80`, `-Dserver.port=80`.
 * @param words name and arguments as written, quotes gone
 */
export function portArguments(words: readonly string[]): PortArgument[] {
  const name = words[0]?.slice(words[0].lastIndexOf('/') + 1) ?? '';
  if (ASKS_OTHERS.test(name)) return [];
  const found: PortArgument[] = [];
  words.forEach((word, index) => {
    // Where an image's entrypoint runs in front, the first word is its argument.
    if (index === 0 && !word.startsWith('-')) return;
    const [option, offset] = optionAround(word, words[index - 1] ?? '');
    const listen = /^(?:TCP|UDP)[46]?-(?:LISTEN|RECVFROM):/i.exec(word)?.[0].length ?? endpointIn(word, offset, words);
    const from = listen ?? offset;
    if (isSwitch(word.slice(from))) return;
    for (const address of addressesIn(word.slice(from))) {
      if (!isOwnHost(address.host)) continue;
      const hasAddress = address.host !== '' || word[from] === ':' || address.scheme !== '';
      const isMeant = listen !== undefined || (option === undefined ? isPositional(words, index, hasAddress) : takesPort(option, name, hasAddress));
      if (isMeant) found.push({ ...address, word: index, offset: from, digits: address.digits && { from: address.digits.from + from, to: address.digits.to + from } });
    }
  });
  return found;
}

/** `-listen=1`: on or off. Nothing listens on port 1. */
function isSwitch(value: string): boolean {
  return value === '0' || value === '1';
}

/** Where the port begins in an endpoint of Twisted (`--http=tcp:80`, `-e ssl:443:interface=0.0.0.0`; docs.twisted.org, endpoints); undefined for what is none. */
function endpointIn(word: string, offset: number, words: readonly string[]): number | undefined {
  if (!words.slice(0, 4).some((name) => /(^|\/)(twistd3?|twist|daphne)$/.test(name))) return undefined;
  const scheme = /^(?:tcp[46]?|ssl|udp):(?=\d)/.exec(word.slice(offset));
  return scheme ? offset + scheme[0].length : undefined;
}

/** Programs whose ports are those of whom they ask, or that only print. */
const ASKS_OTHERS = /^(curl|wget|wait-for.*|wait4\w*|dockerize|nc|ncat|netcat|telnet|ping|ssh|scp|sftp|rsync|git|psql|pg_isready|mysql|mysqladmin|redis-cli|mongo|mongosh|echo|printf|sed|grep|awk|test|\[|mkdir|chown|chmod|cp|mv|rm|ls|cat|export|openssl|nslookup|dig)$/;

/** The option that a word is the value of, without dashes, and where the value begins; undefined for none. */
function optionAround(word: string, before: string): [option: string | undefined, offset: number] {
  const joined = /^--?([\w.-]+)=/.exec(word);
  if (joined) return [joined[1], joined[0].length];
  const short = /^-([pbl])(?=\d)/.exec(word);
  if (short) return [short[1], 2];
  const own = /^--?([\w.-]+)$/.exec(before);
  return own && !word.startsWith('-') ? [own[1], 0] : [undefined, 0];
}

function takesPort(option: string, name: string, hasAddress: boolean): boolean {
  if (OTHERS.test(option)) return false;
  if (option.length === 1) return SHORT_OPTION.test(option) && (hasAddress || (/^[pl]$/.test(option) && !/^(node|perl|ruby|sh|bash|ash)$/.test(name)));
  const last = option.replace(/^D/, '');
  return PORT_OPTION.test(last) && (hasAddress || /(ports?|listen|bind)$/i.test(last));
}

/** Words that a port or an address follows without an option. */
function isPositional(words: readonly string[], index: number, hasAddress: boolean): boolean {
  const before = words[index - 1] ?? '';
  if (/^(http\.server|SimpleHTTPServer|runserver|runserver_plus)$/.test(before)) return true;
  return hasAddress && !words[index]!.startsWith('-');
}

/** Variables that programs take for the port or address to listen on. */
const LISTENS = /^((\w+_)?(LISTEN|BIND)(_\w+)?|PORT|(HTTP|HTTPS|APP|WEB|SERVER|LISTEN|BIND|NGINX|APACHE|UI|SITE|CONTAINER|INTERNAL|NODE|GUNICORN|UVICORN|FLASK_RUN|STREAMLIT_SERVER|GRADIO_SERVER|QUARKUS_HTTP|MICRONAUT_SERVER|KESTREL|NUXT|NITRO|NEXT|PUMA|RAILS|VITE)_PORT|SERVICE_PORT|ADDR|ADDRESS|HTTP_ADDR|SERVER_ADDR|LISTEN_ADDR|ASPNETCORE_(URLS|HTTP_PORTS|HTTPS_PORTS)|DOTNET_URLS|(ASPNETCORE|DOTNET)_HTTP_PORTS|server__port|GUNICORN_CMD_ARGS)$/;

/** The ports that a variable tells the container's program to listen on; none for another variable. */
export function portsOfVariable(name: string, value: string): WrittenPort[] {
  if (!LISTENS.test(name) || OTHERS.test(name) || isSwitch(value)) return [];
  if (name === 'GUNICORN_CMD_ARGS') return argumentsInText(value);
  const addresses = addressesIn(value);
  return addresses.filter(({ host }) => isOwnHost(host));
}

/** Arguments that a variable carries as one text. */
function argumentsInText(value: string): WrittenPort[] {
  const words = [...value.matchAll(/\S+/g)];
  return portArguments(['gunicorn', ...words.map(([word]) => word)]).map(({ word, digits, ...rest }) => {
    const at = words[word - 1]!.index;
    return { ...rest, digits: digits && { from: digits.from + at, to: digits.to + at } };
  });
}
