#!/usr/bin/env bash
# Does what the official postgres image does, as far as docker-compose.yml uses it: creates a cluster in an empty
# directory, with the superuser's password from POSTGRES_PASSWORD_FILE. Connections over the network need a password.
set -euo pipefail
if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi
if [[ ${1:-} != postgres ]]; then exec "$@"; fi
if ((EUID == 0)); then
    chown postgres "$PGDATA" /var/run/postgresql && chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    [[ -n ${POSTGRES_PASSWORD_FILE:-} ]] || { echo 'Error: superuser password is not specified' && exit 1; }
    # shellcheck disable=SC2086
    eval "initdb --username=postgres --pwfile='$POSTGRES_PASSWORD_FILE' ${POSTGRES_INITDB_ARGS:-}"
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    # Like the official image: starts the server with the same arguments, but without the network, and tests it with
    # psql over the default socket.
    pg_ctl -D "$PGDATA" -o "$(printf '%q ' "${@:2}" -c listen_addresses='')" -w start
    PGHOST='' PGPASSWORD=$(<"$POSTGRES_PASSWORD_FILE") psql -v ON_ERROR_STOP=1 --username postgres --no-password \
        --no-psqlrc --dbname postgres --quiet --tuples-only --command 'SELECT 1' >/dev/null
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
