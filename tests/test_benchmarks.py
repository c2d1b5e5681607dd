"""The benchmarks: what is kept is what the page shows, and each runs in a small form."""

import argparse
import json

import pytest
import torch

from benchmarks import device, hundred, memory, record, start


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return the folder and the page that results go to instead of the real ones."""
    page = tmp_path / "page.md"
    names = ("start", "hundred", "device-built-in-cpu")
    page.write_text("".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in names), encoding="utf-8")
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(record, "PAGE", page)
    return page


def test_the_page_shows_what_was_kept():
    text = record.PAGE.read_text(encoding="utf-8")
    assert record.results() and record.page_with(text) == text


def test_kept_results_say_where_when_and_with_what():
    for result in record.results().values():
        assert result["rows"] and all(len(row) == len(result["columns"]) for row in result["rows"])
        assert result["date"] and result["versions"]["torch"] and result["machine"]["processor"]
        assert result["command"].startswith("python -m benchmarks.")


def test_a_result_is_kept_and_shown(kept, capsys):
    rows = [["one", 0.12345], ["two", None]]
    record.report(record.result_of("start", "python -m x", ["a", "b"], rows, runs=3), write=True)
    assert "| one | 0.123 |\n| two | not measured |" in kept.read_text(encoding="utf-8")
    assert json.loads((kept.parent / "start.json").read_text(encoding="utf-8"))["settings"] == {"runs": 3}
    assert "not measured" in capsys.readouterr().out


def test_start_counts_fresh_processes(kept, monkeypatch):
    nap = "import time; time.sleep(0.2)"
    monkeypatch.setattr(start, "STEPS", {"import torch and StableDiffusionPipeline": "pass", "nap": nap})
    start.main(argparse.Namespace(times=1, write=True))
    rows = record.results()["start"]["rows"]
    assert rows[0][2] == 1 and rows[1][1] > rows[0][1] + 0.1


def test_hundred_makes_the_pictures_of_each_way(kept):
    hundred.main(argparse.Namespace(model="built-in", pictures=2, steps=2, side=0, device="cpu", write=True))
    result = record.results()["hundred"]
    assert len(result["rows"]) == 5 and result["rows"][0][2] == 1 and result["settings"]["pictures"] == 2


def test_memory_is_of_a_process_of_its_own():
    loaded, peak, seconds = memory.measured("built-in", "float32", False, False, 0, 1, "cpu")
    assert 0.1 < loaded <= peak < 8 and seconds > 0


def test_device_counts_work_and_rate(kept):
    arguments = argparse.Namespace(model="built-in", side=0, steps=1, times=1, device="cpu", formats="float32",
                                   batches="1,2", compile="no", write=True)  # fmt: skip
    device.main(arguments)
    rows = record.results()["device-built-in-cpu"]["rows"]
    assert [row[1:3] for row in rows[:2]] == [[1, "SDPA"], [2, "SDPA"]]
    assert all(row[3] > 0 and row[4].endswith("%") for row in rows)


def test_the_work_of_a_call_grows_with_its_steps(pipe):
    def work(steps):
        return device.work_of(pipe, lambda: pipe("a cat", num_inference_steps=steps, output_type="latent"))

    two, three, four = work(2), work(3), work(4)  # PNDM's first step is two
    assert four - three == three - two > 1e8


def test_the_matrix_rate_is_that_of_the_format():
    assert device.matrix_rate(torch.float32, torch.device("cpu"), 1, side=256) > 1e7
