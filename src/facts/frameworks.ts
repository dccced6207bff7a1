import { posix } from 'node:path';
import type { Target } from '../project.ts';
import { originOf } from './copies.ts';
import { historyOf } from './history.ts';
import { memo } from './memo.ts';
import { startOf } from './start.ts';

/** A directory of state that a framework keeps beside the code of the application. */
export interface FrameworkState {
  /** Absolute. */
  path: string;
  framework: string;
}

interface Framework {
  name: string;
  /** Commands that start it, by name. */
  starts: RegExp;
  /** A file beside the code that shows that it is this framework, and what its text must hold. */
  manifest: string;
  holds: RegExp;
  /** Directories that it writes, relative to the code. */
  state: string[];
}

/** RULES E1: frameworks by their manifests, with what they write in production (their own deployment guides). */
const FRAMEWORKS: Framework[] = [
  { name: 'Next.js', starts: /^(next|node|npm|yarn|pnpm)$/, manifest: 'package.json', holds: /"next"\s*:/, state: ['.next/cache'] },
  { name: 'Nuxt', starts: /^(nuxt|nuxi)$/, manifest: 'package.json', holds: /"nuxt"\s*:/, state: ['.nuxt/cache'] },
  { name: 'Rails', starts: /^(rails|puma|unicorn|bundle|thrust|foreman)$/, manifest: 'Gemfile', holds: /^\s*gem\s+["']rails["']/m, state: ['tmp', 'log', 'storage'] },
  { name: 'Laravel', starts: /^(php|php-fpm|apache2-foreground|frankenphp)$/, manifest: 'composer.json', holds: /"laravel\/framework"\s*:/, state: ['storage', 'bootstrap/cache'] },
  { name: 'Symfony', starts: /^(php|php-fpm|apache2-foreground|frankenphp)$/, manifest: 'composer.json', holds: /"symfony\/framework-bundle"\s*:/, state: ['var'] },
  { name: 'Strapi', starts: /^(strapi|npm|yarn|node)$/, manifest: 'package.json', holds: /"@strapi\/strapi"\s*:/, state: ['public/uploads', '.tmp'] },
  { name: 'Ghost', starts: /^(node|ghost)$/, manifest: 'package.json', holds: /"ghost"\s*:/, state: ['content'] },
];

/** The state directories of the framework that a target runs, as far as its manifest is in sight. */
export const frameworkState = memo((target: Target): FrameworkState[] => {
  const { cwd } = historyOf(target.stage, target.unit);
  if (cwd === undefined || cwd === '/') return [];
  const started = startOf(target).commands.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const found: FrameworkState[] = [];
  for (const { name, starts, manifest, holds, state } of FRAMEWORKS) {
    if (!started.some((command) => starts.test(command))) continue;
    const origin = originOf(target, posix.join(cwd, manifest));
    const text = origin === undefined || origin === 'elsewhere' ? undefined : origin.text;
    if (text !== undefined && holds.test(text)) found.push(...state.map((path) => ({ path: posix.join(cwd, path), framework: name })));
  }
  return found;
});
