import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits } from '../src/edit.ts';
import { readServer } from '../src/servers/index.ts';
import { templatesIn, withTemplates } from '../src/servers/templates.ts';
import { parseToml } from '../src/servers/toml.ts';
import { type ConfigFile, type ConfigFiles, ConfigurationError, type ServerConfiguration, type ServerKind } from '../src/servers/types.ts';

const nginx = suite('nginx configurations');

nginx('listen in all its forms', () => {
  const text = `http { server {
    listen 80;
    listen *:80 default_server;
    listen [::]:80 ipv6only=on;
    listen 127.0.0.1:81;
    listen localhost;
    listen "82" ssl;
    listen 443 quic reuseport; # listen 99;
    listen unix:/run/nginx.sock;
    server_name listen;
} }`;
  assert.equal(shown(read('nginx', text)), [' 80 tcp', '* 80 tcp', '[::] 80 tcp', '127.0.0.1 81 tcp', 'localhost 80 tcp', ' 82 tcp tls', ' 443 udp tls']);
  assert.is(
    moved('nginx', text, 8000),
    text.replace('listen 80;', 'listen 8080;').replace('*:80', '*:8080').replace('[::]:80', '[::]:8080').replace(':81', ':8081').replace('localhost;', 'localhost:8080;').replace('"82"', '"8082"').replace('443 quic', '8443 quic'),
  );
});

nginx('a server without listen listens on 80, and gets a line of its own', () => {
  const text = 'http {\n\tserver {\n\t\tserver_name a;\n\t}\n}\n';
  assert.equal(shown(read('nginx', text)), [' 80 tcp']);
  assert.is(moved('nginx', text, 8000), 'http {\n\tserver {\n\t\tlisten 8080;\n\t\tserver_name a;\n\t}\n}\n');
  assert.is(moved('nginx', text.replaceAll('\n', '\r\n'), 8000), 'http {\r\n\tserver {\r\n\t\tlisten 8080;\r\n\t\tserver_name a;\r\n\t}\r\n}\r\n');
});

nginx('streams know UDP', () => {
  assert.equal(shown(read('nginx', 'stream { upstream dns { server 10.0.0.1:53; } server { listen 53 udp; listen 53; proxy_pass dns; } }')), [' 53 udp', ' 53 tcp']);
});

nginx('comments, quotes, variables and Lua hold no directives', () => {
  const text = `http {
  # server { listen 81; }
  map $x $y { "~*{listen 82;}" 1; default \${x}b; }
  init_by_lua_block { local s = "}" --[[ } ]] -- }
    if a then b = { c = [=[ } ]=] } end }
  server { listen 80; location ~ "^/a{2,3}$" { return 200 'listen 83;'; } }
}`;
  assert.equal(shown(read('nginx', text)), [' 80 tcp']);
});

nginx('includes are read in their place: globs, relative names, and a listen in a file of its own', () => {
  const configuration = read('nginx', 'include modules/*.conf; http { include conf.d/*.conf; server { include snippets/port.conf; } }', {
    '/etc/nginx/conf.d/a.conf': 'server { listen 80; }',
    '/etc/nginx/conf.d/b.txt': 'server { listen 81; }',
    '/etc/nginx/conf.d/.hidden.conf': 'server { listen 82; }',
    '/etc/nginx/snippets/port.conf': 'listen 8080;',
  });
  assert.equal(shown(configuration), [' 80 tcp', ' 8080 tcp']);
  assert.equal(configuration.gaps, []);
  assert.equal(configuration.files.map(({ path }) => path), ['/etc/nginx/nginx.conf', '/etc/nginx/conf.d/a.conf', '/etc/nginx/snippets/port.conf']);
});

nginx('what is not there, loops or is a template in braces is a gap', () => {
  assert.equal(read('nginx', 'http { include missing.conf; }').gaps, ['/etc/nginx/missing.conf is not in sight']);
  assert.match(read('nginx', 'http {\n server { listen {{ port }}; } }').gaps[0]!, /^\/etc\/nginx\/nginx\.conf:2 could not be read/);
  assert.match(read('nginx', 'http { server { listen 80 } }').gaps[0]!, /listen is not ended with ;/);
  assert.match(read('nginx', 'http {').gaps[0]!, /a block is not closed/);
  assert.equal(read('nginx', 'include nginx.conf; http { server { listen 80; } }').listeners.length > 0, true);
});

