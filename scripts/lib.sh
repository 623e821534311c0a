# Shared by scripts/setup, up, down and test: paths, messages, steps with progress, processes with pid files.
# shellcheck shell=bash
# Other scripts source this file. Each of them has `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEPS=${ORDERFLOW_DEPS:-$ROOT/.deps}
# shellcheck source=scripts/services.sh
source "$ROOT/scripts/services.sh"

# The parts of the local stack, in the order in which they start.
PARTS=(postgres kafka gateway "${SERVICES[@]}" edge)

# check_parts PART,...: ends the script with an error if a name is not the name of a part.
check_parts() {
    local name
    for name in ${1//,/ }; do
        [[ " ${PARTS[*]} " == *" $name "* ]] || die "unknown part '$name'; the parts are: ${PARTS[*]}"
    done
}

say() { printf '%s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The comment at the top of a script is its help text.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# with_progress TITLE LOGFILE COMMAND...: runs the command with its output in LOGFILE; on failure prints the log's
# end and returns the command's status. On a terminal it shows the progress: the counter of ninja or make ([7/40]), or
# the seconds. Elsewhere it prints one line when the command has ended, so that a log never contains half a line.
with_progress() {
    local title=$1 log=$2 pid start=$SECONDS ticks=0 status=0 terminal=no
    shift 2
    if [[ -t 1 ]]; then terminal=yes; fi
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        if [[ $terminal == yes ]] && ((++ticks % 5 == 0)); then
            printf '\r   %s %-14s' "$title" "$(steps_in "$log" || echo "$((SECONDS - start)) s")"
        fi
    done
    wait "$pid" || status=$?
    if [[ $terminal == yes ]]; then printf '\r%*s\r' $((${#title} + 20)) ''; fi
    printf '   %s' "$title"
    if ((status == 0)); then
        printf ' done (%d s)\n' $((SECONDS - start))
    else
        printf ' FAILED\n'
        note "the last lines of $log:" >&2
        tail -n 40 "$log" | sed 's/^/   | /' >&2
    fi
    return "$status"
}

# Prints the last "[7/40]" of a log.
steps_in() { tail -c 400 "$1" 2>/dev/null | grep -oE '\[[0-9]+/[0-9]+\]' | tail -n 1; }

# Prints the Debian mirror that the machine's own apt uses.
debian_mirror() {
    local uri
    # shellcheck disable=SC2016 # apt's variables, not the shell's
    local format='$(REPO_URI) $(RELEASE) $(COMPONENT)'
    if [[ -n ${DEBIAN_MIRROR:-} ]]; then
        echo "$DEBIAN_MIRROR"
        return
    fi
    uri=$({
        apt-get indextargets --format "$format" 'Created-By: Packages' 'Origin: Debian'
        apt-get indextargets --no-release-info --format "$format" 'Created-By: Packages'
    } 2>/dev/null | awk -v release="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" '$2 == release && $3 == "main" && $1 !~ /^cdrom:/ {print $1; exit}')
    [[ -n $uri ]] || die "no Debian mirror found in this machine's apt sources; specify one: DEBIAN_MIRROR=... scripts/setup"
    echo "$uri"
}

# private_apt DIR PROGRAM ARGUMENT...: runs a program of apt with its own sources, state and cache below DIR. It can
# download packages of another release and does not change the machine's apt. The machine's settings for proxies and
# transports apply.
private_apt() {
    local dir=$1 program=$2
    shift 2
    "$program" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$dir/state" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User= \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Languages=none \
        -o Acquire::PDiffs=false -o Acquire::Retries=3 "$@"
}

# private_apt_update DIR TYPE:SUITE...: TYPE is deb or deb-src.
private_apt_update() {
    local dir=$1 mirror suite
    shift
    mirror=$(debian_mirror)
    mkdir -p "$dir"/{state/lists/partial,cache/archives/partial}
    for suite in "$@"; do
        echo "${suite%%:*} [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror ${suite#*:} main"
    done >"$dir/sources.list"
    private_apt "$dir" apt-get update
}

# Prints the path of a Java runtime that Kafka 4.1 accepts (17 or later): from JAVA_HOME, PATH or /usr/lib/jvm.
find_java() {
    local java major
    for java in "${JAVA_HOME:-}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -x $java ]] || continue
        major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
        if ((${major:-0} >= 17)); then
            echo "$java"
            return
        fi
    done
    return 1
}

# Prints the directory of the programs of the newest installed PostgreSQL, 15 or later.
find_postgres() {
    local dir version newest=0
    for dir in /usr/lib/postgresql/*/bin; do
        version=${dir#/usr/lib/postgresql/}
        version=${version%/bin}
        if [[ $version =~ ^[0-9]+$ && -x $dir/postgres ]] && ((version > newest)); then newest=$version; fi
    done
    ((newest >= 15)) && echo "/usr/lib/postgresql/$newest/bin"
}

# ---- a stack's directories ---------------------------------------------------------------------

# use_state DIR: sets STATE (logs, pid files, settings) and DATA (what must survive a restart).
# PostgreSQL refuses to run as root, and the user postgres cannot enter every home directory: so the data of root is
# below /var/lib.
use_state() {
    STATE=$(realpath -m -- "$1")
    STATE_ID=$(printf '%s' "$STATE" | sha256sum | cut -c1-12)
    if ((EUID == 0)); then
        DATA=/var/lib/orderflow/$STATE_ID
    else
        DATA=$STATE/data
    fi
    SOCKET_DIR=$DATA/socket
    if ((${#SOCKET_DIR} > 88)); then SOCKET_DIR=/tmp/orderflow-$EUID-$STATE_ID; fi # a socket's path has at most 107 bytes
    if [[ -e $STATE && ! -O $STATE ]]; then
        die "$STATE belongs to another user; specify a directory of your own with --state"
    fi
}

# One `up` or `down` per stack at a time.
lock_state() {
    mkdir -p "$STATE"/{run,log}
    exec {LOCK_FD}>"$STATE/lock"
    flock -n "$LOCK_FD" || die "another scripts/up or scripts/down is working on $STATE"
}

# This file exists while scripts/restore restores the databases. scripts/down --wipe removes it together with them.
restore_marker() { echo "$DATA/postgres/restoring"; }

# Prints the command that stops this stack, quoted for a shell: `down` in the directory of the running script.
down_command() {
    printf '%q' "${BASH_SOURCE[-1]%/*}/down"
    if [[ $STATE != "$ROOT/.stack" ]]; then printf ' --state %q' "$STATE"; fi
}

# ---- processes ---------------------------------------------------------------------------------

# Prints the id of the boot and the start time of the process: a later process with the same pid has others.
process_identity() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }" # the fields after the name: state, ppid, …; the 20th is the start time
    [[ ${fields[0]} != Z ]] || return 1
    echo "$(</proc/sys/kernel/random/boot_id) ${fields[19]}"
}

# running_pid NAME: prints the pid of a part that this stack has started, if the part still runs.
running_pid() {
    local pid
    pid=$(cat "$STATE/run/$1.pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ && $(process_identity "$pid") == "$(cat "$STATE/run/$1.identity" 2>/dev/null)" ]] || return 1
    echo "$pid"
}

# A part that was killed may leave child processes that hold its port (nginx does). launch starts each part in its own
# session, and the kernel does not reuse the number of a session that still has a process.
end_orphans() {
    local pid boot orphan
    pid=$(cat "$STATE/run/$1.pid" 2>/dev/null) || return 0
    read -r boot _ <"$STATE/run/$1.identity" || return 0
    if running_pid "$1" >/dev/null || [[ $boot != "$(</proc/sys/kernel/random/boot_id)" ]]; then return 0; fi
    if [[ -e /proc/$pid ]]; then return 0; fi # another process has this pid now
    for orphan in $(ps -o pid= --sid "$pid"); do kill -s KILL "$orphan" 2>/dev/null || true; done
}

# keep_logs FILE: renames FILE to FILE.1, FILE.1 to FILE.2 and so on, up to FILE.9. With the next FILE there are ten.
keep_logs() {
    local n
    for n in 8 7 6 5 4 3 2 1; do
        if [[ -e $1.$n ]]; then mv -f "$1.$n" "$1.$((n + 1))"; fi
    done
    if [[ -e $1 ]]; then mv -f "$1" "$1.1"; fi
}

# launch NAME COMMAND...: starts a part detached from the terminal, its output in log/NAME.log.
launch() {
    local name=$1 log=$STATE/log/$1.log pid
    shift
    keep_logs "$log"
    setsid "$@" </dev/null >"$log" 2>&1 {LOCK_FD}>&- &
    pid=$!
    process_identity "$pid" >"$STATE/run/$name.identity" || true
    echo "$pid" >"$STATE/run/$name.pid"
}

# stop_parts NAME...: sends all of them the signal to stop at once, and kills those that still run after 10 s.
stop_parts() {
    local name pid signal deadline=$((SECONDS + 10))
    local -A left=()
    for name in "$@"; do
        pid=$(running_pid "$name") || continue
        signal=TERM
        if [[ $name == postgres ]]; then signal=INT; fi # a "fast shutdown"; with TERM it would wait for its clients
        kill -s "$signal" "$pid" 2>/dev/null || true
        left[$name]=$pid
    done
    while ((${#left[@]} > 0)); do
        for name in "${!left[@]}"; do
            if ! running_pid "$name" >/dev/null; then
                note "stopped $name"
                unset "left[$name]"
            elif ((SECONDS >= deadline)); then
                note "$name did not stop within 10 s: killed"
                kill -s KILL "${left[$name]}" 2>/dev/null || true
            fi
        done
        sleep 0.05
    done
    for name in "$@"; do
        end_orphans "$name"
        rm -f "$STATE/run/$name".{pid,identity}
    done
}

# exec_as_admin DATABASE PROGRAM [ARGUMENT...]: executes one of PostgreSQL's programs as the superuser of
# $ADMIN_DATABASE_URL. The password is in the environment of this program only, not on its command line, which all users
# can read.
exec_as_admin() {
    local url="$ADMIN_DATABASE_URL dbname=$1"
    if [[ $url =~ ^(.*)\ password=([^\ ]*)(.*)$ ]]; then
        export PGPASSWORD=${BASH_REMATCH[2]}
        url=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    fi
    exec "$POSTGRES_BIN/$2" --dbname="$url" "${@:3}"
}
