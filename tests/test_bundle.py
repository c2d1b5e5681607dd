"""The file for laptops without a network: what goes into it for each system, and scripts that start the lessons."""

import codecs
import shutil
import subprocess
import zipfile

import pytest

from tools import bundle
from tools.bundle import DISTRIBUTION, PATCH, SYSTEMS

LINUX, WINDOWS = SYSTEMS["linux"], SYSTEMS["windows"]
NEEDED = {
    "lessons": ["torch>=2", 'jupyterlab; extra == "notebooks"', 'pytest; extra == "test"'],
    "torch": ['nvidia-cublas; platform_system == "Linux"', "filelock"],
    "jupyterlab": ['pywinpty; os_name == "nt"', 'terminado; os_name != "nt"', 'old; python_version < "3.12"'],
}


@pytest.fixture
def few_packages(monkeypatch):
    """Let a few packages be all that is installed."""
    monkeypatch.setattr(bundle, "_requires", lambda name: NEEDED.get(name, []))


@pytest.mark.parametrize(
    ("system", "python", "expected"),
    [
        (LINUX, "3.11", {"terminado", "old"}),
        (LINUX, "3.12", {"terminado"}),
        (WINDOWS, "3.12", {"pywinpty"}),
    ],
)
def test_each_system_gets_what_it_needs_and_nothing_for_cards_or_tests(system, python, expected, few_packages):
    found = bundle.packages_for(system, python, "lessons[notebooks]")
    assert found == {"lessons", "torch", "filelock", "jupyterlab"} | expected


def test_the_lessons_need_what_they_import():
    found = bundle.packages_for(LINUX, "3.11")
    assert {"torch", "diffusers", "jupyterlab", "scipy", "peft", DISTRIBUTION} <= found
    assert not found & {"pytest", "nbval", "ruff", "distributed", "playwright", "nbgrader"}


def test_versions_are_those_that_were_tested():
    text = "# all of them\nPillow==13.0.0  # pictures\ntorch==2.13.0\n\nscipy==1.0\n"
    assert bundle.pinned({"torch", "pillow", "pywinpty"}, text) == ["Pillow==13.0.0", "pywinpty", "torch==2.13.0"]


def test_torch_for_linux_comes_from_the_index_of_cpu_builds(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(bundle, "call", lambda *command: calls.append([str(part) for part in command]))
    for system in (LINUX, WINDOWS):
        bundle.download(system, "3.11", ["torch==2.13.0", "tqdm==4.70"], tmp_path)
    usual, torch, *windows = calls
    assert usual[-1:] == ["tqdm==4.70"] and "--index-url" not in usual
    assert torch[-3:] == ["--index-url", bundle.TORCH_CPU_INDEX, "torch==2.13.0"]
    assert [command[-1] for command in windows] == ["tqdm==4.70", "torch==2.13.0"] and "win_amd64" in windows[0]
    for command in calls:
        assert {"--no-deps", "--only-binary=:all:", f"3.11.{PATCH}", str(tmp_path)} <= set(command)
        assert ("--index-url" in command) == (command is torch)


def test_wheels_of_other_versions_are_left_out(tmp_path):
    for name in (
        "tqdm-4.70-py3-none-any",
        "tqdm-4.69-py3-none-any",
        "torch-2.13.0+cpu-cp311-cp311-win_amd64",
        "x-1-py3-none-any",
    ):
        (tmp_path / f"{name}.whl").touch()
    found = bundle.wanted(tmp_path.glob("*.whl"), ["tqdm==4.70", "torch==2.13.0"])
    assert [path.name.split("-py3")[0] for path in found] == ["torch-2.13.0+cpu-cp311-cp311-win_amd64.whl", "tqdm-4.70"]


def test_scripts_name_the_versions_and_have_the_line_ends_of_their_system():
    texts = bundle.scripts(list(SYSTEMS.values()), ["3.11", "3.13"])
    assert set(texts) == {"README.txt", "start.sh", "start.command", "start.bat"}
    for name, data in texts.items():
        assert b"3.11 3.13" in data and b"@" not in data.replace(b"@echo", b"").replace(b'"$@"', b"")
        assert (data.count(b"\r\n") == data.count(b"\n")) == name.endswith((".bat", ".txt"))
    assert texts["start.sh"].split(b"\n", 2)[2] == texts["start.command"].split(b"\n", 2)[2]
    assert b"--no-index --find-links wheels" in texts["start.sh"] and b"--no-index" in texts["start.bat"]


def test_a_japanese_class_gets_japanese_lessons_and_words(monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", "ja")
    texts = bundle.scripts(list(SYSTEMS.values()), ["3.11"], site=True)
    assert set(texts) == {"README.txt", "start.sh", "start.command", "start.bat"}
    assert all(b"--language ja --lab" in data for name, data in texts.items() if name != "README.txt")
    assert all(data.startswith(codecs.BOM_UTF8) == (name == "README.txt") for name, data in texts.items())
    about = texts["README.txt"].decode("utf-8-sig")
    assert about.count("\r\n") == about.count("\n")
    assert "my-lessons-ja" in about and "http.server" in about and "展開します" in about


@pytest.fixture
def written(tmp_path):
    """Return a written file and the folder of its wheels."""
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"a wheel")
    path = tmp_path / "dist" / "classroom.zip"
    bundle.write(path, bundle.scripts([LINUX], ["3.99"]), tmp_path.glob("*.whl"))
    return path


def test_all_lies_in_one_folder_and_scripts_can_be_run(written):
    with zipfile.ZipFile(written) as file:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in file.infolist()}
        assert file.read("classroom/wheels/a-1-py3-none-any.whl") == b"a wheel"
    assert set(modes) == {"classroom/README.txt", "classroom/start.sh", "classroom/wheels/a-1-py3-none-any.whl"}
    assert modes["classroom/start.sh"] == 0o755 and modes["classroom/README.txt"] == 0o644
    assert [path.name for path in written.parent.iterdir()] == ["classroom.zip"]


