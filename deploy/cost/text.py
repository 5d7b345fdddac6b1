"""The cost report for people: Markdown whose columns line up in a terminal."""

from collections.abc import Iterator, Sequence

from deploy.cloudformation.functions import PROXY_MB
from deploy.tables import aligned
from serving.feature import Feature, Measured, Measurements

from .estimate import BUSY, HOURS, Estimate, estimate
from .guide import guide_load
from .prices import prices
from .report import Checked, Report

_NONE = "—"
_READING = f"""\
* Lambda: the declared memory × the seconds measured. More memory brings more cores than were measured on,
  so expect less.
* Endpoint: {HOURS} hours × instances, one at least, each busy {BUSY:.0%} of the time at most; data in, out;
  and the function in front of it ({PROXY_MB} MB), which waits for the answer. Rates marked CPU were measured
  without a GPU: an instance with one does more, and fewer instances will do.
* Break-even: calls a month from which one instance, always on, costs less than Lambda, and the calls a
  second it then has to answer. "none": a call costs more than Lambda's even without the hours.
* Both contain API Gateway, logs and image storage. Neither contains free tiers, taxes, NAT gateways."""
_SIZES = """\
As in the guide, a call takes 1 MB in and 100 KB out (super-resolution 4 MB) and logs 10 KB; a container image
has 0.5 GB."""


def text(report: Report) -> str:
    """Ends without a line feed."""
    return "\n\n".join(_parts(report))


def million(feature: Feature) -> str:
    """What a million calls cost in each Region: the end of a sentence, and a table."""
    second = Measurements(cpu=Measured(seconds=1, input="", machine="", date="", source=""))
    load = guide_load(feature.name)
    found = {name: estimate(feature, region, load, second) for name, region in prices().items()}
    amounts = [
        (f"Lambda, {feature.resources.lambda_memory_mb} MB", [one.on_lambda for one in found.values()]),
        (f"SageMaker, one {feature.resources.instance_type}", [one.on_endpoint for one in found.values()]),
    ]
    header = [f"{region.currency}, {region.place}, {region.date}" for region in prices().values()]
    return (
        f"with what the guide assumes (a second a call, 1 MB in, {load.out_kb:g} KB out), a million\n"
        f"calls in a month of {HOURS} hours cost ({_NONE}: no price at hand):\n\n"
        + aligned(["On", *header], [[name, *map(money, row)] for name, row in amounts])
    )


def rate(calls: float) -> str:
    """Calls a second, in two digits."""
    return f"{float(f'{calls:.2g}'):g}/s"


def _parts(report: Report) -> Iterator[str]:
    region = report.prices
    yield f"# {region.place}: {region.currency} a month at {report.requests:,} calls a month"
    yield f"Prices of {region.date}. {_SIZES}"
    header = ["Feature", "s/call", "Lambda MB", "Lambda", "Endpoint", "Instances", "One does", "Break-even"]
    yield aligned(header, [_estimate(one) for one in report.features])
    yield _READING
    yield "## Endpoints that always run"
    rows = [[one.what, f"{one.instances} × {one.instance_type}", money(one.month)] for one in report.hosting]
    missing = f"No source at hand gives prices of endpoints in {region.place}."
    yield aligned(["", "Instances", f"{HOURS} hours"], rows) if rows else missing
    yield "## The guide's own tables: a million calls of one second"
    header = ["Feature", "Printed total", "Its lines add up to", "From the prices", "Wrong"]
    yield aligned(header, [_checked(one) for one in report.guide])
    yield "\n".join(f"* {note}" for note in dict.fromkeys(note for one in report.guide for note in one.notes))
    yield "## Sources"
    yield "\n".join(_sources(report))


def _estimate(one: Estimate) -> Sequence[str]:
    cpu, gpu = one.measured.cpu, one.measured.gpu
    even = _NONE if one.break_even is None else f"{one.break_even:,} ({rate(one.break_even_rate or 0)})"
    return [
        one.feature,
        f"{cpu.seconds:g}" if cpu else "not measured",
        f"{one.lambda_memory_mb}",
        money(one.on_lambda),
        money(one.on_endpoint),
        _NONE if one.instances is None else str(one.instances),
        _NONE if one.rate is None else f"{rate(one.rate)} {'GPU' if gpu else 'CPU'}",
        "none" if one.break_even == 0 else even,
    ]


def _checked(one: Checked) -> Sequence[str]:
    amounts = (one.printed, one.added, one.recomputed)
    return [one.feature, *map(money, amounts), ", ".join(one.wrong) or "nothing"]


def _sources(report: Report) -> Iterator[str]:
    for name, price in report.prices.priced().items():
        yield f"* {name}: {price.amount:.10g} {report.prices.currency} per {price.unit} ({price.source})"
    for feature in report.features:
        for one in (feature.measured.cpu, feature.measured.gpu):
            if one:
                yield f"* {feature.feature}: {one.input}; {one.machine}; {one.date} ({one.source})"


def money(amount: float | None) -> str:
    return _NONE if amount is None else f"{amount:,.2f}"
