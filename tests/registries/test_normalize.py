# ruff: noqa: E501  (sample records stand on one line)
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp.registries.values import normalize
from cart_nlp.registries.values.countries import country, country_code


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2021-03-05", "2021-03-05"),
        ("2021-03", "2021-03"),
        ("2021", "2021"),
        ("March 2021", "2021-03"),
        ("March 5, 2021", "2021-03-05"),
        ("Mar 5 2021", "2021-03-05"),
        ("5 March 2021", "2021-03-05"),
        ("05-MAR-2021", "2021-03-05"),
        ("05/03/2021", "2021-03-05"),
        ("03/25/2021", "2021-03-25"),
        ("5.3.2021", "2021-03-05"),
        ("2021/3/5", "2021-03-05"),
        ("2021年3月5日", "2021-03-05"),
        ("2021年3月", "2021-03"),
        ("20210305", "2021-03-05"),
        ("2021-03-05T12:30:00.000", "2021-03-05"),
        ("2024-05-28 08:56:14", "2024-05-28"),
        ("2020-02-29", "2020-02-29"),
        ("2021-02-29", None),
        ("2021-13-01", None),
        ("2021-00-10", None),
        ("soon", None),
        ("null", None),
        ("", None),
        ("Foo 2021", None),
        ("9999-99-99", None),
    ],
)
def test_dates(raw: str, iso: str | None) -> None:
    assert normalize.date(raw) == iso


def test_american_dates_where_they_are_known_to_be() -> None:
    assert normalize.date("05/03/2021", day_first=False) == "2021-05-03"


@pytest.mark.parametrize(
    ("raw", "phase"),
    [
        ("PHASE1", "PHASE1"),
        ("PHASE1|PHASE2", "PHASE1|PHASE2"),
        ("Phase 1/Phase 2", "PHASE1|PHASE2"),
        ("Phase1/Phase2", "PHASE1|PHASE2"),
        ("Phase I/II", "PHASE1|PHASE2"),
        ("Phase 1b/2a", "PHASE1|PHASE2"),
        ("I_II", "PHASE1|PHASE2"),
        ("II", "PHASE2"),
        ("3", "PHASE3"),
        ("0", "EARLY_PHASE1"),
        ("Early Phase 1", "EARLY_PHASE1"),
        ("EARLY_PHASE1", "EARLY_PHASE1"),
        ("Phase 0", "EARLY_PHASE1"),
        ("I期", "PHASE1"),
        ("III期临床试验", "PHASE3"),
        ("Ⅰ期", "PHASE1"),
        ("NA", "NA"),
        ("N/A", "NA"),
        ("Not Applicable", "NA"),
        ("Not selected", "NA"),
        ("Therapeutic exploratory (Phase II)", "PHASE2"),
        ("Human pharmacology (Phase I): no\nTherapeutic exploratory (Phase II): yes\n"
         "Therapeutic confirmatory - (Phase III): yes\nTherapeutic use (Phase IV): no", "PHASE2|PHASE3"),
        ("上市后药物", "PHASE4"), ("Post-market", "PHASE4"), ("Post Marketing Surveillance", "PHASE4"),
        ("探索性研究/预试验", "EARLY_PHASE1"), ("BA/BE", "PHASE1"), ("Phase 2/Post-market", "PHASE2"),
        ("回顾性研究", "NA"), ("其它", "NA"), ("n\\a", "NA"), ("Diagnostic New Technique Clincal Study", "NA"),
        ("New Treatment Measure Clinical Study", "NA"),
        ("", None),
        ("something", None),
    ],
)  # fmt: skip
def test_phases(raw: str, phase: str | None) -> None:
    assert normalize.phase(raw) == phase


@given(
    st.lists(
        st.sampled_from(["EARLY_PHASE1", "PHASE1", "PHASE2", "PHASE3", "PHASE4"]), min_size=1, unique=True
    )
)
def test_normal_phases_stay(names: list[str]) -> None:
    joined = "|".join(sorted(names))
    assert normalize.phase(joined) == joined


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Recruiting", "RECRUITING"),
        ("ACTIVE_NOT_RECRUITING", "ACTIVE_NOT_RECRUITING"),
        ("Active, not recruiting", "ACTIVE_NOT_RECRUITING"),
        ("Authorised, recruitment pending", "NOT_YET_RECRUITING"),
        ("Ongoing, recruiting", "RECRUITING"),
        ("募集中", "RECRUITING"),
        ("试验已完成", None),
        ("Not Recruiting", "NOT_RECRUITING"),
        ("Prematurely Ended", "TERMINATED"),
        ("Closed to Accrual", "ACTIVE_NOT_RECRUITING"),
        ("Temporarily not available", "TEMPORARILY_NOT_AVAILABLE"),
        ("Trial now transitioned", "ONGOING"),
        ("GB - no longer in EU/EEA", "UNKNOWN"),
        ("Completed - no longer in EU/EEA", "COMPLETED"),
        ("", None),
    ],
)
def test_statuses(raw: str, status: str | None) -> None:
    assert normalize.status(raw) == status


