"""`make torture`: generated requests to each operation of the schema, with and without keys.

CONTRACT_EXAMPLES sets how many examples for each operation, 2,000 unless told otherwise. No answer
is a 500, each error has the one shape, and none repeats input or shows a path or a stack.
"""

import os
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from support.contract import contract
from support.torture_figures import write_figures

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "2000"))
KINDS = ("no key", "wrong", "expired", "read", "build", "admin", "limited")
OPEN, KEYED = contract(), contract(keys=True)

generated = settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def found() -> Iterator[Counter[str]]:
    """How many replies there were of each hundred of statuses, and to which operations."""
    counts: Counter[str] = Counter()
    yield counts
    operations = {name for name in counts if "/" in name}
    if len(operations) < len(list(OPEN.schema.get_all_operations())):
        # A run of some of them is not what the table is about.
        return
    write_figures(
        "contract",
        examples_an_operation=EXAMPLES,
        operations=len(operations),
        requests=sum(counts[name] for name in operations),
        **{name: counts[name] for name in ("2xx", "3xx", "4xx", "5xx", "500")},
    )


def count(found: Counter[str], case: schemathesis.Case[Any], status: int) -> None:
    """Counts a reply that is as it must be."""
    found[case.operation.label] += 1
    found["500" if status == 500 else f"{status // 100}xx"] += 1


@OPEN.schema.parametrize()
@generated
def test_without_keys(case: schemathesis.Case[Any], found: Counter[str]) -> None:
    count(found, case, OPEN.check(case))


@KEYED.schema.parametrize()
@generated
def test_with_keys(case: schemathesis.Case[Any], found: Counter[str]) -> None:
    # The same key whenever the same case is tried again.
    drawn = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
    count(found, case, KEYED.check(case, KINDS[drawn % len(KINDS)]))
