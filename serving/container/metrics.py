"""The metrics of a container, for Prometheus."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from serving.service import Stages

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)


class Metrics:
    """Counters and histograms of one front process, labelled with the feature."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        of, by_status, by_stage = ("feature",), ("feature", "status"), ("feature", "stage")
        self.requests = Counter("aikit_requests", "Answered requests.", by_status, registry=registry)
        self.stages = Histogram(
            "aikit_stage_seconds",
            "Seconds that answered requests spent in decode, queue, predict and encode.",
            by_stage,
            registry=registry,
            buckets=_SECONDS,
        )
        self.seconds = Histogram(
            "aikit_request_seconds", "Seconds per request.", of, registry=registry, buckets=_SECONDS
        )
        self.batch_size = Histogram(
            "aikit_batch_size", "Requests per batch.", of, registry=registry, buckets=_SIZES
        )
        self.in_flight = Gauge("aikit_in_flight", "Requests being answered.", of, registry=registry)
        self.queue = Gauge("aikit_queue_length", "Requests that wait for the model.", of, registry=registry)
        self.ready = Gauge("aikit_ready", "1 while /ping returns 200.", of, registry=registry)
        self.restarts = Counter("aikit_model_restarts", "Replaced model processes.", of, registry=registry)

    def of(self, feature: str) -> "FeatureMetrics":
        return FeatureMetrics(self, feature)

    def render(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class FeatureMetrics:
    """The metrics of one feature."""

    def __init__(self, metrics: Metrics, feature: str) -> None:
        self._metrics, self._feature = metrics, feature
        self.in_flight = metrics.in_flight.labels(feature)
        self._seconds = metrics.seconds.labels(feature)
        self._batch_size = metrics.batch_size.labels(feature)

    def count(self, status: int, seconds: float, stages: Stages | None) -> None:
        """Records one request."""
        self._metrics.requests.labels(self._feature, status).inc()
        self._seconds.observe(seconds)
        if stages is not None:
            self._batch_size.observe(stages.batch_size)
            for stage, spent in stages.seconds().items():
                self._metrics.stages.labels(self._feature, stage).observe(spent)

    def restarted(self) -> None:
        """Records that another model process replaces one that ended."""
        self._metrics.restarts.labels(self._feature).inc()

    def measure(self, *, ready: bool, queue_length: int) -> None:
        self._metrics.ready.labels(self._feature).set(ready)
        self._metrics.queue.labels(self._feature).set(queue_length)
