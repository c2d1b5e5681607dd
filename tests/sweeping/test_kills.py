"""`kill -9` at random moments of a sweep, and two processes in one folder: no finished picture is lost."""

import json
import os
import subprocess
import sys

import pytest

# One process loads the model; each victim is a fork of it, for loading takes far longer than sweeping.
SCRIPT = r"""
import json, os, random, signal, sys, time
from pathlib import Path
import numpy as np
import torch
from PIL import Image
from sdkit import load_pipeline, sweep
from sdkit.sweeping.store import Store

torch.set_num_threads(1)
SEEDS, KILLS = range(50), 20
root = Path(sys.argv[1])
folder, log = root / "killed", root / "log"
pipe = load_pipeline()


def run(folder):
    small = {"num_inference_steps": 1, "height": 64, "width": 64, "guidance_scale": 1}
    return sweep(pipe, "a cat", seed=SEEDS, **small, batch_size=1, folder=folder)


def start(folder):
    child = os.fork()
    if child:
        return child
    keep = Store.keep
    def noted(self, *given):
        path = keep(self, *given)
        with log.open("a") as file:
            file.write(path.name + "\n")
        return path
    Store.keep = noted
    failed = 1
    try:
        run(folder)
        failed = 0
    finally:
        os._exit(failed)


def finished():
    return log.read_text().split() if log.exists() else []


random.seed(5)
first_bytes, lost, torn, killed = {}, [], [], 0
for _ in range(KILLS):
    target = len(finished()) + random.choice([0, 1, 1, 2, 2])
    child = start(folder)
    while len(finished()) < target and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    now = {path.name: path.read_bytes() for path in folder.glob("*.png")} if folder.exists() else {}
    lost += [name for name in finished() if name not in now]
    lost += [name for name, data in first_bytes.items() if now.get(name) != data]
    for path in folder.glob("*.png"):
        try:
            Image.open(path).load()
        except Exception:
            torn.append(path.name)
    first_bytes.update({name: data for name, data in now.items() if name not in first_bytes})

before = len(first_bytes)
final, whole = run(folder), run(root / "whole")
final.save_sheet(root / "final.png"), whole.save_sheet(root / "whole.png")
equal = [np.array_equal(np.asarray(a.image), np.asarray(b.image)) for a, b in zip(final, whole)]

children = [start(root / "two") for _ in range(2)]
codes = [os.waitpid(child, 0)[1] for child in children]
two = [path.name for path in (root / "two").glob("*.png")]
shared = run(root / "two")
print(json.dumps({
    "killed": killed, "lost": lost, "torn": torn, "before": before, "equal": all(equal), "pictures": len(equal),
    "sheets": (root / "final.png").read_bytes() == (root / "whole.png").read_bytes(), "codes": codes, "two": len(two),
    "shared": all(np.array_equal(np.asarray(a.image), np.asarray(b.image)) for a, b in zip(shared, whole)),
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork and no kill -9")
def test_no_finished_picture_is_lost(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # a fork must not inherit a pool of threads
    command = [sys.executable, "-W", "error::UserWarning:sdkit", "-c", SCRIPT, str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["killed"] == 20
    assert found["lost"] == [] and found["torn"] == []
    assert 10 < found["before"] < found["pictures"] == 50  # the kills fell into the sweep, not before or after it
    assert found["equal"] and found["sheets"]
    assert found["codes"] == [0, 0] and found["two"] == 50 and found["shared"]
