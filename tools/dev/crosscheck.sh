#!/usr/bin/env bash
# Compare with others' implementations: `make crosscheck`. Their packages go into .venv-crosscheck,
# on top of .venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv-crosscheck
wanted=$(cat .venv/.complete requirements/crosscheck.txt | sha256sum)
if [ ! -f $venv/.complete ] || [ "$(cat $venv/.complete)" != "$wanted" ]; then
    echo "make crosscheck: making $venv"
    rm -rf $venv
    .venv/bin/python -m venv $venv
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    echo "$site" >"$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
    if ! $venv/bin/python -m pip --disable-pip-version-check install -q -r requirements/crosscheck.txt \
        >$venv/make.log 2>&1; then
        echo "make crosscheck: failed; see $venv/make.log" >&2
        exit 1
    fi
    echo "$wanted" >$venv/.complete
fi
CROSSCHECK=1 PYTHONPATH=. $venv/bin/python -m pytest tests/crosscheck tests/backbones/test_hrformer.py -k "crosscheck or mmpose"
