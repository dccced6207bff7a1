import { dirname, join, posix } from 'node:path';
import type { Target } from '../project.ts';
import { resolvePath } from '../shell/read.ts';
import { operands } from './commands.ts';
import { copiesOf, originOf } from './copies.ts';
import { historyOf } from './history.ts';
import { memo } from './memo.ts';
import { startOf } from './start.ts';

/** A place in the application's source that writes to a literal path. */
export interface SourceWrite {
  /** Absolute, in the image. */
  path: string;
  kind: 'file' | 'directory';
  /** File and line of the source, for the reader. */
  where: string;
}

interface Call {
  files: RegExp;
  /** Its first group is the literal path, or with `named` the name of a variable that holds it. */
  call: RegExp;
  named?: true;
  /** What its path is relative to, where that is not the working directory: the folder of Django's manage.py, or that of the source file. */
  from?: 'project' | 'file';
  kind?: SourceWrite['kind'];
}

const SAVES = String.raw`\b(?:save|to_csv|to_json|to_excel|to_parquet|to_pickle|write_csv|savefig|imwrite|download_to_filename|save_model|save_pretrained|save_weights)\(`;
const TAKES_IT_LAST = String.raw`\b(?:torch\.save|joblib\.dump|urlretrieve|shutil\.(?:copy\w*|move))\([^()\n]*,`;

