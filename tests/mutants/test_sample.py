from __future__ import annotations

import ast

import pytest

pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed: pip install -e '.[mutants]'")

from tests.mutants.sample import drawn, sample
from tests.mutants.sites import ROOT, mutated
from tests.mutants.units import FOLDERS


def test_a_sample_is_the_same_for_a_seed_and_touches_all_folders() -> None:
    first = sample(18, 0)
    assert first == sample(18, 0)
    assert [mutant.folder for mutant in first] == [folder for folder in FOLDERS for _ in range(3)]
    assert len({(mutant.path, mutant.line, mutant.column) for mutant in first}) == 18
    assert drawn("space", 2, 0) == first[-3:-1]
    assert drawn("space", 3, 1) != first[-3:]


def test_every_mutant_is_another_program_and_changes_its_line() -> None:
    for mutant in sample(6, 2):
        source = (ROOT / mutant.path).read_text(encoding="utf-8")
        text = mutated(mutant, source)
        assert text is not None, mutant
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source)), mutant
        before, after = source.splitlines(), text.splitlines()
        first = next(n for n, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new)
        assert first == mutant.line or mutant.operator == "core/RemoveDecorator", mutant
