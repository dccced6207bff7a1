#!/bin/sh
echo '[19, 23]' | jq -r 'map(tostring) | join("+")' | bc
