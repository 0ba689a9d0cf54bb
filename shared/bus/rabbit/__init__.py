"""The bus on RabbitMQ 3.10 to 4.3."""

from shared.bus.rabbit.bus import RabbitBus

__all__ = ["RabbitBus"]
