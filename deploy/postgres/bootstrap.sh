#!/usr/bin/env bash
# Creates databases and roles with bootstrap.sql. DIR contains a file with the password of each role, named like the
# role, and the file `postgres` with that of the superuser.
#   bootstrap.sh DIR CONNINFO         CONNINFO: a libpq connection string without a password
set -euo pipefail
directory=${1:?the directory of the passwords}
for file in "$directory"/*; do
    name=$(basename "$file")
    export "${name^^}_PASSWORD=$(<"$file")"
done
export PGPASSWORD=$POSTGRES_PASSWORD
# bootstrap.sql waits for at most 2 s for the lock of a table that it gives to its owner, so that running programs do
# not wait for it. Then it fails, and is run again.
for try in {1..20}; do
    if log=$(psql -X -q -d "${2:?the connection string}" -f "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sql" 2>&1); then
        echo "databases and roles are up to date with bootstrap.sql"
        exit
    fi
    grep -q 'lock timeout\|deadlock' <<<"$log" || break
    sleep 1
done
echo "$log (try $try)" >&2
exit 1
