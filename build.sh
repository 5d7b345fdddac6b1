#!/usr/bin/env bash
# Builds container images, one per feature, and pushes them to Amazon ECR.
#
#   ./build.sh FEATURE…|all [options]
#   ./build.sh --together A,B,C [options]      one image with several features
#
#   --target sagemaker|lambda   where the image will run; it determines the tag; default: sagemaker
#   --profile NAME              profile of the weights in the image; default: the default of each feature
#   --tag TAG                   tag of the image, to which `-lambda` is added for Lambda;
#                               default: VERSION-REVISION of this checkout
#   --prefix NAME               prefix of the repository names; default: aikit
#   --torch-index URL           package index for torch, such as one with CPU wheels for --target lambda;
#                               default: the index of pip, which has the CUDA build
#   --base IMAGE                base image, with pip and Python 3.11 or newer; default: python:3.11-slim
#   --engine ENGINE             docker, podman or buildah; default: the first of them that is installed
#   --push                      push the image to ECR, and make its repository if there is none
#   --region REGION             AWS region for --push; default: AWS_REGION, AWS_DEFAULT_REGION or the
#                               region of the AWS profile
#
# PIP_INDEX_URL, NPM_CONFIG_REGISTRY, HF_ENDPOINT and AIKIT_URL_MIRROR name mirrors for the build, if they are set. The
# image's history keeps them, so they must not contain a password.
# The variable ENGINE_BUILD_ARGS adds arguments to the engine's build command, such as `--isolation chroot`.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "build.sh: $1" >&2; exit 2; }

target=sagemaker profile="" tag="" prefix=aikit index="" base="" engine="" push="" region="" features=()
while (($#)); do
    case $1 in
        --push) push=1; shift; continue ;;
        -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
        --*) (($# > 1)) || fail "$1 needs a value" ;;
    esac
    case $1 in
        --target) target=$2 ;;
        --profile) profile=$2 ;;
        --tag) tag=$2 ;;
        --prefix) prefix=$2 ;;
        --torch-index) index=$2 ;;
        --base) base=$2 ;;
        --engine) engine=$2 ;;
        --region) region=$2 ;;
        --together) features+=("$2") ;;
        --*) fail "$1: unknown option; see --help" ;;
        all) for file in containers/*/feature.py; do features+=("$(basename "$(dirname "$file")")"); done; shift; continue ;;
        *) features+=("$1"); shift; continue ;;
    esac
    shift 2
done

((${#features[@]})) || fail "name a feature, or all; see --help"
[[ $target == sagemaker || $target == lambda ]] || fail "target: $target, must be sagemaker or lambda"
for feature in ${features[@]//,/ }; do
    [[ -f containers/$feature/feature.py ]] || fail "feature: $feature does not exist; \`aikit list\` lists all"
done
engine=${engine:-$(basename "$(command -v docker || command -v podman || command -v buildah || fail 'engine: install docker, podman or buildah')")}
if [[ $target == lambda && -z $index ]]; then
    echo "build.sh: without --torch-index the image contains the CUDA build of torch, which Lambda cannot use" >&2
fi

version=$(sed -n 's/^version = //p' setup.cfg)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[[ -z $(git status --porcelain 2>/dev/null) ]] || revision+=-dirty
tag=${tag:-$version-$(git describe --always --abbrev=12 --dirty --exclude '*' 2>/dev/null || echo unknown)}
[[ $target == sagemaker ]] || tag+=-lambda

# Prints the licences of the weights in the image, from the tables of THIRD_PARTY.md.
licences() {
    awk -F' *[|] *' -v features="$1" -v profile="$profile" '
        BEGIN { split(features, names, ","); for (i in names) wanted[names[i]] }
        /^## / {
            split(substr($0, 4), part, ", ")
            use = part[1] in wanted && (profile ? part[2] == profile : !(part[1] in seen))
            seen[part[1]]
        }
        use && /^[|]/ && $2 != "file" && $2 !~ /^-/ && !($4 in listed) { listed[$4]; printf "%s%s", separator, $4; separator = ", " }
    ' THIRD_PARTY.md
}

mirrors=()
for name in PIP_INDEX_URL NPM_CONFIG_REGISTRY HF_ENDPOINT AIKIT_URL_MIRROR; do
    [[ ! ${!name:-} ]] || mirrors+=(--build-arg "$name=${!name}")
done

registry=""
if [[ $push ]]; then
    region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}}
    [[ $region ]] || fail "push: no region; pass --region or set AWS_REGION"
    account=$(aws sts get-caller-identity --query Account --output text)
    registry=$account.dkr.ecr.$region.amazonaws.com
    [[ $region == cn-* ]] && registry+=.cn
    aws ecr get-login-password --region "$region" | "$engine" login --username AWS --password-stdin "$registry"
    registry+=/
fi

for feature in "${features[@]}"; do
    name=$prefix/${feature//_/-}
    [[ $feature != *,* ]] || name=$prefix/together
    image=$registry$name:$tag
    # shellcheck disable=SC2086  # ENGINE_BUILD_ARGS is several words
    "$engine" build ${ENGINE_BUILD_ARGS:-} --file containers/Dockerfile ${mirrors[@]+"${mirrors[@]}"} \
        ${base:+--build-arg "BASE=$base"} ${index:+--build-arg "TORCH_INDEX=$index"} \
        ${profile:+--build-arg "PROFILE=$profile"} --build-arg "FEATURE=$feature" \
        --label "org.opencontainers.image.title=$feature" \
        --label "org.opencontainers.image.version=$version" \
        --label "org.opencontainers.image.revision=$revision" \
        --label "aikit.weights.licenses=$(licences "$feature")" \
        --tag "$image" .
    if [[ $push ]]; then
        aws ecr describe-repositories --region "$region" --repository-names "$name" > /dev/null 2>&1 ||
            aws ecr create-repository --region "$region" --repository-name "$name" \
                --image-scanning-configuration scanOnPush=true --image-tag-mutability IMMUTABLE > /dev/null
        "$engine" push "$image"
    fi
    echo "$image"
done
