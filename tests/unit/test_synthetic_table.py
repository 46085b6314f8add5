"""config/synthetic.tsv and the column llm of config/datasets.tsv; what of a module's text decides whether it is asked about anew."""

import pytest
from support import ROOT

from shopbench.dataset_table import read_dataset_table
from shopbench.files import BadInput
from shopbench.modules import load_module
from shopbench.synthetic_table import COLUMNS, USES, read_synthetic_table, sets_of
from shopbench.wordings import texts_of, wordings_hash

DATASETS = read_dataset_table(ROOT / "config/datasets.tsv")


def test_the_shipped_tables_agree_with_the_files_there_are():
    table = read_synthetic_table(ROOT / "config/synthetic.tsv")
    assert {row["use"] for row in table.values()} == set(USES)
    assert set(table) == {path.stem for path in (ROOT / "workflow/prompts").glob("*.yaml")}
    assert set(table) == {path.stem for path in (ROOT / "workflow/scripts/synthetic").glob("*.py")}
    used = sets_of(DATASETS, table)
    assert {name for sets in used.values() for name in sets} == set(table), "a set that no dataset uses"
    # General knowledge stays as its authors wrote it.
    assert [name for name, sets in used.items() if not sets] == ["alpaca", "mmlu_test", "mmlu_auxiliary"]
    for name, sets in used.items():
        sources = {source for wanted in sets for source in table[wanted]["sources"]}
        assert not sources or DATASETS[name]["source"] in sources, name


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a\tinvent\tno\t1\tx", "row 2, column use: 'invent' is none of build, enrich, reword"),
        ("a\tbuild\tno\tmany\tx", "row 2, column requests: 'many' is no whole number"),
        ("a b\tbuild\tno\t1\tx", "row 2, column set: 'a b' is no new snake_case name"),
        ("a\tbuild\tno\t1", "row 2: 4 cells, expected 5"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path, row, says):
    file = tmp_path / "synthetic.tsv"
    file.write_text("\t".join(COLUMNS) + f"\n{row}\n")
    with pytest.raises(BadInput, match=says):
        read_synthetic_table(file)


def test_a_set_that_is_not_there_is_named_by_its_dataset():
    with pytest.raises(BadInput, match=r"dataset title_brand, column llm: 'wording' is no set of config/synthetic.tsv \(wordings, or no\)"):
        sets_of({"title_brand": {"llm": "wording"}}, {"wordings": {}})


def test_some_sets_alone_are_used():
    table = read_synthetic_table(ROOT / "config/synthetic.tsv")
    used = sets_of(DATASETS, table, ["wordings"])
    assert used["complement"] == ["wordings"] and {name for sets in used.values() for name in sets} == {"wordings"}
    assert not any(sets_of(DATASETS, table, []).values())
    with pytest.raises(BadInput, match="language_model.sets: 'wording' is no set"):
        sets_of(DATASETS, table, ["wording"])


def test_a_modules_texts_are_found_without_running_it():
    for name in DATASETS:
        path = ROOT / f"workflow/scripts/datasets/{name}.py"
        assigned = {text.split(" = ")[0] for text in texts_of(path)}
        wordings = {key for key in vars(load_module(path)) if key.endswith("WORDINGS")}
        assert wordings <= assigned, name


def test_only_another_text_changes_the_hash(tmp_path):
    module = tmp_path / "brand.py"
    text = 'FORM = "Answer."\nWORDINGS = [\n    "Which? " + FORM,\n]\nMOST = 3\n\n\ndef build():\n    return MOST\n'
    module.write_text(text)
    before = wordings_hash([module])
    for harmless in (text.replace("return MOST", "return 7"), text.replace("MOST = 3", "MOST = 4"), text.replace("[\n    ", "[")):
        module.write_text(harmless)
        assert wordings_hash([module]) == before
    for telling in (text.replace("Which?", "What?"), text.replace("Answer.", "Answer!"), text.replace("FORM,", 'FORM, "Say it."')):
        module.write_text(telling)
        assert wordings_hash([module]) != before
