"""Set up before any test: thread use that suits shared machines, and importable libraries."""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import pytest
import torch
from mmengine.registry import DefaultScope

from hybrid_backbones.openmmlab.library import prepare_libraries
from tests.commands_in_process import command  # noqa: F401, a fixture
from tests.tools import commands

prepare_libraries()


@pytest.fixture(scope='session', autouse=True)
def mini_root(tmp_path_factory):
    """Where ``--mini`` draws: one folder for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    commands.MINI = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / 'mini'
    commands.MINI.mkdir(exist_ok=True)
    return commands.MINI


@pytest.fixture(autouse=True)
def same_seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_default_scope(monkeypatch):
    """What a test makes the default scope, as inferencers do for good, is not the next one's."""
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())


# The longest of tests whose kind has a quicker sibling in `make test`; `make test-all` runs them.
# Kept there instead: UniFormer's ONNX file and compiled model; the example with masks; gradients in
# two processes of one family, and blocks that two processes share; mmdet's own tools in
# openmmlab/operators/test_ways_in.py; the other families' graphs, reports and channels.
EXTENDED = (
    'analysis/benchmark/test_benchmark.py::test_memory_of_a_fresh_process[training]',
    'analysis/benchmark/test_benchmark.py::test_tool',
    'analysis/benchmark/test_benchmark.py::test_whole_models[semanticfpn_hrformer_t_80k_ade20k]',
    'analysis/training_memory/test_training_memory.py::test_as_measured[TransXNet]',
    'analysis/training_memory/test_training_memory.py::test_tool',
    'analysis/training_memory/test_training_memory.py::test_configs_of_all_kinds[ocr_hrformer_s_80k_cityscapes]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[Conformer]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[HRFormer]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[TransXNet]',
    'backbones/test_compile.py::test_few_graphs_for_many_sizes[UniFormer]',
    'backbones/test_compile.py::test_training_is_one_graph[HRFormer]',
    'backbones/test_compile.py::test_training_is_one_graph[TransXNet]',
    'backbones/test_contract.py::test_larger_archs[Conformer-base_patch16]',
    'backbones/test_contract.py::test_larger_archs[CvT-w24]',
    'backbones/test_contract.py::test_larger_archs[HRFormer-base]',
    'backbones/test_contract.py::test_larger_archs[TransXNet-b]',
    'backbones/test_contract.py::test_larger_archs[UniFormer-large_ls_tl]',
    'backbones/test_inductor.py::test_compiled[CvT]',
    'backbones/test_large_images.py::test_memory_at_800x1333',
    'backbones/test_linear_memory.py::test_four_times_the_tokens[conformer_tiny_patch16]',
    'backbones/test_linear_memory.py::test_four_times_the_tokens[cvt_13]',
    'classifiers/test_published.py::test_logits[cvt_w24@cls-224x224]',
    'classifiers/test_published.py::test_logits[cvt_w24@cls-384x384]',
    'cli/test_browse_dataset.py::test_mini[semanticfpn_uniformer_xxs_80k_ade20k]',
    'cli/test_browse_dataset.py::test_mini[topdown_hrformer_t_210e_coco_256x192]',
    'cli/test_visualize.py::test_cam_of_a_model[maskrcnn_conformer_ti_1x]',
    'configs/test_train_step.py::test_step_and_prediction[ocr_hrformer_b_w13_150k_ade20k]',
    'configs/test_train_step.py::test_step_and_prediction[ocr_hrformer_b_w15_60k_coco_stuff10k]',
    'deploy/test_export.py::test_folded[CvT]',
    'deploy/test_export.py::test_folded[HRFormer]',
    'deploy/test_export.py::test_folded[TransXNet]',
    'deploy/test_export.py::test_folded[UniFormer]',
    'deploy/test_export.py::test_onnx[Conformer]',
    'deploy/test_export.py::test_onnx[CvT]',
    'deploy/test_export.py::test_onnx[HRFormer]',
    'deploy/test_export.py::test_onnx[TransXNet]',
    'deploy/test_export.py::test_program[HRFormer]',
    'deploy/test_export.py::test_program[HRFormer_pose]',
    'deploy/test_export.py::test_program[TransXNet]',
    'deploy/test_export.py::test_program[UniFormer_light]',
    'deploy/test_export.py::test_torch_file[TransXNet]',
    'deploy/test_export.py::test_torch_file[UniFormer]',
    'deploy/test_fold.py::test_outputs[Conformer_base_patch16]',
    'deploy/test_fold.py::test_outputs[CvT_w24]',
    'deploy/test_fold.py::test_outputs[HRFormer_base]',
    'deploy/test_fold.py::test_outputs[TransXNet_b]',
    'deploy/test_fold.py::test_outputs[UniFormer_large_ls_tl]',
    'deploy/test_published.py::test_layer_scales[uniformer_base_ls@stages-224x224]',
    'deploy/test_published.py::test_layer_scales[uniformer_large_ls_tl@stages-224x224]',
    'deploy/test_published.py::test_levels[cvt_w24@224x224]',
    'dropin/test_plan.py::test_model[mmdet::dab_detr/dab-detr_r50_8xb2-50e_coco.py-out_indices12-edits12]',
    'dropin/test_plan.py::test_model[mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py-out_indices14-edits14]',
    'dropin/test_plan.py::test_model[mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py-out_indices15-edits15]',
    'dropin/test_plan.py::test_model[mmdet::sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py-out_indices9-edits9]',
    'dropin/test_plan.py::test_model[mmseg::mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py-out_indices24-edits24]',
    'engine/test_distributed.py::test_gradients_are_those_of_the_joint_batch[semanticfpn_transxnet_t_80k_ade20k]',
    'engine/test_distributed.py::test_loss_curves',
    'engine/test_fsdp.py::test_as_with_copies',
    'engine/test_fsdp.py::test_checkpoint',
    'engine/test_fsdp.py::test_resume',
    'engine/test_layer_decay.py::test_with_mmdetections_own_tool',
    'engine/test_layer_decay.py::test_wrong_setting_on_the_command_line',
    'experiment/test_whole_study.py::test_runs',
    'experiment/test_whole_study.py::test_out_of_memory',
    'experiment/test_whole_study.py::test_a_table_beside_a_run_of_another_version',
    'experiment/test_whole_study.py::test_figures',
    'experiment/test_whole_study.py::test_two_processes',
    'experiment/test_whole_study.py::test_latency',
    'openmmlab/operators/test_ways_in.py::test_custom_imports_with_mmsegmentations_own_tools',
    'sixth_family/test_analysis.py::test_benchmark',
    'test_examples.py::test_training[own_coco]',
    'test_examples.py::test_training[own_keypoints]',
    'test_other_channels.py::test_export[onnx]',
    'test_other_channels.py::test_export[torch]',
    'test_registry.py::test_from_every_scope[mmengine]',
    'test_registry.py::test_from_every_scope[mmpose]',
    'tools/pages/test_benchmark.py::test_suites_own_process',
    'tools/pages/test_up_to_date.py::test_up_to_date[tools.pages.readme]',
    'tools/test_classification_tools.py::test_it_learns',
    'tools/test_classification_tools.py::test_training_goes_on',
    'tools/test_mmdet_train_tool.py::test_a_config_of_five_lines[UniFormer-xxs]',
    'tools/test_overfit_real_images.py::test_poses',
    'tools/test_overfit_real_images.py::test_segmentation',
    'tools/test_refusals.py::test_pretrained_weights_out_of_reach[pretrained/none.pth]',
    'tools/test_refusals.py::test_transxnet_with_one_image_and_fixed_statistics',
    'tools/test_refusals.py::test_transxnet_with_one_image_left',
    'tools/test_train_test_tools.py::test_resume_of_poses',
    'tools/test_train_test_tools.py::test_segmentation_with_test_time_augmentation',
    'tools/test_training.py::test_resume_after_a_kill',
    'weights/test_channels.py::test_other_numbers_of_channels[hrformer_tiny-2]',
    'weights/test_channels.py::test_other_numbers_of_channels[hrformer_tiny-4]',
    'weights/test_channels.py::test_other_numbers_of_channels[transxnet_t-2]',
    'weights/test_channels.py::test_other_numbers_of_channels[transxnet_t-4]',
    'weights/test_published.py::test_report_of_a_built_backbone[hrformer_tiny]',
    'weights/test_published.py::test_report_of_a_built_backbone[transxnet_t]',
    'weights/test_whole_models.py::test_outputs[upernet_uniformer_s_160k_ade20k]',
    'zoo/test_packaging.py::test_det_inferencer',
    'zoo/test_packaging.py::test_seg_inferencer',
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.removeprefix('tests/') in EXTENDED:
            item.add_marker(pytest.mark.extended)
        if item.get_closest_marker('gpu') and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason='needs a GPU'))
