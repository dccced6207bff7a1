import type { Action, DropKind, Family, ImageAccount, ImageEntry, StartKind, Override } from './images/types.ts';
import { FIRST_OPEN } from './ports/read.ts';
import type { Schema } from './schema.ts';
import { VERIFY_SCHEMA } from './settings-verify.ts';

/** Whom to run as: a name, a uid, or uid:gid; never root. */
export const USER_PATTERN = '^(?!(root|0+)(:|$))([A-Za-z_][A-Za-z0-9_-]*|[0-9]+)(:([A-Za-z_][A-Za-z0-9_-]*|[0-9]+))?$';

/** The settings of a configuration, by name. What they take is checked against this, and editors get it as a JSON schema. */
export function settings(transforms: readonly string[]): Record<string, Schema> {
  return {
    $schema: { type: 'string', description: 'Where an editor finds this schema.' },
    user: {
      type: 'string',
      pattern: USER_PATTERN,
      patternErrorMessage: 'takes a name, a uid, or uid:gid, and not root',
      description: 'Whom to run as: a name, a uid, or uid:gid.',
    },
    only: { type: 'array', items: { type: 'string', enum: transforms }, description: 'Run only these transforms.' },
    skip: { type: 'array', items: { type: 'string', enum: transforms }, description: 'Leave out these transforms.' },
    safety: { type: 'string', enum: ['safe', 'unsafe'], description: 'unsafe: apply unsafe fixes without being asked.' },
    ignore: { ...TEXTS, description: 'Files to leave: globs relative to the configuration; ** crosses folders.' },
    targets: { type: 'object', additionalProperties: TEXTS, description: 'Stages that somebody runs, by path of the Dockerfile.' },
    paths: { type: 'object', additionalProperties: PATHS, description: 'Absolute paths that a target writes, by Dockerfile or Dockerfile:stage.' },
    ports: {
      type: 'object',
      propertyNames: { pattern: '^([1-9]|[1-9][0-9]|[1-9][0-9]{2}|10[01][0-9]|102[0-3])$', patternErrorMessage: 'takes ports below 1024 by number' },
      additionalProperties: { type: 'integer', minimum: FIRST_OPEN, maximum: 65535 },
      description: 'Where ports below 1024 go, by port; others go 8000 above.',
    },
    sysctl: { type: 'boolean', description: 'Write net.ipv4.ip_unprivileged_port_start=0 on services taken off root whose port stays below 1024.' },
    scratch: { type: 'string', enum: ['account', 'numeric'], description: 'numeric: a scratch target gets a number and no account.' },
    development: {
      type: 'string',
      pattern: '^(?!(root|0+)(:|$))(\\$\\{\\w+(:?-[1-9][0-9]*)?\\}|[0-9]+|[A-Za-z_][A-Za-z0-9_-]*)(:(\\$\\{\\w+(:?-[0-9]+)?\\}|[0-9]+|[A-Za-z_][A-Za-z0-9_-]*))?$',
      patternErrorMessage: 'takes a name, uid:gid, or variables of compose such as ${UID:-1000}:${GID:-1000}, and not root',
      description: 'Whom compose services run as that have the source mounted over where they work.',
    },
    verify: VERIFY_SCHEMA,
    images: { type: 'array', items: IMAGE, description: 'Images that only you know.' },
  };
}

/** The JSON schema of a configuration file, for editors. */
export function configSchema(transforms: readonly string[]): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'unroot configuration',
    description: 'unroot.config.json, unroot.config.yaml, or "unroot" in package.json',
    ...wholeSchema(transforms),
  };
}

export function wholeSchema(transforms: readonly string[]): Schema {
  return { type: 'object', properties: settings(transforms), additionalProperties: false };
}

const TEXT: Schema = { type: 'string' };
const TEXTS: Schema = { type: 'array', items: TEXT };
const PATH: Schema = { type: 'string', pattern: '^/', patternErrorMessage: 'takes an absolute path' };
const PATHS: Schema = { type: 'array', items: PATH };

const FAMILY: Schema = {
  type: 'string',
  enum: names<Family>({
    debian: true, ubuntu: true, alpine: true, busybox: true, wolfi: true, rhel: true, 'ubi-minimal': true, 'ubi-micro': true, amazonlinux: true,
    azurelinux: true, photon: true, opensuse: true, arch: true, distroless: true, scratch: true, windows: true, unknown: true,
  }),
};

