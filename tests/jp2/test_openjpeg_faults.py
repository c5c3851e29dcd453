"""Which published faults a version has."""

import pytest

from s2kit.admin.doctor import CheckState, diagnose
from s2kit.jp2.openjpeg import load
from s2kit.jp2.openjpeg_faults import faults_of
from s2kit.settings import Settings


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("2.5.0", ["CVE-2024-56827"]),
        ("2.5.2", ["CVE-2025-54874", "CVE-2024-56827"]),
        ("2.5.3", ["CVE-2025-54874", "OSV-2025-219"]),
        ("2.5.4", ["OSV-2025-219"]),
        ("2.5.5", []),
        ("anything", []),
    ],
)
def test_the_faults_of_a_version(version: str, names: list[str]) -> None:
    assert [fault.name for fault in faults_of(version)] == names


def test_doctor_names_those_of_the_library_in_use() -> None:
    library = load()
    assert library is not None
    (check,) = [one for one in diagnose(Settings(), {}, offline=True) if one.check == "openjpeg"]
    assert check.detail.startswith(f"{library.version}; ")
    assert all(fault.name in check.detail for fault in faults_of(library.version))
    reached = any(fault.reached for fault in faults_of(library.version))
    assert check.state is (CheckState.WARN if reached else CheckState.OK)


def test_the_windows_of_our_own_carry_no_tlm(tmp_path) -> None:
    from s2kit.grid import Window
    from s2kit.image.open import open_image
    from support.jp2 import write_jp2

    path, seen = write_jp2(tmp_path / "a.jp2", side=600, tlm=True), []
    import s2kit.jp2.image as module

    true_decode = module.decode
    module.decode = lambda codestream, *args, **options: (
        seen.append(bytes(codestream.data)),
        true_decode(codestream, *args, **options),
    )[1]
    try:
        with open_image(path) as image:
            image.window(Window(10, 10, 300, 300))
    finally:
        module.decode = true_decode
    assert seen
    assert all(b"\xff\x55" not in data[: data.index(b"\xff\x90")] for data in seen)
