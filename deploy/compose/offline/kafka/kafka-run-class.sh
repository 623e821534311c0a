#!/usr/bin/env bash
# kafka-run-class.sh CLASS [ARGUMENT...]
log4j=/opt/kafka/config/log4j2.yaml
[[ -e $log4j ]] || log4j=/etc/kafka/docker/log4j2.yaml
log4j=${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$log4j}
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:-} -Djava.awt.headless=true \
    -Dkafka.logs.dir=/opt/kafka/logs $log4j ${KAFKA_OPTS:-} -cp '/opt/kafka/libs/*' "$@"
