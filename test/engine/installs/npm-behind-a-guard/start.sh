#!/usr/bin/env bash
set -euo pipefail

if [ ! -d node_modules ]; then
  echo "installing"
  npm install --no-audit --no-fund
fi

exec node wait.js
