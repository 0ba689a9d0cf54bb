"""What the metrics promise: known names, and labels whose number is bounded."""

from __future__ import annotations

from prometheus_client import REGISTRY

from shared.telemetry import metrics

BOUNDED = {
    "reason",
    "stage",
    "outcome",
    "direction",
    "mapping",
    "queue",
    "purpose",
    "service",
    "method",
    "route",
    "status",
}


def test_every_metric_has_our_prefix_and_bounded_labels() -> None:
    ours = [metric for name, metric in vars(metrics).items() if name.isupper() and hasattr(metric, "_labelnames")]
    assert len(ours) > 10
    for metric in ours:
        assert metric._name.startswith("transfuse_")
        assert set(metric._labelnames) <= BOUNDED


def test_what_was_counted_is_rendered() -> None:
    before = REGISTRY.get_sample_value("transfuse_batches_total", {"stage": "load", "outcome": "done"}) or 0
    metrics.BATCHES.labels(stage="load", outcome="done").inc()
    body, content_type = metrics.render()
    assert f'transfuse_batches_total{{outcome="done",stage="load"}} {before + 1}'.encode() in body
    assert content_type.startswith("text/plain")
