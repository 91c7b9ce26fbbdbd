#!/bin/bash
# Users and ACLs of the broker in the stricter variant. Runs in the broker's network, by its LOCAL listener.
#
#   access.sh services          a user for each service, with what it needs; safe to repeat
#   access.sh publisher NAME    a user that may write to the three inboxes; prints {"user", "password"} once
#   access.sh subscriber NAME   a user that may read scores, changes and periods, in groups NAME…
#   access.sh remove NAME       end a publisher or subscriber: its user and its ACLs
set -euo pipefail
bin=/opt/kafka/bin
broker=(--bootstrap-server localhost:9095)

user() {      # NAME PASSWORD
  $bin/kafka-configs.sh "${broker[@]}" --alter --entity-type users --entity-name "$1" \
    --add-config "SCRAM-SHA-512=[iterations=8192,password=$2]" >/dev/null
}
allow() {     # NAME WHAT...
  local name=$1; shift
  $bin/kafka-acls.sh "${broker[@]}" --add --allow-principal "User:$name" "$@" >/dev/null
}
domain() {    # a domain service reads its inbox and its own changes, and writes changes and rejections
  allow "$1" --operation Read --operation Describe --topic "$1.inbox" --group "$1-service"
  allow "$1" --operation Read --operation Write --operation Describe --topic "$1.events" --topic rejections
}
named() {     # a name of ours is no name for others
  [[ $1 =~ ^[a-z0-9][a-z0-9-]{1,62}$ ]] || { echo "access: $1 is not a name such as cong-dich-vu-cong" >&2; exit 2; }
  ! grep -q "^$1 " /run/secrets/users || { echo "access: $1 is a service's name" >&2; exit 2; }
}
told() {      # make a user with a password of 32 random bytes and print both
  local password; password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
  user "$1" "$password"
  printf '{"user": "%s", "password": "%s"}\n' "$1" "$password"
}

services() {
  local pids=() pid name password
  while read -r name password; do user "$name" "$password" & pids+=($!); done </run/secrets/users
  { domain content; domain qa; } & pids+=($!)
  { domain dossier
    allow tools --operation Write --operation Describe --topic content.inbox --topic qa.inbox --topic dossier.inbox
  } & pids+=($!)
  { allow scoring --operation Read --operation Describe --group scoring \
      --topic content.events --topic qa.events --topic dossier.events
    allow scoring --operation Read --operation Write --operation Describe \
      --topic scores --topic score.changes --topic periods --topic alerts
  } & pids+=($!)
  { allow report --operation Read --operation Describe --topic '*'
    allow setup --operation Create --operation Alter --operation Describe --operation AlterConfigs \
      --operation DescribeConfigs --topic '*'
    allow setup --operation Describe --operation Create --cluster
  } & pids+=($!)
  for pid in "${pids[@]}"; do wait "$pid"; done
  echo "access: users and ACLs of the services are there" >&2
}

case ${1-} in
  services) services ;;
  publisher) named "$2"; allow "$2" --operation Write --operation Describe \
      --topic content.inbox --topic qa.inbox --topic dossier.inbox; told "$2" ;;
  subscriber) named "$2"; allow "$2" --operation Read --operation Describe --topic scores --topic score.changes --topic periods
    allow "$2" --operation Read --group "$2" --resource-pattern-type prefixed; told "$2" ;;
  remove) named "$2"
    $bin/kafka-configs.sh "${broker[@]}" --alter --entity-type users --entity-name "$2" --delete-config SCRAM-SHA-512
    $bin/kafka-acls.sh "${broker[@]}" --remove --force --allow-principal "User:$2" --topic content.inbox --topic qa.inbox \
      --topic dossier.inbox --topic scores --topic score.changes --topic periods
    $bin/kafka-acls.sh "${broker[@]}" --remove --force --allow-principal "User:$2" --group "$2" \
      --resource-pattern-type prefixed ;;
  *) sed -n '2,8p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
