"""What every backbone must do, whichever family. It runs where a family subclasses it."""

import copy
import io
import math
import pickle

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

SIZES = [(224, 224), (200, 304), (333, 500), (65, 97), (32, 32)]
CHOICES = [(0,), (3,), (0, 2), (1, 2, 3), (0, 1, 2, 3)]


def assert_same(level: torch.Tensor, other: torch.Tensor) -> None:
    """Up to rounding, in units of the level's own values: random weights may make them large."""
    torch.testing.assert_close(level, other, rtol=1e-4, atol=1e-4 * other.std().item())


class Contract:
    """Subclass it in a family's test file and set ``family`` and ``options``.

    ``options`` give the smallest arch, and what is worth testing with it.
    """

    family: str
    options: dict

    def build(self, **options) -> nn.Module:
        cfg = dict(type=f'hybrid_backbones.{self.family}', **{**self.options, **options})
        before = copy.deepcopy(cfg)
        backbone = MODELS.build(cfg)
        assert cfg == before, 'the constructor changed the dict it was given'
        return backbone

    def first_blocks(self, backbone):
        """The first block of each stage; of each stream, where a stage has several."""
        return [stage.blocks[:1] for stage in backbone.stages]

    def image(self, height=96, width=128, batch=2):
        return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))

    @pytest.mark.parametrize('size', SIZES, ids=str)
    def test_shapes(self, size):
        backbone = self.build().eval()
        with torch.inference_mode():
            levels = backbone(self.image(*size, batch=1))
        assert isinstance(levels, tuple)
        for level, channels, stride in zip(levels, backbone.out_channels, backbone.out_strides):
            expected = (1, channels, math.ceil(size[0] / stride), math.ceil(size[1] / stride))
            assert tuple(level.shape) == expected
            assert level.isfinite().all()
            assert level.is_contiguous(), "mmcv's RoIAlign reads other layouts wrongly"

    @pytest.mark.parametrize('chosen', CHOICES, ids=str)
    def test_every_parameter_has_a_gradient(self, chosen):
        backbone = self.build(out_indices=chosen)
        levels = backbone(self.image())
        assert len(levels) == len(chosen) == len(backbone.out_channels)
        assert backbone.out_strides == tuple(4 * 2**i for i in chosen)
        sum(level.square().mean() for level in levels).backward()
        without = [n for n, p in backbone.named_parameters() if p.requires_grad and p.grad is None]
        assert not without
        assert all(p.grad.isfinite().all() for p in backbone.parameters())

    def test_levels_do_not_depend_on_the_choice(self):
        whole = self.build().eval()
        part = self.build(out_indices=(1, 3)).eval()
        part.load_state_dict(whole.state_dict(), strict=False)
        with torch.inference_mode():
            levels, some = whole(self.image()), part(self.image())
        assert torch.equal(levels[1], some[0])
        assert torch.equal(levels[3], some[1])

    @pytest.mark.parametrize('with_cp', [True, (1, 0, 2, 1)], ids=str)
    def test_checkpointing_changes_nothing(self, with_cp):
        """Outputs, gradients and BatchNorm statistics, with drop path drawing the same."""
        results = []
        reference = self.build(drop_path_rate=0.3)
        for cp in (False, with_cp):
            backbone = self.build(with_cp=cp, drop_path_rate=0.3)
            backbone.load_state_dict(reference.state_dict())
            torch.manual_seed(3)
            levels = backbone.train()(self.image())
            sum(level.square().mean() for level in levels).backward()
            grads = {n: p.grad for n, p in backbone.named_parameters()}
            results.append((levels, grads, dict(backbone.named_buffers())))
        (levels, grads, buffers), (cp_levels, cp_grads, cp_buffers) = results
        assert all(torch.equal(a, b) for a, b in zip(levels, cp_levels))
        for name, grad in grads.items():
            torch.testing.assert_close(cp_grads[name], grad, rtol=1e-4, atol=1e-6, msg=name)
        assert all(torch.equal(buffers[name], cp_buffers[name]) for name in buffers)

    def test_checkpointing_recomputes(self):
        """It really runs: each chosen block's forward is called again in the backward pass."""
        backbone = self.build(with_cp=(1, 0, 1, 0))
        calls = {}
        for i, blocks in enumerate(self.first_blocks(backbone)):
            for block in blocks:
                calls[block] = [i, 0]
                block.register_forward_pre_hook(lambda block, _: calls[block].append(1))
        sum(level.mean() for level in backbone(self.image())).backward()
        assert {i for i, *_ in calls.values()} >= {0, 1, 2}
        for i, *times in calls.values():
            assert sum(times) == (2 if i in (0, 2) else 1)

    def test_hooks_see_stages(self):
        """Each runs once, in order, as a whole."""
        backbone, events = self.build().eval(), []
        for i, stage in enumerate(backbone.stages):
            stage.register_forward_pre_hook(lambda *_, i=i: events.append(f'{i} begins'))
            stage.register_forward_hook(lambda *_, i=i: events.append(f'{i} ends'))
        with torch.inference_mode():
            backbone(self.image())
        assert events == [f'{i} {event}' for i in range(4) for event in ('begins', 'ends')]

    @pytest.mark.parametrize('frozen', [-1, 0, 1, 3, 4])
    def test_frozen_stages(self, frozen):
        backbone = self.build(frozen_stages=frozen)
        parts = [backbone.stem, *backbone.stages]
        for _ in range(2):
            for i, part in enumerate(parts):
                parameters = list(part.parameters())
                assert parameters
                assert all(p.requires_grad == (i > frozen) for p in parameters)
                assert all(m.training == (i > frozen) for m in part.modules())
            backbone.eval()
            backbone.train()
        before = {k: v.clone() for k, v in backbone.state_dict().items()}
        loss = sum(level.square().mean() for level in backbone(self.image()))
        assert loss.requires_grad == any(p.requires_grad for p in backbone.parameters())
        if loss.requires_grad:
            loss.backward()
        prefixes = ['stem.', *(f'stages.{i}.' for i in range(4))][: frozen + 1]
        for name, value in backbone.state_dict().items():
            if name.startswith(tuple(prefixes)):
                assert torch.equal(value, before[name]), name
        for name, parameter in backbone.named_parameters():
            assert (parameter.grad is None) == name.startswith(tuple(prefixes) or '-'), name

    def test_norm_eval(self):
        free, fixed = self.build(), self.build(norm_eval=True)
        for backbone, moves in ((free, True), (fixed, False)):
            backbone.train()
            norms = [m for m in backbone.modules() if isinstance(m, _BatchNorm)]
            before = [norm.running_mean.clone() for norm in norms]
            backbone(self.image())
            assert norms
            assert all(torch.equal(norm.running_mean, b) != moves for norm, b in zip(norms, before))
        assert fixed.training

    def test_batch_invariance(self):
        backbone, images = self.build().eval(), self.image(batch=3)
        with torch.inference_mode():
            together = backbone(images)
            alone = [backbone(image[None]) for image in images]
        for i, level in enumerate(together):
            apart = torch.cat([levels[i] for levels in alone])
            assert_same(level, apart)

    def test_float64(self):
        backbone = self.build().eval()
        with torch.inference_mode():
            single = backbone(self.image())
            double = backbone.double()(self.image().double())
        for a, b in zip(single, double):
            assert b.dtype == torch.float64
            assert (a - b).abs().max() <= 1e-4 * b.std()

    def test_bfloat16_autocast(self):
        backbone = self.build()
        with torch.autocast('cpu', torch.bfloat16):
            levels = backbone(self.image())
            loss = sum(level.float().square().mean() for level in levels)
        loss.backward()
        assert all(level.isfinite().all() for level in levels)
        assert all(p.grad.isfinite().all() for p in backbone.parameters())
        with torch.inference_mode():
            backbone.eval()
            exact = backbone(self.image())
            with torch.autocast('cpu', torch.bfloat16):
                rough = backbone(self.image())
        for a, b in zip(exact, rough):
            assert (a - b).std() <= 0.1 * a.std()

    def test_channels_last_input(self):
        backbone = self.build().eval()
        with torch.inference_mode():
            plain = backbone(self.image())
            last = backbone(self.image().to(memory_format=torch.channels_last))
        for a, b in zip(plain, last):
            assert_same(a, b)

    @pytest.mark.parametrize('how', ['state_dict', 'deepcopy', 'pickle'])
    def test_copies(self, how):
        backbone = self.build().eval()
        if how == 'state_dict':
            file = io.BytesIO()
            torch.save(backbone.state_dict(), file)
            file.seek(0)
            twin = self.build().eval()
            twin.load_state_dict(torch.load(file, weights_only=True))
        else:
            twin = copy.deepcopy(backbone)
            if how == 'pickle':
                twin = pickle.loads(pickle.dumps(backbone))
        with torch.inference_mode():
            pairs = list(zip(backbone(self.image()), twin(self.image())))
        assert all(torch.equal(a, b) for a, b in pairs)

    def test_drop_path_only_in_training(self):
        backbone = self.build(drop_path_rate=0.5, norm_eval=True)
        image = self.image()
        assert not torch.equal(backbone(image)[-1], backbone(image)[-1])
        backbone.eval()
        assert torch.equal(backbone(image)[-1], backbone(image)[-1])

    def test_arch_as_fields(self):
        named = self.build()
        fields = {f: getattr(named.arch, f) for f in named.arch.__dataclass_fields__}
        assert self.build(arch=named.arch).arch == named.arch
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
        assert self.build(arch=listed).arch == named.arch

    def test_says_nothing(self, capsys):
        self.build()
        assert capsys.readouterr() == ('', '')
