#!/bin/sh
set -e
chown -R node:node /data
exec node /app/server.js
