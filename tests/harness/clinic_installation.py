"""The tiny clinic, installed: a legacy database that is only read, and a target of its own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness import clinic
from tests.harness.databases import PREFIX, allow_reading, copied, filled
from tests.harness.installation import Installation, installed


@asynccontextmanager
async def clinic_installation(
    server: str, home: Path, *, target: str = clinic.TARGET, rabbitmq: str | None = None
) -> AsyncIterator[Installation]:
    """The clinic and a target made by the statements `target`, with or without a broker."""
    template = f"{PREFIX}{hashlib.sha256(target.encode()).hexdigest()[:8]}"
    await filled(server, template, lambda url: clinic.fill(url, target))
    async with copied(server) as legacy:
        await clinic.fill(legacy, clinic.LEGACY)
        reader = await allow_reading(legacy, *clinic.TABLES)
        async with installed(home, server=server, legacy=reader, template=template, rabbitmq=rabbitmq) as made:
            yield made
