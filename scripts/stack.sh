# The parts of the local stack: how each is prepared, started and asked whether it is ready.
# shellcheck shell=bash
# Sourced by scripts/up after lib.sh. Uses its PORT, build_dir and gateway_delay_ms, and use_state's STATE, DATA, SOCKET_DIR.

SERVICES=(order payment inventory shipping analytics)
declare -A DATABASE=([order]=orders [payment]=payments [inventory]=inventory [shipping]=shipping
    [analytics]=analytics)

# wait_until PART COMMAND...: until the command succeeds; gives up when the part ends or after 60 s.
wait_until() {
    local part=$1 deadline=$((SECONDS + 60))
    shift
    until "$@"; do
        if ! running_pid "$part" >/dev/null; then
            tail -n 20 "$STATE/log/$part.log" | sed 's/^/   | /' >&2
            die "$part ended while starting; its log: $STATE/log/$part.log"
        fi
        ((SECONDS < deadline)) || die "$part is not ready after 60 s; its log: $STATE/log/$part.log"
        sleep 0.05
    done
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ---- PostgreSQL --------------------------------------------------------------------------------

AS_POSTGRES=() # PostgreSQL refuses to run as root
if ((EUID == 0)); then AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --init-groups); fi

ROLES=(SUPERUSER OPERATOR AUDITOR)
for database in "${DATABASE[@]^^}"; do ROLES+=("$database" "${database}_OWNER"); done

# Passwords are made once and live with the data.
read_secrets() {
    local name
    (umask 077 && touch "$DATA/secrets")
    for name in "${ROLES[@]}"; do
        grep -q "^${name}_PASSWORD=" "$DATA/secrets" ||
            echo "${name}_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >>"$DATA/secrets"
    done
    # shellcheck source=/dev/null
    source "$DATA/secrets"
}

