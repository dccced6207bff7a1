import { catalogue } from './catalogue/index.ts';
import type { ImageEntry } from './types.ts';

/** What it takes to run a ready-made image as another user than root, without building it anew. */
export interface AsUser {
  /** `account`: the image's own; `any`: any number; `group 0`: any number whose group is 0. An account where there is one, else any, where nothing is said. */
  ids?: 'account' | 'any' | 'group 0';
  /** Directories that the program fills anew at each start and that belong to root in the image. */
  tmpfs?: string[];
  /** Directories that the account may write as they are in the image; so it may in a new volume over them. */
  open?: string[];
  /** What its entrypoint must be told so that it does not do what only root can. */
  environment?: Record<string, string>;
  /** Variables with which the entrypoint writes where only root may. */
  rootFor?: string[];
  /** What no file here can settle; such a fix is unsafe. */
  doubt?: string;
}

/**
 * By entry of the catalogue: how its `conditions` are met in a compose file. The sources are those of
 * the entries. An entry whose conditions no file can meet is not here: what it needs is left to a person.
 */
const AS_USER: Record<string, AsUser> = {
  nginx: { ids: 'account', tmpfs: ['/run', '/var/cache/nginx'] },
  httpd: { ids: 'account', tmpfs: ['/usr/local/apache2/logs'] },
  'php-apache': { ids: 'account', open: ['/var/www/html'] },
  'php-fpm': { ids: 'account' },
  caddy: { ids: 'group 0', doubt: 'before 2.10 its /data and /config are closed to group 0' },
  traefik: { ids: 'any' },
  tomcat: { ids: 'any', open: ['/usr/local/tomcat/logs', '/usr/local/tomcat/temp', '/usr/local/tomcat/work'] },
  phpmyadmin: { ids: 'account', open: ['/var/www/html', '/sessions'], rootFor: ['APACHE_PORT', 'HIDE_PHP_VERSION'], doubt: 'which of its versions let www-data write /etc/phpmyadmin is not known' },
  'swagger-ui': { doubt: 'which of its versions let another user write what its entrypoint makes is not known' },
  wordpress: { ids: 'account', open: ['/var/www/html'] },
  nextcloud: { ids: 'account', open: ['/var/www/html'], rootFor: ['REDIS_HOST'] },
  drupal: { ids: 'account', open: ['/opt/drupal'] },
  vaultwarden: { ids: 'any' },
  couchdb: { ids: 'account', open: ['/opt/couchdb/data', '/opt/couchdb/etc'] },
  postgres: { ids: 'account', open: ['/var/lib/postgresql/data', '/var/lib/postgresql', '/var/run/postgresql'] },
  mysql: { ids: 'account', open: ['/var/lib/mysql', '/var/run/mysqld'] },
  mariadb: { ids: 'account', open: ['/var/lib/mysql', '/run/mysqld'] },
  mongo: { ids: 'account', open: ['/data/db', '/data/configdb'] },
  'redis-7': { ids: 'account', open: ['/data'] },
  'redis-8': { ids: 'account', open: ['/data'] },
  valkey: { ids: 'account', open: ['/data'] },
  rabbitmq: { ids: 'account', open: ['/var/lib/rabbitmq'] },
  'influxdb-2': { ids: 'account', open: ['/var/lib/influxdb2', '/etc/influxdb2'] },
  ghost: { ids: 'account', open: ['/var/lib/ghost/content'] },
  vault: { ids: 'account', environment: { SKIP_CHOWN: '1', SKIP_SETCAP: '1' } },
  consul: { ids: 'account', environment: { CONSUL_DISABLE_PERM_MGMT: '1' } },
  'dotnet-6-7-linux': { ids: 'any' },
  'it-tools': { ids: 'account', tmpfs: ['/run', '/var/cache/nginx'] },
  excalidraw: { ids: 'account', tmpfs: ['/run', '/var/cache/nginx'] },
  'plane-frontend': { ids: 'account', tmpfs: ['/run', '/var/cache/nginx'] },
};

/** What an image needs as another user; undefined where that is not known, or where no file can meet it. */
export function asUser(entry: ImageEntry): AsUser | undefined {
  const own = AS_USER[entry.id] ?? AS_USER[entry.id.replace(/-fpm$/, '')];
  if (own) return own;
  return entry.override === 'ok' || entry.override === 'ok-writable' ? {} : undefined;
}

/** Whether what the catalogue says of an image as another user rests on nothing that was read. What a configuration says is its owner's word. */
export function isHearsay(entry: ImageEntry): boolean {
  return !entry.verified && AS_USER[entry.id] === undefined && catalogue.includes(entry);
}
