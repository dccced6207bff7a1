/** The shape of what server configurations say. Offsets everywhere are UTF-16 into the file's text, end-exclusive. */

export type ServerKind = 'nginx' | 'apache' | 'haproxy' | 'caddy' | 'lighttpd' | 'traefik' | 'h2o';

/** One text that a server reads. */
export interface ConfigFile {
  /** Absolute, in the image. */
  path: string;
  text: string;
  /** The file of the repository that holds the text, absolute; undefined where the image or a RUN brings it. */
  source: string | undefined;
  /** Where the text begins in its source: not at 0 for a heredoc of a Dockerfile. */
  offset: number;
  /** Whether environment variables in it are filled in before the server reads it. */
  template: boolean;
  /** Why its text can't be changed where it stands, though it is in sight. */
  closed?: string;
}

/** The files that a server may read, as a container sees them. */
export interface ConfigFiles {
  read(path: string): ConfigFile | undefined;
  /** Names in a directory, sorted. */
  list(directory: string): string[];
  /** Whether something is put at a path, or may be in that directory, that is not in sight. */
  isHidden(path: string): boolean;
  /** A variable of the environment; undefined where it is not known. */
  variable(name: string): string | undefined;
}

export interface Range {
  file: ConfigFile;
  start: number;
  end: number;
}

/** A word without its quotes; the range is that of what stands between them. */
export interface Word {
  /** As written. */
  text: string;
  /** Escapes gone; variables stay. */
  value: string;
  start: number;
  end: number;
}

/** One statement, with its block if it has one. */
export interface Directive extends Range {
  name: string;
  args: Word[];
  block: Directive[] | undefined;
  /** Where the block's content begins, behind its opening; undefined without a block. */
  inside: number | undefined;
}

/** A place where a server listens. */
export interface Listener {
  /** As written, without the port; empty for every address. */
  address: string;
  /** Undefined where a variable that is not known decides. */
  port: number | undefined;
  /** The variable of the environment that holds the port, where one does. */
  variable: string | undefined;
  protocol: 'tcp' | 'udp';
  tls: boolean;
  /** Where its port is written, and how to write another one there; undefined where it can't be. */
  spot: PortSpot | undefined;
  /** The directive that says so: that of the server where it names no port at all. */
  directive: Directive;
  /** What must hold for it to count (`IfModule ssl_module`); empty for always. */
  conditions: string[];
}

/** A port in a text: `before`, the number and `after` replace the range. An empty range is a default that is not written. */
export interface PortSpot extends Range {
  before: string;
  after: string;
}

/** Another place that names a port that the same server listens on: `<VirtualHost *:80>`. */
export interface PortMention {
  port: number;
  spot: PortSpot;
}

/** A server elsewhere that requests are handed to. */
export interface Upstream {
  host: string;
  /** The variable of the environment that names the host, in a template. */
  variable?: string;
  /** What is asked there; a default of the scheme where none is written. */
  port: number | undefined;
  spot: PortSpot | undefined;
  directive: Directive;
}

/** A path that the server writes. */
export interface WrittenPath extends Range {
  /** Absolute, up to the first variable in it. */
  path: string;
  kind: 'file' | 'directory';
  directive: string;
}

/** All that one server's configuration says, its includes read. */
export interface ServerConfiguration {
  kind: ServerKind;
  /** The files that were read, the first one first. */
  files: ConfigFile[];
  directives: Directive[];
  listeners: Listener[];
  mentions: PortMention[];
  upstreams: Upstream[];
  writes: WrittenPath[];
  /** Directives that name the user of the workers. */
  users: Directive[];
  /** What could not be read: an include out of sight, a text that is no configuration. */
  gaps: string[];
}

/** What is wrong with a configuration's text. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
  /** From 1. */
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}
