# Cascade Mask R-CNN with UniFormer-B. FSDP shards weights, gradients and optimizer state across the
# GPUs, for cards that cannot hold all of them next to the activations:
#
#     tools/dist_train.sh examples/fsdp_uniformer_b.py 8
#
# docs/large_scale.md explains what this changes and which parts have been run.
_base_ = [__import__('hybrid_backbones').config_path('cascademaskrcnn_uniformer_b_3x')]

runner_type = 'FlexibleRunner'
strategy = dict(
    type='hybrid_backbones.FSDPStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        auto_wrap_policy='hybrid_backbones.wrap_blocks',  # one FSDP unit for each block
        use_orig_params=True,  # keeps the parameter groups of paramwise_cfg
        sharding_strategy='FULL_SHARD',
    ),
    state_dict_cfg='full',  # checkpoints as without FSDP
)

# Activations dominate the memory: checkpoint stages 2 and 3.
model = dict(backbone=dict(with_cp=(0, 8, 20, 0)))
