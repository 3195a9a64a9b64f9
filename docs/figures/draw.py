"""Draw the figures of docs/families.md: python docs/figures/draw.py [FOLDER].

Depths, widths and names of options are read from the backbones.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from blocks import Box, Canvas

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer

STRIDES = (4, 8, 16, 32)
WIDTH = 17.0


def pyramid(canvas: Canvas, y: float, stem: str, stages, outs, step: float = 3.35) -> None:
    """Image, stem and stages in a row, each stage with its output below.

    Args:
        canvas: Where to.
        y: Middle of the row.
        stem: Its text.
        stages: Text and kind of each stage.
        outs: Text and kind of what leaves each stage.
        step: From one stage to the next.
    """
    image = canvas.box(0.75, y, 'image', 'plain', 1.1)
    before = canvas.box(2.55, y, stem, 'conv', 1.7, 1.0)
    canvas.arrow(image.right, before.left)
    for i, ((text, kind), (out, out_kind)) in enumerate(zip(stages, outs)):
        box = canvas.box(5.1 + step * i, y, text, kind, 2.5, 1.2)
        canvas.arrow(before.right, box.left)
        below = canvas.box(box.x, y - 1.55, out, out_kind, 2.5, 0.75)
        canvas.arrow(box.bottom, below.top)
        before = box


def uniformer(path: Path) -> None:
    arch = UniFormer.archs['small']
    canvas = Canvas(WIDTH, 9.3)
    canvas.title(0.2, 9.0, f"UniFormer, here 'small': head_dim {arch.head_dim}")
    kinds = [('local', 'conv')] * 2 + [('global', 'attention')] * 2
    stages = [
        (f'stage {i + 1}\n{depth} {what} blocks', kind)
        for i, (depth, (what, kind)) in enumerate(zip(arch.depths, kinds))
    ]
    outs = [
        (f'LN, c{i + 2}: {dim} ch, 1/{stride}', 'out')
        for i, (dim, stride) in enumerate(zip(arch.dims, STRIDES))
    ]
    pyramid(canvas, 7.9, 'conv 4x4\nstride 4, LN', stages, outs)
    canvas.text(11.7, 8.85, 'conv 2x2 stride 2 and LN between stages', size=8, style='italic')
    canvas.title(0.2, 5.6, 'local block')
    local = canvas.chain(
        0.7,
        4.5,
        [
            ('dw 3x3', 'conv', 1.2),
            ('+', '', 0),
            ('BN', 'norm', 0.7),
            ('1x1', 'conv', 0.8),
            ('dw 5x5', 'conv', 1.2),
            ('1x1', 'conv', 0.8),
            ('+', '', 0),
            ('BN', 'norm', 0.7),
            ('1x1, GELU, 1x1', 'mlp', 2.2),
            ('+', '', 0),
        ],
    )
    wire(canvas, local, [(0, 1), (2, 6), (7, 9)])
    canvas.title(0.2, 3.35, 'global block')
    deep = canvas.chain(
        0.7,
        2.25,
        [
            ('dw 3x3', 'conv', 1.2),
            ('+', '', 0),
            ('LN', 'norm', 0.7),
            ('self-attention', 'attention', 2.2),
            ('+', '', 0),
            ('LN', 'norm', 0.7),
            ('MLP', 'mlp', 1.4),
            ('+', '', 0),
        ],
    )
    wire(canvas, deep, [(0, 1), (2, 4), (5, 7)])
    canvas.text(
        deep[3].x,
        1.65,
        "stage 3: the whole map, windows, or 'hybrid':\n"
        'windows, and the whole map in every fourth block',
        size=8,
        style='italic',
        va='top',
    )
    canvas.legend(0.4, 0.3, ['conv', 'attention', 'norm', 'mlp', 'out'])
    canvas.save(path)


def wire(canvas: Canvas, boxes, pairs) -> None:
    """Input, output and residual paths of a chain."""
    first, last = boxes[0], boxes[-1]
    canvas.arrow((first.left[0] - 0.5, first.y), first.left)
    canvas.arrow(last.right, (last.right[0] + 0.5, last.y))
    for start, end in pairs:
        canvas.shortcut(boxes[start], boxes[end])


def conformer(path: Path) -> None:
    arch = Conformer.archs['small_patch32']
    dims = Conformer('small_patch32', out_indices=(0, 1, 2, 3)).out_channels
    canvas = Canvas(WIDTH, 11.5)
    canvas.title(0.2, 11.2, "Conformer, here 'small_patch32': two branches side by side")
    image = canvas.box(0.75, 8.6, 'image', 'plain', 1.1)
    stem = canvas.box(2.6, 8.6, 'conv 7x7 s2\nmax pool s2', 'conv', 1.8, 1.0)
    canvas.arrow(image.right, stem.left)
    names = ('1 + 3 blocks', '4 blocks', '3 blocks', '1 block')
    cnn_before = token_before = None
    for i, (blocks, dim) in enumerate(zip(names, dims)):
        x = 5.4 + 3.3 * i
        text = f'stage {i + 1}: {blocks}\n{dim} channels'
        cnn = canvas.box(x, 9.4, text, 'conv', 2.5, 0.9)
        trans = canvas.box(x, 7.6, f'transformer\n{arch.embed_dim} channels', 'attention', 2.5, 0.9)
        canvas.arrow((x - 0.45, cnn.bottom[1]), (x - 0.45, trans.top[1]))
        canvas.arrow((x + 0.45, trans.top[1]), (x + 0.45, cnn.bottom[1]))
        out = canvas.box(x, 10.35, f'c{i + 2}: {dim} ch, 1/{STRIDES[i]}', 'out', 2.5, 0.5)
        canvas.arrow(cnn.top, out.bottom)
        if i:
            canvas.arrow(cnn_before.right, cnn.left)
            canvas.arrow(token_before.right, trans.left)
        else:
            fork = (stem.right[0] + 0.3, stem.y)
            canvas.arrow(stem.right, fork, (fork[0], cnn.y), cnn.left)
            canvas.arrow(fork, (fork[0], trans.y), trans.left)
        cnn_before, token_before = cnn, trans
    canvas.text(
        10.35,
        6.85,
        f'tokens of {arch.patch} x {arch.patch} pixels and a class token, in all stages alike',
        size=8,
        style='italic',
    )
    coupling(canvas)
    canvas.legend(0.4, 0.3, ['conv', 'attention', 'norm', 'mlp', 'out'])
    canvas.save(path)


def coupling(canvas: Canvas) -> None:
    """One coupling block of Conformer: the CNN's two halves, and the way there and back."""
    canvas.title(0.2, 6.1, 'coupling block')
    upper, lower = 5.0, 1.9
    first = canvas.chain(
        1.4, upper, [('1x1', 'conv', 0.9), ('3x3', 'conv', 0.9), ('1x1', 'conv', 0.9), ('+', '', 0)]
    )
    second = canvas.chain(
        9.9,
        upper,
        [
            ('1x1', 'conv', 0.9),
            ('+', '', 0),
            ('3x3', 'conv', 0.9),
            ('1x1', 'conv', 0.9),
            ('+', '', 0),
        ],
    )
    canvas.text(0.75, upper + 0.3, 'map', size=8)
    canvas.arrow((0.5, upper), first[0].left)
    canvas.arrow(first[-1].right, second[0].left)
    canvas.arrow(second[-1].right, (second[-1].right[0] + 0.8, upper))
    canvas.shortcut(first[0], first[-1], 0.7)
    canvas.shortcut(second[0], second[-1], 0.7)
    down = canvas.box(first[1].x, upper - 1.45, 'average pool, 1x1\nLN, GELU', 'norm', 2.3, 0.85)
    canvas.arrow(first[1].bottom, down.top)
    canvas.text(down.x + 1.3, down.y + 0.02, 'down', size=8, ha='left', style='italic')
    total = canvas.plus(down.x, lower)
    canvas.arrow(down.bottom, total.top)
    canvas.text(0.75, lower + 0.3, 'tokens', size=8)
    canvas.arrow((0.5, lower), total.left)
    body = canvas.chain(
        total.right[0] + 0.7,
        lower,
        [
            ('LN, self-attention', 'attention', 2.5),
            ('+', '', 0),
            ('LN, MLP', 'mlp', 1.4),
            ('+', '', 0),
        ],
    )
    canvas.arrow(total.right, body[0].left)
    canvas.shortcut(body[0], body[1], 0.65)
    canvas.shortcut(body[2], body[3], 0.65)
    end = body[-1].right
    canvas.arrow(end, (second[-1].right[0] + 0.8, lower))
    up = canvas.box(second[1].x, upper - 1.45, '1x1, BN, ReLU\nnearest', 'norm', 2.1, 0.85)
    canvas.arrow((up.x, lower), up.bottom)
    canvas.arrow(up.top, second[1].bottom)
    canvas.text(up.x + 1.2, up.y, 'up', size=8, ha='left', style='italic')
    canvas.text(
        total.x,
        lower - 0.6,
        'the class token\nis added to itself here',
        size=8,
        style='italic',
        va='center',
    )


