import { jointMoves, type JointMove } from '../src/facts/joint-moves.ts';
import type { Reason } from '../src/facts/judgement.ts';
import { listeningOf } from '../src/facts/listening.ts';
import type { PortMove } from '../src/facts/port-move.ts';
import { needingSysctl } from '../src/facts/port-sysctl.ts';
import { runsOf } from '../src/facts/runs.ts';
import { serviceAgain } from '../src/facts/services/target.ts';
import { type Target, stageLabel } from '../src/project.ts';
import type { Finding, Transform } from '../src/transform.ts';

export const lowPorts: Transform = {
  name: 'low-ports',
  summary: 'a port below 1024 becomes a high one wherever it is named; what the outside sees stays',
  docs: `80 becomes 8080, 443 becomes 8443, any other port 8000 more, or what ports in the configuration says:
in the start command, the environment and the configuration of nginx, Apache, haproxy, Caddy, Traefik, lighttpd
and H2O, in EXPOSE and HEALTHCHECK, and in compose on the container's side of ports, in expose, health checks, labels,
and the URLs and configurations of other services. All of these or none. The host's side stays.

It is moved where root goes, or has gone: a high port alone buys nothing. Where the fix that takes root away is left
out, the port stays, and the report says so; --only low-ports moves it all the same.

Without root a port below 1024 can't be had with podman, on a host's network, and on older Kubernetes nodes.

A proxy that would take the port from what the image exposes gets it said: a label for Traefik, VIRTUAL_PORT
for nginx-proxy.

It stays away where a place that knows the port can't be changed, such as the application's own source: that is
shown with the place. It is unsafe where nothing in sight runs the image, and where a manifest, a chart, or a
docker run -p in a script, a CI file or a README names the port: each line is shown. Other documentation is not
searched: it may speak of any release.

A port that stays needs no root under Docker 20.10 and later, in a network of the container's own. --sysctl has
services that are taken off root say so themselves, with net.ipv4.ip_unprivileged_port_start.`,
  setsUser: false,
  example: 'nginx-with-its-own-configuration-listens-on-8080',
  *apply({ project, options }) {
    for (const move of jointMoves(project, options.ports)) yield finding(move);
  },
};

function finding(joint: JointMove): Finding {
  const { edits, obstacles, doubts } = joint;
  const [first] = joint.moves as [PortMove, ...PortMove[]];
  const { target } = first;
  const place = { target, ...placeOf(first) };
  if (obstacles.length > 0) {
    const canKeep = obstacles.every(({ advice }) => advice === undefined) && joint.moves.some((move) => needingSysctl(move.target, move.target.services).length > 0);
    const reasons = obstacles.map(({ message, advice = canKeep ? KEPT : undefined }): Reason => ({ rule: 'low-port', message, ...(advice === undefined ? {} : { advice }) }));
    return { ...place, message: `${saidBy(first)}; what names it can't all be changed`, safety: 'manual', reasons, edits: [], user: undefined };
  }
  return {
    ...place,
    message: `${saidBy(first)}; inside it becomes ${first.ports.map(({ to }) => to).join(' and ')}${alongWith(joint)}`,
    safety: doubts.length > 0 ? 'unsafe' : 'safe',
    reasons: doubts,
    edits,
    user: undefined,
    clearsWayFor: joint.wanted,
    verify: (after) => wrongPorts(joint, after),
  };
}

/** What remains where no place says what to do. */
const KEPT = 'change all of them by hand, or let the service keep the port: --sysctl writes net.ipv4.ip_unprivileged_port_start=0';

function placeOf({ place, target }: PortMove) {
  if (place) return { path: place.path, start: place.start, end: place.end };
  if (target.standsFor) return { path: target.standsFor.path, start: target.standsFor.source.key.start, end: target.standsFor.source.key.end };
  const { start, end } = target.stage.from;
  return { path: target.unit.file.path, start, end };
}

function saidBy({ ports }: PortMove): string {
  return ports.map(({ said }) => said).join(', ');
}

/** Other targets that move with the first, since they share a file. */
function alongWith({ moves }: JointMove): string {
  const others = moves.slice(1).map(({ target }) => `${target.unit.file.path} (${stageLabel(target)})`);
  return others.length > 0 ? `, also for ${others.join(', ')}` : '';
}

/** Every target listens where it was to, and nowhere below. */
function wrongPorts({ moves }: JointMove, { project }: Target): string | undefined {
  for (const { target, ports } of moves) {
    const after = target.standsFor ? serviceAgain(target.standsFor, project) : project.targets.find((one) => one.unit.file.path === target.unit.file.path && stageLabel(one) === stageLabel(target));
    const listening = after ? runsOf(after).flatMap((run) => listeningOf(run).map(({ port }) => port)) : [];
    for (const { from, to } of ports) {
      if (listening.includes(from)) return `it would still listen on ${from}`;
      if (!listening.includes(to)) return `it would not listen on ${to}`;
    }
  }
  return undefined;
}
