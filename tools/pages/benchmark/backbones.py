"""All families beside the published code: inference, a training step, memory."""

from dataclasses import dataclass, field
from statistics import geometric_mean
from typing import Any, Dict, List, Mapping, Optional

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .jobs import Job
from .published import Published, read_published

NAME = 'suite'
REFERENCE = 'resnet50'
REPEATS = 3
LIMIT = 12.0  # seconds of timed turns: a slow machine has time for two
# virtual machines get their memory when it is first used: early calls of a process take longer
WARMUP = 2
WARMUP_OF_MORE = 1  # what a process measures later
INFERENCE = 'inference'
WHATS = (INFERENCE, 'training')
COLUMNS = (
    'variant',
    'mode',
    'format',
    'inference',
    'published',
    'quotient',
    'training',
    'published',
    'quotient',
    'GiB',
    'published',
    'share',
    'in training',
)
Results = Mapping[str, Dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """A variant of the published measurements, and how ours is best run for inference.

    Args:
        variant: As the published files name it.
        network: Ours.
        options: Its arguments.
        attention: What tells two rows of one variant apart, as the published measurements do.
        mode: Of inference on a CPU.
        memory_format: Of inference on a CPU.
        later: Whether it may wait: the larger ones.
    """

    variant: str
    network: str
    options: Dict[str, Any] = field(default_factory=dict)
    attention: Optional[str] = None
    mode: str = 'folded'
    memory_format: str = 'contiguous'
    later: bool = False

    @property
    def key(self) -> str:
        """As the published memory is listed."""
        return f'{self.variant}:{self.attention}' if self.attention else self.variant

    @property
    def title(self) -> str:
        """In tables."""
        return f'`{self.variant}`' + (f' {self.attention}' if self.attention else '')

    def job(self, what: str, threads: int) -> Job:
        """Inference or a training step, as the published code was measured."""
        if what == INFERENCE:
            best = dict(mode=self.mode, memory_format=self.memory_format)
            settings = Settings(**self.inference(threads), **best)
        else:
            common = dict(self._common(what, threads), warmup=WARMUP_OF_MORE)
            settings = Settings(**common, size=(512, 512), batch=2, memory=False)
        name = self.job_name(what)
        return Job(name, settings, package='mmdet', process=self.file, later=self.later)

    def inference(self, threads: int) -> Dict[str, Any]:
        """Settings of inference in whatever mode, as the published code was measured."""
        return dict(self._common(INFERENCE, threads), size=(800, 1280))

    def _common(self, what: str, threads: int) -> Dict[str, Any]:
        return dict(
            network=self.network,
            options=self.options,
            what=what,
            threads=threads,
            against=REFERENCE,
            repeats=REPEATS,
            warmup=WARMUP,
            limit=LIMIT,
        )

    def job_name(self, what: str) -> str:
        """Of the file of results."""
        return f'{self.file}-{what}'

    @property
    def file(self) -> str:
        """What names of files of results begin with."""
        return self.key.replace(':', '-')


def _uniformer(arch: str, attention: str, later: bool = False) -> Row:
    name = f'uniformer_{arch}'
    options = dict(stage3_attention=attention, window_size=14)
    return Row(name, name, options, attention, later=later)


# mode and format: the fastest that was found, timed in turns on a CPU, of folded and folded and
# compiled, contiguous and channels_last; where they are as good as equal, plainly folded
ROWS = (
    _uniformer('small', 'hybrid'),
    _uniformer('small', 'global'),
    _uniformer('base', 'hybrid', later=True),
    Row('hrformer_small', 'hrformer_small', attention='seg'),
    Row('hrformer_base', 'hrformer_base', attention='seg', later=True),
    Row('transxnet_t', 'transxnet_t'),
    Row('transxnet_s', 'transxnet_s', later=True),
    Row(
        'conformer_small_patch32',
        'conformer_small_patch32',
        memory_format='channels_last',
        later=True,
    ),
    Row('conformer_tiny_patch16', 'conformer_tiny_patch16'),
    # the published network ends with the third stage
    Row('cvt_13', 'cvt_13', dict(out_indices=(0, 1, 2))),
)


def jobs(threads: int) -> List[Job]:
    """Two for each row."""
    return [row.job(what, threads) for row in ROWS for what in WHATS]


def table(results: Results, published: Optional[Published] = None) -> str:
    """The speed of all rows.

    Args:
        results: By a job's name; those that are missing leave a dash.
        published: What to compare with.
    """
    published = published or read_published()
    means = {what: _mean_quotient(results, published, what) for what in WHATS}
    last = [''] * len(COLUMNS)
    last[0], last[5], last[8] = 'geometric mean', *(means[what] for what in WHATS)
    return markdown_table(COLUMNS, [*(_line(row, results, published) for row in ROWS), last])


def _line(row: Row, results: Results, published: Published) -> List[str]:
    ours = {what: results.get(row.job_name(what)) for what in WHATS}
    inference = ours[INFERENCE]
    ratios = [_ratio_columns(row, what, ours[what], published) for what in WHATS]
    return [
        row.title,
        row.mode,
        row.memory_format,
        *ratios[0],
        *ratios[1],
        _memory(inference['memory_gib'] if inference else None),
        _memory(published.memory.get(row.key)),
        *(f'{result["share"]:.0%}' if result else '-' for result in ours.values()),
    ]


def _ratio_columns(
    row: Row, what: str, result: Optional[Dict[str, Any]], published: Published
) -> List[str]:
    theirs = published.ratios[row.key, what]
    if result is None:
        return ['-', f'{theirs:.2f}', '-']
    ours = result['against']['ratio']
    return [f'{ours:.2f}', f'{theirs:.2f}', f'{ours / theirs:.2f}']


def _mean_quotient(results: Results, published: Published, what: str) -> str:
    quotients = [
        results[row.job_name(what)]['against']['ratio'] / published.ratios[row.key, what]
        for row in ROWS
        if row.job_name(what) in results
    ]
    return f'{geometric_mean(quotients):.2f}' if quotients else '-'


def _memory(gib: Optional[Dict[str, float]]) -> str:
    return f'{gib["before"]:.2f} -> {gib["peak"]:.2f}' if gib else '-'
