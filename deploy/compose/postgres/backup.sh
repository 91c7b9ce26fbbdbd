#!/bin/sh
# Copy the running database into the archive, and forget what no kept copy needs.
#
#   docker compose exec postgres sh /etc/bus/postgres/backup.sh [COPIES TO KEEP, 2]
set -eu
keep=${1:-2}
: "${BUS_ARCHIVE:?there is no archive; start with deploy/compose/backup.yml}"
base=$BUS_ARCHIVE/base
name=$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$base"
# The server checks every page's checksum as it reads it, and the copy fails at the first that is wrong.
pg_basebackup --username admin --pgdata "$base/$name.part" --checkpoint fast --wal-method none --no-password
mv "$base/$name.part" "$base/$name"

ls -1d "$base"/*Z | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -r "$old"; done
oldest=$(ls -1d "$base"/*Z | sort | head -n 1)
first=$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup "$BUS_ARCHIVE/wal" "$first"
echo "$name"
