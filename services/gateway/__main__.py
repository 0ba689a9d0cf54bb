"""`python -m services.gateway`."""

from __future__ import annotations

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.runtime.process import run_process

if __name__ == "__main__":
    raise SystemExit(run_process("gateway", GatewaySettings, build))
