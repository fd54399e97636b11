#!/bin/sh
# Sets up the environment from the locked list; a fresh Debian may lack python3-venv, which root installs.
set -eu
python=$1
venv=$2
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv </dev/null
    else
        echo "python3-venv is missing. Install it: apt-get update && apt-get install python3-venv" >&2
        exit 1
    fi
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --require-hashes -r requirements-dev.lock
"$venv/bin/python" -m pip install -q --no-deps --no-build-isolation -e .
