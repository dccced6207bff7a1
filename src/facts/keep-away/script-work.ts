import { posix } from 'node:path';
import type { Target } from '../../project.ts';
import { resolvePath } from '../../shell/read.ts';
import { madeAccounts } from '../accounts.ts';
import { commandsOf, mentions, operands, unwrap } from '../commands.ts';
import { copiesOf, lacksSource } from '../copies.ts';
import { type History, historyOf } from '../history.ts';

/** What the build prepares for a start script out of sight that only root can do: templates in /etc, accounts of several programs, an account of a base that nobody knows. */
export function preparedWork(target: Target): string | undefined {
  const history = historyOf(target.stage, target.unit);
  return template(target, history) ?? accounts(history) ?? baseAccount(history);
}

/** `COPY nginx.conf.tmpl /etc/nginx/`: the script fills it where only root may write, unless a RUN opens that directory. */
function template(target: Target, history: History): string | undefined {
  for (const copy of copiesOf(history)) {
    const { sources, destination, intoDirectory, from, chown } = copy;
    if (destination === undefined || from !== undefined || chown !== undefined || !lacksSource(target, copy)) continue;
    for (const source of sources) {
      const path = intoDirectory ? posix.join(destination, posix.basename(source ?? '')) : destination;
      const directory = posix.dirname(path);
      const isOfSystem = /^\/(usr\/local\/)?etc(\/|$)/.test(directory);
      if (!TEMPLATE.test(path) || !(isOfSystem || CONFIGURATION.test(path)) || isOpened(directory, history)) continue;
      return `${path} is a template, which such scripts fill in ${directory}, where only root may write`;
    }
  }
  return undefined;
}

const TEMPLATE = /\.(tmpl|template|tpl|ctmpl|j2)$/;
const CONFIGURATION = /(^|[/._-])(config|conf|settings|properties)[^/]*\.\w+$/;

function isOpened(directory: string, { steps }: History): boolean {
  return steps.some((step) => mentions(step, /ch(mod|own|grp)|permissions/) && commandsOf(step).some((command) => {
    const { name, words } = unwrap(command);
    return /^(ch(mod|own|grp)|fix-permissions)$/.test(name ?? '') && operands(words).some(({ value }) => {
      const path = resolvePath(command.cwd, value);
      return path !== undefined && path !== '/' && (path === directory || directory.startsWith(`${path}/`));
    });
  }));
}

/** Accounts for several programs: one script starts each as its own. */
function accounts(history: History): string | undefined {
  const names = [...new Set(madeAccounts(history).map(({ name }) => name))];
  return names.length < 2 ? undefined : `the file makes accounts for several programs (${names.join(', ')}), and to start each as its own takes root`;
}

/** `chown $RUN_AS_USER` with a variable that nothing here sets: the base has an account, and its scripts change to it. */
function baseAccount({ steps, base }: History): string | undefined {
  if (base.kind === 'image' && base.facts !== undefined) return undefined;
  for (const step of steps) {
    // What a file sets that the RUN sources is another matter.
    if (!mentions(step, /chown[^;&|]*\$\{?\w*USER/) || mentions(step, /(^|[;&|]\s*)(\.|source)\s/)) continue;
    for (const command of commandsOf(step)) {
      const { name, words } = unwrap(command);
      const [owner] = name === 'chown' ? operands(words) : [];
      const variable = /^["']?\$\{?(\w*USER\w*)\b/.exec(owner?.text ?? '')?.[1];
      if (variable !== undefined && step.variables(variable) === undefined) return `RUN chown ${owner!.text} says that the base has an account for it, to which such scripts change as root`;
    }
  }
  return undefined;
}
