#!/bin/sh
# Put one write-ahead file into the archive; called by PostgreSQL:  archive.sh PATH NAME
# Without an archive there is nothing to do. A file of that name is never replaced by another one.
set -eu
[ -n "${BUS_ARCHIVE-}" ] || exit 0
mkdir -p "$BUS_ARCHIVE/wal"
kept=$BUS_ARCHIVE/wal/$2
if [ -e "$kept" ]; then cmp -s "$1" "$kept"; exit; fi
cp "$1" "$kept.part"
sync "$kept.part"
mv "$kept.part" "$kept"
