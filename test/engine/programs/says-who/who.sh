#!/bin/sh
id
whoami
echo "home $HOME"
echo 0 files
