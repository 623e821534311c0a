# Prepares and starts each part of the local stack, and checks whether it is ready.
# shellcheck shell=bash
# scripts/up sources this file after lib.sh. It uses PORT, build_dir, secure and gateway_delay_ms of scripts/up, and
# STATE, DATA and SOCKET_DIR of use_state.

# shellcheck source=scripts/secrets.sh
source "$ROOT/scripts/secrets.sh"

# wait_until PART COMMAND...: repeats the command until it succeeds. Ends the script with an error if the part ends, or
# after 120 s: an encrypted Kafka needs 9 s of processor time to start, and other programs may use the processor too.
wait_until() {
    local part=$1 deadline=$((SECONDS + 120))
    shift
    until "$@"; do
        if ! running_pid "$part" >/dev/null; then
            tail -n 20 "$STATE/log/$part.log" | sed 's/^/   | /' >&2
            die "$part ended while starting; its log: $STATE/log/$part.log"
        fi
        ((SECONDS < deadline)) || die "$part is not ready after 120 s; its log: $STATE/log/$part.log"
        sleep 0.05
    done
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ---- encryption and passwords ------------------------------------------------------------------

is_secure() { [[ $secure == yes ]]; }

# Each program gets the path of a file that contains its password. So its environment and its command line contain no
# password.
prepare_security() {
    local name password
    if ! is_secure; then return; fi
    "$ROOT/scripts/certificates" make --state "$STATE" || die "the certificates could not be created"
    (
        umask 077
        mkdir -p "$DATA"/passwords/{postgres,kafka}
        for name in "${ROLES[@]}"; do
            password=${name}_PASSWORD
            echo "${!password}" >"$DATA/passwords/postgres/${name,,}"
            echo "*:*:*:$([[ $name == SUPERUSER ]] && echo postgres || echo "${name,,}"):${!password}"
        done >"$DATA/passwords/pgpass.new"
        mv "$DATA/passwords/pgpass.new" "$DATA/passwords/pgpass" # in one step, because a program may be reading it
        for name in "${KAFKA_USERS[@]}"; do
            if [[ ! -s $DATA/passwords/kafka/$name ]]; then random_password >"$DATA/passwords/kafka/$name"; fi
        done
        if [[ ! -s $DATA/passwords/gateway ]]; then random_password >"$DATA/passwords/gateway"; fi
    )
}

# ---- PostgreSQL --------------------------------------------------------------------------------

AS_POSTGRES=() # PostgreSQL refuses to run as root
if ((EUID == 0)); then AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --init-groups); fi

ROLES=(SUPERUSER OPERATOR AUDITOR)
for database in "${DATABASE[@]^^}"; do ROLES+=("$database" "${database}_OWNER"); done

# Creates the passwords that do not exist yet. They are stored with the data.
read_secrets() {
    local name
    (umask 077 && touch "$DATA/secrets")
    for name in "${ROLES[@]}"; do
        grep -q "^${name}_PASSWORD=" "$DATA/secrets" ||
            echo "${name}_PASSWORD=$(random_password)" >>"$DATA/secrets"
    done
    # shellcheck source=/dev/null
    source "$DATA/secrets"
}

make_directories() {
    mkdir -p "$DATA"/{kafka,gateway} "$STATE/edge" "$SOCKET_DIR"
    chmod 700 "$DATA"/{kafka,gateway} # they contain orders, and the hashes of the passwords for Kafka
    if [[ ! -d $DATA/postgres ]]; then
        mkdir -m 700 "$DATA/postgres"
        if ((EUID == 0)); then chown postgres: "$DATA/postgres"; fi
    fi
    if ((EUID == 0)); then
        chmod 711 "$DATA" && chmod 755 "$SOCKET_DIR" && chown postgres: "$SOCKET_DIR"
    else
        chmod 700 "$SOCKET_DIR"
    fi
}

