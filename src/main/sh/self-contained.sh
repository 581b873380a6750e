#!/bin/sh
# nats-kvcache with its own Java runtime, packed behind this script. The first start unpacks it into a
# folder named by the content's hash; later starts run from there. Needs a POSIX shell, tar and gzip.
N=nats-kvcache H=@HASH@ S=@START@
E=$0
case $E in /*) ;; *) E=$PWD/$E ;; esac
said=

# What the files of an unpacked copy are like: modes, owners, sizes, times.
files() {
  (cd "$1" && LC_ALL=C TZ=UTC0 ls -lnR runtime/bin runtime/conf runtime/lib $N.jar $N.aot | grep '^-') 2>/dev/null
}

# Is the folder of an unpacked copy there, is it as it was left, and may it be executed?
usable() {
  [ -f "$1/.ok" ] && [ -x "$1/runtime/bin/java" ] && [ "$(files "$1")" = "$(cat "$1/.ok")" ]
}

# Bounds the young generation, so that the collector's pauses stay short, where the heap is sure to be much
# larger: with a gigabyte of memory or more, and no word on the heap in PROVIDER_JAVA_OPTS.
bound_young() {
  Y=
  case ${PROVIDER_JAVA_OPTS:-} in *-Xm* | *Heap* | *RAM* | *New* | *GC*) return ;; esac
  [ -r /proc/meminfo ] || return 0
  read -r _ M _ </proc/meminfo
  [ "$M" -ge 1000000 ] || return 0
  if [ -e /sys/fs/cgroup/memory ]; then # version 1
    G=/sys/fs/cgroup/memory L=memory.limit_in_bytes C=memory
  else
    G=/sys/fs/cgroup L=memory.max C=
  fi
  P=
  [ -r /proc/self/cgroup ] && while IFS=: read -r _ M B; do
    [ "$M" != "$C" ] || P=$B
  done </proc/self/cgroup
  while :; do
    if [ -r "$G$P/$L" ]; then
      read -r M <"$G$P/$L"
      [ "$M" = max ] || [ ${#M} -gt 9 ] || return 0
    fi
    [ -n "$P" ] || break
    P=${P%/*}
  done
  Y='-Xmn64m -XX:SurvivorRatio=4'
}

run() {
  bound_young
  [ -z "$said" ] || echo "$N: runs from $R, since$said" >&2
  exec "$R/runtime/bin/java" -Xlog:disable -Xlog:all=warning:stderr -Xlog:aot=off -Xlog:cds=off \
    -XX:+UseSerialGC -XX:+UseCompactObjectHeaders $Y -XX:AOTCache="$R/nats-kvcache.aot" \
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
  : >"$T/program" && chmod 700 "$T/program"
  if [ ! -x "$T/program" ]; then
    skip "$1" 'does not let programs run'
  elif tail -c +$S "$E" | gzip -dc 2>/dev/null | tar -xf - -C "$T" 2>/dev/null && files "$T" >"$T/.ok"; then
    rm -f "$T/program"
    [ ! -e "$R" ] || usable "$R" || mv "$R" "$T/damaged" 2>/dev/null
    mv "$T" "$R" 2>/dev/null # where another start was faster, this lands inside its folder
    rm -rf "$R/${T##*/}" "$R/damaged"
    find "$1"/.*.?????? -prune -mtime +0 -exec rm -rf {} + 2>/dev/null # what killed starts left
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
  if [ -O "$B" ] && [ ! -L "$B" ] && usable "$R"; then run "$@"; fi
  U=$(umask)
  umask 077
  if unpack "$B"; then
    umask "$U"
    run "$@"
  fi
  umask "$U"
done
echo "$N: no folder to unpack into; set PROVIDER_CACHE_DIR to one that is ours, with 80 MB free.$said" >&2
exit 70
