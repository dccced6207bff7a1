import { readApache } from './apache.ts';
import { readCaddyfile } from './caddy.ts';
import { readH2o } from './h2o.ts';
import { readHaproxy } from './haproxy.ts';
import { readLighttpd } from './lighttpd.ts';
import { readNginx } from './nginx.ts';
import { readTraefik } from './traefik.ts';
import type { ConfigFiles, ServerConfiguration, ServerKind } from './types.ts';

/**
 * What a server's configuration says, from the file that it reads first on.
 * @param root what relative paths in it are seen from
 */
export function readServer(kind: ServerKind, entry: string, files: ConfigFiles, root: string): ServerConfiguration {
  switch (kind) {
    case 'nginx':
      return readNginx(entry, files, root);
    case 'apache':
      return readApache(entry, files, root);
    case 'haproxy':
      return readHaproxy(entry, files);
    case 'caddy':
      return readCaddyfile(entry, files);
    case 'lighttpd':
      return readLighttpd(entry, files);
    case 'h2o':
      return readH2o(entry, files);
    case 'traefik':
      return readTraefik(entry, files);
  }
}
