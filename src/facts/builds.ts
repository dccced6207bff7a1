import { operands } from './commands.ts';
import type { Started } from './start.ts';

/** Whether a command builds or tests code where it lies. */
export function isBuild({ name, words }: Started): boolean {
  const [verb, second] = operands(words).map(({ value }) => value ?? '');
  const isPackageScript = (script: string | undefined) => /^(build|compile|bundle|prebuild)(:|$)/.test(script ?? '');
  switch (name) {
    case 'make':
    case 'cmake':
    case 'ninja':
    case 'meson':
    case 'bazel':
    case 'sbt':
    case 'lein':
    case 'gradle':
    case 'gradlew':
    case 'mvn':
    case 'mvnw':
    case 'ant':
    case 'tsc':
      return !words.some(({ value }) => /^--?(version|help)$/.test(value ?? ''));
    case 'cabal':
    case 'stack':
      return /^(new-|v2-)?(build|test|run|bench|install)$/.test(verb ?? '');
    case 'prisma':
      return verb === 'generate';
    case 'swift':
      return /^(build|package|run|test)$/.test(verb ?? '');
    case 'cargo':
    case 'dotnet':
      return /^(build|test|run|publish|bench)$/.test(verb ?? '');
    case 'mix':
      return /^(test|compile|deps\.get|release)$/.test(verb ?? '');
    case 'next':
    case 'nuxt':
    case 'vite':
    case 'ng':
    case 'react-scripts':
    case 'vue-cli-service':
    case 'astro':
    case 'gatsby':
      return verb === 'build';
    case 'npm':
    case 'pnpm':
    case 'yarn':
    case 'bun':
      return isPackageScript(verb === 'run' || verb === 'run-script' ? second : name === 'yarn' ? verb : undefined);
    default:
      return false;
  }
}

/** Whether a command builds or tests and is done: no `cargo run`, no `make serve`. */
export function onlyBuilds(started: Started): boolean {
  return reportsTests(started) || (isBuild(started) && !operands(started.words).some(({ value }) => value === undefined || /(^|[:_-])(run|start|serve|server|up|dev|watch|exec|boot\w*)$|Run$/.test(value)));
}

/** `py.test --cov app`: a test run that reports beside the code, and serves nothing whatever the image exposes. */
export function reportsTests({ name, words }: Started): boolean {
  return /^py\.?test$/.test(name ?? '') && words.some(({ value }) => /^--(cov|junit-?xml|html)(=|$)/.test(value ?? ''));
}