nginx('paths that are written, seen from the prefix', () => {
  const text = `error_log logs/error.log warn; pid /run/nginx.pid;
http { access_log off; access_log /var/log/nginx/$host.log main; access_log syslog:server=log;
  proxy_cache_path /var/cache/x levels=1:2 keys_zone=x:1m; client_body_temp_path /tmp/body; error_log stderr; access_log /dev/stdout; }`;
  assert.equal(read('nginx', text).writes.map(({ path, kind }) => `${path} ${kind}`), ['/etc/nginx/logs/error.log file', '/run/nginx.pid file', '/var/log/nginx directory', '/var/cache/x directory', '/tmp/body directory']);
});

nginx('upstreams, with the ports that are meant where none is written', () => {
  const text = `http { upstream pool { server web; server api:81 weight=2; server unix:/run/x; } server { listen 80;
  location / { proxy_pass http://pool; } location /a { proxy_pass http://app/x; } location /b { proxy_pass https://safe; }
  location /c { fastcgi_pass php:9000; } set $up http://late:82; proxy_pass $up; } }`;
  assert.equal(read('nginx', text).upstreams.map(({ host, port }) => `${host} ${port}`), ['web 80', 'api 81', 'app 80', 'safe 443', 'php 9000', 'late 82']);
  const [web, api, app] = read('nginx', text).upstreams;
  assert.is(write(text, [{ ...web!.spot!, port: 8080 }, { ...api!.spot!, port: 8081 }, { ...app!.spot!, port: 8080 }]), text.replace('server web;', 'server web:8080;').replace('api:81', 'api:8081').replace('//app/', '//app:8080/'));
});

nginx('templates are read as what they are filled in to', () => {
  const files = filesOf({ '/etc/nginx/nginx.conf': 'http { include conf.d/*.conf; }', '/etc/nginx/conf.d/default.conf': 'server { listen 80; }', '/etc/nginx/templates/default.conf.template': 'server { listen ${PORT}; listen 81; }' }, { PORT: '82' });
  const configuration = readServer('nginx', '/etc/nginx/nginx.conf', withTemplates(files, templatesIn(files)), '/etc/nginx');
  assert.equal(shown(configuration), [' 82 tcp', ' 81 tcp']);
  assert.is(configuration.listeners[0]!.variable, 'PORT');
});

nginx.run();

const apache = suite('Apache configurations');

apache('Listen in all its forms, with its conditions', () => {
  const text = `Listen 80
listen 0.0.0.0:81
Listen [::]:82 http
<IfModule ssl_module>
  Listen 443 https
</IfModule>
Define PORT 84
Listen \${PORT}
# Listen 85
Listen \\
  86
`;
  assert.equal(shown(read('apache', text)), [' 80 tcp', '0.0.0.0 81 tcp', '[::] 82 tcp', ' 443 tcp tls', ' 84 tcp', ' 86 tcp']);
  assert.equal(read('apache', text).listeners[3]!.conditions, ['IfModule ssl_module']);
  assert.is(moved('apache', text, 8000), text.replace('Listen 80', 'Listen 8080').replace('.0:81', '.0:8081').replace(':82', ':8082').replace('443', '8443').replace('PORT 84', 'PORT 8084').replace('  86', '  8086'));
});

apache('virtual hosts name the port too', () => {
  const { mentions } = read('apache', 'NameVirtualHost *:80\n<VirtualHost *:80 [::]:80 _default_:443>\n</VirtualHost>\n<VirtualHost *>\n</VirtualHost>\n');
  assert.equal(mentions.map(({ port }) => port), [80, 80, 80, 443]);
});