make_directories() {
    mkdir -p "$DATA"/{kafka,gateway} "$STATE/edge" "$SOCKET_DIR"
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

# The newest PostgreSQL, or the one that made the data.
choose_postgres() {
    if [[ -e $DATA/postgres/data/PG_VERSION ]]; then
        POSTGRES_BIN=/usr/lib/postgresql/$(<"$DATA/postgres/data/PG_VERSION")/bin
        [[ -x $POSTGRES_BIN/postgres ]] || die "the data in $DATA/postgres needs $POSTGRES_BIN, which is not installed"
    else
        POSTGRES_BIN=$(find_postgres) || die "no PostgreSQL 15 or later below /usr/lib/postgresql"
    fi
}

# After a crash of the server its children need a moment to notice, and a dead server that nobody has reaped yet
# would look alive to the new one.
await_end_of_old_postgres() {
    local data=$1 deadline=$((SECONDS + 10)) directory busy=yes
    while [[ $busy == yes ]]; do
        busy=no
        for directory in /proc/[0-9]*/cwd; do # every PostgreSQL process works in its data directory
            if [[ $directory -ef $data ]]; then busy=yes; fi
        done
        ((SECONDS < deadline)) || die "a PostgreSQL that this script did not start works in $data"
        if [[ $busy == yes ]]; then sleep 0.1; fi
    done
    rm -f "$data/postmaster.pid" "$SOCKET_DIR"/.s.PGSQL.*
}

prepare_postgres() {
    local home=$DATA/postgres conf=$ROOT/deploy/postgres file
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
    for file in orderflow.conf pg_hba.conf; do
        install -m 600 "$conf/$file" "$home/data/$file"
        if ((EUID == 0)); then chown postgres: "$home/data/$file"; fi
    done
}

launch_postgres() {
    launch postgres "${AS_POSTGRES[@]}" "$POSTGRES_BIN/postgres" -D "$DATA/postgres/data" -p "${PORT[postgres]}" \
        -k "$SOCKET_DIR" -c listen_addresses=127.0.0.1
}

postgres_answers() { "$POSTGRES_BIN/pg_isready" -q -h "$SOCKET_DIR" -p "${PORT[postgres]}"; }

# database_url ROLE DATABASE PASSWORD: a libpq connection string over the socket.
database_url() {
    local host=$SOCKET_DIR
    if [[ $host == *[\\\'[:space:]]* ]]; then host="'$(sed "s/[\\\\']/\\\\&/g" <<<"$host")'"; fi
    printf 'host=%s port=%s dbname=%s user=%s password=%s' "$host" "${PORT[postgres]}" "$2" "$1" "$3"
}

# service_database_url SERVICE ROLE: of the service's database, as a role of ROLES in lower case.
service_database_url() {
    local password=${2^^}_PASSWORD
    database_url "$2" "${DATABASE[$1]}" "${!password}"
}

create_databases() {
    local name password tries=20
    local -a passwords=(PGPASSWORD="$SUPERUSER_PASSWORD")
    for name in "${ROLES[@]}"; do
        password=${name}_PASSWORD
        passwords+=("$password=${!password}")
    done
    # What is handed over to an owner gives way to who works with it, and is tried again.
    until env "${passwords[@]}" "$POSTGRES_BIN/psql" -X -q -h "$SOCKET_DIR" -p "${PORT[postgres]}" -U postgres \
        -d postgres -f "$ROOT/deploy/postgres/bootstrap.sql" >"$STATE/log/bootstrap.log" 2>&1; do
        if ((--tries == 0)) || ! grep -q 'lock timeout\|deadlock' "$STATE/log/bootstrap.log"; then
            die "creating the databases failed: $(tail -n 3 "$STATE/log/bootstrap.log")"
        fi
        sleep 1
    done
}

# Brings the schemas of the services that are about to start up to date, each as its owner.
declare -A MIGRATING=()
start_migrations() {
    local name
    for name in "${SERVICES[@]}"; do
        if ! starting "$name"; then continue; fi
        DATABASE_URL=$(service_database_url "$name" "${DATABASE[$name]}_owner") \
            "$build_dir/bin/$name-service" --migrate >"$STATE/log/$name-migrate.log" 2>&1 &
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
            3) note "$name-service is older than its schema, and works on it if no migration shuts it out" ;;
            *) die "$name-service --migrate failed: $(tail -n 1 "$STATE/log/$name-migrate.log")" ;;
        esac
    done
}

# ---- Kafka -------------------------------------------------------------------------------------

# Sets KAFKA_JAVA, the command up to the main class.
choose_java() {
    local java
    java=$(find_java) || die "no Java 17 or later"
    KAFKA_JAVA=("$java" -Xms256m -Xmx512m -XX:+UseSerialGC -Djava.awt.headless=true
        -Dlog4j2.configurationFile="$ROOT/deploy/kafka/log4j2.properties" -cp "$DEPS/kafka/libs/*")
}

prepare_kafka() {
    local home=$DATA/kafka listen=127.0.0.1:${PORT[kafka]} controller=127.0.0.1:${PORT[kafka-controller]} id
    cat "$ROOT/deploy/kafka/server.properties" - >"$home/server.properties" <<END

listeners=PLAINTEXT://$listen,CONTROLLER://$controller
advertised.listeners=PLAINTEXT://$listen
controller.quorum.voters=1@$controller
log.dirs=$home/data
END
    if [[ -e $home/data/meta.properties ]]; then return; fi
    id=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n' | base64 | tr -d '=') # 16 bytes, as Kafka wants them
    "${KAFKA_JAVA[@]}" kafka.tools.StorageTool format --cluster-id "$id" --config "$home/server.properties" \
        >"$STATE/log/kafka-format.log" 2>&1 || die "formatting Kafka's storage failed, see $STATE/log/kafka-format.log"
}

launch_kafka() { launch kafka "${KAFKA_JAVA[@]}" kafka.Kafka "$DATA/kafka/server.properties"; }
kafka_has_started() { grep -qs 'Kafka Server started' "$STATE/log/kafka.log"; }

# What differs and is not changed (1) is for an operator to judge.
apply_topics() {
    local status=0
    local -a flags=(--brokers "$(kafka_brokers)" topics apply)
    if [[ -n $(topic_replication) ]]; then flags+=(--replication "$(topic_replication)"); fi
    "$build_dir/bin/orderctl" "${flags[@]}" >"$STATE/log/topics.log" 2>&1 || status=$?
    case $status in
        0) ;;
        1) note "topics differ from the catalog, see $STATE/log/topics.log" ;;
        *) die "the topics could not be made: $(tail -n 1 "$STATE/log/topics.log")" ;;
    esac
}

