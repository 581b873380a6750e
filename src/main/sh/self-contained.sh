#!/bin/sh
# nats-kvcache with its own Java runtime, packed behind this script. The first start unpacks it into a
# folder named by the content's hash; later starts run from there. Needs a POSIX shell, tar and gzip.
N=nats-kvcache H=@HASH@ S=@START@
umask 077
E=$0
case $E in /*) ;; *) E=$PWD/$E ;; esac
said=

# Is the folder of an unpacked copy there, whole as far as can be seen, and may it be executed?
usable() {
  [ -f "$1/.ok" ] && [ -x "$1/runtime/bin/java" ] && [ -f "$1/runtime/lib/server/libjvm.so" ] &&
    [ -f "$1/runtime/lib/modules" ] && [ -f "$1/nats-kvcache.jar" ]
}

run() {
  exec "$R/runtime/bin/java" -Xlog:disable -Xlog:all=warning:stderr -Xlog:aot=off -Xlog:cds=off \
    -XX:+UseSerialGC -XX:+UseCompactObjectHeaders -XX:AOTCache="$R/nats-kvcache.aot" \
    -Dnats-kvcache.executable="$E" ${PROVIDER_JAVA_OPTS:-} -jar "$R/nats-kvcache.jar" "$@"
}

skip() {
  said="$said $1: $2;"
}

# Makes the cache folder $1 ours, and puts a copy into it.
unpack() {
  if ! mkdir -p "$1" 2>/dev/null; then skip "$1" 'cannot be made'; return 1; fi
  if [ -L "$1" ] || [ ! -O "$1" ]; then skip "$1" 'is not ours'; return 1; fi
  T=$(mktemp -d "$1/.$H.XXXXXX" 2>/dev/null) || { skip "$1" 'cannot be written'; return 1; }
  trap 'rm -rf "$T"' EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  trap 'exit 129' HUP
  if tail -c +$S "$E" | gzip -dc 2>/dev/null | tar -xf - -C "$T" 2>/dev/null && : >"$T/.ok"; then
    if usable "$T"; then
      [ ! -e "$R" ] || usable "$R" || mv "$R" "$T/damaged" 2>/dev/null
      mv "$T" "$R" 2>/dev/null # where another start was faster, this lands inside its folder
      rm -rf "$R/${T##*/}" "$R/damaged"
    else
      skip "$1" 'does not let programs run'
    fi
  else
    skip "$1" 'unpacking failed, is the disk full?'
  fi
  rm -rf "$T"
  trap - EXIT TERM INT HUP
  usable "$R"
}

for B in "${PROVIDER_CACHE_DIR:-}" "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/$N}" "${HOME:+$HOME/.cache/$N}" \
  "${TMPDIR:-/tmp}/$N-@UID@" "/var/tmp/$N-@UID@" "${E%/*}/.$N"; do
  [ -n "$B" ] || continue
  case $B in *@UID@) B=${B%@UID@}$(id -u) ;; esac
  R=$B/$H
  if [ -O "$R" ] && [ ! -L "$B" ] && usable "$R"; then run "$@"; fi
  if unpack "$B"; then
    [ -z "$said" ] || echo "$N: unpacked into $R, since$said" >&2
    run "$@"
  fi
done
echo "$N: no folder to unpack into; set PROVIDER_CACHE_DIR to one that is ours, with 80 MB free.$said" >&2
exit 70
