#!/usr/bin/env bash
# Test on several GPUs (or, without any, several CPU processes) of one or more machines:
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [flags of tools/test.py]
# NNODES, NODE_RANK, MASTER_ADDR and PORT set up more than one machine.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [flags of tools/test.py]" >&2
    exit 2
fi
config=$1 checkpoint=$2 gpus=$3
shift 3
exec torchrun --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" "$(dirname "$0")/test.py" "$config" "$checkpoint" \
    --launcher pytorch "$@"