# Chooses the newest PostgreSQL or, if there is data already, the version that created the data.
choose_postgres() {
    if [[ -e $DATA/postgres/data/PG_VERSION ]]; then
        POSTGRES_BIN=/usr/lib/postgresql/$(<"$DATA/postgres/data/PG_VERSION")/bin
        [[ -x $POSTGRES_BIN/postgres ]] || die "the data in $DATA/postgres needs $POSTGRES_BIN, which is not installed"
    else
        POSTGRES_BIN=$(find_postgres) || die "no PostgreSQL 15 or later below /usr/lib/postgresql"
    fi
}

# After a crash of the server its child processes end a moment later. While the ended server is not reaped, a new server
# takes it for a running one.
await_end_of_old_postgres() {
    local data=$1 deadline=$((SECONDS + 10)) directory busy=yes
    while [[ $busy == yes ]]; do
        busy=no
        for directory in /proc/[0-9]*/cwd; do # the working directory of each PostgreSQL process is its data directory
            if [[ $directory -ef $data ]]; then busy=yes; fi
        done
        ((SECONDS < deadline)) || die "a PostgreSQL that this script did not start uses $data"
        if [[ $busy == yes ]]; then sleep 0.1; fi
    done
    rm -f "$data/postmaster.pid" "$SOCKET_DIR"/.s.PGSQL.*
}

prepare_postgres() {
    local home=$DATA/postgres conf=$ROOT/deploy/postgres
    if [[ -e $home/data/postmaster.pid ]]; then await_end_of_old_postgres "$home/data"; fi
    if [[ ! -e $home/data/PG_VERSION ]]; then
        rm -rf "$home/data.new" "$home/password"
        (umask 077 && echo "$SUPERUSER_PASSWORD" >"$home/password")
        if ((EUID == 0)); then chown postgres: "$home/password"; fi
        "${AS_POSTGRES[@]}" "$POSTGRES_BIN/initdb" --no-sync --no-instructions --username=postgres --pwfile="$home/password" \
            --auth=scram-sha-256 --encoding=UTF8 --lc-collate=C --lc-ctype=C.UTF-8 \
            -D "$home/data.new" >"$STATE/log/initdb.log" 2>&1 || die "initdb failed, see $STATE/log/initdb.log"
        rm "$home/password"
        echo "include 'orderflow.conf'" >>"$home/data.new/postgresql.conf"
        mv "$home/data.new" "$home/data"
    fi
    install -m 600 "$conf/orderflow.conf" "$home/data/orderflow.conf"
    install -m 600 "$conf/$(is_secure && echo pg_hba.secure.conf || echo pg_hba.conf)" "$home/data/pg_hba.conf"
    if ((EUID == 0)); then chown postgres: "$home/data"/{orderflow,pg_hba}.conf; fi
}

launch_postgres() {
    local -a tls=()
    if is_secure; then
        tls=(-c ssl=on -c "ssl_cert_file=$DATA/tls/postgres.pem" -c "ssl_key_file=$DATA/tls/postgres.pem")
    fi
    launch postgres "${AS_POSTGRES[@]}" "$POSTGRES_BIN/postgres" -D "$DATA/postgres/data" -p "${PORT[postgres]}" \
        -k "$SOCKET_DIR" -c listen_addresses=127.0.0.1 "${tls[@]}"
}

postgres_answers() { "$POSTGRES_BIN/pg_isready" -q -h "$SOCKET_DIR" -p "${PORT[postgres]}"; }

# database_url ROLE DATABASE: prints a libpq connection string without a password, for the socket or, with encryption,
# for TCP.
database_url() {
    if is_secure; then
        printf 'host=localhost sslmode=verify-full sslrootcert=%s' "$(conninfo_value "$DATA/tls/ca.pem")"
    else
        printf 'host=%s' "$(conninfo_value "$SOCKET_DIR")"
    fi
    printf ' port=%s dbname=%s user=%s' "${PORT[postgres]}" "$2" "$1"
}

