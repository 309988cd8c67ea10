"""/metrics for Prometheus: every monitoring element, and how long requests take in this process.

Who may read it is a list of networks (the option NETWORKS_METRICS, loopback without it), kept by
`accounts.networks`; there is no other credential. Names and meaning: docs/metrics.md.

Source: Prometheus' text format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from config.kit import monitoring, request_figures
from config.kit.monitoring import PREFIX, Reading


class Elements:
    """The monitoring elements as a collector; each is read once for a request."""

    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[Reading]] = {}
        for reading in monitoring.readings():
            by_name.setdefault(reading.element.name, []).append(reading)
        for name, readings in sorted(by_name.items()):
            yield _family(name, readings)


def _family(name: str, readings: list[Reading]) -> Metric:
    element = readings[0].element
    labels = [element.label] if element.label else []
    kind = CounterMetricFamily if element.kind == "counter" else GaugeMetricFamily
    family = kind(f"{PREFIX}_{name.replace('.', '_')}", element.help, labels=labels)
    for reading in readings:
        family.add_metric([reading.labelled] if labels else [], reading.value)
    return family


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    registry.register(Elements())
    text = generate_latest(registry) + generate_latest(request_figures.REGISTRY)
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
