#!/bin/sh
# Install what a lock file names into /opt/bus, and take out what a running service never reads.
# Run by the Dockerfile:  sh install.sh LOCK
set -eu
pip --python /opt/bus/bin/python install --quiet --require-hashes --no-deps --only-binary :all: --no-compile -r "$1"
cd /opt/bus/lib/python3.12/site-packages
# The packages' own tests and type stubs, C sources and headers of extension modules.
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete
# Compiled ahead, because the services cannot write: checked by nobody later, so by hash and not by time.
/opt/bus/bin/python -m compileall -q --invalidation-mode unchecked-hash -j 0 .
du -sh /opt/bus