conninfo_value() {
    if [[ $1 == *[\\\'[:space:]]* ]]; then
        printf "'%s'" "$(sed "s/[\\\\']/\\\\&/g" <<<"$1")"
    else
        printf '%s' "$1"
    fi
}

# whole_database_url ROLE DATABASE PASSWORD: the same with the password or, with encryption, with the file that has it.
whole_database_url() {
    if is_secure; then
        printf '%s passfile=%s' "$(database_url "$1" "$2")" "$(conninfo_value "$DATA/passwords/pgpass")"
    else
        printf '%s password=%s' "$(database_url "$1" "$2")" "$3"
    fi
}

# service_database_url SERVICE ROLE: prints the connection string of the service's database. ROLE: one of ROLES, in lower
# case.
service_database_url() {
    local password=${2^^}_PASSWORD
    whole_database_url "$2" "${DATABASE[$1]}" "${!password}"
}

# add_database_settings SERVICE ROLE: adds environment variables for the service's program to the caller's `settings`.
add_database_settings() {
    if is_secure; then
        settings+=(DATABASE_URL="$(database_url "$2" "${DATABASE[$1]}")"
            DATABASE_PASSWORD_FILE="$DATA/passwords/postgres/$2")
    else
        settings+=(DATABASE_URL="$(service_database_url "$1" "$2")")
    fi
}

create_databases() {
    local name tries=20
    # bootstrap.sql waits for at most 2 s for the lock of a table that it gives to its owner, so that running programs
    # do not wait for it. Then it fails, and is run again.
    until bootstrap_psql -X -q -h "$SOCKET_DIR" -p "${PORT[postgres]}" -U postgres \
        -d postgres -f "$ROOT/deploy/postgres/bootstrap.sql" >"$STATE/log/bootstrap.log" 2>&1; do
        if ((--tries == 0)) || ! grep -q 'lock timeout\|deadlock' "$STATE/log/bootstrap.log"; then
            die "creating the databases failed: $(tail -n 3 "$STATE/log/bootstrap.log")"
        fi
        sleep 1
    done
}

# Runs psql with the passwords of all roles in its environment, which other users cannot read.
bootstrap_psql() (
    export PGPASSWORD=$SUPERUSER_PASSWORD
    for name in "${ROLES[@]}"; do export "${name}_PASSWORD"; done
    exec "$POSTGRES_BIN/psql" "$@"
)

# Migrates the schemas of the services that will be started. Each migration runs as the owner of the schema.
declare -A MIGRATING=()
start_migrations() {
    local name
    local -a settings
    for name in "${SERVICES[@]}"; do
        if ! starting "$name"; then continue; fi
        settings=()
        add_database_settings "$name" "${DATABASE[$name]}_owner"
        env "${settings[@]}" "$build_dir/bin/$name-service" --migrate >"$STATE/log/$name-migrate.log" 2>&1 &
        MIGRATING[$name]=$!
    done
}

finish_migrations() {
    local name status
    for name in "${!MIGRATING[@]}"; do
        status=0
        wait "${MIGRATING[$name]}" || status=$?
        case $status in
            0) ;;
            3) note "$name-service is older than its schema; it can use it unless a migration excludes this version" ;;
            *) die "$name-service --migrate failed: $(tail -n 1 "$STATE/log/$name-migrate.log")" ;;
        esac
    done
}

# ---- Kafka -------------------------------------------------------------------------------------

# Sets KAFKA_JAVA: the command without the main class and its arguments.
choose_java() {
    local java
    java=$(find_java) || die "no Java 17 or later"
    KAFKA_JAVA=("$java" -Xms256m -Xmx512m -XX:+UseSerialGC -Djava.awt.headless=true
        -Dlog4j2.configurationFile="$ROOT/deploy/kafka/log4j2.properties" -cp "$DEPS/kafka/libs/*")
}

prepare_kafka() {
    local home=$DATA/kafka id
    {
        cat "$ROOT/deploy/kafka/server.properties"
        if is_secure; then secure_kafka_properties; else plain_kafka_properties; fi
        echo "log.dirs=$home/data"
    } >"$home/server.properties"
    if [[ -e $home/data/meta.properties ]]; then return; fi
    id=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n' | base64 | tr -d '=') # Kafka requires 16 bytes
    "${KAFKA_JAVA[@]}" kafka.tools.StorageTool format --cluster-id "$id" --config "$home/server.properties" \
        >"$STATE/log/kafka-format.log" 2>&1 || die "formatting Kafka's storage failed, see $STATE/log/kafka-format.log"
}

plain_kafka_properties() {
    local listen=127.0.0.1:${PORT[kafka]} controller=127.0.0.1:${PORT[kafka-controller]}
    cat <<END

inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=PLAINTEXT://$listen,CONTROLLER://$controller
advertised.listeners=PLAINTEXT://$listen
controller.quorum.voters=1@$controller
END
}

secure_kafka_properties() {
    local clients=127.0.0.1:${PORT[kafka]} brokers=127.0.0.1:${PORT[kafka-admin]}
    local controller=127.0.0.1:${PORT[kafka-controller]}
    echo
    cat "$ROOT/deploy/kafka/secure.properties"
    cat <<END

listeners=CLIENTS://$clients,BROKERS://$brokers,CONTROLLER://$controller
advertised.listeners=CLIENTS://$clients,BROKERS://$brokers
controller.quorum.voters=1@$controller
$(kafka_stores broker)
END
    # For Kafka's own commands, and scripts/certificates.
    printf '%s\n' security.protocol=SSL "$(kafka_stores topics)" >"$DATA/kafka/admin.properties"
}

kafka_stores() {
    printf '%s\n' ssl.keystore.type=PEM "ssl.keystore.location=$DATA/tls/$1.pem" \
        ssl.truststore.type=PEM "ssl.truststore.location=$DATA/tls/ca.pem"
}

launch_kafka() { launch kafka "${KAFKA_JAVA[@]}" kafka.Kafka "$DATA/kafka/server.properties"; }
kafka_has_started() { grep -qs 'Kafka Server started' "$STATE/log/kafka.log"; }

# Exit code 1: topics differ from the catalog and were not changed; an operator has to decide about them. If the stack's
# own broker is encrypted, the users and their rights are created too, over the listener that requires a certificate.
apply_topics() {
    local status=0 service
    local -a flags=(--brokers "$(kafka_brokers)") apply=(topics apply)
    if [[ -n $(topic_replication) ]]; then apply+=(--replication "$(topic_replication)"); fi
    if secures_kafka; then
        flags=(--brokers "127.0.0.1:${PORT[kafka-admin]}" --kafka security.protocol=SSL
            --kafka ssl.ca.location="$DATA/tls/ca.pem" --kafka ssl.certificate.location="$DATA/tls/topics.pem"
            --kafka ssl.key.location="$DATA/tls/topics.pem")
        for service in "${SERVICES[@]}"; do flags+=("--$service-group" "$(group_of "$service")"); done
        apply+=(--users "$DATA/passwords/kafka")
    fi
    # /dev/null: orderctl must not read the settings of another stack, which may be encrypted.
    "$build_dir/bin/orderctl" --stack-env /dev/null "${flags[@]}" "${apply[@]}" >"$STATE/log/topics.log" 2>&1 || status=$?
    case $status in
        0) ;;
        1) note "topics differ from the catalog, see $STATE/log/topics.log" ;;
        *) die "the topics could not be created: $(tail -n 1 "$STATE/log/topics.log")" ;;
    esac
}