def cvt(path: Path) -> None:
    arch = CvT.archs['13']
    canvas = Canvas(WIDTH, 10.0)
    canvas.title(0.2, 9.7, "CvT, here '13'")
    stages = [
        (f'stage {i + 1}\n{depth} block{"s" * (depth > 1)}', 'attention')
        for i, depth in enumerate(arch.depths)
    ]
    stages.append(('level 3\nconv 3x3 s2, LN', 'ours'))
    dims = (*arch.dims, arch.dims[-1])
    outs = [(f'c{i + 2}: {dim} ch, 1/{STRIDES[i]}', 'out') for i, dim in enumerate(dims)]
    pyramid(canvas, 8.5, 'conv 7x7\nstride 4, LN', stages, outs)
    canvas.text(5.1, 9.35, 'conv 3x3 stride 2 and LN between stages', size=8, style='italic')
    canvas.text(11.8, 9.35, 'with a class token', size=8, style='italic')
    canvas.title(0.2, 5.9, 'block')
    y = 3.4
    norm = canvas.box(1.5, y, 'LN', 'norm', 0.8)
    canvas.arrow((0.5, y), norm.left)
    rows = [(y + 1.25, 'q', 1), (y, 'k', 2), (y - 1.25, 'v', 2)]
    attention = canvas.box(9.2, y, 'attention\nscale: 1 / sqrt(width)', 'attention', 2.6, 1.0)
    for height, name, stride in rows:
        conv = canvas.box(4.1, height, f'dw 3x3 stride {stride}, BN', 'conv', 2.5)
        line = canvas.box(6.5, height, f'linear {name}', 'mlp', 1.4)
        canvas.arrow(conv.right, line.left)
        fork = (norm.right[0] + 0.35, y)
        points = [norm.right, fork, (fork[0], height), conv.left]
        canvas.arrow(*([norm.right, conv.left] if height == y else points))
        join = (7.6, height)
        if height == y:
            canvas.arrow(line.right, attention.left)
        else:
            target = (attention.left[0], y + (0.28 if height > y else -0.28))
            canvas.arrow(line.right, join, (join[0], target[1]), target)
    rest = canvas.chain(
        10.75,
        y,
        [
            ('linear', 'mlp', 1.0),
            ('+', '', 0),
            ('LN', 'norm', 0.7),
            ('MLP\nQuickGELU', 'mlp', 1.5),
            ('+', '', 0),
        ],
    )
    canvas.arrow(attention.right, rest[0].left)
    canvas.arrow(rest[-1].right, (rest[-1].right[0] + 0.5, y))
    x = norm.left[0] - 0.25
    canvas.arrow((x, y), (x, y + 2.0), (rest[1].x, y + 2.0), rest[1].top)
    canvas.shortcut(rest[2], rest[4])
    canvas.text(
        4.6,
        y - 2.1,
        'the class token of stage 3 skips the convolutions; no position embedding anywhere',
        size=8,
        style='italic',
    )
    canvas.legend(0.4, 0.3, ['conv', 'attention', 'norm', 'mlp', 'out', 'ours'])
    canvas.save(path)


