"""The report's page: whole, self-contained, honest about what the run is."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from made_up_run import LOCK, PROGRAM, REPORT, ROOT, make_page, run_program


class Page(HTMLParser):
    """What the tests ask about a page: ids, links, loads, pictures, text, and whether every element is closed."""

    EMPTY = {"meta", "link", "img", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids += [found["id"]] if found.get("id") else []
        self.loads += [
            value for key, value in attributes if key in ("src", "srcset", "data", "poster") or (tag == "link" and key == "href")
        ]
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag == "img":
            self.pictures.append(found)
        for reference in (found.get("aria-labelledby"), found.get("aria-describedby")):
            self.links += [f"#{reference}"] if reference else []
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = Page(text)
    assert page.open == [], "every element is closed"
    assert page.loads and all(address.startswith("data:") for address in page.loads)
    assert not re.search(
        r"url\(|@import|https?://|fetch\(|XMLHttp", re.sub(r"data:[^\"]*", "", text.split("run_config.yaml, everything")[0])
    )


def test_every_link_leads_somewhere(text: str) -> None:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.links and {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_pictures_are_the_runs_own_and_described(results: Path, text: str) -> None:
    page = Page(text)
    inside = {base64.b64decode(str(picture["src"]).partition(",")[2]) for picture in page.pictures}
    assert inside == {path.read_bytes() for path in (results / "figures").glob("*.png")}
    assert all(len(str(picture["alt"])) > 40 for picture in page.pictures)


def test_a_simulated_run_says_so_at_the_top(results: Path, text: str, tmp_path: Path) -> None:
    warning = "simulated data, a tiny model"
    assert 0 < text.index(warning) < text.index("<nav")
    config = yaml.safe_load((results / "run_config.yaml").read_text())
    config["sources"]["simulate"] = []
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert make_page(results, tmp_path / "real.html", tmp_path / "config.yaml").returncode == 0
    assert warning not in (tmp_path / "real.html").read_text()


def test_a_run_without_a_language_model_says_so_at_the_top_and_at_its_table(results: Path, text: str, tmp_path: Path) -> None:
    assert re.search(r"\([\d.]+ % of them made with a language model’s help\)", text[: text.index("<nav")])
    config = yaml.safe_load((results / "run_config.yaml").read_text())
    config["language_model"]["enabled"] = False
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert make_page(results, tmp_path / "off.html", tmp_path / "config.yaml").returncode == 0
    off = (tmp_path / "off.html").read_text()
    assert "all made by rules: the language-model stage is turned off" in off[: off.index("<nav")]
    for words in ("turns the language-model stage off", "no row is enhanced"):
        assert words in off and words not in text


def test_published_numbers_keep_their_digits_and_their_mark(text: str) -> None:
    for printed in ("0.8334", "0.7909", "0.7800", "0.780", "502,435", "2e-4"):
        assert re.search(rf">{re.escape(printed)}<|alt", text)
    cell = re.search(r'<td class="([^"]*)">0\.8334', text)
    assert cell and "published" in cell[1]
    assert not re.search(r"<td[^>]*published[^>]*>[^<]*<small>", text), "no interval and no trivial score of ours beside a published number"


def test_every_score_of_a_system_has_its_trivial_score(text: str) -> None:
    part = text[text.index('id="final_scores"') : text.index('id="component_gains"')]
    ours = re.findall(r'<td class="number">(0\.\d+)<small>(.*?)</small>', part)
    assert len(ours) == 15, "five tracks on three sets"
    assert all(re.fullmatch(r"\[0\.\d+, [01]\.\d+\] · trivial 0\.250", small) for _, small in ours)


def test_an_item_says_how_it_was_made(text: str) -> None:
    part = text[text.index('id="zero_shot"') :]
    part = part[: part.index("</article>")]
    modules = [PROGRAM, *(f"workflow/scripts/shopbench/{name}.py" for name in ("__init__", "files", "report_data"))]
    digests = "".join(f"{hashlib.sha256((ROOT / file).read_bytes()).hexdigest()}  {file}\n" for file in modules)
    for words in (
        "snakemake --profile profiles/demo --force ",
        f"4 files, SHA-256 <code>{hashlib.sha256(digests.encode()).hexdigest()[:12]}</code>",
        hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12],
        "<code>scores/{a,b}.json</code>",
        "report_tables/zero_shot.tex</code>",
    ):
        assert words in part, words


def test_cards_are_on_the_page_and_tables_lead_to_them(text: str) -> None:
    card = text[text.index('id="card-datasets-review_rating"') :]
    card = card[: card.index("</details>")]
    assert "<td>&lt;train&gt;</td>" in card and "<code>this</code> &amp; that" in card and "<li>two</li>" in card
    assert "## no heading\n| no | table |" in card and card.count("<h4>") == 1
    assert "<td>a | b</td>" in card and "```\n&lt;b&gt;\n</pre>" in card
    assert '<a href="#card-datasets-review_rating">review_rating</a>' in text
    assert '#card-datasets-title_to_brand"' not in text, "it was not built"


def test_tables_come_as_latex_and_html(results: Path, tmp_path: Path) -> None:
    for path in (results / "report_tables").glob("*.tsv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tables = sorted(tmp_path.glob("*.tsv"))
    done = run_program(
        "format_tables.py", "--sections", REPORT / "sections.yaml", "--template", REPORT / "table.html.j2", "--tables", *tables
    )
    assert done.returncode == 0, done.stderr
    for table in tables:
        latex = table.with_suffix(".tex").read_text()
        columns = re.sub(r"p\{[^}]*\}", "p", re.search(r"\\begin\{longtable\}\{(.*)\}", latex)[1])
        body = latex[latex.index("\\toprule") :]
        rows = [line for line in body.splitlines() if line.endswith(r" \\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1 for row in rows), table.name
        assert [body.count(f"\\{rule}rule") for rule in ("top", "mid", "bottom")] == [1, 1, 1]
        assert re.sub(r"\\[{}]", "", latex).count("{") == re.sub(r"\\[{}]", "", latex).count("}"), table.name
        assert not re.search(r"(?<!\\)[_#%](?!.*usepackage)", re.sub(r"\\label\{.*?\}|^%.*$", "", latex, flags=re.M)), table.name
        page = Page(table.with_suffix(".html").read_text())
        assert page.open == [] and not page.loads
    assert r"\textit{0.8334}" in (tmp_path / "final_scores.tex").read_text()
    assert '<td class="number published">0.8334</td>' in (tmp_path / "final_scores.html").read_text()


def test_captions_follow_the_config(results: Path, text: str, tmp_path: Path) -> None:
    config = yaml.safe_load((results / "run_config.yaml").read_text())
    config["systems"]["final"]["track1"] = "another-variant"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert make_page(results, tmp_path / "page.html", tmp_path / "config.yaml").returncode == 0
    assert "another-variant</code> answers track1" not in text
    assert "another-variant</code> answers track1" in (tmp_path / "page.html").read_text()


def test_a_caption_that_does_not_fit_the_config_is_named(results: Path, tmp_path: Path) -> None:
    for path in (REPORT / "captions").glob("*.rst"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "zero_shot.rst").write_text('{{ snakemake.config["no_such_key"] }}')
    done = make_page(results, tmp_path / "page.html", captions=tmp_path)
    assert done.returncode == 2 and "zero_shot.rst" in done.stderr and "no_such_key" in done.stderr
    assert not (tmp_path / "page.html").exists()
