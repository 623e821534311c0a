#!/usr/bin/env bash
# Creates databases and roles with bootstrap.sql, for who has the passwords in files: one in DIR for each role, named
# after it, and the superuser's as `postgres`.
#   bootstrap.sh DIR CONNINFO         CONNINFO: a libpq connection string without a password
set -euo pipefail
directory=${1:?the directory of the passwords}
for file in "$directory"/*; do
    name=$(basename "$file")
    export "${name^^}_PASSWORD=$(<"$file")"
done
export PGPASSWORD=$POSTGRES_PASSWORD
# What is handed over to an owner gives way to who works with it, and is tried again.
for try in {1..20}; do
    if log=$(psql -X -q -d "${2:?the connection string}" -f "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sql" 2>&1); then
        echo "databases and roles are as bootstrap.sql says"
        exit
    fi
    grep -q 'lock timeout\|deadlock' <<<"$log" || break
    sleep 1
done
echo "$log (try $try)" >&2
exit 1
