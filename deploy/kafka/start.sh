#!/usr/bin/env bash
# Starts the broker of deploy/compose.yaml: formats an empty data folder once, and gives the user tocsin the password of the secret at
# every start, so that a renewed password is taken by a restart. The file READY says that both are done.
set -euo pipefail

programs=${KAFKA_PROGRAMS:-/opt/kafka/bin}
properties=${KAFKA_PROPERTIES:-/etc/tocsin/server.properties}
password=${KAFKA_PASSWORD_FILE:-/run/secrets/kafka_password}
local=${KAFKA_LOCAL:-127.0.0.1:9094}
work=${KAFKA_WORK:-/tmp}
cluster=5L6g3nShT-eMCtK--X86sw # any 16 bytes in base64: a broker refuses the data of another cluster

rm -f "$work/READY"
tool() { # the broker's heap is not theirs
  local name=$1
  shift
  KAFKA_HEAP_OPTS=-Xmx128m "$programs/$name" "$@"
}
tool kafka-storage.sh format --ignore-formatted --cluster-id "$cluster" --config "$properties" >/dev/null

set_password() {
  umask 077
  # In a file, because arguments can be read in the list of processes.
  printf 'SCRAM-SHA-512=iterations=8192,password=%s\n' "$(<"$password")" >"$work/credentials"
  until (: <"/dev/tcp/${local%:*}/${local#*:}") 2>/dev/null; do sleep 0.5; done
  for attempt in 1 2 3 4 5; do
    if tool kafka-configs.sh --bootstrap-server "$local" --alter --entity-type users --entity-name tocsin \
      --add-config-file "$work/credentials" >/dev/null; then
      rm -f "$work/credentials"
      touch "$work/READY"
      return
    fi
    sleep "$attempt"
  done
  echo "kafka: the password of the user tocsin could not be set" >&2
}
set_password &
exec "$programs/kafka-server-start.sh" "$properties"
