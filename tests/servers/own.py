"""Own instances on free loopback ports, one class per server, all with `start`, `stop` and `url`."""

import os
import tempfile
from pathlib import Path
from typing import Protocol

from tests.servers.packages import epmd, installed
from tests.servers.probes import rabbitmq_accepts, redis_accepts
from tests.servers.process import OwnProcess
from transfuse.embedded.binaries import binaries_in
from transfuse.embedded.postgres import EmbeddedPostgres, StopMode, free_port

POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


class OwnServer(Protocol):
    @property
    def url(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class OwnPostgres:
    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        program = installed("postgres")
        binaries = binaries_in(program.parent) if program else None
        self._server = EmbeddedPostgres(folder / "postgres", port=port, settings=POSTGRES_SETTINGS, binaries=binaries)

    @property
    def url(self) -> str:
        return self._server.url()

    @property
    def home(self) -> Path:
        """Where its data lies, owned by the user that it runs as."""
        return self._server.home

    async def start(self) -> None:
        await self._server.start()

    async def kill(self) -> None:
        """End every session at once, without a checkpoint; `start` recovers what was committed."""
        await self._server.stop(StopMode.IMMEDIATE)

    async def stop(self) -> None:
        await self._server.stop()


class OwnRedis:
    def __init__(self, folder: Path) -> None:
        self._process = OwnProcess("Redis", folder / "redis")
        self._port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        program = installed("redis")
        assert program is not None
        await self._process.clear()
        options = {"port": str(self._port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "daemonize": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        await self._process.start(program, *arguments, environ=os.environ)
        await self._process.until_it_accepts(self.url, redis_accepts)

    async def kill(self) -> None:
        """End it at once. It kept nothing on disk: the next `start` is an empty one at the same port."""
        await self._process.kill()

    async def stop(self) -> None:
        await self._process.stop()


class OwnRabbitMQ:
    """A broker and its own port mapper, both on loopback only, without plugins."""

    def __init__(self, folder: Path) -> None:
        self._process = OwnProcess("RabbitMQ", folder / "rabbitmq")
        self._mapper = OwnProcess("epmd", folder / "epmd")
        self._port, self._mapper_port, self._distribution_port = free_port(), free_port(), free_port()
        self._alias: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        """Where it keeps all that it writes."""
        return self._process.folder

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    async def start(self) -> None:
        await self._process.clear()
        await self._mapper.clear()
        await self.start_again()

    async def start_again(self) -> None:
        """After `kill`: the same port, queues and messages. `start` is the same with everything lost."""
        program = installed("rabbitmq")
        assert program is not None
        environ = os.environ | self._environ(self._path_without_spaces())
        mapper = [str(epmd()), "-port", str(self._mapper_port), "-address", "127.0.0.1"]
        await self._mapper.start(*mapper, environ=environ)
        await self._process.start(program, environ=environ)
        await self._process.until_it_accepts(self.url, rabbitmq_accepts)

    async def kill(self) -> None:
        """End broker and port mapper at once; what the broker wrote stays."""
        await self._process.kill()
        await self._mapper.kill()

    async def stop(self) -> None:
        await self._process.stop()
        await self._mapper.stop()
        if self._alias is not None:
            self._alias.cleanup()
            self._alias = None

    def _path_without_spaces(self) -> Path:
        """RabbitMQ's scripts split their paths at spaces: a link stands for a folder that has one."""
        if not any(character.isspace() for character in str(self._process.folder)):
            return self._process.folder
        if self._alias is None:
            self._alias = tempfile.TemporaryDirectory(prefix="transfuse-")
            link = Path(self._alias.name) / "rabbitmq"
            link.symlink_to(self._process.folder, target_is_directory=True)
        return Path(self._alias.name) / "rabbitmq"

    def _environ(self, folder: Path) -> dict[str, str]:
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self._port}\n", encoding="ascii")
        (folder / "enabled_plugins").write_text("[].\n", encoding="ascii")
        (folder / "env.conf").write_text("", encoding="ascii")
        return {
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "HOME": str(folder),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_NODENAME": f"transfuse{self._port}@localhost",
            "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
        }


OWN_SERVERS: dict[str, type[OwnPostgres] | type[OwnRabbitMQ] | type[OwnRedis]] = {
    "postgres": OwnPostgres,
    "rabbitmq": OwnRabbitMQ,
    "redis": OwnRedis,
}
