import type { ImageEntry } from './types.ts';

/** The same image under a tag that does not run as root, and what lies elsewhere in it. */
export interface RootlessVariant {
  tag: string;
  /** Whom it runs as, uid and gid. */
  user: string;
  /** Where it keeps its data, by where the image itself keeps it. */
  paths?: Readonly<Record<string, string>>;
  /** Its ports, by those of the image itself. */
  ports?: Readonly<Record<number, number>>;
  /** What it must be told so that it finds what the image itself has left. */
  environment?: Readonly<Record<string, string>>;
  /** What has to be done in the data once before it starts, in a shell, by the path that the variant has it at. */
  once?: Readonly<Record<string, string>>;
  /** What has to be done once when it runs: words for `docker compose exec`. */
  then?: string;
  /** Variables and paths of mounts that mean something else to it. */
  stuckOn?: { variables?: readonly string[]; mounts?: readonly string[] };
}

interface Rule {
  /** The tags that have a variant. */
  tags: RegExp;
  suffix: string;
  variant: Omit<RootlessVariant, 'tag'>;
}

/** By entry of the catalogue. */
const VARIANTS: Readonly<Record<string, Rule>> = {
  qdrant: { tags: /^(latest|v\d[\w.]*)$/, suffix: '-unprivileged', variant: { user: '1000:1000' } },
  'uptime-kuma': { tags: /^2[\d.]*(-slim)?$/, suffix: '-rootless', variant: { user: '1000:1000' } },
  // go-gitea/gitea: Dockerfile.rootless, docker/rootless/usr/local/bin/docker-setup.sh, docs "Installation with Docker (rootless)", Upgrading from standard image.
  gitea: {
    tags: /^(latest|1|1\.(1[4-9]|[2-9]\d)(\.\d+)?)$/,
    suffix: '-rootless',
    variant: {
      user: '1000:1000',
      paths: { '/data': '/var/lib/gitea' },
      ports: { 22: 2222 },
      environment: { GITEA_APP_INI: '/var/lib/gitea/custom/conf/app.ini', GITEA__server__START_SSH_SERVER: 'true', GITEA__server__SSH_LISTEN_PORT: '2222' },
      once: { '/var/lib/gitea': 'mv gitea custom && sed -i -e s#/data/gitea#/var/lib/gitea/custom#g -e s#/data/git#/var/lib/gitea/git#g custom/conf/app.ini' },
      then: 'gitea admin regenerate hooks',
      stuckOn: { variables: ['SSH_LISTEN_PORT', 'GITEA__server__SSH_LISTEN_PORT', 'GITEA_WORK_DIR', 'GITEA_CUSTOM', 'GITEA_APP_INI'] },
    },
  },
  // passbolt/passbolt_docker: debian/Dockerfile.rootless, README.md, CHANGELOG.md (from 2.13.5 on), docker-compose/docker-compose-ce.yaml.
  passbolt: {
    tags: /^(latest|[3-9]\.\d[\w.-]*)-(ce|pro)$/,
    suffix: '-non-root',
    variant: { user: '33:33', ports: { 80: 8080, 443: 4433 }, stuckOn: { mounts: ['/etc/ssl'] } },
  },
};

/** The tag of the same repository under which an image runs without root; undefined where none is known. */
export function rootlessVariant({ id }: ImageEntry, tag: string | undefined): RootlessVariant | undefined {
  const rule = VARIANTS[id];
  const name = tag ?? 'latest';
  return rule?.tags.test(name) ? { ...rule.variant, tag: `${name}${rule.suffix}` } : undefined;
}
