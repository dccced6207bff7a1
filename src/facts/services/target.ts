import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Mount } from '../../compose/read.ts';
import { parseDockerfile } from '../../dockerfile/parse.ts';
import { DockerfileError } from '../../dockerfile/scan.ts';
import type { Disk } from '../../disk.ts';
import { parseReference, withOpenTag } from '../../images/reference.ts';
import { type BuiltImage, imageKey, type LinkedService, type Project, type SourceFile, type Target, type Unit } from '../../project.ts';
import { memo } from '../memo.ts';
import { wordsOf } from '../start.ts';

/**
 * A service as a target, so that it is asked the same questions as a stage: a Dockerfile that is FROM its
 * image, has what is mounted into it from the repository, and says what the service says. It stands in no
 * file; offsets and lines in it mean nothing.
 * Undefined for a service of which not even the image is known.
 */
export const serviceTarget = memo((linked: LinkedService, project: Project): Target | undefined => {
  const built = builtFor(linked, project);
  const from = built ? BUILT_HERE : linked.service.build ? undefined : imageOf(linked);
  const unit = from === undefined ? undefined : unitOf(linked, from, built, project);
  if (!unit) return undefined;
  const [stage] = unit.dockerfile.stages;
  stage!.name = linked.source.name;
  return { unit, stage: stage!, services: unit.services, probable: [], disk: project.disk, project, standsFor: linked };
});

/** The target of a Dockerfile here that a service runs: what it builds, or an image that is built here under that name. */
export const builtFor = memo((linked: LinkedService, project: Project): Target | undefined => {
  const { service } = linked;
  const builds = project.targets.find(({ services }) => services.some((one) => one === linked));
  if (builds || service.build || service.image === undefined) return builds;
  const reference = parseReference(service.image);
  const built = reference && project.images.get(imageKey(reference));
  return built && project.targets.find(({ stage }) => stage === built.stage);
});

/** Where a mount's path on the host is, absolute; undefined for a volume, a home directory, or a variable but PWD: compose is run where the file is. */
export function hostPath({ type, source, directory }: Mount): string | undefined {
  const path = source?.replace(/^\$(PWD|\{PWD\})(?=\/|$)/, '.');
  return type !== 'bind' || path === undefined || /^~|\$/.test(path) ? undefined : resolve(directory, path);
}

/** What stands for the same service in a project that was read afresh; undefined where it is gone. */
export function serviceAgain({ path, source, base }: LinkedService, project: Project): Target | undefined {
  const linked = project.services.find((one) => one.path === path && one.source.name === source.name && one.base?.path === base?.path);
  return linked && serviceTarget(linked, project);
}

const BUILT_HERE = 'unroot/built-here';

/** What FROM says for the image. */
function imageOf({ service: { image } }: LinkedService): string | undefined {
  return image === undefined || parseReference(image) ? image : withOpenTag(image);
}

function unitOf(linked: LinkedService, from: string, built: Target | undefined, project: Project): Unit | undefined {
  const { service, file } = linked;
  const source = project.files.get(file.absolute);
  if (!source) return undefined;
  const images = built ? new Map<string, BuiltImage>([[imageKey(parseReference(BUILT_HERE)!), built]]) : new Map<string, BuiltImage>();
  // What it starts and mounts is in the Dockerfile already.
  const quiet: LinkedService = { ...linked, service: { ...service, command: undefined, entrypoint: undefined, mounts: [], powers: [] } };
  try {
    const dockerfile = parseDockerfile(instructions(linked, from, source, project.disk).join('\n'));
    return { file: source, dockerfile, context: source.root, services: [quiet], builders: [], config: project.configFor(file.absolute), source: project.source, images };
  } catch (error) {
    if (error instanceof DockerfileError) return undefined; // what no Dockerfile could say is not known either
    throw error;
  }
}

function instructions({ service }: LinkedService, from: string, { root }: SourceFile, disk: Disk): string[] {
  const { entrypoint, command, workingDir, environment, user, mounts } = service;
  return [
    `FROM ${from}`,
    ...Object.entries(environment).flatMap(([name, value]) => (/^[A-Za-z_]\w*$/.test(name) && !/[\r\n]/.test(value) ? [`ENV ${name}="${value.replace(/[\\"$]/g, '\\$&')}"`] : [])),
    ...mounts.flatMap((mount) => copied(mount, root, disk)),
    ...(workingDir === undefined ? [] : [`WORKDIR ${workingDir}`]),
    ...(entrypoint === undefined ? [] : [`ENTRYPOINT ${JSON.stringify(wordsOf(entrypoint))}`]),
    ...(command === undefined ? [] : [`CMD ${JSON.stringify(wordsOf(command))}`]),
    ...(user === undefined || user.includes('$') || user.trim() === '' ? [] : [`USER ${user}`]),
  ];
}

/** What is mounted out of the repository is there as if it had been copied. */
function copied(mount: Mount, root: string, disk: Disk): string[] {
  const host = hostPath(mount);
  const way = host === undefined ? '' : relative(root, host);
  if (host === undefined || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) || /[\r\n]/.test(way + mount.target) || disk.stat(host) === undefined) return [];
  return [`COPY ${JSON.stringify([way === '' ? '.' : way.split(sep).join('/'), mount.target])}`];
}
