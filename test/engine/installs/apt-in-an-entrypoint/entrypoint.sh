#!/bin/sh
# What the banner is drawn with.
set -e

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends toilet > /dev/null

exec "$@"
