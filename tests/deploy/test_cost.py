"""Costs follow from the prices and the measurements. The guide's own tables are checked."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikit.main import main
from deploy.cost.estimate import BUSY, HOURS, Load, estimate, together
from deploy.cost.guide import GuideTable, guide_load, guide_tables
from deploy.cost.prices import prices, region_of
from deploy.cost.report import report
from deploy.cost.text import million, render
from deploy.documents.documents import ROOT
from serving.errors import InvalidRequest
from serving.feature import Measured, Measurements, discover, find

OCR = find("general_ocr")  # 8192 MB of Lambda
OHIO = region_of("us-east-2")
GB_SECOND = 0.0000166667


def measured(cpu: float | None, gpu: float | None = None) -> Measurements:
    def of(seconds: float | None) -> Measured | None:
        if seconds is None:
            return None
        return Measured(
            seconds=seconds, input="a photograph", machine="this", date="2026-11-21", source="here"
        )

    return Measurements(cpu=of(cpu), gpu=of(gpu))


@pytest.fixture(params=guide_tables(), ids=lambda table: f"{table.region}, {table.features[0]}")
def table(request: pytest.FixtureRequest) -> GuideTable:
    found: GuideTable = request.param
    return found


def test_the_guide_has_tables_of_thirteen_features_in_both_currencies() -> None:
    names = [name for table in guide_tables() if table.region == "us-east-2" for name in table.features]
    assert len(names) == len(set(names)) == 13
    assert {region.currency for region in prices().values()} == {"USD", "CNY"}


def test_the_guides_lines_follow_from_the_prices_except_those_marked_wrong(table: GuideTable) -> None:
    recomputed = table.recomputed
    assert recomputed.keys() == table.lines.keys()
    for name in table.lines.keys() - set(table.wrong):
        assert recomputed[name] == pytest.approx(table.lines[name], abs=0.05)
    assert table.wrong == (["logs"] if table.instance_type else ["total"])
    assert table.notes


def test_the_printed_lambda_totals_contain_a_tenth_of_the_output(table: GuideTable) -> None:
    if "total" in table.wrong:
        assert table.added - 0.9 * table.lines["gateway_out"] == pytest.approx(table.total, abs=0.005)


@pytest.mark.parametrize(
    ("region", "feature", "total"),
    [
        ("us-east-2", "general_ocr", 151.05),
        ("cn-northwest-1", "general_ocr", 1094.03),
        ("us-east-2", "object_recognition", 184.45),
        ("cn-northwest-1", "object_recognition", 1321.03),
        ("us-east-2", "image_super_resolution", 653.16),
    ],
)
def test_the_guides_tables_recomputed(region: str, feature: str, total: float) -> None:
    (checked,) = (one for one in report([], region, 1).guide if one.feature == feature)
    assert checked.recomputed == pytest.approx(total, abs=0.05)


def test_every_price_has_a_source() -> None:
    for region in prices().values():
        for name, price in region.priced().items():
            assert price.amount > 0
            assert price.source == "guide" or price.source.startswith("from memory"), name


def test_every_measurement_names_an_existing_file_as_its_source() -> None:
    for feature in discover().values():
        for one in (feature.measured.cpu, feature.measured.gpu):
            if one:
                assert re.fullmatch(r"\d{4}-\d\d-\d\d", one.date)
                assert (ROOT / one.source).is_file()


@given(seconds=st.floats(0.01, 60), requests=st.integers(1, 10**9))
def test_the_cost_of_lambda_is_memory_times_seconds(seconds: float, requests: int) -> None:
    load = Load(requests=requests, in_kb=0, out_kb=0, logs_kb=0, image_gb=0)
    found = estimate(OCR, OHIO, load, measured(seconds)).on_lambda
    assert found == pytest.approx(requests * (8 * seconds * GB_SECOND + 0.2e-6 + 3.5e-6))


@given(seconds=st.floats(0.001, 60), requests=st.integers(1, 10**9))
def test_the_number_of_instances_is_the_smallest_that_is_enough(seconds: float, requests: int) -> None:
    count = estimate(OCR, OHIO, Load(requests=requests), measured(1, seconds)).instances
    per_instance = HOURS * 3600 * BUSY / seconds
    assert count
    assert (count - 1) * per_instance < requests <= count * per_instance * (1 + 1e-9) or count == 1


@given(seconds=st.floats(0.5, 10))
def test_at_the_break_even_one_instance_costs_as_much_as_lambda(seconds: float) -> None:
    known = measured(seconds, gpu=0.001)  # so fast that one instance answers all calls
    calls = estimate(OCR, OHIO, Load(), known).break_even
    assert calls
    at, before = (estimate(OCR, OHIO, Load(requests=count), known) for count in (calls, calls - 1))
    assert at.on_endpoint and at.on_lambda and before.on_endpoint and before.on_lambda  # noqa: PT018
    assert at.on_endpoint <= at.on_lambda + 1e-6
    assert before.on_endpoint >= before.on_lambda - 1e-6
    assert at.break_even_rate == pytest.approx(calls / (HOURS * 3600))


def test_there_is_no_break_even_when_lambda_is_cheaper_than_the_data() -> None:
    assert estimate(OCR, OHIO, Load(), measured(0.001)).break_even == 0


def test_nothing_is_estimated_without_a_measurement() -> None:
    found = estimate(OCR, OHIO, Load(), measured(None))
    assert (found.on_lambda, found.on_endpoint, found.instances, found.break_even) == (None,) * 4
    page = render(report([find("tests.support.features.probe.feature")], "us-east-2", 1000))
    assert re.search(r"^\| probe +\| not measured \| +8192 \|( +— \|){5}$", page, re.MULTILINE)


def test_an_endpoint_has_no_cost_in_a_region_without_its_prices() -> None:
    found = estimate(OCR, region_of("cn-northwest-1"), Load(), measured(1))
    assert found.on_lambda
    assert found.on_endpoint is found.break_even is None
    assert "No source gives prices of endpoints in China (Ningxia)." in render(
        report([OCR], "cn-northwest-1", 1000)
    )


def test_one_endpoint_for_all_features_costs_less_than_one_for_each() -> None:
    features = list(discover().values())
    each, one = report(features, "us-east-2", 1000).hosting
    assert each.instances == 13
    assert each.month == pytest.approx(6888.96)
    assert one.month < each.month / 5
    memory_gb = OHIO.instances[one.instance_type].memory_gb
    assert sum(feature.resources.memory_mb for feature in features) <= memory_gb * 1024


def test_no_instance_is_chosen_for_features_that_need_too_much_memory() -> None:
    assert together([OCR] * 1000, OHIO) is None


def test_super_resolution_has_larger_replies() -> None:
    assert guide_load("image_super_resolution").out_kb == 4000
    assert guide_load("face_detection", 7) == Load(requests=7)


def test_the_cost_of_a_million_calls_is_shown_in_both_currencies() -> None:
    assert "| Lambda, 8192 MB               |                         151.08 |" in million(OCR)
    assert "1,094.04" in million(OCR)


@pytest.mark.parametrize("region", prices())
def test_the_command_prints_tables_or_json(region: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["cost", "--region", region, "--requests", "250000"])
    page = capsys.readouterr().out
    assert f"{prices()[region].currency} a month for 250,000 calls of each feature" in page
    with pytest.raises(SystemExit, match="0"):
        main(["cost", "--region", region, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [one["feature"] for one in found["features"]] == list(discover())
    for one in found["features"]:
        assert f"| {one['feature']} " in page


@pytest.mark.parametrize(("region", "requests"), [("us-east-1", 1), ("us-east-2", 0)])
def test_an_unknown_region_and_too_few_requests_are_refused(region: str, requests: int) -> None:
    with pytest.raises(InvalidRequest, match=r"us-east-1.*us-east-2, cn-northwest-1|at least 1"):
        report([OCR], region, requests)
