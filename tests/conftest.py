"""Set up before any test: thread use that suits shared machines, and importable libraries."""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import pytest
import torch
from mmengine.registry import DefaultScope

from hybrid_backbones.openmmlab.library import prepare_libraries

prepare_libraries()


@pytest.fixture(autouse=True)
def same_seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_default_scope(monkeypatch):
    """What a test makes the default scope, as inferencers do for good, is not the next one's."""
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())


# The longest of tests whose kind has a quicker sibling in `make test`; `make test-all` runs them.
# Kept there instead: UniFormer's and CvT's ONNX files, UniFormer's torch file; the example with
# masks; overfitting with poses; gradients in two processes; CvT-W24 at 224 pixels; the other
# families' graphs, reports and channels; memory for each kind of attention.
EXTENDED = (
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[HRFormer]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[TransXNet]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[UniFormer]',
    'backbones/test_cvt.py::test_logits[cvt_w24@cls-384x384]',
    'backbones/test_linear_memory.py::test_four_times_the_tokens[conformer_tiny_patch16]',
    'backbones/test_large_images.py::test_memory_at_800x1333',
    'cli/test_browse_dataset.py::test_mini[semanticfpn_uniformer_xxs_80k_ade20k]',
    'cli/test_browse_dataset.py::test_mini[topdown_hrformer_t_210e_coco_256x192]',
    'deploy/test_export.py::test_folded[HRFormer]',
    'deploy/test_export.py::test_onnx[Conformer]',
    'deploy/test_export.py::test_onnx[HRFormer]',
    'deploy/test_export.py::test_onnx[TransXNet]',
    'deploy/test_export.py::test_torch_file[TransXNet]',
    'deploy/test_fold.py::test_outputs[CvT_w24]',
    'deploy/test_published.py::test_levels[cvt_w24@224x224]',
    'engine/test_distributed.py::test_loss_curves',
    'test_examples.py::test_training[own_coco]',
    'test_examples.py::test_training[own_keypoints]',
    'tools/pages/test_benchmark.py::test_suites_own_process',
    'tools/pages/test_up_to_date.py::test_up_to_date[tools.pages.readme]',
    'tools/test_overfit_real_images.py::test_segmentation',
    'tools/test_refusals.py::test_pretrained_weights_out_of_reach[pretrained/none.pth]',
    'tools/test_refusals.py::test_transxnet_with_one_image_and_fixed_statistics',
    'weights/test_channels.py::test_other_numbers_of_channels[hrformer_tiny-2]',
    'weights/test_channels.py::test_other_numbers_of_channels[hrformer_tiny-4]',
    'weights/test_published.py::test_report_of_a_built_backbone[hrformer_tiny]',
    'weights/test_published.py::test_report_of_a_built_backbone[transxnet_t]',
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.removeprefix('tests/') in EXTENDED:
            item.add_marker(pytest.mark.extended)
