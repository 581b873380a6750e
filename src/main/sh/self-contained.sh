#!/bin/sh
# nats-kvcache with its own Java runtime, packed behind this script. The first start unpacks it into a
# folder named by the content's hash; later starts run from there. Needs a POSIX shell, tar and gzip.
N=nats-kvcache H=@HASH@ S=@START@
E=$0
case $E in /*) ;; *) E=$PWD/$E ;; esac
said=

# Options for all Java programs of the machine: another collector or heap does not go with ours.
V=${JAVA_TOOL_OPTIONS:+ JAVA_TOOL_OPTIONS}${JDK_JAVA_OPTIONS:+ JDK_JAVA_OPTIONS}${_JAVA_OPTIONS:+ _JAVA_OPTIONS}
[ -z "$V" ] || echo "$N: ignores$V; options for its Java runtime are taken from PROVIDER_JAVA_OPTS" >&2
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS

# Java decodes the names of files by the locale. Without one they would have to be ASCII.
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  *[Uu][Tt][Ff]*8) [ ! -d /usr/lib/locale/C.utf8 ] || LC_ALL=C.UTF-8 ;; # its locale may not be installed
  *) LC_ALL=C.UTF-8 ;;
esac
export LC_ALL

# What the files of an unpacked copy are like: modes, owners, sizes.
files() {
  (cd "$1" && LC_ALL=C ls -lnR runtime/bin runtime/conf runtime/lib $N.jar $N.aot |
    sed -n 's/^\(-[^ ]* *[^ ]* *[^ ]* *[^ ]* *[0-9]*\) .* /\1 /p') 2>/dev/null
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

# Keeps a copy from being removed while this process runs, Java being this process later on: cleaners such as
# systemd-tmpfiles respect the lock, and a start of another version looks for the open folder as well.
hold() {
  [ -d "$1" ] && command exec 9<"$1" || return 1
  flock -sn 9 2>/dev/null || :
}

run() {
  bound_young
  [ -z "$said" ] || echo "$N: runs from $R, since$said" >&2
  A= # Java reads the authorities at each connection with TLS: an open file outlives a cleaner
  [ -r /proc/self/fd ] && command exec 8<"$R/runtime/lib/security/cacerts" &&
    A=-Djavax.net.ssl.trustStore=/proc/self/fd/8
  exec "$R/runtime/bin/java" -Xlog:disable -Xlog:all=warning:stderr -Xlog:aot=off -Xlog:cds=off \
    -XX:+UseSerialGC -XX:+UseCompactObjectHeaders $Y -XX:AOTCache="$R/nats-kvcache.aot" $A \
    -Dnats-kvcache.executable="$E" -Dnats-kvcache.unpacked="$R" ${PROVIDER_JAVA_OPTS:-} -jar "$R/nats-kvcache.jar" "$@"
}

is_roots() {
  set -- $(LC_ALL=C ls -ldn "$1" 2>/dev/null)
  [ "${3:-}" = 0 ]
}

skip() {
  said="$said $1: $2;"
}

stop() {
  echo "$N: this build needs $1; build it there, or run $N-jar with a Java 25" >&2
  exit 70
}

# Ends what could not run: the runtime is for one kind of processor, and for glibc.
check_system() {
  M=$(uname -m 2>/dev/null)
  [ "${M:-@CPU@}" = @CPU@ ] || stop "a processor @CPU@ and not $M"
  case $(ldd --version 2>&1) in *musl*) stop 'Linux with glibc and not musl' ;; esac
  for F in /lib*/ld-linux*; do
    [ ! -e "$F" ] || return 0
  done
  stop 'Linux with glibc'
}

