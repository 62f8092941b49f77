"""The ten lines of the README run as they stand."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_example_runs(capsys):
    code = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.S).group(1)
    exec(compile(code.replace("limit=300", "limit=60"), "README.md", "exec"), {})
    accuracy, report = capsys.readouterr().out.split(" ", 1)
    assert 0.3 < float(accuracy) <= 1
    assert "per inference" in report
