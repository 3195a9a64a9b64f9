"""Raw predictions of a test, in a pickle."""

from typing import Any, Dict

from mmengine.evaluator import DumpResults
from mmengine.fileio import dump
from mmengine.logging import print_log

from ..utils.files import atomic_path


class WholeDump(DumpResults):
    """mmengine's, whose file is whole or not there."""

    def compute_metrics(self, results: Any) -> Dict[str, Any]:
        """Write the predictions of all images; there is nothing to measure."""
        with atomic_path(self.out_file_path) as part:
            dump(results, str(part))
        print_log(f'predictions written to {self.out_file_path}', logger='current')
        return {}


def dump_results(library: str, path: str) -> DumpResults:
    """What writes the raw predictions of a test to a pickle."""
    if library == 'mmdet':  # its own packs masks as run lengths
        from mmdet.evaluation import DumpDetResults

        kind = type('WholeDetDump', (WholeDump, DumpDetResults), {})
        return kind(out_file_path=path)
    return WholeDump(out_file_path=path)
