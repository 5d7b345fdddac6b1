"""The cost report as Markdown, with tables that are also aligned in a terminal."""

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
* Lambda is the declared memory × the measured seconds × the price. A function with more memory also has more
  cores than the machine of the measurement had, so the real cost may be lower.
* Endpoint is {HOURS} hours × the instances, plus incoming and outgoing data, plus the function in front of
  the endpoint ({PROXY_MB} MB), which waits for the reply. There is at least one instance, and each is busy at
  most {BUSY:.0%} of the time. Rates marked CPU were measured without a GPU. With a GPU an instance is faster,
  so fewer instances are needed.
* Break-even is the number of calls a month from which one instance that always runs costs less than Lambda,
  and the calls a second that the instance must then answer. "none" means that a call to the endpoint costs
  more than a call to Lambda, even without the hours.
* Both amounts contain API Gateway, logs and image storage. Neither contains free tiers, taxes or NAT
  gateways."""
_SIZES = """\
As in the guide of the original AI Solution Kit, a call has 1 MB of input and 100 KB of
output (super-resolution 4 MB) and writes 10 KB of logs, and a container image has 0.5 GB."""


def render(report: Report) -> str:
    """Returns the report as Markdown, without a line feed at its end."""
    return "\n\n".join(_parts(report))


def million(feature: Feature) -> str:
    """Returns the cost of a million calls in each Region, as Markdown: a paragraph and a table."""
    one_second = Measurements(cpu=Measured(seconds=1, input="", machine="", date="", source=""))
    load = guide_load(feature.name)
    found = {name: estimate(feature, region, load, one_second) for name, region in prices().items()}
    amounts = [
        (f"Lambda, {feature.resources.lambda_memory_mb} MB", [one.on_lambda for one in found.values()]),
        (f"SageMaker, one {feature.resources.instance_type}", [one.on_endpoint for one in found.values()]),
    ]
    header = [f"{region.currency}, {region.place}, {region.date}" for region in prices().values()]
    return (
        f"On AWS, a million calls in a month of {HOURS} hours\n"
        "cost the following amounts. The calculation assumes one second, 1 MB of input and "
        f"{load.out_kb:g} KB of output per call, as the\n"
        f'guide of the original AI Solution Kit does. "{_NONE}" means that no price is available.\n\n'
        + aligned(["On", *header], [[name, *map(money, row)] for name, row in amounts])
    )


def rate(calls: float) -> str:
    """Returns calls a second as text, with two significant digits."""
    return f"{float(f'{calls:.2g}'):g}/s"


def _parts(report: Report) -> Iterator[str]:
    region = report.prices
    yield f"# {region.place}: {region.currency} a month for {report.requests:,} calls of each feature"
    yield f"Prices of {region.date}. {_SIZES}"
    header = [
        "Feature",
        "s/call",
        "Lambda MB",
        "Lambda",
        "Endpoint",
        "Instances",
        "Per instance",
        "Break-even",
    ]
    yield aligned(header, [_estimate(one) for one in report.features])
    yield _READING
    yield "## Endpoints that always run"
    rows = [[one.what, f"{one.instances} × {one.instance_type}", money(one.month)] for one in report.hosting]
    missing = f"No source gives prices of endpoints in {region.place}."
    yield aligned(["", "Instances", f"Cost of {HOURS} hours"], rows) if rows else missing
    yield "## Check of the guide's own tables: a million calls of one second"
    header = ["Feature", "Printed total", "Sum of its lines", "Recomputed", "Wrong"]
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
    return [one.feature, *map(money, amounts), ", ".join(one.wrong) or "none"]


def _sources(report: Report) -> Iterator[str]:
    for name, price in report.prices.priced().items():
        yield f"* {name}: {price.amount:.10g} {report.prices.currency} per {price.unit} ({price.source})"
    for feature in report.features:
        for one in (feature.measured.cpu, feature.measured.gpu):
            if one:
                yield f"* {feature.feature}: {one.input}; {one.machine}; {one.date} ({one.source})"


def money(amount: float | None) -> str:
    """Returns the amount with two decimals; a dash stands for None."""
    return _NONE if amount is None else f"{amount:,.2f}"