# If KAFKA_BROKERS names another Kafka, the caller's KAFKA_SETTINGS describe its encryption.
secures_kafka() { is_secure && [[ -z ${KAFKA_BROKERS:-} ]]; }

# kafka_settings USER: prints librdkafka's settings for a user with a password, and then the caller's own settings.
kafka_settings() {
    if secures_kafka; then
        printf 'security.protocol=SASL_SSL;sasl.mechanism=SCRAM-SHA-512;sasl.username=%s;ssl.ca.location=%s%s' "$1" \
            "$DATA/tls/ca.pem" "${KAFKA_SETTINGS:+;}"
    fi
    printf '%s' "${KAFKA_SETTINGS:-}"
}

# add_kafka_settings USER: adds them to the caller's `settings`.
add_kafka_settings() {
    if secures_kafka; then
        settings+=(KAFKA_SETTINGS="$(kafka_settings "$1")" KAFKA_PASSWORD_FILE="$DATA/passwords/kafka/$1")
    fi
}

# The stack's own Kafka has one broker, so each topic has one replica. For another Kafka, the caller's TOPIC_REPLICATION
# applies or, without it, the catalog.
topic_replication() { if [[ -z ${KAFKA_BROKERS:-} ]]; then echo 1; else echo "${TOPIC_REPLICATION:-}"; fi; }