apache('includes: optional ones, globs, seen from ServerRoot', () => {
  const configuration = read('apache', 'ServerRoot "/etc/apache2"\nInclude ports.conf\nIncludeOptional sites-enabled/*.conf\nIncludeOptional nothing.conf\nInclude missing.conf\n', { '/etc/apache2/ports.conf': 'Listen 80\n', '/etc/apache2/sites-enabled/a.conf': '<VirtualHost *:80>\nErrorLog ${LOGS}/a.log\n</VirtualHost>\n' }, { LOGS: '/var/log/a' });
  assert.equal(shown(configuration), [' 80 tcp']);
  assert.is(configuration.mentions.length, 1);
  assert.equal(configuration.writes.map(({ path }) => path), ['/var/log/a/a.log']);
  assert.equal(configuration.gaps, ['/etc/apache2/missing.conf is not in sight']);
});

apache('paths that are written, and pipes that are not', () => {
  const text = 'ErrorLog "logs/error_log"\nCustomLog "|/bin/rotate" common\nPidFile run/httpd.pid\nErrorLog /dev/stderr\nMutex file:/var/lock default\nCustomLog /proc/self/fd/1 common\n';
  assert.equal(read('apache', text).writes.map(({ path, kind }) => `${path} ${kind}`), ['/etc/apache/logs/error_log file', '/etc/apache/run/httpd.pid file', '/var/lock directory', '/proc/self/fd/1 file']);
});

apache('upstreams', () => {
  const text = 'ProxyPass "/" "http://web/"\nProxyPassReverse / http://web:80/\n<Proxy balancer://b>\nBalancerMember http://api:81 route=1\n</Proxy>\nSetHandler "proxy:fcgi://php:9000"\nRewriteRule ^/(.*) https://safe/$1 [P]\n';
  assert.equal(read('apache', text).upstreams.map(({ host, port }) => `${host} ${port}`), ['web 80', 'web 80', 'api 81', 'php 9000', 'safe 443']);
});

apache('sections that do not match are a gap', () => {
  assert.match(read('apache', '<IfModule a>\n</Directory>\n').gaps[0]!, /:2 could not be read: <\/Directory> closes no section/);
});

apache.run();

const others = suite('other configurations');

others('haproxy: bind in its forms, servers, sockets', () => {
  const text = `global
    stats socket /run/haproxy/admin.sock mode 660
    pidfile /run/haproxy.pid
    user haproxy
frontend web
    bind *:80,:81  # bind :99
    bind ipv4@0.0.0.0:82 ssl crt /a
    bind quic4@:443
    bind /run/x.sock
    bind "\${ADDRESS}:\${PORT}"
    default_backend app
listen old :83
backend app
    server a web:80 check
    server b web2 check
    server c "unix@/run/c"
`;
  const configuration = read('haproxy', text, {}, { PORT: '84' });
  assert.equal(shown(configuration), ['* 80 tcp', ' 81 tcp', '0.0.0.0 82 tcp tls', ' 443 udp tls', '${ADDRESS} 84 tcp', ' 83 tcp']);
  assert.equal(configuration.upstreams.map(({ host, port }) => `${host} ${port}`), ['web 80', 'web2 undefined']);
  assert.equal(configuration.writes.map(({ path }) => path), ['/run/haproxy/admin.sock', '/run/haproxy.pid']);
  assert.is(configuration.users.length, 1);
  assert.is(moved('haproxy', text, 8000), text.replace('*:80,:81', '*:8080,:8081').replace('.0:82', '.0:8082').replace(':443', ':8443').replace('old :83', 'old :8083'));
});

others('Caddy: addresses, and the ports that it takes by itself', () => {
  assert.equal(shown(read('caddy', ':80 {\n\trespond hi\n}\nhttp://a.example:81, b.example:8443 {\n}\n')), [' 80 tcp', 'a.example 81 tcp', 'b.example 8443 tcp tls', 'b.example 8443 udp tls']);
  const text = 'shop.example.com {\n\treverse_proxy web:80 api\n}\n';
  const configuration = read('caddy', text);
  assert.equal(shown(configuration), [' 80 tcp', ' 443 tcp tls', ' 443 udp tls']);
  assert.equal(configuration.upstreams.map(({ host, port }) => `${host} ${port}`), ['web 80', 'api 80']);
  assert.is(moved('caddy', text, 8000), `{\n\thttp_port 8080\n\thttps_port 8443\n}\n\n${text}`);
  const options = `{\n\temail a@b.c\n\thttp_port 81\n}\n${text}`;
  assert.is(moved('caddy', options, 8000), `{\n\thttps_port 8443\n\temail a@b.c\n\thttp_port 8081\n}\n${text}`);
});