# The own broker is one, so there is one replica of each; elsewhere the catalog says, or the caller.
topic_replication() { if [[ -z ${KAFKA_BROKERS:-} ]]; then echo 1; else echo "${TOPIC_REPLICATION:-}"; fi; }

# ---- orderflow's own programs ------------------------------------------------------------------

launch_gateway() {
    launch gateway "$build_dir/bin/gateway-sandbox" --port "${PORT[gateway]}" --bind 127.0.0.1 \
        --database "$DATA/gateway/ledger.sqlite" --delay-ms "$gateway_delay_ms"
}

# The stack's own broker, or those that the caller's environment names.
kafka_brokers() { echo "${KAFKA_BROKERS:-127.0.0.1:${PORT[kafka]}}"; }

# What the caller's environment calls client and consumer group gets the service's name behind it: the five read
# different topics, so they cannot be one group.
launch_service() {
    local name=$1 url
    local -a flags=(--port "${PORT[$1]}" --bind 127.0.0.1 --brokers "$(kafka_brokers)"
        --client-id "${KAFKA_CLIENT_ID:+$KAFKA_CLIENT_ID-}$1-service" --group-id "$(group_of "$1")")
    if [[ $name == payment ]]; then flags+=(--gateway-url "http://127.0.0.1:${PORT[gateway]}"); fi
    url=$(service_database_url "$name" "${DATABASE[$name]}")
    launch "$name" env DATABASE_URL="$url" "$build_dir/bin/$name-service" "${flags[@]}"
}
group_of() { echo "${KAFKA_GROUP_ID:+$KAFKA_GROUP_ID-}$1-service"; }

# It serves. Kafka may still be away.
service_is_ready() { curl -sf --max-time 1 -o /dev/null "http://127.0.0.1:${PORT[$1]}/readyz"; }

# Nothing of its start is left to wait for.
service_is_warm() { curl -sf --max-time 1 "http://127.0.0.1:${PORT[$1]}/readyz" | jq -e '.waiting == []' >/dev/null; }

# ---- the edge ----------------------------------------------------------------------------------

launch_edge() {
    local conf=$STATE/edge/edge.conf name user='' files
    local -a fill=()
    files=$(ulimit -Hn) # nginx takes memory for each, so not any number
    if [[ $files == unlimited ]] || ((files > 20000)); then files=20000; fi
    if ((EUID == 0)); then user='user www-data;'; fi
    for name in edge "${SERVICES[@]}"; do fill+=(-e "s|@${name^^}_PORT@|${PORT[$name]}|"); done
    sed "${fill[@]}" -e "s|@USER_DIRECTIVE@|$user|" -e "s|@FILES@|$files|" -e "s|@STATE@|${STATE//[&|\\]/\\&}|" \
        "$ROOT/deploy/nginx/edge.conf.in" >"$conf"
    launch edge /usr/sbin/nginx -e stderr -p "$STATE/edge" -c "$conf"
}

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
        if [[ -n ${KAFKA_SETTINGS:-} ]]; then env_line KAFKA_SETTINGS "$KAFKA_SETTINGS"; fi
        env_line POSTGRES_HOST "$SOCKET_DIR"
        env_line POSTGRES_PORT "${PORT[postgres]}"
        env_line POSTGRES_BIN "$POSTGRES_BIN"
        env_line ADMIN_DATABASE_URL "$(database_url postgres postgres "$SUPERUSER_PASSWORD")"
        env_line EDGE_URL "http://127.0.0.1:${PORT[edge]}"
        env_line EDGE_PORT "${PORT[edge]}"
        env_line GATEWAY_URL "http://127.0.0.1:${PORT[gateway]}"
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

env_line() { printf '%s="%s"\n' "$1" "$(sed 's/[\\"$`]/\\&/g' <<<"$2")"; }
