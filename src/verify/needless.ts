import { isWithin } from '../image-paths.ts';

/**
 * What root writes only because it can, and programs do without: they say so and go on. A path stands for
 * what lies below it too.
 */
const KNOWN: readonly string[] = [
  // nginx's entrypoint has it listen on IPv6 too where it may change this file (docker-library/nginx, 10-listen-on-ipv6-by-default.sh).
  '/etc/nginx/conf.d/default.conf',
  // fontconfig falls back to the cache below the home.
  '/var/cache/fontconfig',
];

/** Python keeps compiled code beside the source where it may, and compiles it again where not (PEP 3147). */
const COMPILED = /\/__pycache__(\/|$)|\.pyc(\.\d+)?$/;

/** Whether a path is written without need. @param own paths that the configuration names */
export function isNeedless(path: string, own: readonly string[]): boolean {
  return COMPILED.test(path) || [...KNOWN, ...own].some((known) => isWithin(path, known));
}
