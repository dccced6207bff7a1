/** A program with its build context, and how to know that it works. */
export interface Program {
  name: string;
  files: Record<string, string>;
  modes?: Record<string, number>;
  /** What unroot must say of its fix; `away`: it must not touch a byte. */
  fix: 'safe' | 'unsafe' | 'away';
  /** The port that it answers on; undefined for one that works and ends. */
  port?: number;
  /** Requests and their answers, the same before and after. */
  asks?: { path: string; method?: string; body?: string; answer: RegExp }[];
  /** For a program that ends: what it prints. */
  prints?: RegExp;
  /** Whom every process runs as after. */
  uid: number;
  /** Uids before, where not all root. */
  before?: number[];
  /** Code that the account must not be able to change. */
  code?: string;
  /** What the account must be able to write to. */
  writes?: string;
  /** Names of volumes by path. */
  volumes?: Record<string, string>;
}

const NODE_UPLOADS = `
const http = require('http'), fs = require('fs'), dir = process.env.DIR || '/app/uploads';
http.createServer((req, res) => {
  if (req.method !== 'PUT') return res.end('uploads: ' + fs.readdirSync(dir).join(','));
  let body = '';
  req.on('data', (part) => (body += part)).on('end', () => {
    try { fs.writeFileSync(dir + req.url, body); res.end('kept'); }
    catch (error) { res.statusCode = 500; res.end(String(error)); }
  });
}).listen(3000);
`;

const GO_SERVER = `package main

import (
	"fmt"
	"net/http"
	"os"
	"os/user"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello from %s", os.Args[0]) })
	http.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		u, err := user.LookupId(fmt.Sprint(os.Getuid()))
		if err != nil {
			fmt.Fprintf(w, "nobody: %v", err)
			return
		}
		fmt.Fprintf(w, "known as %s", u.Name)
	})
	http.ListenAndServe(":8080", nil)
}
`;

const GO_BUILD = `FROM golang:1.19 AS build
WORKDIR /src
COPY main.go .
RUN CGO_ENABLED=0 GO111MODULE=off go build -tags osusergo -o /server main.go
`;

const PYTHON_LOGS = `
import http.server, sys
log = open(sys.argv[sys.argv.index('--log-file') + 1], 'a', buffering=1)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        log.write(self.path + '\\n')
        self.send_response(200); self.end_headers(); self.wfile.write(b'logged')
    def log_message(self, *args): pass
http.server.HTTPServer(('', 8000), Handler).serve_forever()
`;

const PYTHON_STORE = `
import http.server, os, sqlite3
db = sqlite3.connect(os.path.join(os.environ['DATA_DIR'], 'store.db'), check_same_thread=False)
db.execute('create table if not exists hits (path text)')
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        db.execute('insert into hits values (?)', (self.path,)); db.commit()
        self.send_response(200); self.end_headers(); self.wfile.write(b'stored')
    def log_message(self, *args): pass
http.server.HTTPServer(('', 8000), Handler).serve_forever()
`;

const SERVE_BODY = `
const http = require('http'), os = require('os'), fs = require('fs'), path = require('path');
const cache = path.join(os.homedir(), '.cache', 'app');
http.createServer((req, res) => {
  try { fs.mkdirSync(cache, { recursive: true }); fs.writeFileSync(path.join(cache, 'x'), 'y'); res.end('cached'); }
  catch (error) { res.statusCode = 500; res.end(String(error)); }
}).listen(3000);
`;

