# Cascade Mask R-CNN with UniFormer-B; weights, gradients and AdamW's averages are shared out among
# the GPUs (FSDP), for cards that cannot hold all of them beside the activations:
#
#     tools/dist_train.sh examples/fsdp_uniformer_b.py 8
#
# docs/large_scale.md says what this changes, and what has been run of it.
_base_ = [__import__('hybrid_backbones').config_path('cascademaskrcnn_uniformer_b_3x')]

runner_type = 'FlexibleRunner'
strategy = dict(
    type='hybrid_backbones.FSDPStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        auto_wrap_policy='hybrid_backbones.wrap_blocks',  # each block is gathered by itself
        use_orig_params=True,  # groups of parameters stay as paramwise_cfg makes them
        sharding_strategy='FULL_SHARD',
    ),
    state_dict_cfg='full',  # checkpoints are as without FSDP
)

# Activations are what fills a card: recompute those of stages 2 and 3 in the backward pass.
model = dict(backbone=dict(with_cp=(0, 8, 20, 0)))
