/** A program of `programs.ts` as somebody would change it who only wants the scanner to be quiet. */
export interface Breakage {
  name: string;
  title: string;
  /** The program that it is made of. */
  program: string;
  /** The Dockerfile as it was changed. */
  dockerfile: string;
  /** What must be found, as `rule: message`. */
  finds: RegExp[];
}

export const breakages: Breakage[] = [
  {
    name: 'user-alone',
    title: 'nginx can not make the directories that its base leaves to root',
    program: 'nginx-in-compose',
    dockerfile: `FROM nginx:latest
COPY index.html /usr/share/nginx/html/index.html
USER nginx
`,
    finds: [/^runs: it ends with status 1: .*mkdir\(\) .*\/var\/cache\/nginx.* failed \(13: Permission deni/, /^state: root wrote \/var\/cache\/nginx/, /^strict: USER is nginx/],
  },
  {
    name: 'uploads-of-root',
    title: 'it starts, and fails once somebody uses it',
    program: 'node-uploads',
    dockerfile: `FROM node:20
WORKDIR /app
COPY server.js .
RUN mkdir /app/uploads
EXPOSE 3000
USER 1000:1000
CMD ["node", "server.js"]
`,
    finds: [/^answers: PUT \/a\.txt on port 3000 answers 500, not 200: .*EACCES/, /^state: root wrote \/app\/uploads\/a\.txt/],
  },
  {
    name: 'closed-script',
    title: 'a start script that only root may run',
    program: 'closed-start-script',
    dockerfile: `FROM node:20
COPY server.js /app/server.js
COPY start.sh /start.sh
RUN mkdir /app/uploads && chown node:node /app/uploads
EXPOSE 3000
USER 1000:1000
ENTRYPOINT ["/start.sh"]
`,
    finds: [/^runs: it (no longer starts|ends with status 2): .*\/start\.sh.*permission denied/i],
  },
  {
    name: 'closed-file',
    title: 'a configuration that only root may read',
    program: 'closed-configuration',
    dockerfile: `FROM python:3.11-slim
WORKDIR /app
COPY app.py .
COPY settings.json .
EXPOSE 8000
USER 10001:10001
CMD ["python", "app.py"]
`,
    finds: [/^runs: it ends with status 1: .*Permission denied: 'settings\.json'/],
  },
  {
    name: 'missing-account',
    title: 'an account that nobody made, which the builder does not mind',
    program: 'go-scratch',
    dockerfile: `FROM golang:1.19 AS build
WORKDIR /src
COPY main.go .
RUN CGO_ENABLED=0 GO111MODULE=off go build -o /server main.go

FROM scratch
COPY --from=build /server /server
EXPOSE 8080
USER app
ENTRYPOINT ["/server"]
`,
    finds: [/^runs: it no longer starts: unable to find user app/],
  },
  {
    name: 'chown-before-the-account',
    title: 'BuildKit takes a name that it does not know for root',
    program: 'hands-over',
    dockerfile: `FROM node:20-alpine
COPY --chown=web:web server.js /app/server.js
COPY --chown=web:web entrypoint.sh /var/lib/app/
COPY entrypoint.sh /entrypoint.sh
RUN addgroup -g 2000 web && adduser -D -u 2000 -G web web
ENV DIR=/var/lib/app
EXPOSE 3000
USER 2000:2000
ENTRYPOINT ["/entrypoint.sh"]
CMD ["node", "/app/server.js"]
`,
    finds: [/^runs: it ends with status \d+: .*\/var\/lib\/app\/starts.*Permission denied/],
  },
  {
    name: 'chown-that-misses-the-directory',
    title: 'COPY --chown gives the files away, and not the directory that WORKDIR made',
    program: 'output-beside-code',
    dockerfile: `FROM python:3.11-slim
WORKDIR /app
COPY --chown=10001:10001 app.py .
EXPOSE 8000
USER 10001:10001
CMD ["python", "app.py"]
`,
    finds: [/^answers: GET \/ on port 8000 answers 500, not 200: .*Permission denied: 'visits\.txt'/],
  },
  {
    name: 'low-port',
    title: 'all is given away, and the port is one that a locked-down cluster keeps for root',
    program: 'nginx-alpine',
    dockerfile: `FROM nginx:alpine
COPY index.html /usr/share/nginx/html/index.html
RUN mkdir -p /var/cache/nginx && touch /run/nginx.pid && chown -R 101:101 /var/cache/nginx /run/nginx.pid
USER 101:101
`,
    finds: [/^strict: it ends with status 1: .*bind\(\) to 0\.0\.0\.0:80 failed \(13: Permission denied\).*ports below 1024 are closed/],
  },
  {
    name: 'swallowed',
    title: 'every answer is as before, and nothing is cached any more',
    program: 'silent-cache',
    dockerfile: `FROM node:20
COPY app.js /app/app.js
EXPOSE 3000
USER 1000:1000
CMD ["node", "/app/app.js"]
`,
    finds: [/^state: root wrote \/var\/cache\/thumbs, and the account may not: \/var\/cache is 0:0 0755/],
  },
  {
    name: 'data-under-volume',
    title: 'the directory of a volume stays root\'s',
    program: 'sqlite-volume',
    dockerfile: `FROM python:3.11-slim
COPY app.py /srv/app.py
ENV DATA_DIR=/data
VOLUME /data
EXPOSE 8000
USER 10001:10001
CMD ["python", "/srv/app.py"]
`,
    finds: [/^runs: it ends with status 1: .*unable to open database file/, /^state: root wrote \/data/],
  },
  {
    name: 'made-as-the-account',
    title: 'a step behind USER needs root',
    program: 'node-uploads',
    dockerfile: `FROM node:20
WORKDIR /app
COPY server.js .
USER 1000:1000
RUN mkdir /app/uploads
EXPOSE 3000
CMD ["node", "server.js"]
`,
    finds: [/^builds: it no longer builds: RUN mkdir \/app\/uploads: .*Permission denied/],
  },
  {
    name: 'home-of-root',
    title: 'the code lies in root\'s home',
    program: 'workdir-root',
    dockerfile: `FROM node:20
WORKDIR /root
COPY app.js .
EXPOSE 3000
USER 1000:1000
CMD ["node", "app.js"]
`,
    finds: [/^runs: /],
  },
  {
    name: 'pid-file',
    title: 'a shell that can not write its pid file starts nothing',
    program: 'shell-form-pid-file',
    dockerfile: `FROM node:20
COPY server.js /app/server.js
RUN mkdir /run/app
ENV DIR=/run/app
EXPOSE 3000
USER 1000:1000
CMD echo $$ > /run/app/app.pid && exec node /app/server.js
`,
    finds: [/^runs: it ends with status \d+: .*app\.pid.*Permission denied/i],
  },
  {
    name: 'chowning-as-the-account',
    title: 'a start script that needs root is no longer root',
    program: 'chowning-entrypoint',
    dockerfile: `FROM node:20
RUN mkdir /data
COPY server.js /app/server.js
COPY entrypoint.sh /entrypoint.sh
ENV DIR=/data
EXPOSE 3000
USER 1000:1000
ENTRYPOINT ["/entrypoint.sh"]
`,
    finds: [/^runs: it ends with status 1: .*chown: changing ownership of '\/data': Operation not permitted/],
  },
  {
    name: 'chown-of-everything',
    title: 'a second copy of all that is there',
    program: 'model-beside-code',
    dockerfile: `FROM python:3.11-slim
WORKDIR /srv
RUN head -c 8000000 /dev/urandom > model.bin
COPY app.py .
RUN mkdir answers
EXPOSE 8000
RUN chown -R 10001:10001 /srv
USER 10001:10001
CMD ["python", "app.py"]
`,
    finds: [/^size: /],
  },
  {
    name: 'name-for-a-number',
    title: 'a cluster can not check that a name is not root',
    program: 'node-home',
    dockerfile: `FROM node:20-alpine
COPY cache.js /app/cache.js
EXPOSE 3000
USER node
CMD ["node", "/app/cache.js"]
`,
    finds: [/^strict: USER is node: a cluster can't check/],
  },
];
