"""An engine whose connections are closed at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.transformer.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    opened = Engine()
    yield opened
    opened.close()
