"""`make torture`: many more power cuts than the test suite has time for."""

from pathlib import Path

from support.power_cut_disk import Shelf, frozen, harms, record, span, states, without
from support.torture_figures import write_figures

SEEDS = 40


def test_power_cuts(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    shelf, trace = Shelf(tmp_path / "shelf"), record(tmp_path)
    found = list(harms(tmp_path, trace, shelf, SEEDS))
    syncs = [at for at, op in enumerate(trace) if op.what.startswith("sync")]
    noticed = [
        any(harms(tmp_path, without(trace, at), shelf, 2 * SEEDS, *span(trace, at))) for at in syncs
    ]
    write_figures(
        "power cuts",
        operations=len(trace),
        states=len(found),
        distinct=len({frozen(tree) for _, tree in states(tmp_path, trace, SEEDS)}),
        harmed=sum(harm is not None for harm in found),
        syncs=len(syncs),
        noticed=sum(noticed),
    )
    assert not any(found) and all(noticed)
