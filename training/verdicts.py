"""What the trained judges say of pictures, uint8 arrays (N, LARGE, LARGE, 3), which they see at SIDE pixels."""

import json
from itertools import combinations as pairs_of
from pathlib import Path

import numpy as np
import torch

from sdkit.judge import features, probabilities
from training.measures import background_of
from training.pictures import as_tensor, small


class Judges:
    """The judges of a model folder; where several judge, the lower share of right answers counts (`strictest`)."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.names = sorted(file.stem for file in self.folder.glob("*.safetensors"))
        if not self.names:
            raise FileNotFoundError(f"There is no judge in {self.folder}. Run training.judge first.")
        self.heads = json.loads((self.folder / f"{self.names[0]}.json").read_text(encoding="utf-8"))["heads"]

    def named(self, pictures, judge: str | None = None) -> dict[str, np.ndarray]:
        """Return what a judge, usually the first, sees: {"object": names (N,), "style": names (N,)}."""
        found = probabilities(as_tensor(small(pictures)), judge or self.names[0], self.folder)
        return {head: np.array(names)[found[head].argmax(1).numpy()] for head, names in self.heads.items()}

    def right(self, pictures, head: str, wanted) -> dict[str, np.ndarray]:
        """Return {judge: bool (N,)}: where each judge names what was wanted of "object" or "style"."""
        return {judge: self.named(pictures, judge)[head] == np.array(wanted) for judge in self.names}

    def match(self, pictures, scenes, judge: str | None = None) -> np.ndarray:
        """Return for each picture whether background, object and style are all the scene's, by one judge: bool (N,)."""
        found = self.named(pictures, judge)
        return np.array([
            (background_of(picture), thing, style) == (scene.background, scene.thing, scene.style)
            for picture, thing, style, scene in zip(pictures, found["object"], found["style"], scenes, strict=True)
        ])  # fmt: skip

    def features(self, pictures) -> torch.Tensor:
        """Return what the first judge sees before it names anything: (N, D)."""
        return features(as_tensor(small(pictures)), self.names[0], self.folder)

    def diversity(self, groups) -> float:
        """Return the mean distance between the normalised features of the pictures within each group."""
        distances = []
        for pictures in groups:
            found = torch.nn.functional.normalize(self.features(pictures), dim=1)
            distances += [float((a - b).norm()) for a, b in pairs_of(found, 2)]
        return float(np.mean(distances))


def strictest(verdicts: dict[str, np.ndarray]) -> np.ndarray:
    """Return what the judge with the fewest right answers says, of {judge: bool (N,)}."""
    return min(verdicts.values(), key=lambda right: right.mean())
