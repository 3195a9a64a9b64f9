#!/usr/bin/env bash
# Build dist/*.tar.gz and dist/*.whl twice, see that both times give the same bytes, check their
# metadata, and write the bill of materials beside them: `make release`.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv-release
log=$venv/make_release.log

die() {
    echo "make release: $*" >&2
    exit 2
}

[ -z "$(git status --porcelain)" ] || die "commit first: what is built must be what is committed"
[ -x .venv/bin/python ] || die "run make env first: the bill of materials is of that environment"
if ! cmp -s requirements/release.txt $venv/.complete; then
    .venv/bin/python -m venv $venv
    : >$log
    $venv/bin/python -m pip --disable-pip-version-check install -r requirements/release.txt >>$log 2>&1 ||
        die "failed; see the end of $log"
    cp requirements/release.txt $venv/.complete
fi

# the time that archives note for their files
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
for round in first second; do
    mkdir "$work/$round"
    git archive HEAD | tar -x -C "$work/$round" # without what lies beside what is committed
    $venv/bin/python -m build --outdir "$work/$round/dist" "$work/$round" >>$log 2>&1 ||
        die "failed; see the end of $log"
    $venv/bin/python tools/dev/repack_sdist.py "$work/$round"/dist/*.tar.gz
done
for file in "$work"/first/dist/*; do
    cmp "$file" "$work/second/dist/$(basename "$file")" || die "not the same twice: $(basename "$file")"
done
$venv/bin/python -m twine check --strict "$work"/first/dist/*
rm -rf dist
mv "$work/first/dist" dist

version=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" hybrid_backbones/version.py)
$venv/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library \
    --output-reproducible --output-format JSON \
    --output-file "dist/hybrid_backbones-$version.cdx.json" .venv/bin/python 2>>$log ||
    die "no bill of materials; see the end of $log"
(cd dist && sha256sum -- *)
