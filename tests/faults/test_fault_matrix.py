"""After any fault has healed, what is shown is what the server holds, in each mode."""

from __future__ import annotations

import pytest
from matrix_faults import FAULTS
from matrix_support import MODES, Fault, Outcome, outcomes

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(f, id=f.name, marks=() if f.quick else pytest.mark.faults)
        for f in FAULTS
    ],
)
def fault(request: pytest.FixtureRequest) -> Fault:
    """Each fault, in turn."""
    found: Fault = request.param
    return found


@pytest.fixture(scope="module")
def found(fault: Fault, matrix: dict[Fault, dict[str, Outcome]]) -> dict[str, Outcome]:
    """What became of the panel in each mode."""
    matrix[fault] = outcomes(fault)
    return matrix[fault]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_shown_is_true(
    fault: Fault, found: dict[str, Outcome], mode: str
) -> None:
    outcome = found[mode]
    assert outcome.wrong == []
    assert not outcome.is_late(fault.within), outcome
    assert outcome.problems == []
    assert outcome.left == []
    assert outcome.code == 0