others('Caddy: no braces, snippets, variables, quotes, logs', () => {
  assert.equal(shown(read('caddy', 'http://localhost:80\nrespond "}"\n')), ['localhost 80 tcp']);
  const text = '(common) {\n\tlog {\n\t\toutput file /var/log/a.log\n\t}\n}\n:{$PORT:82} {\n\timport common\n\timport missing.caddy\n}\n';
  const configuration = read('caddy', text);
  assert.equal(shown(configuration), [' 82 tcp']);
  assert.equal(configuration.writes.map(({ path }) => path), ['/var/log/a.log']);
  assert.equal(configuration.gaps, ['/etc/caddy/missing.caddy is not in sight']);
  assert.match(read('caddy', 'a {\n').gaps[0]!, /a block is not closed/);
});

others('lighttpd: port, sockets, logs, back ends', () => {
  const text = `server.modules = ( "mod_access", "mod_proxy" )
server.port = 80
var.logs = "/var/log/lighttpd"
server.errorlog = var.logs + "/error.log" # server.port = 82
$SERVER["socket"] == "[::]:81" { ssl.engine = "enable" }
proxy.server = ( "" => ( ( "host" => "10.0.0.1", "port" => 83 ) ) )
`;
  const configuration = read('lighttpd', text);
  assert.equal(shown(configuration), [' 80 tcp', '[::] 81 tcp']);
  assert.equal(configuration.writes.map(({ path }) => path), ['/var/log/lighttpd/error.log']);
  assert.equal(configuration.upstreams.map(({ host, port }) => `${host} ${port}`), ['10.0.0.1 83']);
  assert.is(moved('lighttpd', text, 8000), text.replace('port = 80', 'port = 8080').replace(':81', ':8081'));
  assert.is(moved('lighttpd', 'server.document-root = "/x"\n', 8000), 'server.document-root = "/x"\nserver.port = 8080\n');
});

