"""Rules about the repository that no other tool checks."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def texts():
    for path in tracked():
        if path.suffix not in {".parquet", ".png", ".skops"}:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def test_no_file_names_a_package_index():
    """Where packages come from is the business of the machine they are installed on."""
    pattern = re.compile(r"--(extra-)?index-url|--find-links|https?://\S*(pypi|pythonhosted)\.")
    mine = Path(__file__).resolve()

    assert [p.name for p, text in texts() if p.resolve() != mine and pattern.search(text)] == []


def test_every_model_has_a_twin_and_ends_as_the_others_do():
    """Purpose, columns and tests stand beside a model; its last line shows the last step."""
    models = [p for p in tracked() if p.suffix == ".sql" and "models" in p.relative_to(ROOT).parts]

    assert models
    assert [p.name for p in models if not p.with_suffix(".yml").exists()] == []
    assert [
        p.name for p in models if not re.search(r"select \*\s+from \w+\s*$", p.read_text())
    ] == []


def test_every_environment_variable_is_explained():
    """What the code reads from the environment stands in .env.example."""
    explained = set(re.findall(r"^(REGULARS_\w+)=", (ROOT / ".env.example").read_text(), re.M))
    rooms = ("activation", "ml", "orchestration", "sandbox", "dbt_project")
    used = set()
    for path, text in texts():
        if path.relative_to(ROOT).parts[0] in rooms and path.suffix in {".py", ".yml", ".sql"}:
            used |= set(re.findall(r"\bREGULARS_[A-Z]+(?:_[A-Z]+)*\b", text))

    assert used - explained == set()


def test_requirements_pin_everything():
    """The tested set is exact."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()

    assert [line for line in lines if line and not re.fullmatch(r"[\w.\-]+==[\w.+]+", line)] == []
