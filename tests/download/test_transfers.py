"""The threads that transfer, when a run ends before their work does."""

import threading
from pathlib import Path

import pytest

from s2kit.download.transfers import _SYNCS, TransferPools
from s2kit.store.part_file import open_part
from s2kit.store.transfer import Budget, Commit


def proven(folder: Path, name: str) -> Commit:
    return Commit(open_part(folder / f"{name}.part"), folder / f"{name}.part", folder / name)


def test_a_proven_file_whose_turn_never_comes_is_closed_and_left_as_a_part(tmp_path: Path) -> None:
    pools, hold = TransferPools(Budget()), threading.Event()
    waiting, late, in_time = (proven(tmp_path, name) for name in ("waiting", "late", "in-time"))
    pools.sync(in_time).result(60)
    busy = [pools._syncs.submit(hold.wait, 60) for _ in range(_SYNCS)]
    future = pools.sync(waiting)
    threading.Timer(0.2, hold.set).start()
    pools.close()
    assert future.cancelled()
    with pytest.raises(RuntimeError):
        pools.sync(late)
    assert waiting.file.closed
    assert late.file.closed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in-time", "late.part", "waiting.part"]
    assert all(one.result(60) for one in busy)
