"""mAP@0.5 of the page on object detection, against pycocotools."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import torch

from tests.reference.conftest import Execute

REGIONS = ("overlap", "average-precision")
NUM_CLASSES = 4
Boxes = list[tuple[torch.Tensor, ...]]


def random_case(seed: int) -> tuple[Boxes, Boxes]:
    """Twelve images: targets of four classes, and answers, some near a target and some not."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(12):
        targets, guesses = rng.integers(0, 6), rng.integers(0, 9)
        corner, side = rng.uniform(0, 0.6, (targets, 2)), rng.uniform(0.1, 0.4, (targets, 2))
        boxes, labels = np.hstack([corner, corner + side]), rng.integers(0, NUM_CLASSES, targets)
        if targets:
            near = rng.integers(0, targets, guesses)
            answers = boxes[near] + rng.normal(0, 0.04, (guesses, 4))
            answers[:, 2:] = np.maximum(answers[:, 2:], answers[:, :2] + 0.01)
            kinds = np.where(rng.random(guesses) < 0.8, labels[near], rng.integers(0, NUM_CLASSES, guesses))
        else:
            answers = np.hstack([start := rng.uniform(0, 0.6, (guesses, 2)), start + 0.2])
            kinds = rng.integers(0, NUM_CLASSES, guesses)
        scores = rng.random(guesses).round(int(rng.integers(1, 4)))  # with ties
        found.append(tuple(map(torch.from_numpy, (answers, scores, kinds))))
        truth.append((torch.from_numpy(boxes), torch.from_numpy(labels)))
    return found, truth


def reference(found: Boxes, truth: Boxes) -> float:
    """The same by pycocotools: its first number's IoU threshold of .5 alone, all areas, 100 answers."""
    coco_module = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def entry(image: int, box: list[float], label: int, **more: Any) -> dict[str, Any]:
        left, top, right, bottom = box
        size = [left, top, right - left, bottom - top]
        return {"image_id": image, "bbox": size, "category_id": label, "area": size[2] * size[3], **more}

    targets = [
        entry(image, box, label, iscrowd=0)
        for image, (boxes, labels) in enumerate(truth)
        for box, label in zip(boxes.tolist(), labels.tolist(), strict=True)
    ]
    answers = [
        entry(image, box, label, score=score)
        for image, each in enumerate(found)
        for box, score, label in zip(*(column.tolist() for column in each), strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco_module.COCO()
        coco.dataset = {
            "images": [{"id": image} for image in range(len(truth))],
            "categories": [{"id": label} for label in range(NUM_CLASSES)],
            "annotations": [{"id": number, **target} for number, target in enumerate(targets, 1)],
        }
        coco.createIndex()
        run = evaluation.COCOeval(coco, coco.loadRes(answers), "bbox")
        run.params.iouThrs = np.array([0.5])
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][0, :, :, 0, -1]  # (101, classes); -1: no targets
    return float(precision[precision > -1].mean())


@pytest.mark.parametrize("seed", range(30))
def test_mean_average_precision_is_that_of_coco(seed: int, execute: Execute) -> None:
    page = execute("vision/object_detection.py", *REGIONS, np=np, torch=torch, NUM_CLASSES=NUM_CLASSES)
    found, truth = random_case(seed)
    assert page["mean_average_precision"](found, truth) == pytest.approx(reference(found, truth), abs=1e-3)
