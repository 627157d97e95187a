# SPDX-License-Identifier: Apache-2.0
"""What does the webhook tell Prometheus about itself?

Authority: the text format, https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class Histogram:
    """How long something took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass
class Metrics:
    """Counters since the start."""

    answers: Counter[Labels] = field(default_factory=Counter)
    """Admission requests by what was answered (`admitted`, `warned`, `denied`, `undecided`) and
    how (`none`, `slice`, `whole`)."""
    latencies: dict[str, Histogram] = field(default_factory=dict)
    """Seconds from the body to the answer, by how it was judged."""
    reloads: Counter[Labels] = field(default_factory=Counter)
    """Reloads by what (`tls`, `policies`) and result."""

    def answered(self, answer: str, how: str, seconds: float) -> None:
        """Count one admission request."""
        self.answers[("answer", answer), ("judged", how)] += 1
        self.latencies.setdefault(how, Histogram()).observe(seconds)

    def reloaded(self, what: str, result: str) -> None:
        """Count one reload."""
        self.reloads[("what", what), ("result", result)] += 1

    def page(
        self, gauges: Mapping[str, tuple[str, float]], digest: str, refused: Counter[str]
    ) -> str:
        """The page.

        Args:
            gauges: help and value by name without prefix.
            digest: of the policies in use.
            refused: requests that were no requests, by reason.
        """
        lines = [*_counter("answers_total", "Admission requests by answer.", self.answers)]
        lines += _counter(
            "refused_total",
            "Connections and requests that were refused before they were read.",
            Counter({(("reason", why),): count for why, count in refused.items()}),
        )
        lines += _counter("reloads_total", "Reloads of files by result.", self.reloads)
        lines += self._durations()
        for name, (text, value) in gauges.items():
            lines += [*_head(name, text, "gauge"), f"kguard_webhook_{name} {value:g}"]
        lines += _head("policies_info", "The policies in use.", "gauge")
        lines.append(f'kguard_webhook_policies_info{{digest="{digest}"}} 1')
        return "\n".join(lines) + "\n"

    def _durations(self) -> Iterator[str]:
        name = "duration_seconds"
        yield from _head(name, "Time from a request to its answer.", "histogram")
        for how, histogram in sorted(self.latencies.items()):
            below = 0
            for bound, count in zip((*BUCKETS, "+Inf"), histogram.counts, strict=True):
                below += count
                yield f'kguard_webhook_{name}_bucket{{judged="{how}",le="{bound}"}} {below}'
            yield f'kguard_webhook_{name}_sum{{judged="{how}"}} {histogram.total:.6f}'
            yield f'kguard_webhook_{name}_count{{judged="{how}"}} {below}'


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP kguard_webhook_{name} {text}", f"# TYPE kguard_webhook_{name} {kind}"]


def _counter(name: str, text: str, counts: Counter[Labels]) -> Iterator[str]:
    yield from _head(name, text, "counter")
    for labels, count in sorted(counts.items()):
        inside = ",".join(f'{key}="{value}"' for key, value in labels)
        yield f"kguard_webhook_{name}{{{inside}}} {count}"
