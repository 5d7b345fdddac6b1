#!/usr/bin/env bash
# Build container images:  ./build.sh general_ocr [FEATURE…]   or   ./build.sh all
# Environment: ENGINE (docker, podman or buildah; the first found), REGISTRY and TAG name the images,
# BASE another base image, PIP_INDEX where torch comes from.
set -euo pipefail
cd "$(dirname "$0")"

if (($# == 0)); then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
features=("$@")
[[ $1 == all ]] && features=(containers/*/feature.py) && features=("${features[@]%/feature.py}")
engine=${ENGINE:-$(basename "$(command -v docker || command -v podman || command -v buildah)")}

for feature in "${features[@]##*/}"; do
    [[ -f containers/$feature/feature.py ]] || { echo "build.sh: no feature $feature" >&2; exit 2; }
    "$engine" build --file containers/Dockerfile \
        ${BASE:+--build-arg "BASE=$BASE"} ${PIP_INDEX:+--build-arg "PIP_INDEX=$PIP_INDEX"} \
        --build-arg "FEATURE=$feature" \
        --tag "${REGISTRY:-aikit}/${feature//_/-}:${TAG:-dev}" .
done
