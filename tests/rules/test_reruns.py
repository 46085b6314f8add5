"""What an edit reruns: exactly what depends on it. Each test edits a copy of a finished run, reads the plan, and puts the file back."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from support import TINY, commented, edited, planned_jobs, snakemake

from shopbench.closure import imports_of

# What hangs on the scores of all variants.
TABLES_OF_SCORES = {
    "tabulate_zero_shot()",
    "tabulate_two_models()",
    "tabulate_run_summary()",
    "tabulate_scores_table()",
    "tabulate_iteration_table()",
    "draw_base_vs_finetuned()",
    "draw_final_scores()",
    "draw_constraint_ablation()",
    "draw_quantization_effect()",
    "draw_time_per_track()",
    "draw_component_gains()",
    "draw_task_heat_map()",
}
# What shows models as they come, which no adapter changes.
WITHOUT_ADAPTERS = {"tabulate_zero_shot()", "tabulate_two_models()"}
END = {"format_tables()", "make_report()", "check_run()", "all()"}


def answered(*variants):
    """The jobs that answer and score these variants."""
    return {f"{rule}({variant})" for rule in ("answer_questions", "score_predictions") for variant in variants}


def test_a_finished_run_has_nothing_to_do(finished_run):
    assert "Nothing to be done" in snakemake(finished_run, "--dry-run", *TINY).stdout


def test_touching_sources_configs_and_locks_reruns_nothing(finished_run):
    patterns = ("workflow/scripts/**/*.py", "workflow/rules/*", "workflow/schemas/*", "config/*", "envs/*", "Snakefile")
    touched = [file for pattern in patterns for file in finished_run.glob(pattern)]
    times = {file: file.stat() for file in touched}
    now = time.time()
    for file in touched:
        os.utime(file, (now, now))
    try:
        assert planned_jobs(finished_run, *TINY) == set()
    finally:
        for file, stat in times.items():
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_figures_program_remakes_the_figure_and_the_page(finished_run):
    with edited(finished_run / "workflow/scripts/figures/wise_ft_curve.py", commented):
        assert planned_jobs(finished_run, *TINY) == {"draw_wise_ft_curve()", *END}


def test_a_caption_remakes_the_page(finished_run):
    with edited(finished_run / "workflow/report/captions/wise_ft_curve.rst", lambda text: text + "\nMore words.\n"):
        assert planned_jobs(finished_run, *TINY) <= {"draw_wise_ft_curve()", *END}


def test_one_adapters_learning_rate_retrains_that_adapter(finished_run, tmp_path):
    overlay = tmp_path / "faster.yaml"
    overlay.write_text("adapters: {v9b: {training: {learning_rate: 0.0005}}}\n")
    planned = planned_jobs(finished_run, *TINY, str(overlay))
    quantized = {f"{rule}(track35, {method})" for rule in ("quantize_model", "verify_quantized") for method in ("awq", "gptq")}
    assert planned == (
        {
            "merge_ensemble(track35)",
            "train_adapter(v9b)",
            "build_ensemble(track1)",
            "build_ensemble(track35)",
            "save_run_config()",
            "draw_pipeline()",
            "draw_training_curves()",
            "describe_adapter(v9b)",
        }
        | quantized
        | answered("track35", "track35-awq", "track35-awq-strict", "track35-gptq-strict")
        | {f"pack_submission(track{n})" for n in range(1, 6)}
        | {"run_submissions(track35-awq)"}
        | {"tabulate_hyper_parameters()", "tabulate_verification_table()"}
        | TABLES_OF_SCORES - WITHOUT_ADAPTERS
        | END
    )


def test_how_a_training_is_watched_trains_nothing_again(finished_run, tmp_path):
    overlay = tmp_path / "watching.yaml"
    overlay.write_text("watching: {checkpoint_minutes: 1, validation_samples: 7, loss_limit: 9.0}\n")
    assert planned_jobs(finished_run, *TINY, str(overlay)) <= {"save_run_config()", "draw_pipeline()", "draw_training_curves()", *END}


def test_only_files_that_the_trainer_imports_train_again(finished_run):
    scripts = finished_run / "workflow/scripts"
    closure = {Path(path).resolve() for path in imports_of(scripts, "train_adapter.py")}
    others = [path for path in scripts.rglob("*.py") if path.resolve() not in closure]
    # Without what comes before: a dataset's module remakes its dataset, and so what is trained on it.
    adapters = [f"results/tiny/adapters/{name}/manifest.json" for name in ("v7", "v8", "v7b", "v9b")]
    alone = (finished_run, *adapters, *TINY, "--allowed-rules", "train_adapter")
    with ExitStack() as edits:
        for path in others:
            edits.enter_context(edited(path, commented))
        assert len(others) > 100 and planned_jobs(*alone) == set()
    with edited(scripts / "shopbench/packing.py", commented):
        assert planned_jobs(*alone) == {f"train_adapter({name})" for name in ("v7", "v8", "v7b", "v9b")}


def test_one_dataset_module_rebuilds_one_dataset(finished_run):
    with edited(finished_run / "workflow/scripts/datasets/title_brand.py", commented):
        planned = planned_jobs(finished_run, *TINY)
    upstream = {job for job in planned if job.startswith(("build_env", "simulate", "tabulate_esci", "tabulate_mmlu"))}
    assert {job for job in planned if job.startswith("build_dataset")} == {"build_dataset(title_brand)"}
    assert upstream == set()
    # v9b takes the cluster of new tasks, which title_brand belongs to; v7, v8 and v7b do not take it.
    assert {job for job in planned if job.startswith("blend_datasets")} == {"blend_datasets(v9b)"}


def test_a_dataset_modules_cards_follow(finished_run):
    # Without the demo's base: it learns from all datasets, and its tokenizer counts the lengths on all cards.
    rules = ["build_dataset", "blend_datasets", "describe_dataset", "describe_blend", "all"]
    with edited(finished_run / "workflow/scripts/datasets/title_brand.py", commented):
        planned = planned_jobs(finished_run, "all", *TINY, "--allowed-rules", *rules)
    changed = {"build_dataset(title_brand)", "blend_datasets(v9b)"}
    assert planned == changed | {"describe_dataset(title_brand)", "describe_blend(v9b)", "all()"}


def test_a_cards_program_rewrites_its_cards(finished_run):
    with edited(finished_run / "workflow/scripts/describe_blend.py", commented):
        planned = planned_jobs(finished_run, *TINY)
    assert planned == {*(f"describe_blend({blend})" for blend in ("v7", "v8", "v7b", "v9b")), "tabulate_run_summary()", *END}


def test_the_lock_of_one_environment_reruns_what_uses_it(finished_run):
    with edited(finished_run / "envs/report.cpu.txt", commented):
        planned = planned_jobs(finished_run, *TINY)
    drawn = {job for job in planned if job.startswith(("draw_", "tabulate_"))}
    assert "build_env(report, cpu)" in planned
    assert planned - drawn == {"build_env(report, cpu)", "save_run_config()", *END}
    assert not drawn & {"tabulate_esci()", "tabulate_reviews(Gift_Cards)", "tabulate_mmlu()", "tabulate_alpaca()"}


def test_one_scores_file_remakes_exactly_what_shows_it(finished_run):
    with edited(finished_run / "results/tiny/scores/validation/track35-gptq-strict.json", lambda text: text.replace("0.", "0.0", 1)):
        planned = planned_jobs(finished_run, *TINY)
    shown = {"draw_quantization_effect()", "draw_component_gains()", "tabulate_scores_table()"}
    assert planned == {*shown, "tabulate_run_summary()", *END}


def test_one_deleted_figure_is_one_job_and_comes_back_the_same(finished_run):
    figure = finished_run / "results/tiny/figures/dataset_pies.png"
    before = figure.read_bytes()
    figure.unlink()
    target = "results/tiny/figures/dataset_pies.png"
    assert planned_jobs(finished_run, target, *TINY) == {"draw_dataset_pies()"}
    said = snakemake(finished_run, target, *TINY, "--cores", "1")
    assert "1 of 1 steps (100%) done" in said.stdout + said.stderr
    assert figure.read_bytes() == before
    # The page holds the same picture.
    assert planned_jobs(finished_run, *TINY) == set()
