"""The gate's measure of the core: it counts what there is, and its limits bind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import core_install
from tools.core_install import check_answers, main, megabytes, packages


def test_megabytes_are_those_of_all_files_but_the_installers(tmp_path: Path) -> None:
    for name, size in (("numpy/a.so", 3), ("numpy-1.dist-info/RECORD", 1), ("pip/b.py", 9)):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size * 10**6))
    (tmp_path / "alone.py").write_bytes(bytes(500_000))
    assert megabytes(tmp_path) == 4.5


def test_packages_are_counted_without_pip_and_causalopt() -> None:
    assert {"numpy", "llvmlite"} <= set(packages())
    assert not {"pip", "causalopt"} & set(packages())


def test_more_than_the_core_and_more_than_the_limits_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit, match="this is more than the core: llvmlite"):
        main()
    monkeypatch.setattr(core_install, "EXTRAS", ())
    with pytest.raises(SystemExit, match="the core is at most 25 packages and 350 MB"):
        main()


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [(1, "{}", "boom"), (0, "{}", ""), (0, '{"op": 1}', "")],
    ids=["failed", "empty", "not refused"],
)
def test_a_wrong_answer_and_a_missing_install_line_are_seen(
    monkeypatch: pytest.MonkeyPatch, code: int, out: str, err: str
) -> None:
    def ask(*_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], code, out, err)

    monkeypatch.setattr(core_install, "ask", ask)
    monkeypatch.setattr(core_install, "ANSWERS", {"run thermostat --json": "op"})
    with pytest.raises(SystemExit, match="causalopt run thermostat"):
        check_answers(".")
