"""Layouts of graphs, by what makes a picture readable: no two boxes over each other, and no line behind a box."""

import random
import re

import pytest
from draw_job_graph import folded, picture, stage_order, wrapped

from shopbench.layers import depths, lay_out, spread, without_shortcuts
from shopbench.planned_jobs import PlannedJob

WIDTH, LANE, GAP = 100, 10, 20


def random_graph(seed):
    draw = random.Random(seed)
    nodes = [f"n{i}" for i in range(24)]
    edges = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :] if draw.random() < 0.12]
    return nodes, without_shortcuts(nodes, edges)


def test_an_arrow_that_leads_back_is_left_out():
    # A base model writes for datasets that another base model learns from: one rule makes both.
    edges = [("tables", "base"), ("base", "write"), ("write", "datasets"), ("datasets", "base"), ("datasets", "train"), ("base", "train")]
    kept = without_shortcuts(["tables", "base", "write", "datasets", "train"], edges)
    assert kept == [("tables", "base"), ("base", "write"), ("write", "datasets"), ("datasets", "train")]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_lies_over_anything(seed):
    nodes, edges = random_graph(seed)
    layer = depths(nodes, edges)
    layout = lay_out(layer, edges, WIDTH, LANE, GAP)
    for row in set(layer.values()):
        boxes = [(layout.x[node], WIDTH) for node in nodes if layer[node] == row]
        lines = [(layout.bends[a, b][row - layer[a] - 1], LANE) for a, b in edges if layer[a] < row < layer[b]]
        places = sorted(boxes + lines)
        for (left, one), (right, other) in zip(places, places[1:], strict=False):
            assert right - left >= (one + other) / 2 + GAP - 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_shortcuts_go_and_ways_stay(seed):
    draw = random.Random(seed)
    nodes = [f"n{i}" for i in range(9)]
    edges = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :] if draw.random() < 0.4]

    def ways(edges):
        reached = set(edges)
        for _ in nodes:
            reached |= {(a, d) for a, b in reached for c, d in edges if b == c}
        return reached

    kept = without_shortcuts(nodes, edges)
    assert ways(kept) == ways(edges)
    assert all(ways([e for e in kept if e != edge]) != ways(edges) for edge in kept)


def test_spread_moves_as_little_as_it_can():
    size = dict.fromkeys("abc", 10.0)
    assert spread("abc", {"a": 0, "b": 50, "c": 99}, size, 5) == {"a": 0, "b": 50, "c": 99}
    # Two that want one place share the way.
    assert spread("ab", {"a": 40, "b": 40}, size, 5) == {"a": 32.5, "b": 47.5}


def made_up_run():
    """200 jobs of four stages, one rule feeding itself."""
    jobs = []

    def add(stage, rule, inputs, output, **wildcards):
        cause = {"rule_file": f"workflow/rules/{stage}.smk"}
        asked = {"gpu": 8} if rule == "train_adapter" else {}
        jobs.append(PlannedJob(rule, wildcards, False, inputs, [output], len(jobs), None, 1, asked, asked, cause))

    for i in range(150):
        add("datasets", "build_dataset", [], f"d{i}", dataset=f"dataset_{i}")
    add("blends", "blend_datasets", [f"d{i}" for i in range(150)], "b", blend="v7")
    add("adapters", "train_adapter", ["b"], "a0", adapter="v7")
    add("adapters", "train_adapter", ["b", "a0"], "a1", adapter="v7b")
    for i in range(46):
        add("report_data", f"draw_figure{i}", ["a1", "b"], f"f{i}")
    add("report", "make_report", [f"f{i}" for i in range(46)], "page")
    return jobs


def test_200_jobs_are_five_boxes():
    boxes, edges = folded(made_up_run())
    assert {name: box.jobs for name, box in boxes.items()} == {
        "datasets/build_dataset": 150,
        "blends/blend_datasets": 1,
        "adapters/train_adapter": 2,
        "report/draw_*": 46,
        "report/make_report": 1,
    }
    assert boxes["adapters/train_adapter"].lines == ["2 jobs, 8 GPUs each", "v7, v7b"]
    # Figures read blends too; the arrow by the adapters says it.
    chain = ["datasets/build_dataset", "blends/blend_datasets", "adapters/train_adapter", "report/draw_*", "report/make_report"]
    assert sorted(edges) == sorted(zip(chain, chain[1:], strict=False))
    assert stage_order(boxes, edges) == ["datasets", "blends", "adapters", "report"]


def test_no_two_texts_of_the_picture_overlap():
    svg = picture(*folded(made_up_run()), "200 jobs")
    texts = re.findall(r'<text class="([a-z ]+)" x="(\d+)" y="(\d+)">([^<]*)</text>', svg)
    assert len(texts) > 15
    # A letter is at most this wide at each size, as DejaVu draws it.
    wide = {"stage": 10.5, "rule": 8.8, "small": 7.0, "small count": 7.0}
    areas = [(int(x), int(y) - 10, int(x) + wide[kind] * len(text), int(y) + 3) for kind, x, y, text in texts]
    for i, (left, top, right, bottom) in enumerate(areas):
        for other in areas[i + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_names_without_room_are_counted():
    names = [f"dataset_{i}" for i in range(39)]
    lines = wrapped(names, 3)
    shown = sum(line.count("dataset_") for line in lines)
    assert len(lines) == 3 and lines[-1].endswith(f", {39 - shown} more")
    assert wrapped([], 3) == [] and wrapped(["a", "b"], 3) == ["a, b"]
