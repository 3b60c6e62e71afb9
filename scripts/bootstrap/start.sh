#!/bin/sh
# start.sh COMMAND [ARGUMENT...]: find a Python that will do and hand over to scripts/bootstrap,
# which needs nothing but the standard library. Says what is missing where there is none.
# PYTHON names another interpreter to try first.
set -eu

fail() { # fail MESSAGE HINT
    printf 'error: %s\nhint:  %s\n' "$1" "$2" >&2
    exit 4
}

scripts=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

system=$(uname -s)
[ "$system" = Linux ] || fail "localai needs Linux: its sandbox is made of Linux kernel features, and this is $system" \
    "use a Linux machine, a virtual machine, or WSL 2"

incomplete=""
for python in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$python" ] || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        PYTHONPATH=$scripts exec "$python" -BPs -m bootstrap "$@"
    fi
    incomplete=$python
done

[ -z "$incomplete" ] || fail "$incomplete cannot make a virtual environment: its venv or ensurepip module is missing" \
    "install it, on Debian and Ubuntu with: sudo apt-get install python3-venv"
fail "no Python 3.11 or newer was found" \
    "install one (Debian and Ubuntu: sudo apt-get install python3 python3-venv; Fedora and RHEL: sudo dnf install python3.11), or name one: PYTHON=/path/to/python3 scripts/quickstart"