# ---- orderflow's own programs ------------------------------------------------------------------

launch_gateway() {
    local -a flags=(--port "${PORT[gateway]}" --bind 127.0.0.1 --database "$DATA/gateway/ledger.sqlite"
        --delay-ms "$gateway_delay_ms")
    if is_secure; then flags+=(--credentials-file "$DATA/passwords/gateway"); fi
    launch gateway "$build_dir/bin/gateway-sandbox" "${flags[@]}"
}

# The stack's own broker, or those that the caller's environment names.
kafka_brokers() { echo "${KAFKA_BROKERS:-127.0.0.1:${PORT[kafka]}}"; }

# The service's name is appended to the caller's KAFKA_CLIENT_ID and KAFKA_GROUP_ID: the services read different topics,
# so they cannot share a group.
launch_service() {
    local name=$1
    local -a settings=()
    local -a flags=(--port "${PORT[$1]}" --bind 127.0.0.1 --brokers "$(kafka_brokers)"
        --client-id "${KAFKA_CLIENT_ID:+$KAFKA_CLIENT_ID-}$1-service" --group-id "$(group_of "$1")")
    if [[ $name == payment ]]; then add_gateway_flags; fi
    add_database_settings "$name" "${DATABASE[$name]}"
    add_kafka_settings "$name-service"
    launch "$name" env "${settings[@]}" "$build_dir/bin/$name-service" "${flags[@]}"
}

# Adds to the caller's `flags`.
add_gateway_flags() {
    flags+=(--gateway-url "$(gateway_url)")
    if is_secure; then
        flags+=(--gateway-ca-file "$DATA/tls/ca.pem" --gateway-credentials-file "$DATA/passwords/gateway")
    fi
}
gateway_url() {
    if is_secure; then echo "https://localhost:${PORT[gateway-tls]}"; else echo "http://127.0.0.1:${PORT[gateway]}"; fi
}

group_of() { echo "${KAFKA_GROUP_ID:+$KAFKA_GROUP_ID-}$1-service"; }

# The service answers requests. Kafka may still be unavailable.
service_is_ready() { curl -sf --max-time 1 -o /dev/null "http://127.0.0.1:${PORT[$1]}/readyz"; }

# The service has finished all steps of its start.
service_is_warm() { curl -sf --max-time 1 "http://127.0.0.1:${PORT[$1]}/readyz" | jq -e '.waiting == []' >/dev/null; }

# ---- the edge ----------------------------------------------------------------------------------

launch_edge() {
    local name user='' files
    local -a fill=()
    files=$(ulimit -Hn) # limited below, because nginx allocates memory for each
    if [[ $files == unlimited ]] || ((files > 20000)); then files=20000; fi
    if ((EUID == 0)); then user='user www-data;'; fi
    if is_secure; then fill+=(--secure); fi
    for name in edge edge-tls gateway gateway-tls "${SERVICES[@]}"; do
        fill+=("$(tr '[:lower:]-' '[:upper:]_' <<<"$name")=127.0.0.1:${PORT[$name]}")
    done
    "$ROOT/deploy/nginx/render" "$STATE/edge" --local "${fill[@]}" USER_DIRECTIVE="$user" FILES="$files" \
        WORK="$STATE/edge" CERTIFICATES="$DATA/tls" EDGE_TLS_PORT="${PORT[edge-tls]}"
    launch edge /usr/sbin/nginx -e stderr -p "$STATE/edge" -c "$STATE/edge/edge.conf"
}

