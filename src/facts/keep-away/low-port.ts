import { portsOf } from '../ports.ts';
import type { KeepAway } from './index.ts';

/** RULES H: a low port that is not moved, where something in sight runs it outside a network of its own. */
export const lowPortElsewhere: KeepAway = (target) => {
  const low = portsOf(target).find(({ runs }) => runs === 'cluster' || runs === 'shared network');
  if (!low) return undefined;
  return {
    rule: 'low-port-in-kubernetes',
    message: `${low.because}, and ${low.where} runs it where a port below 1024 needs root`,
    advice: `listen on ${low.port + 8000} and change the port there too, or set net.ipv4.ip_unprivileged_port_start=0 there`,
  };
};
