import type { StackPlan } from '../../src/verify/index.ts';

/** A small compose project in `stacks/<name>/`, and what unroot must make of it. */
export interface StackCase {
  name: string;
  /** Why it is here. */
  title: string;
  /** Files of `programs/shared/` that it takes, by where they go. */
  shared?: Record<string, string>;
  /** Whether its fixes need leave. */
  unsafe?: boolean;
  /** By service, the uids of its processes in the end: `[0, 101]` for one that is root and has workers that are not. */
  uids: Record<string, number[]>;
  asks: NonNullable<StackPlan['asks']>;
  needless?: StackPlan['needless'];
  between?: StackPlan['between'];
  running?: StackPlan['running'];
  /** What must be found, by service, as `rule: message`; nothing where all holds. */
  finds?: Record<string, RegExp[]>;
}

const KEPT = [
  { published: 8080, path: '/a.txt', method: 'PUT', body: 'a', answer: 'ok' },
  { published: 8080, path: '/', answer: 'kept: a.txt' },
] as const;

// nginx's entrypoint has it listen on IPv6 too where it may change this file, and says so where it may not.
const NGINX_ENTRYPOINT = ['/etc/nginx/conf.d/default.conf'];

export const stacks: StackCase[] = [
  {
    name: 'proxy-and-data',
    title: 'a proxy in front of an application with a new volume',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
    finds: { proxy: [/^strict: .*bind\(\) to 0\.0\.0\.0:80 failed/] },
  },
  {
    name: 'proxy-and-data',
    title: 'the same with data that root wrote, which is given over by the command that the report names',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
    between: [['run', '--rm', '--no-deps', '--user', '0', 'api', 'chown', '-R', '1000:1000', '/data']],
    finds: { proxy: [/^strict: .*bind\(\) to 0\.0\.0\.0:80 failed/] },
  },
  {
    name: 'proxy-and-data',
    title: 'the same with data that nobody gives over: the application can no longer write',
    unsafe: true,
    shared: { 'server.js': 'api/server.js' },
    uids: { proxy: [101], api: [1000] },
    asks: [...KEPT],
    needless: { proxy: NGINX_ENTRYPOINT },
    between: [],
    finds: { proxy: [/^answers: PUT \/a\.txt on port 80 answers 500, not 200: .*EACCES/, /^strict: /], api: [/^state: root wrote \/data\/a\.txt, and the account may not/] },
  },
];