export const programs: Program[] = [
  {
    name: 'a Node server that keeps uploads',
    files: { Dockerfile: 'FROM node:20\nWORKDIR /app\nCOPY server.js .\nRUN mkdir /app/uploads\nEXPOSE 3000\nCMD ["node", "server.js"]\n', 'server.js': NODE_UPLOADS },
    fix: 'safe',
    port: 3000,
    asks: [
      { path: '/', answer: /^uploads:/ },
      { path: '/a.txt', method: 'PUT', body: 'a', answer: /^kept$/ },
      { path: '/', answer: /a\.txt/ },
    ],
    uid: 1000,
    code: '/app/server.js',
    writes: '/app/uploads',
  },
  {
    name: 'a Go binary on scratch that asks who it is',
    files: { Dockerfile: `${GO_BUILD}\nFROM scratch\nCOPY --from=build /server /server\nEXPOSE 8080\nENTRYPOINT ["/server"]\n`, 'main.go': GO_SERVER },
    fix: 'safe',
    port: 8080,
    asks: [{ path: '/', answer: /^hello from \/server$/ }],
    uid: 10001,
  },
  {
    name: 'Python with a log file',
    files: { Dockerfile: 'FROM python:3.11-slim\nCOPY app.py /srv/app.py\nEXPOSE 8000\nCMD ["python", "/srv/app.py", "--log-file", "/var/log/app/access.log"]\nRUN mkdir /var/log/app\n', 'app.py': PYTHON_LOGS },
    fix: 'safe',
    port: 8000,
    asks: [{ path: '/x', answer: /^logged$/ }],
    uid: 10001,
    code: '/srv/app.py',
    writes: '/var/log/app',
  },
  {
    name: 'an Alpine tool',
    files: { Dockerfile: 'FROM alpine:3.19\nRUN apk add --no-cache figlet\nCOPY banner /usr/local/bin/banner\nENTRYPOINT ["banner"]\nCMD ["--help"]\n', banner: '#!/bin/sh\necho "banner for $(id -u): $*"\n' },
    modes: { banner: 0o755 },
    fix: 'unsafe',
    prints: /^banner for \d+: --help$/m,
    uid: 10001,
  },
  {
    name: 'an account that the file makes and never uses',
    files: {
      Dockerfile: 'FROM node:20-alpine\nRUN addgroup -g 2000 web && adduser -D -u 2000 -G web web\nRUN mkdir /data && chown web:web /data\nCOPY server.js /srv/server.js\nENV DIR=/data\nEXPOSE 3000\nCMD ["node", "/srv/server.js"]\n',
      'server.js': NODE_UPLOADS,
    },
    fix: 'safe',
    port: 3000,
    asks: [{ path: '/b', method: 'PUT', body: 'b', answer: /^kept$/ }],
    uid: 2000,
    code: '/srv/server.js',
    writes: '/data',
  },
  {
    name: 'redis with a configuration, left alone',
    files: { Dockerfile: 'FROM redis:7\nCOPY redis.conf /etc/redis.conf\nCMD ["redis-server", "/etc/redis.conf"]\n', 'redis.conf': 'save ""\nbind 0.0.0.0\n' },
    fix: 'away',
    uid: 999,
    before: [999],
  },
  {
    name: 'a Node server that caches under its home',
    files: { Dockerfile: 'FROM node:20-alpine\nCOPY server.js /app/server.js\nEXPOSE 3000\nCMD ["node", "/app/server.js"]\n', 'server.js': SERVE_BODY },
    fix: 'safe',
    port: 3000,
    asks: [{ path: '/', answer: /^cached$/ }],
    uid: 1000,
    code: '/app/server.js',
  },
  {
    name: 'Python that caches under the home of a new account',
    files: {
      Dockerfile: 'FROM python:3.11-slim\nCOPY app.py /srv/app.py\nEXPOSE 8000\nCMD ["python", "/srv/app.py"]\n',
      'app.py': "import http.server, pathlib\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        p = pathlib.Path.home() / '.cache'; p.mkdir(exist_ok=True); (p / 'x').write_text('y')\n        self.send_response(200); self.end_headers(); self.wfile.write(b'cached')\n    def log_message(self, *a): pass\nhttp.server.HTTPServer(('', 8000), H).serve_forever()\n",
    },
    fix: 'safe',
    port: 8000,
    asks: [{ path: '/', answer: /^cached$/ }],
    uid: 10001,
    code: '/srv/app.py',
  },
  {
    name: 'a database in a volume',
    files: { Dockerfile: 'FROM python:3.11-slim\nCOPY app.py /srv/app.py\nENV DATA_DIR=/data\nVOLUME /data\nEXPOSE 8000\nCMD ["python", "/srv/app.py"]\n', 'app.py': PYTHON_STORE },
    fix: 'unsafe',
    port: 8000,
    asks: [{ path: '/', answer: /^stored$/ }],
    uid: 10001,
    writes: '/data',
    volumes: { '/data': 'store' },
  },
  {
    name: 'a start script with mode 0700',
    files: { Dockerfile: 'FROM node:20\nCOPY server.js /app/server.js\nCOPY start.sh /start.sh\nRUN mkdir /app/uploads\nEXPOSE 3000\nENTRYPOINT ["/start.sh"]\n', 'server.js': NODE_UPLOADS, 'start.sh': '#!/bin/sh\nset -e\nexec node /app/server.js\n' },
    modes: { 'start.sh': 0o700 },
    fix: 'safe',
    port: 3000,
    asks: [{ path: '/c', method: 'PUT', body: 'c', answer: /^kept$/ }],
    uid: 1000,
    writes: '/app/uploads',
  },
  {
    name: 'nginx with a site of its own, in a private network',
    files: { Dockerfile: 'FROM nginx:latest\nCOPY index.html /usr/share/nginx/html/index.html\n', 'index.html': '<p>a site</p>\n', 'compose.yaml': 'services:\n  web:\n    build: .\n    ports: ["8080:80"]\n' },
    fix: 'safe',
    port: 80,
    asks: [{ path: '/', answer: /a site/ }],
    uid: 101,
    before: [0, 33, 101],
    code: '/etc/nginx/nginx.conf',
    writes: '/var/cache/nginx',
  },
  {
    name: 'nginx on Alpine with a server of its own on 8080',
    files: { Dockerfile: 'FROM nginx:alpine\nCOPY site.conf /etc/nginx/conf.d/default.conf\nEXPOSE 8080\n', 'site.conf': 'server { listen 8080; location / { return 200 "own server\\n"; } }\n' },
    fix: 'unsafe',
    port: 8080,
    asks: [{ path: '/', answer: /own server/ }],
    uid: 101,
    before: [0, 101],
  },
  {
    name: 'Apache with a site of its own, in a private network',
    files: { Dockerfile: 'FROM httpd:2.4\nCOPY index.html /usr/local/apache2/htdocs/index.html\n', 'index.html': '<p>httpd site</p>\n', 'compose.yaml': 'services:\n  web:\n    build: .\n    ports: ["8081:80"]\n' },
    fix: 'safe',
    port: 80,
    asks: [{ path: '/', answer: /httpd site/ }],
    uid: 33,
    before: [0, 33],
    code: '/usr/local/apache2/conf/httpd.conf',
  },
  {
    name: 'PHP under Apache, in a private network',
    files: { Dockerfile: 'FROM php:8.2-apache\nCOPY index.php /var/www/html/index.php\n', 'index.php': '<?php echo "php says ", 6 * 7;\n', 'compose.yaml': 'services:\n  web:\n    build: .\n    ports: ["8082:80"]\n' },
    fix: 'safe',
    port: 80,
    asks: [{ path: '/', answer: /php says 42/ }],
    uid: 33,
    before: [0, 33],
  },
  {
    name: 'a Go binary on distroless',
    files: { Dockerfile: `${GO_BUILD}\nFROM gcr.io/distroless/static:latest\nCOPY --from=build /server /server\nEXPOSE 8080\nCMD ["/server"]\n`, 'main.go': GO_SERVER },
    fix: 'safe',
    port: 8080,
    asks: [{ path: '/who', answer: /^(known as|nobody)/ }],
    uid: 65532,
  },
  {
    name: 'a file that ends in USER root after an install',
    files: { Dockerfile: 'FROM node:20\nUSER node\nWORKDIR /home/node/app\nCOPY server.js .\nUSER root\nRUN mkdir /home/node/app/uploads && echo tool > /usr/local/bin/tool\nENV DIR=/home/node/app/uploads\nEXPOSE 3000\nCMD ["node", "server.js"]\n', 'server.js': NODE_UPLOADS },
    fix: 'safe',
    port: 3000,
    asks: [{ path: '/d', method: 'PUT', body: 'd', answer: /^kept$/ }],
    uid: 1000,
    code: '/home/node/app/server.js',
  },
  {
    name: 'a build whose last stage installs a package and writes a pid file',
    files: {
      Dockerfile: 'FROM node:20 AS build\nCOPY server.js /out/server.js\n\nFROM node:20-alpine\nRUN apk add --no-cache curl\nCOPY --from=build /out/ /app/\nRUN mkdir /run/app\nENV DIR=/run/app\nEXPOSE 3000\nCMD echo $$ > /run/app/app.pid && exec node /app/server.js\n',
      'server.js': NODE_UPLOADS,
    },
    fix: 'safe',
    port: 3000,
    asks: [{ path: '/', answer: /app\.pid/ }],
    uid: 1000,
    code: '/app/server.js',
    writes: '/run/app',
  },
  {
    name: 'redis behind a shell, which never dropped',
    files: { Dockerfile: 'FROM redis:7\nCOPY redis.conf /etc/redis.conf\nCMD redis-server /etc/redis.conf\n', 'redis.conf': 'dir /data\n' },
    fix: 'unsafe',
    uid: 999,
  },
];