others('traefik: entry points of YAML and TOML, servers of the dynamic file', () => {
  const text = 'entryPoints:\n  web:\n    address: ":80"\n  h3:\n    address: 0.0.0.0:443\n    http3: {}\n  dns: { address: ":53/udp" }\nproviders:\n  file:\n    directory: /etc/traefik/dynamic\n';
  const toml = '[http.services.a.loadBalancer]\n  [[http.services.a.loadBalancer.servers]]\n    url = "http://a:80/x" # why\n  [[http.services.a.loadBalancer.servers]]\n    url = \'http://b\'\n';
  const configuration = read('traefik', text, {
    '/etc/traefik/dynamic/a.toml': toml,
    '/etc/traefik/dynamic/b.yaml': 'tcp: { services: { c: { loadBalancer: { servers: [ { address: "c:25" } ] } } } }\n',
    '/etc/traefik/dynamic/broken.yml': '{{ a }\n',
  });
  assert.equal(shown(configuration), [' 80 tcp', '0.0.0.0 443 tcp', '0.0.0.0 443 udp', ' 53 udp']);
  assert.equal(configuration.upstreams.map(({ host, port }) => `${host} ${port}`), ['a 80', 'b 80', 'c 25']);
  assert.equal(configuration.gaps, []);
  assert.is(moved('traefik', text, 8000), text.replace(':80"', ':8080"').replace(':443', ':8443').replace(':53/', ':8053/'));
  assert.is(moved('traefik', 'log:\n  level: INFO\n', 8000), 'entryPoints:\n  http:\n    address: ":8080"\n\nlog:\n  level: INFO\n');
  assert.match(read('traefik', 'entryPoints: [\n').gaps[0]!, /^traefik.yml:\d+ can't be read/);
});

others('h2o: ports of all hosts and of one', () => {
  const text = 'listen: 80\nhosts:\n  a:\n    listen:\n      - port: 443\n        ssl: { key-file: a.key }\n      - "127.0.0.1:81"\n    paths: { /: { file.dir: /srv } }\n';
  assert.equal(shown(read('h2o', text)), [' 80 tcp', ' 443 tcp tls', '127.0.0.1 81 tcp']);
  assert.is(moved('h2o', text, 8000), text.replace('listen: 80', 'listen: 8080').replace('port: 443', 'port: 8443').replace(':81', ':8081'));
});

others('TOML: tables, keys, strings, arrays, dates', () => {
  const text = '\uFEFFa.b = 1\n"c d".e = """x\ny"""\n[t]\nlist = [ 1, # one\n  "two",\n]\nin = { k = true, l = { m = \'n\' } }\nwhen = 2024-01-01T00:00:00Z\n[[s]]\nx = "a\\"b"\n[[s]]\nx = ""\n';
  const file: ConfigFile = { path: '/a.toml', text, source: '/a.toml', offset: 0, template: false };
  assert.equal(parseToml(file).map(({ name, args }) => `${name}=${args[0]!.value}`), ['a.b=1', 'c d.e=x\ny', 't.list.0=1', 't.list.1=two', 't.in.k=true', 't.in.l.m=n', 't.when=2024-01-01T00:00:00Z', 's.0.x=a"b', 's.1.x=']);
  for (const { args, start, end } of parseToml(file)) assert.is(text.slice(start, end), args[0]!.text);
  for (const broken of ['a', 'a = ', '[a', 'a = "b', 'a = [1', 'a = 1 2', 'a = { b = 1']) assert.throws(() => parseToml({ ...file, text: broken }), (error: unknown) => error instanceof ConfigurationError, broken);
});

others.run();

const ENTRIES: Record<ServerKind, string> = {
  nginx: '/etc/nginx/nginx.conf',
  apache: '/etc/apache/httpd.conf',
  haproxy: '/etc/haproxy.cfg',
  caddy: '/etc/caddy/Caddyfile',
  lighttpd: '/etc/lighttpd.conf',
  traefik: '/etc/traefik/traefik.yml',
  h2o: '/etc/h2o/h2o.conf',
};

function read(kind: ServerKind, text: string, more: Record<string, string> = {}, variables: Record<string, string> = {}): ServerConfiguration {
  const entry = ENTRIES[kind];
  return readServer(kind, entry, filesOf({ [entry]: text, ...more }, variables), entry.slice(0, entry.lastIndexOf('/')));
}

function filesOf(texts: Record<string, string>, variables: Record<string, string>): ConfigFiles {
  const files = new Map<string, ConfigFile>(Object.entries(texts).map(([path, text]) => [path, { path, text, source: path, offset: 0, template: false }]));
  return {
    read: (path) => files.get(path),
    list: (directory) => [...files.keys()].filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1).split('/')[0]!).sort(),
    isHidden: () => false,
    variable: (name) => variables[name],
  };
}

function shown({ listeners }: ServerConfiguration): string[] {
  return listeners.map(({ address, port, protocol, tls }) => `${address} ${port} ${protocol}${tls ? ' tls' : ''}`);
}

/** The text with every listener that can be moved so many ports higher. */
function moved(kind: ServerKind, text: string, by: number): string {
  const spots = read(kind, text).listeners.flatMap(({ spot, port }) => (spot && port !== undefined ? [{ ...spot, port: port + by }] : []));
  // Two protocols may have one place.
  return write(text, spots.filter((spot, index) => spots.findIndex(({ start, before }) => start === spot.start && before === spot.before) === index));
}

function write(text: string, spots: { start: number; end: number; before: string; after: string; port: number }[]): string {
  return applyEdits(text, spots.map(({ start, end, before, after, port }) => ({ start, end, text: `${before}${port}${after}` })));
}
