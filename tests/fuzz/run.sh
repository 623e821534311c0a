# sh tests/fuzz/run.sh PROGRAM ARGUMENT...: one target for 20 s, or for ORDERFLOW_FUZZ_S.
program=$1
shift
seconds=${ORDERFLOW_FUZZ_S:-20}
if [ "$seconds" -lt 20 ]; then echo "not run: $((20 - seconds)) of 20 s of $(basename "$program")"; fi
exec "$program" -max_total_time="$seconds" "$@"
