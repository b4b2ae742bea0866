#!/usr/bin/env bash
# Runs the fuzz targets coverage-guided on the stable compiler (make fuzz SECONDS_EACH=600 TARGETS="leaf note").
#
#   scripts/fuzz.sh SECONDS [TARGET ...]     without targets: all
#
# cargo-fuzz wants a nightly compiler for its sanitizers; libFuzzer itself needs only LLVM's coverage pass, which the
# stable compiler can be asked for. What was learnt stays in the cache and is used the next time. A finding is
# written to the cache, named at the end, and the exit status is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each target}
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$cache"

export CARGO_TARGET_DIR=$cache/target
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# An explicit target keeps the flags away from build scripts and macros.
cargo build --quiet --locked --release --target "$host" --manifest-path fuzz/libfuzzer/Cargo.toml
program=$CARGO_TARGET_DIR/$host/release/aal-libfuzzer

if [ $# -eq 0 ]; then
    mapfile -t targets < <(ls fuzz/seeds)
else
    targets=("$@")
fi

status=0
printf '%-18s %8s %12s %8s %s\n' target seconds inputs corpus result
for target in "${targets[@]}"; do
    mkdir -p "$cache/corpus/$target" "$cache/findings/$target"
    log=$cache/$target.log
    result=clean
    AAL_FUZZ_TARGET=$target nice -n 19 "$program" "$cache/corpus/$target" "fuzz/seeds/$target" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="$cache/findings/$target/" >"$log" 2>&1 || { result="FINDING, see $log"; status=1; }
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-18s %8s %12s %8s %s\n' "$target" "$seconds" "${inputs:-?}" "$(find "$cache/corpus/$target" -type f | wc -l)" "$result"
done
exit $status
