#!/bin/sh
set -e
if ! command -v jq > /dev/null; then
  apt-get update -qq && apt-get install -qq -y --no-install-recommends jq
fi
exec python server.py "$@"
