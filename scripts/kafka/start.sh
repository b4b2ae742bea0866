#!/bin/sh
# Runs one Apache Kafka broker (KRaft, plain text, loopback) in the foreground until it is killed by its pid.
#
#   scripts/kafka/start.sh DIR PORT [CONTROLLER_PORT]
#
# DIR holds logs, configuration and output (broker.out); it is formatted on first use and kept. PORT is the
# clients' port, CONTROLLER_PORT the controller's (PORT + 1 when not given). `{"listening":"127.0.0.1:PORT"}` is
# printed when the broker answers, nothing when it ends before. Further settings: KAFKA_PROPERTIES, one key=value a line. Memory: KAFKA_HEAP (512m).
set -eu

[ $# -ge 2 ] || { echo "usage: $0 DIR PORT [CONTROLLER_PORT]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
controller=${3:-$((port + 1))}
lib=$("$here/../fetch-kafka.sh")

cat > "$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/logs
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
${KAFKA_PROPERTIES:-}
PROPERTIES

cat > "$dir/log4j2.properties" <<PROPERTIES
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server
logger.server.level = info
PROPERTIES

log4j=-Dlog4j2.configurationFile=$dir/log4j2.properties
if [ ! -f "$dir/logs/meta.properties" ]; then
    # One cluster a directory; the id only has to be a base64 UUID.
    java -Xmx128m "$log4j" -cp "$lib/*" kafka.tools.StorageTool format \
        -t MkU3OEVBNTcwNTJENDM2Qg -c "$dir/server.properties" > "$dir/format.out" 2>&1 ||
        { cat "$dir/format.out" >&2; exit 1; }
fi

# This shell becomes the broker, so that its pid is the broker's. A helper waits for the broker to say that it is
# started, which it does after its sockets accept, and ends with it: also when nobody has collected its exit yet.
pid=$$
: > "$dir/broker.out"
(
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do
        if grep -q 'Kafka Server started' "$dir/broker.out"; then
            printf '{"listening":"127.0.0.1:%s"}\n' "$port"
            exit 0
        fi
        sleep 0.1
    done
) &
exec java -Xmx"${KAFKA_HEAP:-512m}" -Xms128m -XX:+UseSerialGC "$log4j" \
    -cp "$lib/*" kafka.Kafka "$dir/server.properties" >> "$dir/broker.out" 2>&1
