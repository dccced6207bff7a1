#!/bin/sh
set -e
. /scripts/tools.sh
figlet "$GREETING"
