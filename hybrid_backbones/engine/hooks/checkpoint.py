"""Checkpoints that are whole or not there."""

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Union

from mmengine.dist import is_main_process
from mmengine.fileio.backends import LocalBackend
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.runner import Runner

from ...errors import CheckpointError, ConfigError
from ...registry import HOOKS
from ...utils.files import remove_parts, write_bytes
from ...weights.tensors import find_invalid
from ..resume import POINTER

STOPPED = 'stopped_iter_{}.pth'  # saved by a signal, in the middle of an epoch perhaps


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """mmengine's hook, for machines and disks that fail.

    - A checkpoint is written beside its place, flushed to the disk, and renamed. Killed while it is
      written, or out of space, nothing is left but what was there before. So is the file
      ``last_checkpoint`` that names the newest.
    - Older checkpoints, also the earlier best one, are removed after the new one is whole.
    - Weights that are not finite are not saved over good ones: training ends instead.

    Args: as mmengine's ``CheckpointHook``, of which configs get this one in ``hybrid-backbones
    train``. Checkpoints on other storage than a file system are written as that storage does.
    """

    file_backend: Any
    saved_iter = 0  # iterations that the newest checkpoint has seen

    def before_train(self, runner: Runner) -> None:
        """Also remove what was left half written when an earlier run was killed."""
        super().before_train(runner)
        if is_main_process() and isinstance(self.file_backend, LocalBackend):
            remove_parts(self.out_dir)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """See that all weights are finite.

        Raises:
            ConfigError: Some are not; nothing is written.
        """
        for part in ('state_dict', 'ema_state_dict'):
            invalid = find_invalid(checkpoint.get(part) or {})
            if invalid:
                raise ConfigError(
                    f'the weights are not finite after iteration {runner.iter + 1} (the first: '
                    f'{invalid[0]}); they are not saved, and older checkpoints stay'
                )

    def save_stopped(self, runner: Runner) -> Path:
        """Save between two iterations, to go on from there.

        Returns:
            The checkpoint's path.
        """
        name = STOPPED.format(runner.iter + 1)
        self._write(runner, name, dict(epoch=runner.epoch, iter=runner.iter + 1), by_epoch=False)
        return Path(str(self.file_backend.join_path(self.out_dir, name)))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: Dict[str, Any]) -> None:
        outdated = self._outdated(runner, step)
        name = self.filename_tmpl.format(step)
        self._write(runner, name, meta, self.by_epoch)
        if is_main_process():
            for path in [*outdated, *self._stopped()]:
                self._remove(path)

    def _outdated(self, runner: Runner, step: int) -> List[str]:
        """Of the steps that are kept, those that the one to be saved replaces."""
        if self.max_keep_ckpts <= 0 or step in self.keep_ckpt_ids:
            return []
        kept = [*self.keep_ckpt_ids, step]
        outdated = kept[: -self.max_keep_ckpts]
        self.keep_ckpt_ids.clear()
        self.keep_ckpt_ids.extend(kept[-self.max_keep_ckpts :])
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return [self._path(self.filename_tmpl.format(old)) for old in outdated]

    def _stopped(self) -> List[str]:
        if not isinstance(self.file_backend, LocalBackend):
            return []
        return [str(path) for path in Path(self.out_dir).glob(STOPPED.format('*'))]

    def _write(self, runner: Runner, name: str, meta: Dict[str, Any], by_epoch: bool) -> None:
        self.last_ckpt = self._path(name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        with whole_files():
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
            if is_main_process():
                pointer = Path(runner.work_dir) / POINTER
                _write_local(str(self.last_ckpt).encode(), pointer)
        self.saved_iter = runner.iter if by_epoch else runner.iter + 1

    def _save_best_checkpoint(self, runner: Runner, metrics: Dict[str, Any]) -> None:
        kept = _Kept(self.file_backend)
        self.file_backend, storage = kept, self.file_backend
        try:
            with whole_files():
                super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = storage
        new = {
            getattr(self, 'best_ckpt_path', None),
            *getattr(self, 'best_ckpt_path_dict', {}).values(),
        }
        for path in kept.outdated:
            if path not in new:
                self._remove(path)

    def _path(self, name: str) -> str:
        return str(self.file_backend.join_path(self.out_dir, name))

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
        elif self.file_backend.isdir(path):  # of strategies that save a folder
            self.file_backend.rmtree(path)


class _Kept:
    """A storage that notes what is to be removed, instead of removing it."""

    def __init__(self, storage: Any):
        self._storage = storage
        self.outdated: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def remove(self, path: str) -> None:
        self.outdated.append(path)

    rmtree = remove


@contextmanager
def whole_files() -> Iterator[None]:
    """While entered, what mmengine saves on a file system is whole or not there.

    Neither runners nor strategies let a hook say how a checkpoint is written; all write by
    ``LocalBackend.put``.
    """
    plain = LocalBackend.put

    def put(self: LocalBackend, obj: bytes, filepath: Union[str, Path]) -> None:
        _write_local(obj, Path(filepath))

    LocalBackend.put = put
    try:
        yield
    finally:
        LocalBackend.put = plain


def _write_local(content: bytes, path: Path) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        then = ': make room, and go on with `resume=True`' if error.errno == errno.ENOSPC else ''
        raise CheckpointError(
            f'cannot write {path}: {error.strerror}; older checkpoints are whole{then}'
        ) from None
