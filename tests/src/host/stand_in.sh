#!/bin/sh
# Stands in for the host in the harness's own tests: STAND_IN says how it behaves.
if [ "$1" != serve ]; then
  printf '{"args":"%s"}\n' "$*"
  exit 0
fi
case "$STAND_IN" in
  ends-early)
    echo "data_dir is locked" >&2
    exit 3
    ;;
  names-no-admin)
    echo "listening webhooks http://127.0.0.1:1111"
    echo ready
    exec sleep 600
    ;;
esac
trap 'echo "ended well" >&2; exit 0' TERM
echo "started as $NAME" >&2
echo "listening webhooks http://127.0.0.1:1111"
echo "listening admin http://127.0.0.1:2222"
echo ready
while :; do sleep 0.1; done
