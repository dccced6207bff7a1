import type { LinkedService } from '../project.ts';
import { scalarOf } from '../compose/layers.ts';

/** Another service of the stack that lives in a service's network. */
export function networkGuest({ service, stack }: LinkedService): string | undefined {
  const name = scalarOf(service.at('container_name'))?.value;
  const guest = stack.services.find((other) => other.service.networkMode === `service:${service.name}` || (name !== undefined && other.service.networkMode === `container:${name}`));
  return guest?.service.name;
}
