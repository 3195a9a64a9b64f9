#!/usr/bin/env bash
# Make the environment of requirements/stacks/NAME.txt in .stacks/NAME: `make stack STACK=NAME` does,
# and runs the tests there. Interrupted, run it again; complete, it does nothing.
#   PYTHON=...    the Python to use, of the version that the file names
#   STACKS=...    the folder for environments, instead of .stacks
set -euo pipefail
cd "$(dirname "$0")/../.."

die() {
    echo "make stack: $*" >&2
    exit 2
}

names=$(cd requirements/stacks && echo *.txt)
[ -n "${1:-}" ] || die "STACK must be one of ${names//.txt/}"
file=requirements/stacks/$1.txt
[ -f "$file" ] || die "no stack $1: STACK must be one of ${names//.txt/}"
venv=${STACKS:-.stacks}/$1
log=$venv/make_stack.log
version=$(sed -n '1s/^# Python //p' "$file")
wanted=$(cat "$file" requirements/*.txt pyproject.toml tools/dev/make_stack.sh | sha256sum)
if [ -f "$venv/.complete" ] && [ "$(cat "$venv/.complete")" = "$wanted" ]; then
    exit 0
fi

python=
for candidate in ${PYTHON:-} "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
    if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || die "stack $1 needs Python $version; name one by PYTHON=/path/to/python$version"

rm -rf "$venv"
mkdir -p "$venv"
"$python" -m venv "$venv"
grep -v '^#' "$file" | while read -r line; do
    echo "make stack: pip install $line"
    environment=()
    words=()
    for word in $line; do
        if [[ $word =~ ^[A-Z_]+=[0-9]+$ ]]; then environment+=("$word"); else words+=("$word"); fi
    done
    # stdin is the list of lines
    env "${environment[@]}" "$venv/bin/python" -m pip --disable-pip-version-check install "${words[@]}" \
        </dev/null >>"$log" 2>&1 || die "failed; see the end of $log"
done
echo "make stack: pip install --no-deps -e ."
"$venv/bin/python" -m pip --disable-pip-version-check install --no-deps -e . >>"$log" 2>&1 ||
    die "failed; see the end of $log"
tools/dev/repair_torchvision.sh "$venv/bin/python"
echo "$wanted" >"$venv/.complete"
echo "make stack: $1 is ready, in $((SECONDS / 60)) min $((SECONDS % 60)) s"