def transxnet(path: Path) -> None:
    arch = TransXNet.archs['t']
    canvas = Canvas(WIDTH, 12.6)
    canvas.title(0.2, 12.3, "TransXNet, here 't'")
    stages = [
        (f'stage {i + 1}\n{depth} blocks', 'attention') for i, depth in enumerate(arch.depths)
    ]
    outs = [(f'GN, c{i + 2}: {d} ch, 1/{STRIDES[i]}', 'out') for i, d in enumerate(arch.dims)]
    pyramid(canvas, 11.2, 'conv 7x7\nstride 4, BN', stages, outs)
    canvas.text(5.1, 12.05, 'conv 3x3 stride 2 and BN between stages', size=8, style='italic')
    canvas.title(0.2, 8.8, 'block')
    block = canvas.chain(
        0.7,
        7.7,
        [
            ('dw 7x7', 'conv', 1.2),
            ('+', '', 0),
            ('GN', 'norm', 0.7),
            ('token mixer', 'attention', 1.7),
            ('scale, shift', 'norm', 1.6),
            ('+', '', 0),
            ('GN', 'norm', 0.7),
            ('feed-forward network', 'mlp', 2.9),
            ('scale, shift', 'norm', 1.6),
            ('+', '', 0),
        ],
    )
    wire(canvas, block, [(0, 1), (2, 5), (6, 9)])
    mixer(canvas, 4.8)
    canvas.title(0.2, 2.75, 'feed-forward network')
    network = canvas.chain(
        0.7,
        1.6,
        [
            ('1x1, GELU, BN', 'conv', 2.1),
            ('four parts of the channels:\ndw 1x1, 3x3, 5x5, 7x7', 'conv', 4.2),
            ('+', '', 0),
            ('GELU, BN', 'norm', 1.5),
            ('1x1, BN', 'conv', 1.3),
        ],
        height=0.85,
    )
    wire(canvas, network, [(1, 2)])
    canvas.legend(0.4, 0.3, ['conv', 'attention', 'norm', 'mlp', 'out'])
    canvas.save(path)


