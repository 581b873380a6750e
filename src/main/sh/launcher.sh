#!/bin/sh
# Runs the JAR appended to this file with the first Java 25 or newer it finds; works with an empty environment.
PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"

# Options for all Java programs of the machine: another collector or heap does not go with ours.
V=${JAVA_TOOL_OPTIONS:+ JAVA_TOOL_OPTIONS}${JDK_JAVA_OPTIONS:+ JDK_JAVA_OPTIONS}${_JAVA_OPTIONS:+ _JAVA_OPTIONS}
[ -z "$V" ] || echo "nats-kvcache: ignores$V; options for its Java runtime are taken from PROVIDER_JAVA_OPTS" >&2
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS

# Java decodes the names of files by the locale. Without one they would have to be ASCII.
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  *[Uu][Tt][Ff]*8) [ ! -d /usr/lib/locale/C.utf8 ] || LC_ALL=C.UTF-8 ;; # its locale may not be installed
  *) LC_ALL=C.UTF-8 ;;
esac
export LC_ALL

for java in "${PROVIDER_JAVA:-}" "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java 2>/dev/null)" \
    /usr/lib/jvm/*/bin/java /opt/*/bin/java /opt/java/*/bin/java /usr/local/*/bin/java /Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java; do
  [ -n "$java" ] && [ -x "$java" ] || continue
  version=
  while IFS= read -r line; do
    case $line in JAVA_VERSION=\"*) version=${line#JAVA_VERSION=\"}; version=${version%%[!0-9]*} ;; esac
  done 2>/dev/null < "${java%/bin/java}/release"
  if [ -z "$version" ]; then
    version=$("$java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
  fi
  if [ "${version:-0}" -ge 25 ]; then
    case $0 in /*) file=$0 ;; *) file=$PWD/$0 ;; esac
    exec "$java" -Xlog:disable -Xlog:all=warning:stderr -XX:+UseSerialGC -XX:+UseCompactObjectHeaders \
      -Dnats-kvcache.executable="$file" ${PROVIDER_JAVA_OPTS:-} -jar "$0" "$@"
  fi
done
echo "nats-kvcache: no Java 25 or newer found; install one, or set PROVIDER_JAVA to its java program or JAVA_HOME to its folder" >&2
exit 127