def test_the_site_is_packed_with_the_line_that_serves_it(tmp_path):
    site = tmp_path / "site"
    (site / "en").mkdir(parents=True)
    (site / "en" / "index.html").write_text("<p>hello</p>" * 100)
    (site / "model.onnx").write_bytes(b"weights")
    bundle.write(tmp_path / "a.zip", bundle.scripts([LINUX], ["3.11"], site=True), [], site)
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert file.read("classroom/site/en/index.html").startswith(b"<p>hello") and file.testzip() is None
        sizes = {entry.filename: (entry.compress_size, entry.file_size) for entry in file.infolist()}
        assert "python -m http.server --directory site" in file.read("classroom/README.txt").decode()
    assert sizes["classroom/site/en/index.html"][0] < 200 and sizes["classroom/site/model.onnx"] == (7, 7)


def test_without_a_site_the_page_does_not_speak_of_it():
    text = bundle.scripts([LINUX], ["3.11"])["README.txt"]
    assert b"http.server" not in text and text.endswith(b"opens at once.\r\n")


def test_a_file_that_cannot_be_finished_is_not_left(tmp_path):
    path = tmp_path / "dist" / "classroom.zip"
    with pytest.raises(FileNotFoundError):
        bundle.write(path, {}, [tmp_path / "gone.whl"])
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(not shutil.which("sh"), reason="there is no sh")
def test_without_the_right_python_the_script_says_so(written, tmp_path):
    shutil.unpack_archive(written, tmp_path)
    done = subprocess.run(["sh", tmp_path / "classroom" / "start.sh"], capture_output=True, text=True)
    assert done.returncode == 1 and "needs Python 3.99" in done.stdout
    assert not (tmp_path / "classroom" / ".venv").exists()


def test_nothing_is_written_if_a_wheel_cannot_be_had(monkeypatch, tmp_path, capsys):
    def refuse(*command):
        raise RuntimeError("no matching distribution for torch")

    (tmp_path / f"{DISTRIBUTION}.whl").touch()
    monkeypatch.setattr(bundle, "CACHE", tmp_path)
    monkeypatch.setattr(bundle, "build_wheel", lambda folder: tmp_path / f"{DISTRIBUTION}.whl")
    monkeypatch.setattr(bundle, "call", refuse)
    assert bundle.main(["--for", "macos", "--to", str(tmp_path / "classroom.zip")]) == 1
    said = capsys.readouterr().out
    assert "macos" in said and "no matching distribution for torch" in said
    assert not (tmp_path / "classroom.zip").exists()


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", "linux"),
        ("Windows", "AMD64", "windows"),
        ("Darwin", "arm64", "macos"),
        ("Linux", "aarch64", None),
    ],
)
def test_which_system_this_is(system, machine, expected, monkeypatch, capsys):
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert bundle.here() == expected
    if expected is None:
        with pytest.raises(SystemExit):
            bundle.main([])
        assert "Linux on aarch64; say for which of linux, windows, macos" in capsys.readouterr().err
