"""What `make why` says of an edit: the jobs that Snakemake would run, and the file, line of config, table, lock or command that changed."""

import re
import subprocess
import sys

from support import TINY, commented, edited, planned_jobs

TINY_FILES = TINY[1:]


def explained(folder, *arguments, configs=()):
    """(rows of job, cause, what; the last line) that explain_run.py prints."""
    command = [sys.executable, "workflow/scripts/explain_run.py", "--configfile", *TINY_FILES, *configs]
    result = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    return [tuple(re.split(r"\s{2,}", line, maxsplit=2)) for line in lines[2:-1]], lines[-1]


def names_of(jobs):
    """train_adapter(v9b) as explain_run.py writes it, cut where it cuts: train_adapter v9b."""
    names = {job.rstrip(")").replace("(", " ").replace(", ", " ").strip() for job in jobs}
    return {name if len(name) <= 48 else f"{name[:45]}..." for name in names}


def test_a_finished_run_is_up_to_date(finished_run):
    assert explained(finished_run) == ([], "0 jobs would run: the run is up to date.")


def test_a_line_of_config_is_named_with_its_values_and_its_place(finished_run, tmp_path):
    overlay = tmp_path / "faster.yaml"
    overlay.write_text("# more\nadapters: {v9b: {training: {learning_rate: 0.0005}}}\n")
    rows, count = explained(finished_run, configs=[overlay])
    planned = planned_jobs(finished_run, *TINY, str(overlay))
    assert {job for job, _, _ in rows} == names_of(planned)
    key = f"adapters.v9b.training.learning_rate: 0.004 -> 0.0005 ({overlay}, line 2)"
    own = {row for row in rows if row[1] != "after"}
    assert {("train_adapter v9b", "config", key), ("save_run_config", "config", key)} <= own
    # The table and the card show an adapter's settings; the pipeline's picture is told all config files.
    shown = {"tabulate_hyper_parameters", "describe_adapter v9b", "draw_pipeline"}
    assert {job for job, _, _ in own} == {"train_adapter v9b", "save_run_config", *shown}
    assert ("build_ensemble track1", "after", "train_adapter v9b") in rows
    assert count.startswith(f"{len(planned)} jobs would run: ")


def test_an_inherited_setting_leads_to_the_line_that_all_inherit(finished_run, tmp_path):
    overlay = tmp_path / "longer.yaml"
    overlay.write_text("training: {epochs: 4}\n")
    rows, _ = explained(finished_run, "--target", "results/tiny/adapters/v8/manifest.json", configs=[overlay])
    assert ("train_adapter v8", "config", f"adapters.v8.training.epochs: 1 -> 4 ({overlay}, line 1)") in rows


def test_a_programs_module_is_named(finished_run):
    with edited(finished_run / "workflow/scripts/shopbench/figure_style.py", commented):
        rows, _ = explained(finished_run, "--target", "results/tiny/figures/wise_ft_curve.png")
    changed = "workflow/scripts/shopbench/figure_style.py: other content than when"
    assert len(rows) == 1 and rows[0][:2] == ("draw_wise_ft_curve", "file") and rows[0][2].startswith(changed)


def test_a_lock_is_named_and_what_uses_it_follows(finished_run):
    with edited(finished_run / "envs/report.cpu.txt", commented):
        rows, _ = explained(finished_run, "--target", "results/tiny/report.html")
    assert [(job, kind) for job, kind, _ in rows if kind != "after"] == [("build_env report cpu", "lock")]
    assert [what for _, kind, what in rows if kind == "lock"][0].startswith("envs/report.cpu.txt: ")
    assert any(job == "make_report" and "build_env report cpu" in what for job, kind, what in rows if kind == "after")


def test_a_row_of_a_table_is_named(finished_run):
    table = finished_run / "config/datasets.tsv"
    line = next(n for n, text in enumerate(table.read_text().splitlines(), start=1) if text.startswith("title_brand\t"))
    size = table.read_text().splitlines()[line - 1].split("\t")[4]

    def larger(text):
        return re.sub(rf"^(title_brand\t.*\t){size}\t", r"\g<1>12321\t", text, flags=re.M)

    with edited(table, larger):
        rows, _ = explained(finished_run, "--target", "results/tiny/datasets/title_brand.parquet")
    assert rows == [("build_dataset title_brand", "table", f"size: {size} -> 12321 (config/datasets.tsv, line {line})")]


def test_a_rules_command_is_named(finished_run):
    with edited(finished_run / "workflow/rules/scoring.smk", lambda text: text.replace("--bootstrap", "--draws")):
        rows, _ = explained(finished_run, "--target", "results/tiny/scores/validation/track35.json")
    assert rows == [("score_predictions track35", "rule", "scoring.smk: its command: --bootstrap -> --draws")]


def test_a_deleted_figure_is_one_job(finished_run):
    figure = finished_run / "results/tiny/figures/dataset_pies.png"
    kept = figure.rename(figure.with_suffix(".kept"))
    try:
        rows, count = explained(finished_run, "--target", "results/tiny/figures/dataset_pies.png")
    finally:
        kept.rename(figure)
    assert rows == [("draw_dataset_pies", "missing", "results/tiny/figures/dataset_pies.png: made before, now gone")]
    assert count == "1 job would run: 1 with a cause of their own (missing 1), 0 after others."


def test_what_no_rule_makes_is_refused_in_a_line(finished_run):
    command = [sys.executable, "workflow/scripts/explain_run.py", "--configfile", *TINY_FILES, "--target", "results/tiny/figures/sales.png"]
    result = subprocess.run(command, cwd=finished_run, capture_output=True, text=True)
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "results/tiny/figures/sales.png" in result.stderr
