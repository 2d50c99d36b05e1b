#!/bin/sh
# Writes zoo.cfg from the environment (the names are those of the official image) and becomes the
# server. A zoo.cfg mounted at /conf/zoo.cfg wins.
set -eu
cfg=/conf/zoo.cfg
if [ ! -e "$cfg" ]; then
    {
        echo "dataDir=/data"
        echo "clientPort=2181"
        echo "tickTime=${ZOO_TICK_TIME:-2000}"
        echo "maxClientCnxns=${ZOO_MAX_CLIENT_CNXNS:-60}"
        echo "4lw.commands.whitelist=${ZOO_4LW_COMMANDS_WHITELIST:-srvr}"
        echo "admin.enableServer=false"
        for entry in ${ZOO_CFG_EXTRA:-}; do echo "$entry"; done
    } >"$cfg"
fi
[ -e /data/myid ] || echo "${ZOO_MY_ID:-1}" >/data/myid
# shellcheck disable=SC2086 # JVMFLAGS is a list of words
exec /java/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx512m \
    -Dorg.slf4j.simpleLogger.logFile=System.out -Dorg.slf4j.simpleLogger.showDateTime=true \
    ${JVMFLAGS:-} -cp "/jars/*" org.apache.zookeeper.server.quorum.QuorumPeerMain "$cfg"
