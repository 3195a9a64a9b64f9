#!/usr/bin/env bash
# Train as a job of Slurm; GPUS=1 asks for one GPU, GPUS=16 for two machines of eight:
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS='--time=8:00:00'] \
#       tools/slurm_train.sh PARTITION JOB_NAME CONFIG [flags of tools/train.py]
# One task is started for each GPU. SRUN_ARGS are more flags of srun, separated by spaces.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG [flags of tools/train.py]" >&2
    exit 2
fi
partition=$1 job=$2 config=$3
shift 3
gpus=${GPUS:-8}
on_each=${GPUS_PER_NODE:-8}
if [ "$gpus" -lt "$on_each" ]; then
    on_each=$gpus
fi
read -r -a more <<<"${SRUN_ARGS:-}"
exec srun --partition="$partition" --job-name="$job" --gres="gpu:$on_each" \
    --ntasks="$gpus" --ntasks-per-node="$on_each" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${more[@]+"${more[@]}"} \
    python -u "$(dirname "$0")/train.py" "$config" --launcher slurm "$@"
