# The services, the database of each, and who has a password for Kafka.
# shellcheck shell=bash
# shellcheck disable=SC2034
# Sourced by scripts/lib.sh and, in an image that has no other file of ours, by deploy/compose/make-secrets.

SERVICES=(order payment inventory shipping analytics)
declare -A DATABASE=([order]=orders [payment]=payments [inventory]=inventory [shipping]=shipping
    [analytics]=analytics)
KAFKA_USERS=("${SERVICES[@]/%/-service}" operator auditor monitoring)
