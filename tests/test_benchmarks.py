"""The benchmarks: what is kept is what the pages show, and each runs in a small form."""

import json

import pytest
import torch

from benchmarks import device, hundred, memory, panel, record, start, sweep

NAMES = ("start", "hundred-cpu", "device", "memory-cpu", "sweep", "panel", "cluster")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return the page that results go to instead of the real ones."""
    (tmp_path / "one.md").write_text("No place.\n", encoding="utf-8")
    page = tmp_path / "two.md"
    page.write_text("".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in NAMES), encoding="utf-8")
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(record, "DOCS", tmp_path)
    monkeypatch.setattr(record, "PAGES", ("one.md", "two.md"))
    return page


def test_the_pages_show_what_was_kept():
    assert len(record.results()) >= 7
    for path, text in record.pages().items():
        assert path.read_text(encoding="utf-8") == text


def test_kept_results_say_where_when_and_with_what():
    for name, result in record.results().items():
        assert result["rows"] and all(len(row) == len(result["columns"]) for row in result["rows"])
        assert result["date"] and result["versions"]["torch"] and result["machine"]["processor"]
        assert result["command"].startswith(f"python -m benchmarks.{name.split('-')[0]}")


def test_options_name_the_run_and_its_command():
    given = ["--steps", "3", "--model", "some/where/sd-v1", "--device", "cuda"]
    found = record.options("x", "About.", given, model="built-in", side=0, steps=25, device="")
    assert (found.result, found.steps, found.side, found.write) == ("x-sd-v1-cuda", 3, 0, False)
    assert found.command == "python -m benchmarks.x --model sd-v1 --steps 3 --device cuda"


def test_a_result_is_kept_and_shown(kept, capsys):
    arguments = record.options("start", "About.", ["--write"])
    record.report(arguments, ["a", "b"], [["one", 0.12345], ["two", None]], more="And so on.", runs=3)
    text = kept.read_text(encoding="utf-8")
    assert "| one | 0.123 |\n| two | not measured |" in text and "\n\nAnd so on.\n<!-- /start -->" in text
    assert json.loads((kept.parent / "start.json").read_text(encoding="utf-8"))["settings"] == {"runs": 3}
    assert "not measured" in capsys.readouterr().out
    arguments.result = "nowhere"
    with pytest.raises(ValueError, match="no page has a place for nowhere"):
        record.report(arguments, ["a"], [["one"]])


def test_start_counts_fresh_processes(kept, monkeypatch):
    monkeypatch.setattr(start, "PROGRAMS", {"bare": "pass", "nap": "import time; time.sleep(2)"})
    start.main(["--times", "1", "--write"])
    rows = record.results()["start"]["rows"]
    assert rows[0][2] == 1 and rows[1][1] > rows[0][1] + 1  # a busy machine takes long to start a process


def test_hundred_makes_the_pictures_of_each_way(kept):
    hundred.main(["--pictures", "2", "--steps", "2", "--device", "cpu", "--write"])
    result = record.results()["hundred-cpu"]
    assert len(result["rows"]) == 5 and result["rows"][0][2] == 1 and result["settings"]["pictures"] == 2


@pytest.mark.slow
def test_memory_is_of_a_process_of_its_own(kept, monkeypatch):
    monkeypatch.setattr(memory, "WAYS", {"float32": ("float32", False, False)})
    memory.main(["--steps", "1", "--device", "cpu", "--write"])
    (_, loaded, peak, seconds), = record.results()["memory-cpu"]["rows"]  # fmt: skip
    assert 0.1 < loaded <= peak < 8 and seconds > 0


@pytest.mark.slow
def test_device_counts_work_and_rate(kept):
    device.main(["--steps", "1", "--times", "1", "--formats", "float32", "--batches", "1,2", "--compile", "no",
                 "--write"])  # fmt: skip
    rows = record.results()["device"]["rows"]
    assert [row[1:3] for row in rows[:2]] == [[1, "SDPA"], [2, "SDPA"]]
    assert all(row[3] > 0 and row[4].endswith("%") for row in rows)


def test_the_work_of_a_call_grows_with_its_steps(pipe):
    def work(steps):
        return device.work_of(lambda: pipe("a cat", num_inference_steps=steps, output_type="latent"))

    two, three, four = work(2), work(3), work(4)
    assert four - three == three - two > 1e8


def test_the_matrix_rate_is_that_of_the_format():
    assert device.matrix_rate(torch.float32, torch.device("cpu"), 1, side=256) > 1e7


@pytest.mark.slow
def test_sweeps_are_told_against_the_loop(kept, monkeypatch):
    monkeypatch.setattr(sweep, "CALL", {"num_inference_steps": 1, "guidance_scale": 1.0})
    monkeypatch.setattr(sweep, "SEEDS", range(2))
    sweep.main(["--rounds", "1", "--write"])
    result = record.results()["sweep"]
    assert [row[2] for row in result["rows"]][0] == 1 and result["rows"][-1][2] > 1  # what is there is made no more
    assert "UNet" in result["more"]


@pytest.mark.slow
def test_panels_answer(kept, monkeypatch, narrow):
    # put back afterwards: the benchmark sets it too
    monkeypatch.setattr("sdkit.panel.panel.from_front_end", lambda: True)
    monkeypatch.setattr(panel, "TIMES", 2)
    monkeypatch.setattr(panel, "load_pipeline", lambda: narrow)
    panel.main(["--write"])
    plain, preview, finished, before, _ = (row[1] for row in record.results()["panel"]["rows"])
    assert 0 < before < preview < finished and plain > 0


@pytest.mark.slow
def test_a_cluster_is_bound_by_its_slowest_part(kept, monkeypatch):
    pytest.importorskip("distributed", reason="sweeps on workers need the extra cluster")
    from benchmarks import cluster

    costs = cluster.Costs(side=512, task=0.004, received=0.0, kept=0.01, size=400_000)
    limits = costs.limits(workers=1000, seconds=1)
    assert limits == {"workers": pytest.approx(1000), "tasks": 2000, "client": pytest.approx(100), "network": 312.5}
    assert "| 512 px | 5 s | 1000 | 100 | 50% | client |" in cluster.scaled([costs])
    monkeypatch.setattr(cluster, "TASKS", 8)
    monkeypatch.setattr(cluster, "SIDES", (64,))
    cluster.main(["--write"])
    result = record.results()["cluster"]
    assert result["rows"][0][0] == "64 px" and result["settings"]["kB of a task"] > 0
    assert result["more"].count("| 64 px |") == 9