# Waits for the start that unpacks into $1 until it is done or dead, for a minute or two at most. Who makes the
# file $K unpacks. If ever two do, that wastes time and no more: each has a folder of its own.
take_turn() {
  K=$1/.unpacking W=0
  until (set -C && : >"$K") 2>/dev/null; do
    [ $W -lt 600 ] && { [ ! -f "$R/.ok" ] || ! usable "$R"; } || return 0
    P=
    { read -r P <"$K"; } 2>/dev/null
    if [ $W = 300 ] || [ "$P" = $$ ] || { [ -n "$P" ] && ! kill -0 "$P" 2>/dev/null; }; then
      rm -f "$K"
    else
      { sleep .2 || sleep 1; } 2>/dev/null
    fi
    W=$((W + 1))
    [ $W != 25 ] || echo "$N: waits for process $P, which unpacks into $1" >&2
  done
  L=$K
  echo $$ 2>/dev/null >"$L"
}

# Removes from $1 what killed starts left, and copies of other versions that no process uses.
sweep() {
  find "$1"/.*.?????? -prune -mtime +0 -exec rm -rf {} + 2>/dev/null
  for O in "$1"/????????????????????????/$N.jar; do
    O=${O%/*}
    [ -f "$O/.ok" ] && [ "$O" != "$R" ] || continue
    case $(ls -l /proc/[0-9]*/exe /proc/[0-9]*/fd 2>/dev/null) in */"${O##*/}"*) continue ;; esac
    ({ ! command -v flock || flock -xn 7; } && rm -f "$O/.ok" && rm -rf "$O") 7<"$O" >/dev/null 2>&1
  done
}

# Makes the cache folder $1 ours, and puts a copy into it.
unpack() {
  check_system
  if ! mkdir -p "$1" 2>/dev/null; then skip "$1" 'cannot be made'; return 1; fi
  if [ -L "$1" ] || [ ! -O "$1" ]; then skip "$1" 'is not ours'; return 1; fi
  T=$(mktemp -d "$1/.$H.XXXXXX" 2>/dev/null) || { skip "$1" 'cannot be written'; return 1; }
  L=
  trap 'rm -rf "$T" ${L:+"$L"}' EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  trap 'exit 129' HUP
  : >"$T/program" && chmod 700 "$T/program"
  if [ ! -x "$T/program" ]; then
    skip "$1" 'does not let programs run'
  elif take_turn "$1"; usable "$R"; then
    :
  elif tail -c +$S "$E" | gzip -dc 2>/dev/null | tar -xmf - -C "$T" 2>/dev/null && files "$T" >"$T/.ok"; then
    rm -f "$T/program"
    [ ! -e "$R" ] || usable "$R" || mv "$R" "$T/damaged" 2>/dev/null
    mv "$T" "$R" 2>/dev/null # where another start was faster, this lands inside its folder
    rm -rf "$R/${T##*/}" "$R/damaged"
    sweep "$1"
  else
    skip "$1" 'unpacking failed, is the disk full?'
  fi
  rm -rf "$T" ${L:+"$L"}
  trap - EXIT TERM INT HUP
  hold "$R" && usable "$R"
}

for B in "${PROVIDER_CACHE_DIR:-}" "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/$N}" "${HOME:+$HOME/.cache/$N}" \
  "${TMPDIR:-/tmp}/$N-@UID@" "/var/tmp/$N-@UID@" "${E%/*}/.$N"; do
  [ -n "$B" ] || continue
  if [ "$B" = "${PROVIDER_CACHE_DIR:-}" ] && [ -d "$B" ] && [ ! -O "$B" ] && [ ! -L "$B" ] && is_roots "$B"; then
    B=$B/$N-@UID@ # a volume of Kubernetes, for example
  fi
  case $B in *@UID@) B=${B%@UID@}$(id -u) ;; esac
  R=$B/$H
  if [ -O "$B" ] && [ ! -L "$B" ] && hold "$R" && usable "$R"; then run "$@"; fi
  U=$(umask)
  umask 077
  if unpack "$B"; then
    umask "$U"
    run "$@"
  fi
  umask "$U"
done
echo "$N: no folder to unpack into; set PROVIDER_CACHE_DIR to one that is ours, with 120 MB free.$said" >&2
exit 70
