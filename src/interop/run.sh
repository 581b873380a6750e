#!/bin/sh
# Drives real wasmCloud hosts with this build: src/interop/run.sh [1.9|0.82|all]. Not part of ./check.
# Needs target/nats-kvcache (mvn -DskipTests package), nats-server, Node 20 with npm, pgrep, and a host of each generation:
#   WASMCLOUD_1_9, WASMCLOUD_0_82                  its program, or
#   WASMCLOUD_1_9_SOURCE, WASMCLOUD_0_82_SOURCE    a checkout to build it in; see docs/interop.md
# Works in target/interop and leaves logs there, in a folder for each host; with INTEROP_TRAFFIC=all a list of NATS messages, too. Exit code 0: all passed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/interop
which=${1:-all}
case $which in 1.9 | 0.82) versions=$which ;; all) versions='1.9 0.82' ;; *)
  sed -n '2,7s/^# //p' "$0" >&2
  exit 2
  ;;
esac

# Prints the host program of version $1: the one given in $2, or what cargo makes in the checkout $3 with the arguments that follow.
host() {
  version=$1 given=$2 source=$3
  shift 3
  if [ -z "$given" ] && [ -n "$source" ]; then
    (cd "$source" && cargo build --release --bin wasmcloud "$@" >&2)
    given=$source/target/release/wasmcloud
  fi
  if [ ! -x "$given" ]; then
    echo "run.sh: no $version host: set WASMCLOUD_$(echo "$version" | tr . _), or the same with _SOURCE" >&2
    return 1
  fi
  readlink -f "$given"
}

for version in $versions; do
  case $version in
    1.9) new=$(host 1.9 "${WASMCLOUD_1_9:-}" "${WASMCLOUD_1_9_SOURCE:-}" --locked --no-default-features --features wasmcloud) ;;
    0.82) old=$(host 0.82 "${WASMCLOUD_0_82:-}" "${WASMCLOUD_0_82_SOURCE:-}") ;;
  esac
done
if [ ! -x "$root/target/nats-kvcache" ]; then
  echo "run.sh: target/nats-kvcache is missing; make it with: mvn -q -DskipTests package" >&2
  exit 1
fi
mkdir -p "$work"
cp -R "$here"/*.mjs "$here/package.json" "$here/component" "$here/actor" "$work"
cd "$work"
[ -d node_modules ] || npm install --no-package-lock --no-audit --no-fund --loglevel=error >&2
"$root/target/nats-kvcache" par --out nats-kvcache.par.gz --keys keys

code=0
for version in $versions; do
  rm -rf "$version"
  mkdir "$version"
  case $version in
    1.9)
      # componentize-js takes half a minute: the component is kept by a hash of all that it is made of
      sources=$(cat build-component.mjs package.json $(find component -type f | sort) | sha1sum | cut -d' ' -f1)
      if [ ! -f component.wasm ] || [ "$(cat component.sources 2>/dev/null)" != "$sources" ]; then
        rm -f component.sources
        node build-component.mjs component.wasm
        echo "$sources" >component.sources
      fi
      node run-1.9.mjs 1.9 "$new" nats-kvcache.par.gz component.wasm "$root/target/nats-kvcache" || code=1
      ;;
    0.82)
      npx asc actor/actor.ts --runtime stub --use abort= -O -o actor.wasm
      node run-0.82.mjs 0.82 "$old" nats-kvcache.par.gz actor.wasm "$root/target/nats-kvcache" || code=1
      ;;
  esac
done
exit $code
