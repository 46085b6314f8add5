"""Figures and tables of the report: their numbers by another route, their files as promised."""

from __future__ import annotations

import csv
import json
import random
import re
import struct
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml
from made_up_run import FIGURES, HELPED, PAPER, ROOT, SYSTEMS, fabricate, make, outputs, report_commands, run_program, write


def table(results: Path, name: str) -> list[dict[str, str]]:
    with (results / f"report_tables/{name}.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def questions(results: Path, set_name: str, variant: str) -> dict[str, list[float]]:
    """Question scores by task, straight from a score file."""
    found: dict[str, list[float]] = {}
    for question in json.loads((results / f"scores/{set_name}/{variant}.json").read_text())["questions"]:
        found.setdefault(question["task"], []).append(question["score"])
    return found


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_is_twice_dense_and_carries_its_fonts(results: Path, name: str) -> None:
    png, pdf = ((results / f"figures/{name}{ending}").read_bytes() for ending in (".png", ".pdf"))
    width, _height = struct.unpack(">II", png[16:24])
    assert width == 1440, "7.2 inches at 200 dots each"
    assert b"/FontFile2" in pdf, "TrueType fonts embedded"
    assert b"/CreationDate" not in pdf and b"Software" not in png


def test_the_same_numbers_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    arguments = report_commands(results)["wise_ft_curve"]
    done = run_program("figures/wise_ft_curve.py", *arguments, *outputs(tmp_path, "wise_ft_curve"))
    assert done.returncode == 0, done.stderr
    for path in ("figures/wise_ft_curve.png", "figures/wise_ft_curve.pdf", "report_tables/wise_ft_curve.tsv"):
        assert (tmp_path / path).read_bytes() == (results / path).read_bytes()


def test_dataset_shares_by_counting_lines(results: Path) -> None:
    cluster_of = {line.split("\t")[0]: line.split("\t")[5] for line in (results / "datasets.tsv").read_text().splitlines()[1:]}
    rows = Counter()
    for path in (results / "datasets").glob("*.parquet"):
        rows[cluster_of[path.stem]] += len(pl.read_parquet(path)["split"].to_list())
    shares = {row["part"]: float(row["share"]) for row in table(results, "dataset_pies") if row["division"] == "cluster"}
    assert shares == pytest.approx({cluster: 100 * count / rows.total() for cluster, count in rows.items()}, abs=0.051)


def test_the_share_of_a_language_model_is_of_rows_not_of_datasets(results: Path) -> None:
    rows = {path.stem: pl.read_parquet(path).height for path in (results / "datasets").glob("*.parquet")}
    enhanced = sum(rows[name] // 2 for name in HELPED)
    shown = {row["part"]: int(row["rows"]) for row in table(results, "dataset_pies") if row["division"] == "language model"}
    assert shown == {"enhanced": enhanced, "not_enhanced": sum(rows.values()) - enhanced} and 0 < enhanced < sum(rows.values())


def test_verdicts_on_a_language_models_answers_are_counted_by_reason(results: Path) -> None:
    types, wordings, both = table(results, "language_model")
    assert (types["requests"], types["kept"], types["share"], types["not_kept_because"]) == ("3", "2", "66.7", "not JSON: 1")
    assert wordings["kept"] == "0" and wordings["not_kept_because"] == "not JSON: 2; copy of the seed: 1"
    assert (both["requests"], both["kept"], both["not_kept_because"]) == ("6", "2", "not JSON: 3; copy of the seed: 1")


def test_wise_ft_points_are_means_over_tasks(results: Path) -> None:
    sweep = pl.read_parquet(results / "sweeps/v8.parquet")
    for row in table(results, "wise_ft_curve"):
        if row["origin"] == "published" or row["sweep"] != "v8" or row["track"] != "track5":
            continue
        tasks = sweep.filter((pl.col("set") == row["set"]) & ((pl.col("alpha") - float(row["alpha"])).abs() < 1e-6))
        assert float(row["score"]) == pytest.approx(mean(tasks["score"].to_list()), abs=1e-6)
        # Each task's half width is 0.08; of k independent ones the mean has 0.08 / sqrt(k).
        assert float(row["high"]) - float(row["score"]) == pytest.approx(0.08 / len(tasks) ** 0.5, abs=2e-6)
        assert int(row["tasks"]) == len(tasks)


def test_an_alpha_is_chosen_on_one_set_and_reported_on_the_others(results: Path) -> None:
    rows = table(results, "alpha_choice")
    swept = {row["set"] for row in table(results, "wise_ft_curve") if row["origin"] == "this run"}
    assert {row["set"] for row in rows} == swept - {"validation"} and len(swept) > 1
    assert {row["calibrates"] for row in rows if row["set"] == "development"} == {"yes"}
    assert all(row["calibrates"] == "no" for row in rows if row["set"] != "development")
    for row in rows:
        sweep = pl.read_parquet(results / f"sweeps/{row['sweep']}.parquet")
        if row["track"] != "track5":
            sweep = sweep.filter(pl.col("track") == row["track"])
        means = {key: mean(part["score"].to_list()) for key, part in sweep.group_by(["set", "alpha"])}
        best = max(score for (set_name, _), score in means.items() if set_name == "validation")
        assert means["validation", float(row["alpha"])] == pytest.approx(best)
        assert float(row["score"]) == pytest.approx(means[row["set"], float(row["alpha"])], abs=1e-6)
        assert float(row["plain_score"]) == pytest.approx(means[row["set"], 1.0], abs=1e-6)
    assert len({row["alpha"] for row in rows}) > 1 and any(row["score"] != row["plain_score"] for row in rows)


def test_final_scores_from_the_questions(results: Path) -> None:
    ours = {(row["set"], row["track"]): row for row in table(results, "final_scores") if row["origin"] == "this run"}
    tracks = json.loads((results / "scores/development/base.json").read_text())["tasks"]
    for track in ("track1", "track4"):
        variant = SYSTEMS["final"][track]
        by_task = questions(results, "development", variant)
        expected = mean([mean(values) for task, values in by_task.items() if tracks[task]["track"] == track])
        assert float(ours["development", track]["score"]) == pytest.approx(expected, abs=1e-6)
        assert ours["development", track]["variant"] == variant
    everything = questions(results, "development", SYSTEMS["final"]["track5"])
    assert float(ours["development", "track5"]["score"]) == pytest.approx(mean([mean(v) for v in everything.values()]), abs=1e-6)
    assert int(ours["development", "track5"]["tasks"]) == 17, "task17's metric was refused, so it is in no mean"


def test_gain_of_round_two_with_its_paired_interval(results: Path) -> None:
    row = next(r for r in table(results, "iteration_table") if (r["set"], r["track"]) == ("development", "track2"))
    new, old = (questions(results, "development", SYSTEMS[name]["track2"]) for name in ("round2", "round1"))
    tasks = ["task8", "task9", "task10"]
    gains = {task: [a - b for a, b in zip(new[task], old[task], strict=True)] for task in tasks}
    assert float(row["gain"]) == pytest.approx(mean([mean(gains[task]) for task in tasks]), abs=2e-6)
    draw = random.Random(5)
    resampled = sorted(mean([mean(draw.choices(gains[task], k=len(gains[task]))) for task in tasks]) for _ in range(2000))
    assert float(row["gain_low"]) == pytest.approx(resampled[50], abs=0.03)
    assert float(row["gain_high"]) == pytest.approx(resampled[-51], abs=0.03)


def test_seconds_and_tokens_of_a_log_are_summed(results: Path) -> None:
    first, *_, before_last, last = [row for row in table(results, "training_curves") if row["adapter"] == "v7b"]
    assert (last["step"], float(last["seconds"]), last["tokens"]) == ("60", 30.0, str(60 * 4096))
    assert (first["step"], first["loss"], first["validation_loss"], before_last["validation_loss"]) == ("0", "", "3.600000", "")


def test_time_of_track_five_is_projected_to_the_hidden_test(results: Path) -> None:
    row, *_, in_batches = (r for r in table(results, "time_per_track") if r["track"] == "track5")
    assert float(row["seconds_per_question"]) == pytest.approx(15.5 / 90, abs=1e-6)
    # 1.57 minutes with 4.2 seconds of starting.
    assert in_batches["way"] == "batches of 16" and float(in_batches["seconds_per_question"]) == pytest.approx(90 / 90, abs=1e-4)
    assert float(row["projected_hidden_test_minutes"]) == pytest.approx(15.5 / 90 * 20600 / 60, abs=1e-4)
    assert row["published_limit_minutes"] == "140"


def test_only_variants_under_the_same_constraints_are_compared(results: Path) -> None:
    compared = {(r["ensemble"], r["constraints"], r["precision"]) for r in table(results, "quantization_effect")}
    assert compared == {("track35", "strict", p) for p in ("bf16", "awq")} | {("track35", "boost", p) for p in ("awq", "gptq")}
    ablated = {(r["weights"], r["constraints"]) for r in table(results, "constraint_ablation")}
    assert ablated == {("track35, awq", c) for c in ("none", "boost", "strict")} | {("base, bf16", c) for c in ("boost", "strict")}


def test_a_variant_that_is_not_there_is_left_out(results: Path, tmp_path: Path) -> None:
    arguments = [a for a in report_commands(results)["final_scores"] if not str(a).endswith("track1-awq.json")]
    done = run_program("figures/final_scores.py", *arguments, *outputs(tmp_path, "final_scores"))
    assert done.returncode == 0, done.stderr
    tracks = {row["track"] for row in table(tmp_path, "final_scores") if row["origin"] == "this run"}
    assert tracks == {"track2", "track3", "track4", "track5"}


def test_a_run_with_nothing_to_compare_still_has_its_files(tmp_path: Path) -> None:
    for name, given in {
        "quantization_effect": ["--scores", tmp_path / "s.json", "--variants", "{}"],
        "training_curves": [],
        "wise_ft_curve": ["--choosing-set", "validation", "--calibration", "development", "--paper", PAPER],
    }.items():
        (tmp_path / "s.json").write_text(
            '{"set": "development", "variant": "base", "tasks": {}, "tracks": {}, "overall": {"mean_over_tasks": null}}'
        )
        done = run_program(f"figures/{name}.py", *given, *outputs(tmp_path, name))
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert (tmp_path / f"figures/{name}.png").stat().st_size > 1000


def test_a_score_that_is_not_finite_stops_a_table(tmp_path: Path) -> None:
    fabricate(tmp_path)
    path = tmp_path / "scores/development/base.json"
    path.write_text(re.sub(r'"score": 0\.\d+', '"score": NaN', path.read_text(), count=1))
    scores = json.loads(path.read_text())
    scores["tracks"]["track1"]["score"] = float("nan")
    path.write_text(json.dumps(scores))
    done = run_program("figures/scores_table.py", "--scores", path, *outputs(tmp_path, "scores_table"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "nan" in done.stderr
    assert not (tmp_path / "report_tables/scores_table.tsv").exists()


def test_gains_of_components_with_their_paired_intervals(results: Path) -> None:
    rows = {(r["set"], r["step"]): r for r in table(results, "component_gains")}
    row = rows["validation", "round 2"]
    new, old = questions(results, "validation", "track35"), questions(results, "validation", "v8-weighted")
    gains = {task: [a - b for a, b in zip(new[task], old[task], strict=True)] for task in new}
    assert float(row["gain"]) == pytest.approx(mean([mean(part) for part in gains.values()]), abs=2e-6)
    draw = random.Random(7)
    resampled = sorted(mean([mean(draw.choices(part, k=len(part))) for part in gains.values()]) for _ in range(2000))
    assert float(row["gain_low"]) == pytest.approx(resampled[50], abs=0.02)
    assert float(row["gain_high"]) == pytest.approx(resampled[-51], abs=0.02)
    assert not any(step == "GPTQ" for _, step in rows), "this run has no such variant"
    printed = yaml.safe_load(PAPER.read_text())
    assert rows["hidden test", "weight 0.56 (wise-ft)"]["gain"] == "+0.008"
    assert float(printed["rounds"]["round1"]["track5"]["score"]) - float(printed["fine_tuned"]["scores"]["track5"]) == pytest.approx(0.008)


def test_heat_map_has_each_tasks_score_under_each_system(results: Path) -> None:
    rows = {(r["set"], r["task"], r["system"]): r for r in table(results, "task_heat_map")}
    assert float(rows["development", "task9", "round1"]["score"]) == pytest.approx(
        mean(questions(results, "development", "v7")["task9"]), abs=1e-6
    )
    assert rows["development", "task9", "final"]["variant"] == SYSTEMS["final"]["track2"]
    assert rows["development", "task17", "final"]["score"] == "", "its metric was refused"
    assert list(dict.fromkeys(system for *_, system in rows)) == ["base", "round1", "round2", "final"]


def test_overlap_is_counted_by_blend_and_dataset(results: Path) -> None:
    rows = {(r["blend"], r["dataset"]): r for r in table(results, "overlap_removed")}
    assert (rows["v8", "all"]["overlap"], rows["v8", "all"]["overlap_development"], rows["v8", "alpaca"]["overlap"]) == ("2", "2", "0")
    assert rows["v8", "rank_products"]["overlap_development"] == "2" and rows["v8", "all"]["duplicates"] == "7"


def test_examples_are_training_rows_nobody_picked(results: Path) -> None:
    rows = table(results, "example_prompts")
    kinds = [row["task_type"] for row in rows]
    assert kinds == ["multiple-choice", "retrieval", "ranking", "named_entity_recognition"], "alpaca is no shop's"
    for row in rows:
        built = pl.read_parquet(results / f"datasets/{row['dataset']}.parquet").filter(pl.col("split") == "train")
        assert row["prompt"].replace(" ⏎ ", "\n") in built["prompt"].to_list()


def test_the_pipeline_is_what_snakemake_says(results: Path) -> None:
    rows = {row["rule"]: row for row in table(results, "pipeline")}
    assert "build_ensemble" in rows["train_adapter"]["feeds"].split(", ")
    assert rows["train_adapter"]["stage"] == "base and training" and rows["make_report"]["stage"] == "report"
    assert "download_model" not in rows, "this run has its base"


def test_what_a_run_took_is_summed_from_benchmarks_and_logs(results: Path) -> None:
    rows = {row["rule"]: row for row in table(results, "run_summary")}
    trained = rows["train_adapter"]
    assert (trained["jobs"], trained["hours"], trained["cpu_hours"]) == ("2", "2.000", "4.000")
    assert (trained["gpus"], trained["gpu_hours"], trained["memory_mib"]) == ("8", "12.000", "6400"), "v8 alone asked for GPUs"
    assert (trained["failures"], trained["retries"], trained["longest_minutes"]) == ("1", "1", "90.0")
    assert (rows["tabulate_esci"]["hours"], rows["tabulate_esci"]["memory_mib"]) == ("0.010", "0")
    assert (rows["all"]["jobs"], rows["all"]["hours"]) == ("3", "2.010")
    grouped = rows["draw_final_scores + make_report"]
    assert (grouped["jobs"], grouped["failures"], grouped["retries"]) == ("0", "1", "1"), "a group of jobs failed as one"


def test_one_scores_file_changes_exactly_what_shows_it(results: Path, tmp_path: Path) -> None:
    """Every table and picture is made again with one variant's answers all wrong; those without that variant keep their bytes."""
    for path in (results / "scores").rglob("*.json"):
        write(tmp_path / path.relative_to(results), path.read_text())
    changed = tmp_path / "scores/validation/track35-awq-none.json"
    scores = json.loads(changed.read_text())
    for entry in (*scores["tasks"].values(), *scores["tracks"].values(), *scores["overall"].values(), *scores["questions"]):
        entry["score"] = 0.0
    changed.write_text(json.dumps(scores))
    different = set()
    for name, arguments in report_commands(results).items():
        if "--scores" not in arguments:
            continue
        moved = [tmp_path / a.relative_to(results) if isinstance(a, Path) and a.parent.parent.name == "scores" else a for a in arguments]
        assert make(tmp_path, name, moved).returncode == 0
        same = [(tmp_path / path).read_bytes() == (results / path).read_bytes() for path in left(name)]
        assert all(same) or not any(same), f"{name}: picture and table agree"
        different |= set() if all(same) else {name}
    assert different == {"component_gains", "constraint_ablation", "scores_table"}


def left(name: str) -> list[str]:
    """The files of an item."""
    return [f"report_tables/{name}.tsv", *([f"figures/{name}.png", f"figures/{name}.pdf"] if name in FIGURES else [])]


def test_published_pies_follow_from_the_register_of_datasets() -> None:
    """The sizes in config/datasets.tsv are the paper's, so they must give its percentages."""
    paper = yaml.safe_load(PAPER.read_text())
    register = pl.read_csv(ROOT / "config/datasets.tsv", separator="\t", quote_char=None)
    assert (len(register), register["size"].sum()) == (paper["datasets"]["count"], paper["datasets"]["rows"]) == (39, 502_435)
    for column in ("source", "cluster", "task_type"):
        sizes = dict(register.group_by(column).agg(pl.col("size").sum()).iter_rows())
        if column == "task_type":
            # Task 14 is ranking in the paper's count; here it is retrieval, as the development set asks and scores it.
            moved = register.filter(pl.col("dataset") == "also_liked")["size"].item()
            sizes |= {"retrieval": sizes["retrieval"] - moved, "ranking": sizes["ranking"] + moved}
        shares = {part: float(share) for part, share in paper["pies"][f"by_{column}"].items()}
        assert shares == pytest.approx({part: 100 * size / 502_435 for part, size in sizes.items()}, abs=0.051)


def test_published_scores_agree_with_each_other() -> None:
    """The paper says some numbers twice; a typing error in one of them shows here."""
    paper = yaml.safe_load(PAPER.read_text())
    final = paper["ranking"]["scores"][paper["final"]]
    for track, entry in paper["rounds"]["round2"].items():
        assert float(entry["score"]) == pytest.approx(float(final[track]), abs=0.00051)
    for track, points in paper["wise_ft_gain"]["points"].items():
        gain = float(paper["rounds"]["round1"][track]["score"]) - float(paper["fine_tuned"]["scores"][track])
        assert 100 * gain == pytest.approx(float(points), abs=0.051)
    curve = {alpha: float(score) for alpha, score in paper["wise_ft"]["curves"]["v8"]}
    assert curve["0.5625"] == pytest.approx(float(paper["rounds"]["round1"]["track5"]["score"]), abs=0.001)
    assert curve["1"] == pytest.approx(float(paper["fine_tuned"]["scores"]["track5"]), abs=0.001)


def test_every_program_has_its_place_on_the_page_and_its_rule() -> None:
    programs = {path.stem for path in (ROOT / "workflow/scripts/figures").glob("*.py")}
    sections = yaml.safe_load((ROOT / "workflow/report/sections.yaml").read_text())
    placed = [item["name"] for section in sections for item in section["items"]]
    captions = {path.stem for path in (ROOT / "workflow/report/captions").glob("*.rst")}
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("report_*.smk"))
    assert programs == set(re.findall(r'program\("figures/(\w+)\.py"\)', rules))
    assert set(placed) == captions == set(re.findall(r"^rule (?:draw|tabulate)_(\w+):", rules, re.M)) == set(report_commands(Path()))
    assert {item["name"] for section in sections for item in section["items"] if "alt" in item} == FIGURES
    assert len(placed) == len(set(placed))