# The URL for clients, and curl with the CA of that URL.
edge_url() {
    if is_secure; then echo "https://localhost:${PORT[edge-tls]}"; else echo "http://127.0.0.1:${PORT[edge]}"; fi
}
edge_curl() { if is_secure; then curl --cacert "$DATA/tls/ca.pem" "$@"; else curl "$@"; fi; }

# ---- for programs that use the stack -----------------------------------------------------------

write_stack_env() {
    local service database pid
    {
        echo "# Written by scripts/up: the stack in this directory, for sh's \`source\`."
        env_line STACK_STATE "$STATE"
        env_line STACK_DATA "$DATA"
        env_line STACK_BIN "$build_dir/bin"
        env_line STACK_SCRIPTS "$ROOT/scripts"
        env_line KAFKA_BROKERS "$(kafka_brokers)"
        env_line TOPIC_REPLICATION "$(topic_replication)"
        if [[ -n $(kafka_settings operator) ]]; then env_line KAFKA_SETTINGS "$(kafka_settings operator)"; fi
        if is_secure; then write_secure_env; fi
        env_line POSTGRES_HOST "$(is_secure && echo localhost || echo "$SOCKET_DIR")"
        env_line POSTGRES_PORT "${PORT[postgres]}"
        env_line POSTGRES_BIN "$POSTGRES_BIN"
        env_line ADMIN_DATABASE_URL "$(whole_database_url postgres postgres "$SUPERUSER_PASSWORD")"
        env_line EDGE_URL "$(edge_url)"
        env_line EDGE_PORT "${PORT[edge]}"
        env_line GATEWAY_URL "$(gateway_url)"
        env_line GATEWAY_PORT "${PORT[gateway]}"
        env_line GATEWAY_DATABASE "$DATA/gateway/ledger.sqlite"
        for service in "${SERVICES[@]}"; do
            database=${DATABASE[$service]}
            env_line "${service^^}_URL" "http://127.0.0.1:${PORT[$service]}"
            env_line "${service^^}_PORT" "${PORT[$service]}"
            env_line "${service^^}_GROUP" "$(group_of "$service")"
            env_line "${database^^}_DATABASE_URL" "$(service_database_url "$service" "$database")"
            env_line "${database^^}_OWNER_DATABASE_URL" "$(service_database_url "$service" "${database}_owner")"
            env_line "OPERATOR_${database^^}_DATABASE_URL" "$(service_database_url "$service" operator)"
            env_line "AUDITOR_${database^^}_DATABASE_URL" "$(service_database_url "$service" auditor)"
        done
        for service in "${PARTS[@]}"; do
            if pid=$(running_pid "$service"); then env_line "${service^^}_PID" "$pid"; fi
        done
    } >"$STATE/stack.env.new"
    chmod 600 "$STATE/stack.env.new"
    mv "$STATE/stack.env.new" "$STATE/stack.env"
}

# The settings of the user `operator`, which orderctl uses. Another user replaces the name in KAFKA_SETTINGS and the
# password file.
write_secure_env() {
    env_line STACK_TLS "$DATA/tls"
    env_line EDGE_TLS_PORT "${PORT[edge-tls]}"
    env_line GATEWAY_TLS_PORT "${PORT[gateway-tls]}"
    env_line GATEWAY_CA_FILE "$DATA/tls/ca.pem"
    env_line EDGE_CA_FILE "$DATA/tls/ca.pem"
    env_line GATEWAY_CREDENTIALS_FILE "$DATA/passwords/gateway"
    if ! secures_kafka; then return; fi
    env_line KAFKA_PASSWORD_FILE "$DATA/passwords/kafka/operator"
    env_line STACK_KAFKA_USERS "$DATA/passwords/kafka"
    env_line KAFKA_ADMIN_BROKERS "127.0.0.1:${PORT[kafka-admin]}"
}

env_line() { printf '%s="%s"\n' "$1" "$(sed 's/[\\"$`]/\\&/g' <<<"$2")"; }
