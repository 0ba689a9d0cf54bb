"""An installation whose every server belongs to the test, behind proxies, with services that are kept alive."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

from shared.bus.topology import Topology
from tests.harness.clinic import fill
from tests.harness.databases import address_of, url_of, with_place
from tests.harness.fleet import TWO_LOADERS, Fleet, fleet
from tests.harness.installation import install_in
from tests.harness.own_servers import own_postgres, own_rabbitmq, own_redis
from tests.harness.surgery import TARGET, own_surgery
from tests.harness.trials import Trials, impatient_dispatcher, trials
from tests.servers.own import OwnPostgres, OwnRabbitMQ, OwnRedis
from tests.servers.proxy import Proxy

DISK_BYTES = 96 * 2**20
DISK = "small"


class Rig(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault may be done to. `disk` is a small file system of the target's tables, None where it cannot be had.

    `legacy` is the URL by which the source is written to; `failpoints` the folder that all services heed.
    """

    trials: Trials
    fleet: Fleet
    postgres: OwnPostgres
    rabbitmq: OwnRabbitMQ
    redis: OwnRedis
    proxies: dict[str, Proxy]
    legacy: str
    disk: Path | None
    failpoints: Path
    dice: random.Random

    @property
    def target(self) -> str:
        """URL of the target for its owner, not through a proxy."""
        return self.trials.installation.target

    @property
    def topology(self) -> Topology:
        """Names of the queues."""
        return Topology(prefix=self.trials.installation.bus_prefix)

    async def heal(self) -> None:
        """Take back whatever a fault that was broken off has left."""
        for proxy in self.proxies.values():
            proxy.refuse(refuse=False)
            proxy.swallow(swallow=False)
            proxy.slow(seconds=0)
        for member in self.fleet.members.values():
            member.send(signal.SIGCONT)
        for file in (*self.failpoints.iterdir(), *(self.disk.glob("filler") if self.disk else ())):
            file.unlink(missing_ok=True)


@asynccontextmanager
async def rig(server: str, folder: Path, seed: int) -> AsyncIterator[Rig]:
    """All of it at work; the shared PostgreSQL `server` holds nothing but the source."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        postgres = await enter(own_postgres(folder))
        rabbitmq, redis = await enter(own_rabbitmq(folder)), await enter(own_redis(folder))
        reader, owner = await enter(own_surgery(server))
        proxies = {
            "target": await enter(Proxy("127.0.0.1", address_of(postgres.url).port)),
            "legacy": await enter(Proxy(address_of(reader).host, address_of(reader).port)),
            "rabbitmq": await enter(Proxy("127.0.0.1", urlsplit(rabbitmq.url).port or 0)),
        }
        disk = stack.enter_context(_small_disk(postgres.home))
        target = await _target(postgres, disk)
        login = urlsplit(rabbitmq.url).netloc.rpartition("@")[0]
        through = urlsplit(rabbitmq.url)._replace(netloc=f"{login}@127.0.0.1:{proxies['rabbitmq'].port}").geturl()
        installation = await install_in(
            folder / "home",
            target,
            legacy=with_place(reader, "127.0.0.1", proxies["legacy"].port),
            role_prefix="rig",
            rabbitmq=through,
            reached=with_place(target, "127.0.0.1", proxies["target"].port),
            variables={"REDIS_URL": redis.url},
        )
        failpoints = folder / "failpoints"
        failpoints.mkdir()
        switches = {"TRANSFUSE_FAILPOINTS": "1", "TRANSFUSE_FAILPOINTS_FOLDER": str(failpoints)}
        five = await enter(fleet(installation, TWO_LOADERS, rabbitmq=rabbitmq.url, **switches))
        made = await enter(trials(installation))
        await made.undisturbed()
        await enter(impatient_dispatcher(installation))
        yield Rig(
            trials=made,
            fleet=five,
            postgres=postgres,
            rabbitmq=rabbitmq,
            redis=redis,
            proxies=proxies,
            legacy=owner,
            disk=disk,
            failpoints=failpoints,
            dice=random.Random(seed),  # noqa: S311 - no secret
        )


async def _target(postgres: OwnPostgres, disk: Path | None) -> str:
    """URL of an empty target, whose tables lie on the small disk where there is one."""
    connection = await asyncpg.connect(postgres.url)
    try:
        await connection.execute("create database target")
        if disk is not None:
            await connection.execute(f"create tablespace {DISK} location '{disk / 'tables'}'")
    finally:
        await connection.close()
    target = url_of(postgres.url, database="target")
    await fill(target, TARGET if disk is None else f"set default_tablespace = {DISK}; {TARGET}")
    return target


@contextmanager
def _small_disk(home: Path) -> Iterator[Path | None]:
    """A file system of its own that the server may write to; None where this user may mount none."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="transfuse-disk-", dir="/var/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        if not mounted:
            yield None
            return
        tables, owner = place / "tables", (home / "data").stat()
        tables.mkdir(mode=0o700)
        os.chown(tables, owner.st_uid, owner.st_gid)
        yield place
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)  # noqa: S607 - wherever it is
        place.rmdir()
