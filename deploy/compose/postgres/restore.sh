#!/bin/sh
# Lay a copy from the archive where the database was, to be brought forward when it starts.
#
#   docker compose stop
#   docker compose run --rm --no-deps postgres sh /etc/bus/postgres/restore.sh [COPY, the newest] [UNTIL, the end]
#
# COPY is a name that backup.sh printed; UNTIL an instant such as '2024-03-22 17:00:00+07'. What lies in the data
# directory now is moved aside, not removed.
set -eu
copy=${1:-$(ls -1 /backup/base | sort | tail -n 1)}
until=${2:-}
[ -d "/backup/base/$copy" ] || { echo "there is no copy /backup/base/$copy" >&2; exit 1; }
if [ -e "$PGDATA/postmaster.pid" ] && pg_ctl status >/dev/null 2>&1; then
  echo "PostgreSQL runs; docker compose stop first" >&2; exit 1
fi
if [ -e "$PGDATA" ] && [ -n "$(ls -A "$PGDATA")" ]; then
  mv "$PGDATA" "$PGDATA.before-$(date -u +%Y%m%dT%H%M%SZ)"
fi
mkdir -p "$(dirname "$PGDATA")"
cp -a "/backup/base/$copy" "$PGDATA"
chmod 700 "$PGDATA"
# What an earlier restore was told came along in the copy.
sed -i '/^recovery_target_/d' "$PGDATA/postgresql.auto.conf"
touch "$PGDATA/recovery.signal"
{
  echo "recovery_target_action = 'promote'"
  [ -z "$until" ] || echo "recovery_target_time = '$until'"
} >>"$PGDATA/postgresql.auto.conf"
echo "$copy${until:+ until $until}"
