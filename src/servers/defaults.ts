import type { ServerKind } from './types.ts';

/** Where an installation of a server keeps its configuration, and what its own files say of ports and includes. */
export interface Installation {
  kind: ServerKind;
  /** The file that it reads first. */
  entry: string;
  /** What relative paths in it are seen from. */
  root: string;
  /** Its own files, reduced to what says where it listens and what else it reads. */
  files: Record<string, string>;
  /** Links: path → path. */
  links?: Record<string, string>;
  /** Files that it names and that lead to stdout and stderr. */
  streams?: string[];
  /** Variables that its start sets. */
  variables?: Record<string, string>;
  /** By file: the expressions for `sed -i` that move a port in its own text. Absent where that text is not known well enough. */
  moves?: (from: number, to: number) => Record<string, string[]>;
  /** Where the facts were read. */
  source: string;
}

const NGINX_STREAMS = ['/var/log/nginx/access.log', '/var/log/nginx/error.log'];

/** The one line of the files of parameters that speaks of the server's own port (nginx, conf/fastcgi_params and its kin). */
const TELLS_PORT = { fastcgi: 'fastcgi_param  SERVER_PORT        $server_port;\n', uwsgi: 'uwsgi_param  SERVER_PORT        $server_port;\n', scgi: 'scgi_param  SERVER_PORT        $server_port;\n' };

const OFFICIAL_NGINX: Installation = {
  kind: 'nginx',
  entry: '/etc/nginx/nginx.conf',
  root: '/etc/nginx',
  files: {
    '/etc/nginx/nginx.conf': 'user  nginx;\nhttp {\n    include       /etc/nginx/mime.types;\n    include /etc/nginx/conf.d/*.conf;\n}\n',
    '/etc/nginx/mime.types': '',
    '/etc/nginx/fastcgi_params': TELLS_PORT.fastcgi,
    '/etc/nginx/uwsgi_params': TELLS_PORT.uwsgi,
    '/etc/nginx/scgi_params': TELLS_PORT.scgi,
    '/etc/nginx/conf.d/default.conf': 'server {\n    listen       80;\n    server_name  localhost;\n}\n',
  },
  streams: NGINX_STREAMS,
  moves: (from, to) => ({ '/etc/nginx/conf.d/default.conf': [`s/listen  *${from};/listen ${to};\\n    port_in_redirect off;/`] }),
  source: 'repo:nginx/docker-nginx:stable/debian/Dockerfile; package nginx of nginx.org',
};

const DEBIAN_APACHE: Installation = {
  kind: 'apache',
  entry: '/etc/apache2/apache2.conf',
  root: '/etc/apache2',
  files: {
    '/etc/apache2/apache2.conf': 'IncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\nInclude ports.conf\nIncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n',
    '/etc/apache2/ports.conf': 'Listen 80\n\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n\n<IfModule mod_gnutls.c>\n\tListen 443\n</IfModule>\n',
    '/etc/apache2/sites-available/000-default.conf': '<VirtualHost *:80>\n</VirtualHost>\n',
    '/etc/apache2/sites-available/default-ssl.conf': '<VirtualHost *:443>\n</VirtualHost>\n',
  },
  links: { '/etc/apache2/sites-enabled/000-default.conf': '/etc/apache2/sites-available/000-default.conf' },
  moves: (from, to) => ({
    '/etc/apache2/ports.conf': [`s/Listen ${from}$/Listen ${to}/`],
    [from === 443 ? '/etc/apache2/sites-available/default-ssl.conf' : '/etc/apache2/sites-available/000-default.conf']: [`s/:${from}>/:${to}>\\n\\tServerName localhost:${from}/`],
  }),
  variables: { APACHE_RUN_USER: 'www-data', APACHE_RUN_GROUP: 'www-data', APACHE_LOG_DIR: '/var/log/apache2', APACHE_RUN_DIR: '/var/run/apache2', APACHE_LOCK_DIR: '/var/lock/apache2', APACHE_PID_FILE: '/var/run/apache2/apache2.pid' },
  source: 'package apache2 2.4 of Debian 12: apache2.conf, ports.conf, sites-available, envvars',
};

/** `listen 80 default_server;` and the same for IPv6, as distributions write it. */
function defaultServer(from: number, to: number): string[] {
  return [`s/listen ${from} default_server;/listen ${to} default_server;\\n\\tport_in_redirect off;/`, `s/\\[::\\]:${from} /[::]:${to} /`];
}

