#!/bin/sh
set -e

# The health check asks with it.
apt-get update
apt-get install -y --no-install-recommends curl

exec nginx -g 'daemon off;'
