pnpm install --reporter=silent && pnpm --silent start
