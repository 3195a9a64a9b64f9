#!/usr/bin/env bash
# Make .venv with everything pinned: `make env`. Interrupted, run it again; complete, it does nothing.
#   PYTHON=...    the Python 3.11 to use
#   TORCH=keep    use the torch (and torchvision) of that Python, a CUDA build for instance
#   TORCH='...'   what pip shall install as torch, instead of torch==2.13.0
#   MMCV=compiled compile mmcv: 10 to 20 minutes on 2 cores, with a C++ compiler and Python's headers;
#                 FORCE_CUDA=1 for a GPU too. Without it, mmcv-lite and our operators serve: no compiler
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv
log=$venv/make_env.log
torch=${TORCH:-torch==2.13.0}
torchvision=torchvision==0.28.0
mmcv=${MMCV:-lite}

die() {
    echo "make env: $*" >&2
    exit 1
}

state() { # what a complete environment was made from
    { cat requirements/env.txt pyproject.toml tools/dev/{make_env,repair_torchvision}.sh hybrid_backbones/openmmlab/torchvision.py; echo "$torch $mmcv"; } | sha256sum
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3 python}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info < (3, 12))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "needs Python 3.11.5 or a later 3.11, for which the versions are pinned; name one by PYTHON=/path/to/python3.11"
}

check_machine() { # before minutes are spent
    case $mmcv in
    lite) ;;
    compiled)
        command -v g++ >/dev/null ||
            die "MMCV=compiled needs a C++ compiler, and there is no g++ (Debian, Ubuntu: apt install g++)"
        "$1" -c 'import os, sysconfig as s, sys; sys.exit(not os.path.isfile(s.get_path("include") + "/Python.h"))' ||
            die "MMCV=compiled needs Python's headers (Debian, Ubuntu: apt install python3.11-dev)"
        ;;
    *) die "MMCV must be lite (the default) or compiled, got $mmcv" ;;
    esac
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        die "needs Python's venv module (Debian, Ubuntu: apt install python3.11-venv)"
}

step() { # step LABEL COMMAND...: run it, its output to the log, and show that it lives
    local label=$1 started=$SECONDS said=0 passed progress
    shift
    echo "make env: $label"
    setsid "$@" >>"$log" 2>&1 &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.5
        passed=$((SECONDS - started))
        if ((passed >= said + 30)); then
            said=$passed
            progress=$(tail -c 20000 "$log" | grep -aoE '\[[0-9]+/[0-9]+\]' | tail -n 1 || true)
            echo "make env:   still at it after $((passed / 60)) min $((passed % 60)) s $progress"
        fi
    done
    wait "$child" || die "failed: $label; see the end of $log"
    child=
}

stop() { # leave no compiler running behind an interrupt
    if [ -n "${child:-}" ]; then kill -TERM -- "-$child" 2>/dev/null || true; fi
    echo "make env: interrupted; run it again to go on" >&2
    exit 130
}

wanted=$(state)
if [ -f $venv/.complete ] && [ "$(cat $venv/.complete)" = "$wanted" ]; then
    exit 0
fi
trap stop INT TERM

python=$(find_python)
check_machine "$python"
site=()
if [ "$torch" = keep ]; then
    "$python" -c 'import torch' 2>/dev/null || die "TORCH=keep, but $python has no torch"
    site=(--system-site-packages)
fi
rm -f $venv/.complete
"$python" -m venv ${site[@]+"${site[@]}"} $venv
: >"$log"
pip=($venv/bin/python -m pip --disable-pip-version-check install)

if [ "$torch" != keep ]; then
    # shellcheck disable=SC2086  # TORCH may hold options of pip too
    step "installing $torch" "${pip[@]}" $torch
    # No dependencies: its own idea of torch may be another build than the one just installed.
    step "installing $torchvision" "${pip[@]}" --no-deps "$torchvision"
fi
step "installing the pinned packages" "${pip[@]}" -r requirements/env.txt
if [ "$mmcv" = compiled ]; then
    # Not isolated: with the pinned setuptools, since a newer one cannot build mmcv.
    # mmcv-lite has the same folder: it has to go first.
    $venv/bin/python -m pip uninstall -y mmcv-lite >>"$log" 2>&1
    step "compiling mmcv 2.1.0 (10 to 20 minutes on 2 cores; seconds if pip has built it before)" \
        env MMCV_WITH_OPS=1 FORCE_CUDA="${FORCE_CUDA:-0}" \
        "${pip[@]}" -v --no-build-isolation --no-deps mmcv==2.1.0
else
    $venv/bin/python -m pip uninstall -y mmcv >>"$log" 2>&1
    step "installing mmcv-lite" "${pip[@]}" --no-deps mmcv-lite==2.1.0
fi
# mmpose without what it asks for: chumpy no longer builds, and pycocotools does what it takes from
# xtcocotools, which has to be compiled.
step "installing mmpose" "${pip[@]}" --no-deps mmpose==1.3.2
step "installing hybrid_backbones" "${pip[@]}" --no-build-isolation --no-deps -e .
tools/dev/repair_torchvision.sh $venv/bin/python
$venv/bin/python -c 'import hybrid_backbones.openmmlab.operators, mmcv.ops, mmdet, mmseg, mmpose.visualization, mmpretrain' >>"$log" 2>&1 ||
    die "installed, but the libraries do not import; see the end of $log"
echo "$wanted" >$venv/.complete
echo "make env: done, in $((SECONDS / 60)) min $((SECONDS % 60)) s"
