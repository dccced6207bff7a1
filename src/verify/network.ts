import type { Engine } from './engine.ts';

/** The network that a run's containers share without seeing each other. */
export interface Network {
  name: string;
  /** How a container's ports are reached from here: by its own address, or by ports published on this machine. */
  reach: 'address' | 'published';
}

/**
 * Makes a network of the run's own. Unless `egress` is asked for it leads nowhere.
 * A container's address can be reached only where its network lies on this machine: on Linux, and not with a
 * rootless engine. Elsewhere ports are published, which an internal network does not do (Docker's documentation
 * of `--internal`); then packets leave it with an address that no answer finds back to.
 */
export async function makeNetwork(engine: Engine, egress: boolean): Promise<Network> {
  const reach = (await isLocal(engine)) ? 'address' : 'published';
  const flags = engine.isPodman ? [] : ['--opt', 'com.docker.network.bridge.enable_icc=false'];
  if (!egress) flags.push(...(reach === 'address' || engine.isPodman ? ['--internal'] : ['--opt', 'com.docker.network.bridge.enable_ip_masquerade=false']));
  const name = `unroot-${engine.owner}`;
  await engine.call(['network', 'create', ...engine.labels, ...flags, name]);
  return { name, reach };
}

async function isLocal(engine: Engine): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const info = await engine.call(['info', '--format', engine.isPodman ? '{{.Host.Security.Rootless}}' : '{{.SecurityOptions}}']);
  return engine.isPodman ? !info.includes('true') : !info.includes('name=rootless');
}
