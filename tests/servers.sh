#!/bin/sh
# Installs the servers that the tests start on loopback, or says which command does.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
wanted=""
need() { # need PACKAGE PROGRAM...: the package is wanted where none of the programs is there
    package=$1
    shift
    for program in "$@"; do
        if command -v "$program" >/dev/null 2>&1 || [ -e "$program" ]; then return; fi
    done
    wanted="$wanted $package"
}
library() { ldconfig -p 2>/dev/null | grep -q "$1" || wanted="$wanted $2"; }

need dovecot-imapd /usr/lib/dovecot/imap
need dovecot-lmtpd /usr/lib/dovecot/lmtp
need postfix /usr/sbin/postfix
need postgresql initdb $(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null || true)
need postgresql-client pg_dump $(ls /usr/lib/postgresql/*/bin/pg_dump 2>/dev/null || true)
need poppler-utils pdftoppm
need systemd systemd-analyze
need libfaketime $(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null || true)
library libpango-1.0.so libpango-1.0-0
library libpangoft2-1.0.so libpangoft2-1.0-0
library libharfbuzz-subset.so libharfbuzz-subset0

[ -z "$wanted" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted </dev/null
else
    echo "The tests need servers that are not here. Install them (as root):" >&2
    echo "  apt-get update && apt-get install$wanted" >&2
    exit 1
fi
