# The services, the database of each service, and the users of Kafka that have a password.
# shellcheck shell=bash
# shellcheck disable=SC2034
# Sourced by scripts/lib.sh and deploy/compose/make-secrets. The image `secrets` contains this file without lib.sh.

SERVICES=(order payment inventory shipping analytics)
declare -A DATABASE=([order]=orders [payment]=payments [inventory]=inventory [shipping]=shipping
    [analytics]=analytics)
KAFKA_USERS=("${SERVICES[@]/%/-service}" operator auditor monitoring)