def mixer(canvas: Canvas, y: float) -> None:
    """TransXNet's token mixer: half of the channels each way, then both together."""
    canvas.title(0.2, y + 1.6, 'token mixer')
    fork = (1.0, y)
    canvas.arrow((0.3, y), (fork[0], y), (fork[0], y + 0.75), (1.6, y + 0.75))
    canvas.arrow(fork, (fork[0], y - 0.75), (1.6, y - 0.75))
    local = canvas.box(
        4.15, y + 0.75, 'one half: dynamic dw 7x7,\na kernel for each image', 'conv', 5.1, 0.9
    )
    deep = canvas.box(
        4.15,
        y - 0.75,
        'other half: attention to a reduced map,\nwith the position encoding of the stage',
        'attention',
        5.1,
        0.9,
    )
    concat = canvas.box(8.0, y, 'concat', 'plain', 1.2)
    for box, part in ((local, 0.2), (deep, -0.2)):
        canvas.arrow(box.right, (7.05, box.y), (7.05, y + part), (concat.left[0], y + part))
    rest = canvas.chain(
        9.2,
        y,
        [
            ('dw 3x3', 'conv', 1.2),
            ('GELU, BN', 'norm', 1.4),
            ('1x1, GELU, BN', 'conv', 1.9),
            ('1x1, BN', 'conv', 1.2),
            ('+', '', 0),
        ],
        gap=0.28,
    )
    canvas.arrow(concat.right, rest[0].left)
    canvas.shortcut(rest[0], rest[-1])
    canvas.arrow(rest[-1].right, (rest[-1].right[0] + 0.35, y))


