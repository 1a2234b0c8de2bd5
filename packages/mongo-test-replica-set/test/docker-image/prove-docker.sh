#!/bin/bash
# Proves the docker provider on a machine without Docker and without an image registry (as root, Debian or Ubuntu):
# installs the daemon when it is missing, starts one of its own, builds an image out of this machine's mongod, runs
# docker.test.ts against it, and takes everything down again. A daemon that answers already is used and left running.
# Where Docker cannot run it says so in one line and exits 0; a failing test exits non-zero. Limits: see below.
set -uo pipefail

readonly install_limit_s=300 daemon_limit_s=30 build_limit_s=120 test_limit_s=300
readonly image=mongo-test-replica-set:local
readonly here=$(cd "$(dirname "$0")" && pwd)
readonly root=$(cd "$here/../../../.." && pwd)
folder=$(mktemp -d)
daemon=

cannot() {
  echo "Docker is not proven here: $1"
  exit 0
}

clean_up() {
  if [ -n "$daemon" ]; then
    kill "$daemon" 2>/dev/null
    for _ in $(seq 100); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$daemon" 2>/dev/null
    wait "$daemon" 2>/dev/null
  elif [ -n "${docker:-}" ]; then
    "$docker" image rm --force "$image" >/dev/null 2>&1
  fi
  # A mount that is still there keeps its folder; nothing below it may then be removed through it.
  awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount 2>/dev/null
  rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The first docker command that is a client of a real daemon; a machine may have a stand-in of that name in front.
find_docker() {
  for docker in $(type -ap docker) /usr/bin/docker; do
    timeout 10 "$docker" version --format '{{.Server.Version}}' >/dev/null 2>&1 && return 0
  done
  return 1
}

install_daemon() {
  command -v apt-get >/dev/null || cannot 'no daemon answers, and there is no apt-get'
  export DEBIAN_FRONTEND=noninteractive
  timeout "$install_limit_s" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' sh \
    docker.io iptables busybox-static >"$folder/apt.log" 2>&1 || cannot "apt-get: $(tail -n 1 "$folder/apt.log")"
}

# $1...: further options. Succeeds when the daemon answers.
start_daemon() {
  export DOCKER_HOST="unix://$folder/docker.sock"
  docker=/usr/bin/docker
  /usr/sbin/dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/dockerd.pid" "$@" >"$folder/dockerd.log" 2>&1 &
  daemon=$!
  for _ in $(seq $((daemon_limit_s * 5))); do
    timeout 5 "$docker" version >/dev/null 2>&1 && return 0
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
  done
  kill -9 "$daemon" 2>/dev/null
  wait "$daemon" 2>/dev/null
  daemon=
  return 1
}

if ! find_docker; then
  [ "$(id -u)" = 0 ] || cannot 'no daemon answers, and starting one needs root'
  [ -x /usr/sbin/dockerd ] && command -v busybox iptables >/dev/null || install_daemon
  start_daemon || start_daemon --storage-driver=vfs || start_daemon --storage-driver=vfs --iptables=false ||
    cannot "dockerd: $(tail -n 1 "$folder/dockerd.log")"
fi
command -v busybox >/dev/null || install_daemon

cd "$root" || exit 1
mongod=$(pnpm --silent exec node "$here/local-mongod.ts") || cannot 'no local mongod for an image'
DOCKER=$docker timeout "$build_limit_s" "$here/build-image.sh" "$image" "$mongod" >"$folder/build.log" 2>&1 ||
  cannot "the image was not built: $(tail -n 1 "$folder/build.log")"
timeout 60 "$docker" run --rm "$image" mongod --version >"$folder/run.log" 2>&1 ||
  cannot "no container starts: $(tail -n 1 "$folder/run.log")"

MONGO_TEST_REPLICA_SET_IMAGE=$image timeout "$test_limit_s" pnpm exec vitest run --config "$here/vitest.config.ts"