@pytest.mark.parametrize(
    ("raw", "count"),
    [("24", 24), ("24.0", 24), ("1,200", 1200), ("0", 0), ("test group:30;control group:30;", 60),
     ("试验组:20；对照组:10", 30), ("2019 Y:2418;2020 Y:821;", 3239), ("about thirty", None), ("", None),
     ("9" * 40, None), ("12-15", None)],
)  # fmt: skip
def test_enrollment(raw: str, count: int | None) -> None:
    assert normalize.enrollment(raw) == count


@pytest.mark.parametrize(
    ("raw", "name", "code"),
    [
        ("United States", "United States", "US"),
        ("USA", "United States", "US"),
        ("Korea, Republic of", "South Korea", "KR"),
        ("Russian Federation", "Russian Federation", "RU"),
        ("Russia", "Russian Federation", "RU"),
        ("Turkey (Türkiye)", "Türkiye", "TR"),
        ("turkey", "Türkiye", "TR"),
        ("Czech Republic", "Czechia", "CZ"),
        ("Taiwan, Province of China", "Taiwan", "TW"),
        ("中国", "China", "CN"),
        ("DE", "Germany", "DE"),
        ("Iran, Islamic Republic of", "Iran", "IR"),
        ("UK", "United Kingdom", "GB"),
        ("Côte D'Ivoire", "Côte d'Ivoire", "CI"),
        ("Atlantis", "Atlantis", None),
    ],
)
def test_countries(raw: str, name: str, code: str | None) -> None:
    assert country(raw) == name
    assert country_code(raw) == code


def test_lists_of_countries() -> None:
    said = ["Japan", "Asia except Japan", "USA", "United States", "", "Atlantis"]
    assert normalize.countries(said) == ("Atlantis", "Japan", "United States")


@pytest.mark.parametrize(
    ("place", "name"),
    [("Hospital, Seoul, Korea, Republic of", "Korea, Republic of"), ("Atlanta, Georgia, United States", "United States"),
     ("Tbilisi, Georgia", "Georgia"), ("China", "China")],
)  # fmt: skip
def test_country_of_a_place(place: str, name: str) -> None:
    assert normalize.country_of_place(place) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Industry", "INDUSTRY"), ("U.S. Fed", "FED"), ("OTHER_GOV", "OTHER_GOV"), ("Pharmaceutical company", "INDUSTRY"),
     ("Non-Commercial", "OTHER"), ("Commercial", "INDUSTRY"), ("Hospital/Clinic/Other health care facility", "OTHER"),
     ("", None), ("?", None)],
)  # fmt: skip
def test_sponsor_classes(raw: str, name: str | None) -> None:
    assert normalize.sponsor_class(raw) == name


@pytest.mark.parametrize(
    ("lead", "classes", "sponsor", "collaborators", "funding"),
    [
        ("OTHER", [], "A University", [], "academic"),
        ("INDUSTRY", [], "A Company", [], "industry"),
        ("NIH", [], "NCI", [], "government"),
        ("OTHER", ["INDUSTRY"], "U", ["C"], "mixed"),
        ("INDUSTRY", ["OTHER"], "C", ["U"], "mixed"),
        ("INDUSTRY", ["NIH"], "C", ["NCI"], "mixed"),
        ("OTHER", ["NIH"], "U", ["NCI"], "academic"),
        ("NIH", ["OTHER"], "NCI", ["U"], "government"),
        ("INDUSTRY", ["INDUSTRY"], "C", ["D"], "industry"),
        ("OTHER", [], "U", ["UTC Therapeutics Inc."], "mixed"),
        ("OTHER", [], "U", ["National Cancer Institute (NCI)"], "academic"),
        (None, [], "Peking University People's Hospital", [], "academic"),
        (None, [], "Jiangsu Hengrui Pharmaceuticals Co., Ltd.", [], "industry"),
        (None, [], "Ministry of Health", [], "government"),
        (None, [], "某某大学附属医院", [], "academic"),
        (None, [], "某某生物制药有限公司", [], "industry"),
        (None, [], "Jane Roe", [], None),
        (None, [], None, [], None),
        (None, [], None, ["Novartis Pharma AG"], "industry"),
    ],
)
def test_funding(
    lead: str | None, classes: list[str], sponsor: str | None, collaborators: list[str], funding: str | None
) -> None:
    assert normalize.funding(lead, classes, sponsor, collaborators) == funding


@given(st.text())
def test_any_text_is_normalized_or_not(raw: str) -> None:
    found = normalize.date(raw)
    assert found is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", found)
    assert normalize.enrollment(raw) is None or normalize.enrollment(raw) >= 0
    for name in (normalize.phase(raw), normalize.status(raw), normalize.study_type(raw)):
        assert name is None or re.fullmatch(r"[A-Z0-9_|]+", name)
    normalize.countries([raw])
    normalize.funding(raw, [raw], raw, [raw])
