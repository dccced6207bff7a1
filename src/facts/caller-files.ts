import { posix } from 'node:path';
import { isWithin } from '../image-paths.ts';
import type { Target } from '../project.ts';
import type { ShellCommand } from '../shell/read.ts';
import { commandsOf, mentions, unwrap } from './commands.ts';
import { copiesOf } from './copies.ts';
import { type History, historyOf } from './history.ts';
import { runsWithVolume } from './run-lines.ts';
import { madeDirectories } from './writes.ts';

/** What says that a tool works on files of whoever calls it; undefined where nothing does. */
export function callerFiles(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  const [volume] = history.volumes;
  if (volume) return `it is a tool with a VOLUME ${volume.path ?? volume.instruction.args} for its caller's files`;
  const place = runsWithVolume(target);
  if (place) return `${place} runs it with files of its caller mounted`;
  const made = madeDirectories(history).find(({ path }) => FOR_CALLERS.test(path));
  if (made) return `it is a tool, and a RUN makes ${made.path} for its caller's files`;
  const { cwd } = history;
  if (cwd !== undefined && cwd !== '/' && !isFilled(target, cwd)) return `it is a tool that works in ${cwd}, an empty directory for its caller's files`;
  return fileTool(history.entrypoint?.words ?? []) ?? kindOfTool(history) ?? laboratory(history);
}

/** Tools that read files of genomes or medical images and write more of them, named in a RUN: what is a tool and has them works on files too. */
function laboratory({ steps }: History): string | undefined {
  const step = steps.find((one) => mentions(one, LABORATORY));
  const [, name] = LABORATORY.exec(step?.instruction.args ?? '') ?? [];
  return name && `it is a tool, and a RUN brings ${name}, which works on files of its caller`;
}

const LABORATORY = /\b(samtools|bcftools|bedtools|bowtie2?|hisat2|fastqc|nibabel|pydicom|pyradiomics|nipype|dcm2niix|dcmqi|freesurfer)\b/;

/** A program that does nothing but read and write the files that its caller names, where it is what is started: as what it is known. */
export function fileTool([program]: readonly string[]): string | undefined {
  const name = posix.basename(program ?? '');
  return FILE_TOOLS.test(name) ? `${name} reads and writes the files that its caller names` : undefined;
}

const FILE_TOOLS = /^(ff(mpeg|probe)|sox|lame|convert|mogrify|magick|montage|gs|ghostscript|pandoc|(pdf|xe|lua)?latex|latexmk|asciidoctor|qpdf|pdftk|exiftool|gdal\w+|ogr2ogr|blender|protoc(-wrapper)?|pyradiomics|emcc|em\+\+|gcc|g\+\+|clang(\+\+|-format|-tidy)?|prettier|eslint|black|shellcheck|hadolint|samtools|bcftools|bedtools|youtube-dl|yt-dlp)$/;

/** What a file says of itself that only images of tools for files of a caller say. */
export function kindOfTool({ steps, stages }: History): string | undefined {
  if (steps.some((step) => mentions(step, /\bbids[-_]?(app|validator|dataset)/))) return 'it is a BIDS app, which works on a data set of its caller';
  if (steps.some(({ variables }) => variables('DAPPER_SOURCE') !== undefined)) return 'it is an image of Dapper, which builds the code of its caller';
  const labels = stages.flatMap(({ instructions }) => instructions.filter(({ keyword }) => keyword === 'LABEL'));
  return labels.some(({ args }) => /\bbase\.image\b/.test(args)) && labels.some(({ args }) => /\bsoftware\.version\b/.test(args)) ? 'its labels are those of BioContainers, whose tools work on files of their caller' : undefined;
}

/** Empty directories at the root that are there to be mounted over. */
const FOR_CALLERS = /^\/(data|dataset|bids_dataset|in|inputs?|out|outputs?|results?|work|workspace|scratch|src|source|project|repo|mnt(\/\w+)?)$/i;

/** Whether anything is put into a directory: a copy, or a RUN that works in it. */
export function isFilled(target: Target, directory: string): boolean {
  const history = historyOf(target.stage, target.unit);
  if (copiesOf(history).some(({ destination }) => destination === undefined || isWithin(destination, directory))) return true;
  return history.steps.some((step) => step.instruction.keyword === 'RUN' && commandsOf(step).some((command) => mayFill(command, directory)));
}

/** Whether a command names a directory, or works there and is not one that writes elsewhere. */
function mayFill(command: ShellCommand, directory: string): boolean {
  const { name, words } = unwrap(command);
  if (words.some(({ value }) => value !== undefined && isWithin(value, directory))) return true;
  if (command.cwd !== directory || (words.length === 2 && /^-{1,2}(version|help)$/.test(words[1]!.value ?? ''))) return false;
  return FOR_CALLERS.test(directory) ? FILLS.test(name ?? '') : !WRITES_ELSEWHERE.test(name ?? '');
}

/** What leaves files where it works; of a directory that by its name is for a caller's files, nothing else is taken to. */
const FILLS = /^(make|cmake|qmake|ninja|meson|configure|autogen\.sh|bootstrap|go|cargo|gcc|g\+\+|clang|dotnet|mvn|mvnw|gradle|gradlew|ant|sbt|npm|yarn|pnpm|bundle|composer|mix|stack|cabal|git|svn|hg|tar|unzip|wget|curl|cp|mv|tee|touch|python[\d.]*|sh|bash)$/;

/** Package managers, accounts and the shell's own. */
const WRITES_ELSEWHERE = /^(apt|apt-get|aptitude|apk|yum|dnf|microdnf|zypper|pacman|dpkg|rpm|pip[\d.]*|gem|ldconfig|locale-gen|update-alternatives|update-ca-certificates|groupadd|useradd|addgroup|adduser|usermod|rm|mkdir|chown|chmod|echo|true|set|export|cd|test|\[)$/;