/** What is searched: the commonest writes to literal paths. A hit is a write sign; no hit proves nothing. */
const WRITES: Call[] = [
  { files: /\.py$/, call: /\bopen\(\s*f?r?["']([^"'{}%]+)["']\s*,\s*(?:mode\s*=\s*)?["'][wax]/g },
  { files: /\.py$/, call: /\bsqlite3\.connect\(\s*["']([^"':?{}%]+)["']/g },
  { files: /\.py$/, call: /\b(?:Rotating|TimedRotating)?FileHandler\(\s*["']([^"'{}%]+)["']/g },
  { files: /\.py$/, call: /\bos\.(?:makedirs|mkdir)\(\s*["']([^"'{}%]+)["']/g },
  { files: /\.py$/, call: /["']sqlite:\/\/\/([^"'?{}%]+)["']/g },
  { files: /\.py$/, call: /["']sqlite:\/\/\/["']\s*\+\s*(?:str\(\s*)?os\.path\.join\(\s*\w+\s*,\s*["']([\w./-]+)["']/g, from: 'file' },
  { files: /\.py$/, call: new RegExp(`${SAVES}\\s*["']([^"'{}%]*[\\w-]\\.\\w{1,5}|[\\w.-]+/[^"'{}%]*)["']`, 'g') },
  { files: /\.py$/, call: new RegExp(`${SAVES}\\s*([A-Za-z_]\\w*)\\s*[,)+]`, 'g'), named: true },
  { files: /\.py$/, call: new RegExp(`${TAKES_IT_LAST}\\s*["']([^"'{}%]+)["']`, 'g') },
  { files: /\.py$/, call: new RegExp(`${TAKES_IT_LAST}\\s*([A-Za-z_]\\w*)\\s*\\)`, 'g'), named: true },
  { files: /\.[cm]?[jt]s$/, call: /\b(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|mkdirSync|mkdir)\(\s*["']([^"'$]+)["']/g },
  { files: /\.[cm]?[jt]s$/, call: /\bnew\s+(?:sqlite3\.)?Database\(\s*["']([^"':$]+)["']/g },
  { files: /\.[cm]?[jt]s$/, call: /\bdest\s*:\s*["']([^"'$]+)["']/g },
  { files: /settings[\w/]*\.py$/, call: /BASE_DIR\s*\/\s*["']([\w./-]+\.sqlite3?)["']/g, from: 'project' },
  { files: /settings[\w/]*\.py$/, call: /os\.path\.join\(\s*BASE_DIR\s*,\s*["']([\w./-]+\.sqlite3?)["']/g, from: 'project' },
  { files: /settings[\w/]*\.py$/, call: /^MEDIA_ROOT\s*=\s*(?:str\(\s*)?(?:os\.path\.join\(\s*)?BASE_DIR\s*[,/]\s*["']([\w./-]+)["']/gm, from: 'project', kind: 'directory' },
  { files: /\.cs$/, call: /\bPath\.Combine\(\s*\w+\.ContentRootPath\s*,\s*["'](\w*logs?)["']/gi, kind: 'directory' },
  { files: /\.rb$/, call: /\bFile\.(?:open|write)\(\s*["']([^"'#]+)["']\s*,\s*["'][wa]/g },
];

/** Enough for a service of one's own; a monorepo is not read through. */
const MAX_FILES = 300;
const MAX_BYTES = 200_000;
const SKIPPED = /^(node_modules|\.git|tests?|__tests__|spec|docs?|examples?|scripts|tools|bench|dist|build|vendor|venv|\.venv|migrations|e2e|cypress)$/;

/** Folders of these names are no code of the service, unless Django's settings lie there. */
const SELDOM_CODE = /^(docs?|examples?|scripts|tools|bench|build|dist)$/;

/** The writes to literal paths in source that is copied from the build context, where the target runs it. */
export const sourceWrites = memo((target: Target): SourceWrite[] => {
  const { context } = target.unit;
  const history = historyOf(target.stage, target.unit);
  const { cwd } = history;
  if (context === undefined || cwd === undefined) return [];
  const reader = new SourceReader(target, cwd);
  if (isDotnet(target)) reader.searchLogging(context, '', 0);
  if (!runsSource(target)) return reader.found;
  for (const { from, sources, destination, intoDirectory } of copiesOf(history)) {
    if (from !== undefined || destination === undefined) continue;
    for (const source of sources) {
      if (source === undefined || /[*?[]/.test(source) || /(^|\/)(node_modules|vendor|third_party)\/?$/.test(source)) continue;
      const path = join(context, source);
      const isFile = target.disk.stat(path)?.kind === 'file';
      reader.search(path, source, isFile && intoDirectory ? posix.join(destination, posix.basename(source)) : destination);
    }
  }
  for (const { source, text } of startedSources(target)) reader.read(source, text);
  return reader.found;
});

/** The source files that the start command names, which other stages may hand on: `node /site/run.mjs`. */
function startedSources(target: Target): { source: string; text: string }[] {
  return startOf(target).commands.flatMap(({ name, words, command }) => {
    if (name === undefined || !/^(python[\d.]*|node|ruby)$/.test(name)) return [];
    const path = resolvePath(command.cwd ?? historyOf(target.stage, target.unit).cwd, operands(words, /^-[rWX]$/)[0]?.value);
    const origin = path === undefined ? undefined : originOf(target, path);
    if (!origin || origin === 'elsewhere' || origin.text === undefined || origin.text.length > MAX_BYTES) return [];
    return [{ source: origin.source ?? path!, text: origin.text }];
  });
}

/** Whether the start command runs source as it is, rather than what a build made of it. */
function runsSource(target: Target): boolean {
  return startOf(target).commands.some(({ name }) => name !== undefined && /^(python[\d.]*|node|ruby|gunicorn|uvicorn|flask|celery|npm|yarn|ts-node|tsx|bundle|streamlit|django-admin)$/.test(name));
}

/** Whether it starts what was built of C#: its content root is where it works. */
function isDotnet(target: Target): boolean {
  return startOf(target).commands.some(({ name, words }) => name === 'dotnet' && words[1]?.value?.endsWith('.dll'));
}

/** Where logging of .NET is set up. */
const SETS_UP_LOGGING = /^(Program|Startup|\w*Logg(er|ing)\w*)\.cs$/;

class SourceReader {
  readonly found: SourceWrite[] = [];
  /** How many files may still be read. */
  private left = MAX_FILES;
  private readonly target: Target;
  private readonly cwd: string;

  constructor(target: Target, cwd: string) {
    this.target = target;
    this.cwd = cwd;
  }

  /**
   * Searches a file or folder.
   * @param shown how the reader knows it
   * @param image where it lies in the image
   */
  search(path: string, shown: string, image: string): void {
    const { disk } = this.target;
    const entry = disk.stat(path);
    if (!entry || this.left <= 0) return;
    if (entry.kind === 'directory') {
      for (const name of disk.list(path)) {
        if (!SKIPPED.test(name) || (SELDOM_CODE.test(name) && disk.hasAny(join(path, name), ['settings.py']))) this.search(join(path, name), posix.join(shown, name), posix.join(image, name));
      }
      return;
    }
    const calls = WRITES.filter(({ files }) => files.test(path));
    if (calls.length === 0 || entry.size > MAX_BYTES || /(^|[/.])(test|spec)[_.]|_test\.|\.(test|spec|config)\./.test(path)) return;
    this.left -= 1;
    const text = disk.read(path);
    if (text === undefined) return;
    for (const call of calls) this.collect(text, call, shown, this.startOf(call, path, image));
    if (path.endsWith('.py')) this.collectGradio(text, shown);
  }

  /**
   * Searches the C# of a build context, which other stages build, for the folder of logs.
   * @param shown how the reader knows the folder
   */
  searchLogging(folder: string, shown: string, depth: number): void {
    const { disk } = this.target;
    for (const name of disk.list(folder)) {
      const path = join(folder, name);
      if (this.left <= 0) return;
      if (SETS_UP_LOGGING.test(name)) {
        this.left -= 1;
        const text = disk.read(path);
        if (text !== undefined) this.read(posix.join(shown, name), text);
      } else if (depth < 5 && !name.includes('.') && !SKIPPED.test(name)) this.searchLogging(path, posix.join(shown, name), depth + 1);
      else if (depth < 5 && /^[A-Z]\w*(\.[A-Z]\w*)+$/.test(name) && !/Tests?$/.test(name)) this.searchLogging(path, posix.join(shown, name), depth + 1);
    }
  }

  /** Searches a file that a stage hands on, for what it writes where it works. */
  read(shown: string, text: string): void {
    for (const call of WRITES) if (call.from === undefined && call.files.test(shown)) this.collect(text, call, shown, this.cwd);
  }

  /** What the paths of a call are relative to. */
  private startOf({ from }: Call, path: string, image: string): string {
    if (from === 'project') return this.projectOf(path, image);
    return from === 'file' ? posix.dirname(image) : this.cwd;
  }

  /** The folder of manage.py above a settings file, which is what BASE_DIR is; two folders up where there is none. */
  private projectOf(path: string, image: string): string {
    let [folder, place] = [dirname(path), posix.dirname(image)];
    for (let up = 0; up < 3; up += 1) {
      if (this.target.disk.hasAny(folder, ['manage.py'])) return place;
      [folder, place] = [dirname(folder), posix.dirname(place)];
    }
    return posix.dirname(posix.dirname(image));
  }

  private collect(text: string, { call, named, kind = 'file' }: Call, shown: string, from: string): void {
    for (const match of text.matchAll(call)) {
      if (isCommentedOut(text, match.index)) continue;
      const literal = named ? assigned(text, match[1]!) : match[1]!;
      // A model is saved under its name, beside the code, where nothing else is in sight.
      if (literal === undefined && match[0].startsWith('save_pretrained')) this.add(from, 'directory', shown, text, match.index);
      if (literal !== undefined) this.add(literal.startsWith('~') ? undefined : resolvePath(from, literal), literal.endsWith('/') || makesOnce(text, match, literal) ? 'directory' : kind, shown, text, match.index);
    }
  }

  /** An Interface of Gradio makes a folder for what is flagged when it is built, unless it is told not to. */
  private collectGradio(text: string, shown: string): void {
    const match = /\b(?:gr|gradio)\.Interface\(/.exec(text);
    if (!match || !/\bimport gradio\b/.test(text) || /(allow_flagging|flagging_mode)\s*=\s*["']never["']/.test(text)) return;
    const folder = /flagging_dir\s*=\s*["']([^"'{}%]+)["']/.exec(text)?.[1] ?? (this.isOldGradio() ? 'flagged' : '.gradio');
    this.add(resolvePath(this.cwd, folder), 'directory', shown, text, match.index);
  }

  /** Before 5 it was called `flagged`. */
  private isOldGradio(): boolean {
    const { unit, disk } = this.target;
    const texts = [unit.dockerfile.text, disk.read(join(unit.context!, 'requirements.txt')) ?? '', disk.read(join(dirname(unit.file.absolute), 'requirements.txt')) ?? ''];
    return texts.some((text) => /\bgradio(\[[^\]]*\])?\s*[=~<]=?\s*[0-4]\./.test(text));
  }

  private add(path: string | undefined, kind: SourceWrite['kind'], shown: string, text: string, index: number): void {
    if (path === undefined || this.found.some((one) => one.path === path)) return;
    this.found.push({ path, kind, where: `${shown}:${text.slice(0, index).split('\n').length}` });
  }
}

/** Whether a place stands behind the mark of a comment that begins its line. */
function isCommentedOut(text: string, index: number): boolean {
  return /^[ \t]*(#|\/\/|\*)/.test(text.slice(text.lastIndexOf('\n', index - 1) + 1, index));
}

/** Whether a call makes a directory and does not mind that it is there already. */
function makesOnce(text: string, { 0: call, index }: RegExpExecArray, literal: string): boolean {
  if (!/^(os\.)?(makedirs|mkdir)/.test(call)) return false;
  const options = /^[^)\n]*/.exec(text.slice(index! + call.length))![0];
  return /exist_ok\s*=\s*True|recursive\s*:\s*true/.test(options) || ['exists', 'isdir', 'existsSync'].some((test) => text.includes(`${test}('${literal}')`) || text.includes(`${test}("${literal}")`));
}

/** The literal path that a source assigns to a name, and nothing else. */
function assigned(text: string, name: string): string | undefined {
  const values = [...text.matchAll(new RegExp(`^[ \\t]*${name}[ \\t]*(?::[ \\t]*str[ \\t]*)?=[ \\t]*(.*)$`, 'gm'))].map((match) => match[1]!);
  const literals = values.map((value) => /^["']([^"'{}%]*[\w-]\.\w{1,5}|[\w./-]+\/[^"'{}%]*)["']\s*(#.*)?$/.exec(value)?.[1]);
  return literals.length === 1 ? literals[0] : undefined;
}
