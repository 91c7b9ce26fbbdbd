#!/bin/bash
# Start the broker of the compose project in the image apache/kafka: its settings from a file, its storage
# formatted once. Kafka's own commands instead of the image's variables, so that the settings can be read here.
set -euo pipefail
settings=/tmp/server.properties
here=$(dirname "${BASH_SOURCE[0]}")

cp "$here/server.properties" "$settings"
echo "advertised.listeners=BUS://kafka:9092,HOST://${KAFKA_HOST_ADDRESS:-localhost:8092},LOCAL://localhost:9095" >>"$settings"
# Of a setting that stands twice, the later one counts.
[ -z "${KAFKA_SECURE-}" ] || cat "$here/secure.properties" >>"$settings"
if [ ! -e /var/lib/kafka/data/meta.properties ]; then
  /opt/kafka/bin/kafka-storage.sh format --ignore-formatted --config "$settings" \
    --cluster-id "$(/opt/kafka/bin/kafka-storage.sh random-uuid)"
fi
exec /opt/kafka/bin/kafka-server-start.sh "$settings"
