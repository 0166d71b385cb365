"""Each metric that is offered is explained, and nothing else is."""

from __future__ import annotations

import inspect
import re

import pytest

from leakhunt.report.words.metrics import HELP

pytest.importorskip("prometheus_client", reason="an extra: pip install 'leakhunt[prometheus]'")
from leakhunt.render import prometheus


def test_the_metrics_that_are_made_are_those_that_are_explained() -> None:
    source = inspect.getsource(prometheus)
    made = set(re.findall(r'"((?:celery_worker|leakhunt_watch)_[a-z_]+)"', source))
    assert made == set(HELP)


def test_an_explanation_is_a_sentence() -> None:
    for name, said in HELP.items():
        assert said[:1].isupper(), name
        assert said.endswith("."), name
