import { dirname, join, relative } from 'node:path';
import { VERIFY_DEFAULTS } from '../settings-verify.ts';
import type { LinkedService } from '../project.ts';
import type { ComposeTree } from './compose.ts';
import { contextWith } from './context.ts';
import { EngineError } from './engine.ts';
import type { Proof, Session } from './pair.ts';
import { type Plan, secretsIn, type Subject } from './plan.ts';
import { proveStack, type ServiceProof } from './stack.ts';

/**
 * Services that could not be shown alone are brought up together with those of their compose files: many need
 * others. The other proofs stay as they are.
 */
export async function proveTogether(proofs: readonly Proof[], { trees }: Plan, session: Session): Promise<Proof[]> {
  const found = new Map<Proof, Proof>();
  for (const group of groupsOf(proofs.filter(needsOthers))) {
    const begun = Date.now();
    const services = await proveGroup(group.map(({ subject }) => subject), trees, session);
    for (const proof of group) found.set(proof, joined(proof, services, (Date.now() - begun) / 1000));
  }
  return proofs.map((proof) => found.get(proof) ?? proof);
}

/** One that was run, and did not work; what can't be built alone can't be built beside others. */
function needsOthers({ outcome, before, subject: { linked } }: Proof): boolean {
  return outcome === 'unproven' && before !== undefined && linked !== undefined && linked.stack.services.some(({ source }) => source.name !== linked.source.name);
}

function groupsOf(proofs: readonly Proof[]): Proof[][] {
  const groups = new Map<string, Proof[]>();
  for (const proof of proofs) {
    const key = filesOf(proof.subject.linked!).join('\n');
    groups.set(key, [...(groups.get(key) ?? []), proof]);
  }
  return [...groups.values()];
}

/** The compose file of a service, behind those that it is laid over. */
function filesOf({ base, file }: LinkedService): string[] {
  return [...(base ? filesOf(base) : []), file.absolute];
}

async function proveGroup(subjects: readonly Subject[], { before, after }: Plan['trees'], session: Session): Promise<ServiceProof[] | string> {
  const [{ root, linked, config }] = subjects as [Subject];
  const files = filesOf(linked!);
  const { bases, args, buildNetwork, buildSeconds } = config?.verify ?? VERIFY_DEFAULTS;
  const treeWith = (overlay: Plan['trees']['before']): ComposeTree => {
    const copy = contextWith(session.engine, root, overlay);
    const there = (path: string) => join(copy, relative(root, path));
    return { directory: there(dirname(files[0]!)), root: copy, files: files.map(there), bases, args, secrets: secretsIn(config), buildNetwork, buildSeconds };
  };
  const asks = subjects.flatMap(({ asks: own, linked: one }) => own.map((ask) => ({ ...ask, service: one!.source.name })));
  const needless = Object.fromEntries(subjects.map(({ needless: own, linked: one }) => [one!.source.name, own]));
  try {
    return (await proveStack({ before: treeWith(before), after: treeWith(after), asks, needless }, session)).services;
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  }
}

function joined(proof: Proof, services: ServiceProof[] | string, seconds: number): Proof {
  const own = typeof services === 'string' ? services : services.find(({ service }) => service === proof.subject.linked!.source.name);
  if (own === undefined || typeof own === 'string') return { ...proof, why: `${proof.why}; with the services beside it: ${own ?? 'there is none of that name'}` };
  const { outcome, why, differences, notes, before, after, strict } = own;
  const kept = notes.concat(`it was run together with the services beside it; alone, ${proof.why}`);
  return { ...proof, outcome, why, differences, notes: kept, before, after, strict, seconds: proof.seconds + seconds };
}