def hrformer(path: Path) -> None:
    arch = HRFormer.archs['small']
    canvas = Canvas(WIDTH, 10.4)
    canvas.title(0.2, 10.1, "HRFormer, here 'small': four streams that stay side by side")
    top, step = 8.8, 1.2
    image = canvas.box(0.75, top, 'image', 'plain', 1.1)
    stem = canvas.box(2.55, top, 'two convs\n3x3 stride 2', 'conv', 1.7, 0.9)
    canvas.arrow(image.right, stem.left)
    before = [canvas.box(5.0, top, 'stage 1\n2 bottlenecks', 'conv', 2.0, 0.9)]
    canvas.arrow(stem.right, before[0].left)
    for i, modules in enumerate(arch.modules):
        x = 8.15 + 2.75 * i
        word = f'stage {i + 2}: {modules} module{"s" * (modules > 1)}'
        canvas.text(x, top + 0.72, word, size=8)
        boxes = []
        for j in range(i + 2):
            text = f'{arch.width * 2**j} ch'
            boxes.append(canvas.box(x, top - step * j, text, 'attention', 1.3, 0.7))
        for j, box in enumerate(boxes):
            source = before[min(j, len(before) - 1)]
            canvas.arrow(source.right, box.left)
        if before[0].width == 1.3:
            fuse(canvas, before, boxes)
        before = boxes
    for j, box in enumerate(before):
        out = canvas.box(15.9, box.y, f'c{j + 2}, 1/{STRIDES[j]}', 'out', 1.5, 0.6)
        canvas.arrow(box.right, out.left)
    fuse(canvas, before, [Box(15.9, b.y, 1.5, 0.6) for b in before])
    canvas.text(
        3.4,
        top - 2.6,
        'A module: blocks in every stream,\nthen all streams are summed into each:\n'
        'thin lines, up by 1x1, BN and upsampling,\ndown by strided depthwise convolutions.',
        size=9,
    )
    canvas.title(0.2, 3.6, 'block')
    block = canvas.chain(
        0.7,
        2.4,
        [
            ('LN', 'norm', 0.7),
            ('attention in windows of 7x7\n+ bias by relative position', 'attention', 4.2),
            ('+', '', 0),
            ('LN', 'norm', 0.7),
            ('1x1, BN, GELU', 'conv', 2.0),
            ('dw 3x3, BN, GELU', 'conv', 2.3),
            ('1x1, BN, GELU', 'conv', 2.0),
            ('+', '', 0),
        ],
        height=0.9,
        gap=0.32,
    )
    wire(canvas, block, [(0, 2), (3, 7)])
    canvas.text(
        block[1].x,
        1.5,
        "the authors' pose code leaves this bias out",
        size=8,
        style='italic',
    )
    canvas.legend(0.4, 0.4, ['conv', 'attention', 'norm', 'out'])
    canvas.save(path)


def fuse(canvas: Canvas, before, after) -> None:
    """Thin lines from every stream to every other one that goes on."""
    for j, source in enumerate(before):
        for k, target in enumerate(after[: len(before)]):
            if j != k:
                ends = zip(source.right, target.left)
                canvas.axes.plot(*ends, color='#999999', lw=0.7, zorder=0)


FIGURES = dict(
    conformer=conformer, cvt=cvt, hrformer=hrformer, transxnet=transxnet, uniformer=uniformer
)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, draw in FIGURES.items():
        draw(folder / f'{name}.svg')


if __name__ == '__main__':
    main()
