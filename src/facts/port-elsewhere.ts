import { dirname, join, relative } from 'node:path';
import type { Disk } from '../disk.ts';
import { scriptsUnder } from '../builders/read.ts';
import type { Target } from '../project.ts';
import { clusterPorts, isNamed, isOfficial, lastName, namesOf } from './clusters.ts';
import { memo, memoByName } from './memo.ts';
import { optionsOf, READMES, type RunCommand, runCommandsIn } from './run-lines.ts';

/** A line beside compose that knows a port of a target's containers. */
export interface PortElsewhere {
  /** As readers know it. */
  path: string;
  /** From 1. */
  line: number;
  /** What it says, as it is written. */
  said: string;
}

/** Manifests, charts, and `docker run -p` in scripts, Makefiles, CI files and READMEs that name a port of a target's containers. */
export function portElsewhere(target: Target, port: number): PortElsewhere[] {
  return [...clusterPorts(target, port), ...published(target).filter(({ ports: [first, last] }) => first <= port && port <= last)];
}

interface Published extends PortElsewhere {
  /** Of the container, both included. */
  ports: [number, number];
}

/** Every `-p` of a `docker run` that starts a target's image. */
const published = memo((target: Target): Published[] => {
  const { disk, unit: { file } } = target;
  const folders = new Set([dirname(file.absolute), file.root]);
  const paths = new Set([...scriptsUnder(disk, file.root), ...[...folders].flatMap((folder) => READMES.map((name) => join(folder, name)))]);
  const texts = [...paths].map((path) => ({ path, commands: commandsInFile(disk, path) }));
  // A comment in the file speaks of what it builds.
  return [...texts, { path: file.absolute, commands: commandsIn(file.text) }].flatMap(({ path, commands }) => (commands.length === 0 ? [] : publishedBy(commands, relative(file.root, path), dirname(path) === dirname(file.absolute), target)));
});

/** More than a script or a README of people has. */
const MAX_CHARACTERS = 500_000;

const commandsInFile = memoByName((disk: Disk, path): RunCommand[] => commandsIn(disk.read(path) ?? ''));

function commandsIn(text: string): RunCommand[] {
  return text.length > MAX_CHARACTERS ? [] : runCommandsIn(text);
}

function publishedBy(commands: readonly RunCommand[], path: string, isBeside: boolean, target: Target): Published[] {
  return commands.flatMap(({ words, line }) => {
    const { options, image } = optionsOf(words);
    if (image === undefined || !isOurs(image, isBeside, target)) return [];
    return options.flatMap(({ name, value }) => {
      const match = name === '-p' || name === '--publish' ? /(?:^|:)(\d+)(?:-(\d+))?(?:\/\w+)?$/.exec(value) : null;
      return match ? [{ path, line, said: `${name} ${value}`, ports: [Number(match[1]), Number(match[2] ?? match[1])] as [number, number] }] : [];
    });
  });
}

/** Whether an image is the target's by its name; beside the Dockerfile, whatever is nobody else's. */
function isOurs(image: string, isBeside: boolean, target: Target): boolean {
  if (isNamed(lastName(image), namesOf(target))) return true;
  const others = target.project.targets.filter((other) => other !== target);
  return isBeside && !isOfficial(image) && !others.some((other) => isNamed(lastName(image), namesOf(other)));
}
