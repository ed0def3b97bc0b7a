#!/usr/bin/env bash
# The first hour of a new user: what the README says, on fresh clones and with an empty home.
#
#     benchmarks/newcomer.sh [repository]
#
# The commands are those of the README. One copy gets both of them and the documentation, another one
# the second command alone and then the first. It stops at the first failure, and prints how long each
# step took. PYTEST_ADDOPTS shortens the tests, TORCH=default leaves out the command for the CPU build of
# PyTorch, and TMPDIR is where it works (about 8 GB).
set -Eeuo pipefail

source=$(cd "${1:-$(dirname "$0")/..}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step="start"
trap 'echo "FAILED: $step"; tail -n 40 "$work/log"' ERR

# Nothing of the caller's: no settings, caches, or packages.
for name in $(compgen -e | grep -E '^(NUMBA_|PYTHON|XDG_|VIRTUAL_ENV|HYPERSPY)' || true); do
    unset "$name"
done
export HOME="$work/home" MPLBACKEND=Agg
mkdir "$HOME"

# Run one command in the present copy; what it prints goes to the log.
timed() {
    step="$1"
    local start seconds
    start=$(date +%s.%N)
    bash -c "set -euo pipefail; $2" >"$work/log" 2>&1
    seconds=$(echo "$(date +%s.%N) - $start" | bc)
    printf '%8.1f s  %s\n' "$seconds" "$step"
}

# Run the parts of a command of the README one by one.
parts() {
    local copy="$1" rest="$2"
    while [[ $rest == *" && "* ]]; do
        timed "$copy: ${rest%% && *}" "${rest%% && *}"
        rest=${rest#* && }
    done
    timed "$copy: $rest" "$rest"
}

# The package and HyperSpy answer from another folder, and HyperSpy knows the signal types.
imported() {
    timed "$1: import from another folder" "python=\$PWD/.venv/bin/python; cd '$HOME'; \"\$python\" -c '
import hyperspy.api as hs, hyperspy_twin, numpy
signal = hs.signals.Signal2D(numpy.ones((8, 8)))
signal.set_signal_type(\"Micrograph\")
assert type(signal) is hyperspy_twin.Micrograph, type(signal)
print(hyperspy_twin.__file__)'"
    echo "            $(cat "$work/log")"
}

fresh_copy() {
    timed "$1: clone" "git clone --quiet '$source' '$work/$1'"
    cd "$work/$1"
    demo=$(grep -m 1 '^python3 -m venv .*demo' README.md)
    tests=$(grep -m 1 '^python3 -m venv .*pytest' README.md)
    torch=$(grep -m 1 'pip install torch' README.md)
    docs=$(grep -m 1 -F '.[docs]' README.md)
    [[ ${TORCH:-cpu} == default ]] || timed "$1: $torch" "$torch"
}

echo "$(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg), $(python3 --version)"
fresh_copy one
parts one "$demo"
timed "one: demo again, warm" "${demo##* && }"
imported one
parts one "$docs"
imported one
timed "one: demo after the documentation" "${demo##* && }"
parts one "$tests"
tail -n 2 "$work/log"
imported one

fresh_copy two
parts two "$tests"
tail -n 2 "$work/log"
imported two
parts two "$demo"
imported two
echo "all steps passed"