/** By name. The first word is the program, the second the image or distribution that brings it. */
export const installations = {
  'nginx image': OFFICIAL_NGINX,
  // Before 1.19 no entrypoint fills in templates, nor does that of the packages of nginx.org.
  'nginx old-image': { ...OFFICIAL_NGINX },
  'nginx unprivileged': {
    ...OFFICIAL_NGINX,
    files: {
      ...OFFICIAL_NGINX.files,
      '/etc/nginx/nginx.conf': 'http {\n    include       /etc/nginx/mime.types;\n    include /etc/nginx/conf.d/*.conf;\n}\n',
      '/etc/nginx/conf.d/default.conf': 'server {\n    listen       8080;\n    server_name  localhost;\n}\n',
    },
    source: 'repo:nginxinc/docker-nginx-unprivileged:stable/debian/Dockerfile',
  },
  'nginx debian': {
    kind: 'nginx',
    entry: '/etc/nginx/nginx.conf',
    root: '/usr/share/nginx',
    files: {
      '/etc/nginx/nginx.conf': 'user www-data;\ninclude /etc/nginx/modules-enabled/*.conf;\nhttp {\n\tinclude /etc/nginx/mime.types;\n\tinclude /etc/nginx/conf.d/*.conf;\n\tinclude /etc/nginx/sites-enabled/*;\n}\n',
      '/etc/nginx/mime.types': '',
      '/etc/nginx/fastcgi_params': TELLS_PORT.fastcgi,
      '/etc/nginx/fastcgi.conf': TELLS_PORT.fastcgi,
      '/etc/nginx/proxy_params': '',
      '/etc/nginx/uwsgi_params': TELLS_PORT.uwsgi,
      '/etc/nginx/scgi_params': TELLS_PORT.scgi,
      '/etc/nginx/snippets/fastcgi-php.conf': '',
      '/etc/nginx/sites-available/default': 'server {\n\tlisten 80 default_server;\n\tlisten [::]:80 default_server;\n\tserver_name _;\n}\n',
    },
    links: { '/etc/nginx/sites-enabled/default': '/etc/nginx/sites-available/default' },
    moves: (from, to) => ({ '/etc/nginx/sites-available/default': defaultServer(from, to) }),
    source: 'package nginx-common 1.22 of Debian 12',
  },
  'nginx alpine': {
    kind: 'nginx',
    entry: '/etc/nginx/nginx.conf',
    root: '/var/lib/nginx',
    files: {
      '/etc/nginx/nginx.conf': 'user nginx;\ninclude /etc/nginx/modules/*.conf;\ninclude /etc/nginx/conf.d/*.conf;\nhttp {\n\tinclude /etc/nginx/mime.types;\n\tinclude /etc/nginx/http.d/*.conf;\n}\n',
      '/etc/nginx/mime.types': '',
      '/etc/nginx/fastcgi_params': TELLS_PORT.fastcgi,
      '/etc/nginx/fastcgi.conf': TELLS_PORT.fastcgi,
      '/etc/nginx/uwsgi_params': TELLS_PORT.uwsgi,
      '/etc/nginx/scgi_params': TELLS_PORT.scgi,
      '/etc/nginx/http.d/default.conf': 'server {\n\tlisten 80 default_server;\n\tlisten [::]:80 default_server;\n}\n',
    },
    moves: (from, to) => ({ '/etc/nginx/http.d/default.conf': defaultServer(from, to) }),
    source: 'aports main/nginx (1.18.0-r13, of Alpine 3.13, and later)',
  },
  'nginx old-alpine': {
    kind: 'nginx',
    entry: '/etc/nginx/nginx.conf',
    root: '/var/lib/nginx',
    files: {
      '/etc/nginx/nginx.conf': 'user nginx;\ninclude /etc/nginx/modules/*.conf;\nhttp {\n\tinclude /etc/nginx/mime.types;\n\tinclude /etc/nginx/conf.d/*.conf;\n}\n',
      '/etc/nginx/mime.types': '',
      '/etc/nginx/fastcgi_params': '',
      '/etc/nginx/fastcgi.conf': '',
      '/etc/nginx/uwsgi_params': '',
      '/etc/nginx/scgi_params': '',
      '/etc/nginx/conf.d/default.conf': 'server {\n\tlisten 80 default_server;\n\tlisten [::]:80 default_server;\n}\n',
    },
    moves: (from, to) => ({ '/etc/nginx/conf.d/default.conf': defaultServer(from, to) }),
    source: 'aports main/nginx (before 1.18.0-r13, of Alpine 3.5 to 3.12: nginx.conf, APKBUILD, nginx.post-upgrade)',
  },
  'nginx rhel': {
    kind: 'nginx',
    entry: '/etc/nginx/nginx.conf',
    root: '/usr/share/nginx',
    files: {
      '/etc/nginx/nginx.conf': 'user nginx;\ninclude /usr/share/nginx/modules/*.conf;\nhttp {\n    include             /etc/nginx/mime.types;\n    include /etc/nginx/conf.d/*.conf;\n    server {\n        listen       80;\n        listen       [::]:80;\n        include /etc/nginx/default.d/*.conf;\n    }\n}\n',
      '/etc/nginx/mime.types': '',
      '/etc/nginx/fastcgi_params': TELLS_PORT.fastcgi,
    },
    source: 'package nginx of RHEL 9',
  },
  'openresty image': {
    kind: 'nginx',
    entry: '/usr/local/openresty/nginx/conf/nginx.conf',
    root: '/usr/local/openresty/nginx',
    files: {
      '/usr/local/openresty/nginx/conf/nginx.conf': 'http {\n    include       mime.types;\n    include /etc/nginx/conf.d/*.conf;\n}\n',
      '/usr/local/openresty/nginx/conf/mime.types': '',
      '/usr/local/openresty/nginx/conf/fastcgi_params': TELLS_PORT.fastcgi,
      '/etc/nginx/conf.d/default.conf': 'server {\n    listen       80;\n    server_name  localhost;\n}\n',
    },
    streams: ['/usr/local/openresty/nginx/logs/access.log', '/usr/local/openresty/nginx/logs/error.log'],
    source: 'github.com/openresty/docker-openresty: nginx.conf, nginx.vh.default.conf',
  },
  'apache image': {
    kind: 'apache',
    entry: '/usr/local/apache2/conf/httpd.conf',
    root: '/usr/local/apache2',
    files: {
      '/usr/local/apache2/conf/httpd.conf': 'ServerRoot "/usr/local/apache2"\nListen 80\n',
      '/usr/local/apache2/conf/extra/httpd-ssl.conf': 'Listen 443\n<VirtualHost _default_:443>\n</VirtualHost>\n',
      '/usr/local/apache2/conf/extra/httpd-vhosts.conf': '<VirtualHost *:80>\n</VirtualHost>\n<VirtualHost *:80>\n</VirtualHost>\n',
      ...Object.fromEntries(['mpm', 'multilang-errordoc', 'autoindex', 'languages', 'userdir', 'info', 'manual', 'dav', 'default'].map((name) => [`/usr/local/apache2/conf/extra/httpd-${name}.conf`, ''])),
      '/usr/local/apache2/conf/extra/proxy-html.conf': '',
    },
    moves: (from, to) => ({ '/usr/local/apache2/conf/httpd.conf': [`s/^Listen ${from}$/Listen ${to}/`] }),
    source: 'repo:docker-library/httpd:2.4/Dockerfile; httpd 2.4 docs/conf',
  },
  'apache php': { ...DEBIAN_APACHE, streams: ['/var/log/apache2/access.log', '/var/log/apache2/error.log', '/var/log/apache2/other_vhosts_access.log'], source: 'repo:docker-library/php:8.4/trixie/apache/Dockerfile; package apache2 of Debian' },
  'apache debian': DEBIAN_APACHE,
  'apache alpine': {
    kind: 'apache',
    entry: '/etc/apache2/httpd.conf',
    root: '/var/www',
    files: { '/etc/apache2/httpd.conf': 'ServerRoot /var/www\nListen 80\nIncludeOptional /etc/apache2/conf.d/*.conf\n' },
    source: 'aports main/apache2',
  },
  'apache rhel': {
    kind: 'apache',
    entry: '/etc/httpd/conf/httpd.conf',
    root: '/etc/httpd',
    files: { '/etc/httpd/conf/httpd.conf': 'ServerRoot "/etc/httpd"\nListen 80\nInclude conf.modules.d/*.conf\nIncludeOptional conf.d/*.conf\n' },
    source: 'package httpd of RHEL 9',
  },
  'haproxy image': { kind: 'haproxy', entry: '/usr/local/etc/haproxy/haproxy.cfg', root: '/', files: {}, source: 'repo:docker-library/haproxy:3.2/Dockerfile' },
  'haproxy package': { kind: 'haproxy', entry: '/etc/haproxy/haproxy.cfg', root: '/', files: { '/etc/haproxy/haproxy.cfg': 'global\n' }, source: 'package haproxy of Debian 12' },
  'caddy image': { kind: 'caddy', entry: '/etc/caddy/Caddyfile', root: '/srv', files: { '/etc/caddy/Caddyfile': ':80 {\n\troot * /usr/share/caddy\n\tfile_server\n}\n' }, moves: (from, to) => ({ '/etc/caddy/Caddyfile': [`s/^:${from} /:${to} /`] }), source: 'idx:caddyserver/caddy-docker:2.10/alpine/Dockerfile' },
  'h2o package': { kind: 'h2o', entry: '/etc/h2o/h2o.conf', root: '/', files: {}, source: 'package h2o of Debian 12' },
  'traefik image': { kind: 'traefik', entry: '/etc/traefik/traefik.yml', root: '/', files: {}, source: 'idx:traefik/traefik-library-image:v3.5/alpine/Dockerfile; doc.traefik.io, Configuration Discovery' },
  'lighttpd package': { kind: 'lighttpd', entry: '/etc/lighttpd/lighttpd.conf', root: '/', files: { '/etc/lighttpd/lighttpd.conf': 'server.port = 80\n' }, source: 'package lighttpd of Debian 12 and Alpine' },
} satisfies Record<string, Installation>;

export type InstallationName = keyof typeof installations;