const ACCOUNT: Schema = {
  type: 'object',
  properties: {
    name: TEXT,
    uid: { type: 'integer' },
    gid: { type: 'integer' },
    home: PATH,
    where: { type: 'array', items: FAMILY, description: 'The families in which it exists, where not in all.' },
    variable: { type: 'string', description: 'A variable of the image that holds the uid, to be written instead of the number.' },
  } satisfies Record<keyof ImageAccount, Schema>,
  additionalProperties: false,
};

const IMAGE: Schema = {
  type: 'object',
  properties: {
    id: { type: 'string', description: 'A name for it.' },
    repos: { ...TEXTS, description: 'Repositories: library/node for Docker Hub\'s own, owner/name for its others, registry/path elsewhere. * stops at /.' },
    tags: { ...TEXTS, description: 'Tag globs; without them any tag is meant. !glob keeps a tag out.' },
    family: { ...FAMILY, description: 'The distribution, which decides how an account is made.' },
    familyByTag: { type: 'array', items: { type: 'array', items: [TEXT, FAMILY], minItems: 2, maxItems: 2 }, description: '[tag glob, family]; the first that matches comes before family.' },
    user: { anyOf: [{ type: 'string', enum: ['root', 'unknown'] }, ACCOUNT], description: 'Whom the image runs as by default.' },
    accounts: { type: 'array', items: ACCOUNT, description: 'Unprivileged accounts that it ships for running programs.' },
    action: {
      type: 'string',
      enum: names<Action>({
        'already-nonroot': true, 'use-existing': true, 'create-user': true, 'numeric-user': true, 'self-drops': true, reconfigure: true,
        'swap-image': true, 'needs-root': true, windows: true,
      }),
    },
    start: { type: 'string', enum: names<StartKind>({ prompt: true, server: true, tool: true, none: true, unknown: true }), description: 'What its own start command is.' },
    entrypoint: { ...TEXTS, description: 'Its ENTRYPOINT; an empty list where it has none.' },
    cmd: { ...TEXTS, description: 'Its CMD; an empty list where it has none.' },
    drop: {
      type: 'string',
      enum: names<DropKind>({ none: true, entrypoint: true, server: true, daemon: true, supervisor: true }),
      description: 'What its entrypoint does with privileges before it hands over.',
    },
    dropsFor: { ...TEXTS, description: 'Names of the first argument with which the entrypoint drops; without them, any.' },
    workdir: { ...PATH, description: 'Its WORKDIR, where it is not /.' },
    ports: { type: 'array', items: { type: 'integer' }, description: 'Ports on which it listens by default.' },
    writes: { ...TEXTS, description: 'Paths that the program writes.' },
    reads: { ...TEXTS, description: 'Paths whose mounts it only reads, read-only or not.' },
    unpacks: { ...PATH, description: 'Archives that it unpacks beside themselves, as a glob.' },
    volumes: { ...TEXTS, description: 'Paths of its VOLUME instructions.' },
    worldWritable: { ...PATHS, description: 'Directories that anybody may write.' },
    portChange: { type: 'string', description: 'How its port is moved.' },
    portVariable: { type: 'string', description: 'The variable that names its port or address.' },
    rootSteps: { ...TEXTS, description: 'What its entrypoint does as root before it drops.' },
    rootless: { type: 'string', description: 'A variant that does not run as root.' },
    notes: TEXT,
    override: {
      type: 'string',
      enum: names<Override>({ ok: true, 'ok-writable': true, conditional: true, breaks: true, noop: true }),
      description: 'What becomes of a container that is started as another user.',
    },
    env: { type: 'object', additionalProperties: TEXT, description: 'Variables of the image that the file does not set.' },
    data: { ...PATHS, description: 'Paths of writes that hold data which a deployment keeps.' },
    conditions: { ...TEXTS, description: 'What must hold for another user.' },
    doubt: { type: 'string', description: 'What no file can settle for another user: a fix that rests on it is unsafe.' },
    sources: TEXTS,
    verified: { type: 'boolean', description: 'false: a fix that rests on it is unsafe.' },
    unverified: { ...TEXTS, description: 'Fields that were not verified: a fix that rests on one is unsafe.' },
  } satisfies Record<keyof ImageEntry, Schema>,
  required: ['repos', 'family', 'user', 'start'] satisfies (keyof ImageEntry)[],
  additionalProperties: false,
};

/** All words of a union: one that is missing does not compile. */
function names<T extends string>(words: Record<T, true>): T[] {
  return Object.keys(words) as T[];
}
