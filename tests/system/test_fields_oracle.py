"""The fields of scripted actions, as Falco reported them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parent.parent.parent / "shared/reference"
EQUAL_AT_LEAST = 97.0  # percent of the values compared


@pytest.mark.skipif(not (REFERENCE / "fields_oracle.jsonl").exists(), reason="no reference data beside the project")
def test_values_are_those_of_falco(capture):
    build = os.environ.get("ETHOGRAM_BUILD", HERE.parent.parent / "build")
    run = subprocess.run([sys.executable, HERE / "fields_oracle.py", "--build", build, "--reference", REFERENCE],
                         stdout=subprocess.PIPE, text=True, check=True)
    equal, total, percent = re.search(r"^values: (\d+) of (\d+) equal, ([\d.]+) %$", run.stdout, re.M).groups()
    assert int(total) > 80000, run.stdout
    assert float(percent) >= EQUAL_AT_LEAST, run.stdout
