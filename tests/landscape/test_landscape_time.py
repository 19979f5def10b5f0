"""Dates of registration, the window, the end of the data, and rates that divide by exposure."""

import datetime
from dataclasses import replace

import pytest

from cart_nlp.landscape import Options, Period, cohort, dating, frame, tables
from cart_nlp.landscape.growth import rates_between
from cart_nlp.landscape.intervals import growth_interval, poisson
from cart_nlp.landscape.methods import paragraphs
from cart_nlp.landscape.models import design
from cart_nlp.landscape.options import OptionError, names_from, options_from
from cart_nlp.landscape.plots.years import growth as growth_figure
from cart_nlp.schema import Record

AS_OF = datetime.date(2026, 6, 30)


def trial(number, **values):
    return Record(trial_id=f"NCT{number:08d}", car_trial="product", **values)


def placed(*records):
    df = frame(list(records))
    return dating.place(df["trial_id"], df["first_posted"], df["start_date"])


def test_a_recorded_date_goes_first_then_the_number_then_the_start():
    found = placed(
        trial(3000000, first_posted="2016-12-25", start_date="2018"),
        trial(3000000, start_date="2018"),
        Record(trial_id="jRCT1", start_date="2018-05"),
        Record(trial_id="jRCT2"),
    )
    assert found.by == ["registration date", "registration number", "start date", None]
    assert (
        found.days[0] == "2016-12-25"
        and found.days[1].startswith("2016-12")
        and found.days[2:] == ["2018-05", None]
    )


@pytest.mark.parametrize(
    "number, month", [(1000000, "2009-10"), (2000000, "2013-1"), (5000000, "2021-08"), (6000000, "2023-08")]
)
def test_numbers_whose_date_is_well_known(number, month):
    assert placed(trial(number)).days[0].startswith(month)


def test_numbers_between_dated_records_of_the_input_lie_between():
    low, high = trial(6950000, first_posted="2025-05-01"), trial(6960000, first_posted="2025-05-11")
    found = placed(low, trial(6955000), high)
    assert found.days[1] == "2025-05-06" and found.dated_here == 2


def test_no_number_has_a_day_before_the_first_dated_one():
    found = placed(trial(9900000), trial(1, start_date="1997"))
    assert found.by == [dating.EXTRAPOLATED, "start date"]
    assert found.days[0] > "2027"


def test_what_is_registered_after_the_date_of_the_analysis_is_in_no_count_by_registration():
    """Known, between dated numbers, or beyond them: none is piled up on that day."""
    inside = [trial(6000000 + n, targets=("CD19",)) for n in range(5)]  # 2023-08
    known = trial(5, first_posted="2025-01-02", targets=("GD2",))
    chinese = Record(trial_id="ChiCTR2500105227", car_trial="product", start_date="2024-02", targets=("CD7",))
    between, beyond = trial(6800000, targets=("CD19", "HER2")), trial(7300000, targets=("MSLN",))
    df = frame([*inside, known, chinese, between, beyond])
    options = Options(as_of=datetime.date(2024, 4, 30), axis="registration")
    chosen = cohort(df, options)
    assert chosen.end == options.as_of and len(chosen) == 9
    assert chosen.df["registered"][7].startswith("2025-01"), "a number between dated ones keeps its day"
    made = tables(df, options)
    by_year = made["trials_by_registration_year"]
    assert {row[0].value: row[1].value for row in by_year.rows} == {"2023": 5}
    said = "4 trials were registered after the end of the data (2024-04-30)"
    assert said in by_year.note and said in made["placed"].note
    assert said in " ".join(paragraphs(chosen, {}, "records.jsonl"))
    left = made["flow"].ids("registered after the end of the data: in no count by registration", "records")
    assert set(left) == {known.trial_id, chinese.trial_id, between.trial_id, beyond.trial_id}
    assert made["periods"].value(("2022–", "registration"), "trials") == 5
    first = {row[0].value: [cell.value for cell in row[1:3]] for row in made["first_in_human"].rows}
    assert first == {"CD19": ["2023-08", "NCT06000000"]}
    later = tables(df, replace(options, as_of=AS_OF))
    assert later["trials_by_registration_year"].value("2025", "trials") == 4
    assert "registered after the end" not in later["placed"].note


@pytest.mark.parametrize("said", ["2023-02-31", "2023-00", "2023-13", "2023-04-00", "2023-06-31"])
def test_a_day_that_no_calendar_has_is_none(said):
    assert dating.day(said) is None
    found = placed(trial(5000000, first_posted=said, start_date=said))
    assert found.by == ["registration number"]
    tables(frame([trial(5000000, first_posted=said, start_date=said)]), Options(as_of=AS_OF))


LAST = "NCT06898385"
"""The last dated number of the package, of 2025-03-27."""


def test_numbers_beyond_the_last_dated_one_are_a_kind_of_their_own():
    chosen = cohort(frame([trial(6898000), trial(6898385), trial(7300000)]), Options(as_of=AS_OF))
    assert list(chosen.df["placed_by"]) == [dating.BY_NUMBER] * 2 + [dating.EXTRAPOLATED]
    assert chosen.placed.extrapolated and chosen.end.year == 2025 and chosen.end.month > 6
    told = " ".join(paragraphs(chosen, {}, "records.jsonl"))
    assert f"Numbers beyond the last dated one ({LAST}, 2025-03-27) follow the pace" in told
    assert "The end of the data is the date of such a number." in told
    assert tables(chosen.df, chosen.options)["placed"].value(dating.EXTRAPOLATED, "trials") == 1


def test_recorded_dates_end_the_data_rather_than_an_extrapolated_number():
    sure = Record(trial_id="ChiCTR2500105227", first_posted="2025-07-01", car_trial="product")
    chosen = cohort(frame([trial(6898385), trial(7300000), sure]), Options(as_of=AS_OF))
    assert chosen.end.isoformat() == "2025-07-01" and not chosen.placed.extrapolated
    assert chosen.df["registered"][1] == "2025-07-01"
    assert "is the date of such a number" not in " ".join(paragraphs(chosen, {}, "records.jsonl"))
    more = [trial(7300000 + n) for n in range(2)]
    assert cohort(frame([*more, sure]), Options(as_of=AS_OF)).placed.extrapolated, "one date for two numbers"


def test_the_error_is_that_of_numbers_left_out():
    error = dating.Numbers(dating.known()).error()
    assert error.n > 200 and error.median_days < 5 and error.most_days < 30
    noisy = [
        (n, datetime.date(2020, 1, 1) + datetime.timedelta(days=n + (40 if n % 2 else 0))) for n in range(200)
    ]
    assert dating.Numbers(noisy).error().median_days > 10


def test_a_slip_of_the_keyboard_is_no_date():
    found = placed(Record(trial_id="ChiCTR2000031340", first_posted="1990-01-01"))
    assert found.days == ["2020"] and found.by == ["registration number"]


def test_the_window_is_by_registration():
    records = [
        trial(1, first_posted="2024-04-30", start_date="2025"),
        trial(2, first_posted="2024-05-01", start_date="2023"),
        trial(3, first_posted="2023-01-01"),
        trial(4),
    ]
    chosen = cohort(frame(records), Options(since="2023-06", until="2024-04", as_of=AS_OF))
    assert chosen.pick() == ("NCT00000001",)
    assert chosen.left_out["registered after 2024-04"] == ("NCT00000002",)
    assert chosen.left_out["registered before 2023-06"] == ("NCT00000003",)
    assert chosen.left_out["no date, cannot be placed in time"] == ("NCT00000004",)


def test_one_registry():
    records = [
        trial(1, registry="ClinicalTrials.gov"),
        Record(trial_id="ChiCTR1", registry="ChiCTR", car_trial="product"),
    ]
    chosen = cohort(frame(records), Options(registries=("chictr",)))
    assert chosen.pick() == ("ChiCTR1",)


def test_rates_divide_by_the_time_up_to_the_end():
    records = [trial(n, first_posted="2023-01-01", start_date="2023-02") for n in range(70)]
    made = tables(frame(records), Options(until="2024-04", as_of=AS_OF, periods=(Period(2022, None),)))[
        "periods"
    ]
    # the newest registration ends the data, earlier than the limit: 2022-01-01 to 2023-01-01
    assert [c.value for c in made.rows[1][:5]] == ["2022–", "registration", "1.00", 70, 69.9]
    late = [*records, trial(99, first_posted="2024-04-30", start_date="2024-06")]
    made = tables(frame(late), Options(until="2024-04", as_of=AS_OF, periods=(Period(2022, None),)))[
        "periods"
    ]
    assert [c.value for c in made.rows[0][:5]] == ["2022–", "start", "2.33", 70, 30.0], (
        "a start after the end is a plan"
    )
    assert [c.value for c in made.rows[1][:5]] == ["2022–", "registration", "2.33", 71, 30.5]


def newest(day):
    """A record that is not included, and with which the data end."""
    return Record(trial_id="NCT00009999", first_posted=day)


@pytest.mark.parametrize(("untold", "ends"), [(0, "2014-06-01"), (8, "2014-06-01"), (9, "2026-06-30")])
def test_a_few_trials_end_with_the_newest_registration_if_most_tell_theirs(untold, ends):
    told = [trial(n, first_posted=f"20{n + 7:02d}-06-01", start_date=f"20{n + 7:02d}-07") for n in range(8)]
    silent = [Record(trial_id=f"X{n}", car_trial="product", start_date="2011") for n in range(untold)]
    df = frame([*told, *silent])
    assert cohort(df, Options(as_of=AS_OF)).end.isoformat() == ends
    found = tables(df, Options(as_of=AS_OF))
    assert (found["periods"].value(("2022–", "registration"), "trials") is None) == (untold < 9)
    assert (found["growth_rates"].value("all trials", "2020–2024") is None) == (untold < 9)


def evenly(first=2018, last=2022, **values):
    """Four trials of each year, registered in May and started in June; the data end with the last year."""
    return [newest(f"{last}-12-31")] + [
        trial(10 * year + n, first_posted=f"{year}-05-01", start_date=f"{year}-06-15", **values)
        for year in range(first, last + 1)
        for n in range(4)
    ]


SINCE = Options(
    since="2021-01",
    as_of=datetime.date(2022, 12, 31),
    periods=(Period(2018, 2022), Period(None, 2022)),
    growth=(Period(2018, 2021), Period(2022, 2022)),
)


def test_rates_divide_by_the_time_from_the_beginning():
    made = tables(frame(evenly()), SINCE)
    rows = [[c.value for c in row[:5]] for row in made["periods"].rows]
    assert rows == [
        [period, axis, "2.00", 8, 4.0]
        for axis in ("start", "registration")
        for period in ("2018–2022", "to 2022")
    ]
    assert made["key_figures"].value("trials a year, 2017–2021", "value") == 4.0


def test_growth_from_a_period_that_the_beginning_cuts_is_by_the_year():
    made = tables(frame(evenly(disease_group=("solid",))), SINCE)
    # a year of 365 days and one of 365: the same rate
    assert made["growth_rates"].value("all trials", "growth %") == 0.0
    assert made["emerging_by_period"].value("all product trials", "growth %") == 0.0
    assert made["key_figures"].value("growth, solid tumors, 2018–2021 to 2022", "value") == 0.0


def test_a_start_before_the_beginning_stands_in_no_rate():
    late = trial(99, first_posted="2021-03-01", start_date="2019-01-01")
    made = tables(frame([*evenly(), late]), SINCE)
    assert [made["periods"].value(("2018–2022", axis), "trials") for axis in ("start", "registration")] == [
        8,
        9,
    ]


def test_one_year_against_another_is_by_the_time_that_is_covered():
    records = [r.model_copy(update={"countries": ("China",)}) for r in evenly(2021, 2023)]
    options = Options(since="2021-05", axis="registration", as_of=datetime.date(2023, 12, 31))
    change = tables(frame(records), options)["key_figures"].value("China, 2023 against 2021", "value")
    assert change == pytest.approx(100 * (245 / 365 - 1), abs=0.01), "four in the 245 days from May on"


def test_years_that_the_beginning_cuts_are_marked():
    made = tables(frame(evenly()), replace(SINCE, since="2021-02"))["trials_by_registration_year"]
    assert {row[0].value: row[-1].value for row in made.rows} == {"2021": "cut", "2022": "yes"}


@pytest.mark.parametrize(
    "window, years, periods",
    [
        ({"until": "2020-12"}, {}, {"to 2016", "2017–2021"}),
        ({"since": "2022-01"}, {2022: "trials"}, {"2022–"}),
        (
            {"until": "2022-06"},
            {2021: "trials", 2022: "trials (cut short)"},
            {"to 2016", "2017–2021", "2022–"},
        ),
    ],
)
def test_nothing_is_counted_of_a_time_outside_the_data(window, years, periods):
    growth = (Period(2018, 2021), Period(2023, 2024))
    options = Options(**window, axis="registration", as_of=datetime.date(2022, 12, 31), growth=growth)
    made = tables(frame(evenly(countries=("United States",))), options)
    figures = {row[0].value: row[1:] for row in made["key_figures"].rows}
    found = {year: [cell.value for cell in figures[f"trials of {year}"]] for year in (2021, 2022, 2023)}
    assert {year: row[1] for year, row in found.items() if row[0] == 4} == years
    assert all(row == [None, "trials", None, None] for year, row in found.items() if year not in years)
    rows = [[cell.value for cell in row] for row in made["periods"].rows]
    assert {row[0] for row in rows if row[3] is not None} == periods
    assert all(row[2:] == [None] * len(row[2:]) for row in rows if row[0] not in periods)
    since = "since" in window
    for name, row in (("growth_rates", "all trials"), ("emerging_by_period", "all product trials")):
        assert [made[name].value(row, str(p)) is None for p in growth] == [since, True]
    assert (figures["United States to 2018"][0].value is None) == since


def test_a_zero_inside_the_data_is_a_zero():
    records = [*evenly(2018, 2020), newest("2022-12-31")]
    made = tables(frame(records), Options(as_of=datetime.date(2022, 12, 31)))
    assert made["key_figures"].value("trials of 2021", "value") == 0
    assert made["periods"].value(("to 2016", "start"), "trials") == 0


@pytest.mark.parametrize("since, first", [(None, 2018), ("2021", None)])
def test_what_was_first_is_unknown_where_the_earlier_were_not_read(since, first):
    records = evenly(disease_group=("autoimmune",))
    made = tables(frame(records), Options(since=since, as_of=datetime.date(2022, 12, 31)))["key_figures"]
    for label in ("first year with a trial", "first autoimmune trial"):
        assert made.value(label, "value") == first


TOLD = {
    "targets": ("CD19",),
    "vector": ("lentiviral",),
    "cell_source": ("in_vivo",),
    "disease_group": ("autoimmune",),
    "indications": ("lupus",),
    "countries": ("Japan",),
    "phase": "PHASE1",
    "sponsor": "Example University",
}
FIRST = {
    "targets": "CD19",
    "countries": "Japan",
    "disease_groups": "autoimmune",
    "autoimmune": "lupus",
    "technology_by_disease_and_place": "in vivo, any",
}


@pytest.mark.parametrize("since", [None, "2020-01"])
def test_no_table_has_years_outside_the_data(since):
    plan = trial(88, first_posted="2022-06-01", start_date="2025-01", **TOLD | {"targets": ("GD2",)})
    before = trial(99, first_posted="2020-06-01", start_date="2017-01", **TOLD)
    options = Options(since=since, as_of=datetime.date(2022, 12, 31))
    df = frame([*evenly(**TOLD), plan, *([before] if since else [])])
    made = tables(df, options)
    inside = [str(year) for year in range(2020 if since else 2018, 2023)]
    for name, column in (("disease_groups_by_year", 0), ("technology_by_year", 2), ("targets_by_year", 1)):
        assert sorted({row[column].value for row in made[name].rows}) == inside
    assert {name: made[name].value(row, "first start") for name, row in FIRST.items()} == dict.fromkeys(
        FIRST, None if since else "2018"
    )
    assert made["targets"].value("GD2", "first start") is None
    assert [row[0].value for row in made["new_targets"].rows] == ([] if since else ["2018"])
    assert [row[0].value for row in made["first_in_human"].rows] == ([] if since else ["GD2", "CD19"])
    assert made["target_indication_phase"].value(("GD2", "lupus"), "latest start") is None
    assert {row[1].value for row in made["trends"].rows} == {f"{inside[0]}–2022"}
    years = set(design(cohort(df, options))["year"])
    assert {str(year) for year in years} == set(inside)


def test_what_grew_between_two_periods():
    early = [trial(n, start_date="2018", cell_source=("in_vivo",) if n < 10 else ()) for n in range(1, 41)]
    late = [trial(n, start_date="2022", cell_source=("in_vivo",) if n < 140 else ()) for n in range(100, 160)]
    options = Options(as_of=AS_OF, growth=(Period(2018, 2019), Period(2022, 2022)))
    row = tables(frame([*early, *late]), options)["emerging_by_period"].find("in vivo, any")
    values = [cell.value for cell in row]
    assert values[1:3] == [9, 40] and values[3:5] == pytest.approx([4.5, 40.0], abs=0.05)
    assert values[5] == pytest.approx(100 * (40 / 4.5 - 1), abs=2) and values[6] < values[5] < values[7]


def test_growth_from_an_open_period_begins_with_the_first_trial():
    trials = [
        trial(n, start_date=str(2014 + n % 8), countries=("Japan",), disease_group=("solid",))
        for n in range(1, 81)
    ]
    growth = (Period(None, 2016), Period(2017, 2021))
    made = tables(frame(trials), Options(as_of=AS_OF, growth=growth))["key_figures"]
    row = made.find("growth, solid tumors, to 2016 to 2017–2021")
    assert row[1].value == pytest.approx(0, abs=0.5), "ten trials a year in both"


def test_growth_compares_by_the_year():
    assert rates_between((10, 5.0), (10, 2.5)) == 100.0
    assert rates_between((0, 5.0), (10, 5.0)) is None
    assert growth_interval(10, 20, 1, 1)[0] == 100.0


@pytest.mark.parametrize("n, low, high", [(0, 0, 3.69), (10, 4.80, 18.39)])
def test_poisson_as_tables_have_it(n, low, high):
    assert poisson(n) == pytest.approx((low, high), abs=0.01)


def test_years_that_are_not_over_and_plans():
    records = [trial(n, first_posted="2024-04-30", start_date=str(2022 + n % 4)) for n in range(60)]
    table = tables(frame(records), Options(as_of=AS_OF))["trials_by_year"]
    assert {row[0].value: row[-1].value for row in table.rows} == {
        "2022": "yes",
        "2023": "yes",
        "2024": "no",
    }


def test_plans_stand_in_no_count_by_start_year():
    """The last year of the data ends with them, in this table as in the others of start years."""
    said = ["2023-05", "2023-06", "2024-02", "2024-09-01", "2024-12", "2025", "2031-01"]
    records = [trial(n, first_posted="2024-04-30", start_date=day, disease_group=("solid",),
                     countries=("Japan",)) for n, day in enumerate(said)]  # fmt: skip
    made = tables(frame(records), Options(as_of=AS_OF, periods=(Period(2023, None),)))
    by_year = made["trials_by_year"]
    counts = {row[0].value: [row[1].value, row[2].value, row[-1].value] for row in by_year.rows}
    assert counts == {"2023": [2, 2, "yes"], "2024": [1, 3, "no"]}
    assert "stand in no row (4 trials)" in by_year.note
    assert {row[0].value: row[2].value for row in made["disease_groups_by_year"].rows} == {
        "2023": 2,
        "2024": 1,
    }
    assert made["periods"].value(("2023–", "start"), "trials") == 3
    assert growth_figure(made).data["trials"].tolist() == [2, 1]
    told = " ".join(paragraphs(cohort(frame(records), Options(as_of=AS_OF)), {}, "records.jsonl"))
    assert "4 trials start after the end of the data: plans stand in no count by start." in told


@pytest.mark.parametrize(
    ("begun", "length"), [("2016-12-03", "0.08"), ("2016-12", "0.08"), ("2016-10", "0.25"), ("2016", "1.00")]
)
def test_an_open_period_begins_on_the_day_of_the_first_trial(begun, length):
    records = [trial(1, start_date=begun), trial(2, start_date="2016-12-20"), newest("2017-06-01")]
    options = Options(as_of=AS_OF, growth=(Period(None, 2016), Period(2017, 2021)))
    made = tables(frame(records), options)
    row = made["periods"].find("to 2016", "start")
    assert [row[2].value, row[3].value] == [length, 2]
    assert row[4].value == pytest.approx(2 / float(length), rel=0.06)
    assert made["growth_rates"].value("all trials", "to 2016 a year") == row[4].value
    assert made["key_figures"].value("trials a year, to 2016", "value") == row[4].value


@pytest.mark.parametrize(
    "given, named",
    [
        ({"since": "soon"}, "--since soon"),
        ({"until": "2024-13"}, "--until 2024-13"),
        ({"since": "2024-05", "until": "2024-04"}, "--since 2024-05: lies after"),
        ({"basis": "some"}, "--basis some: write all or text"),
        ({"axis": "end"}, "--axis end: write start or registration"),
        ({"growth": "2015-2022:2020-2024"}, "--growth 2015-2022:2020-2024: the first period must end before"),
        ({"growth": "2020-2024:2015-2019"}, "--growth 2020-2024:2015-2019: the first period must end before"),
        (
            {"periods": "2015-2019,2018-2022"},
            "--periods 2015-2019,2018-2022: 2015–2019 and 2018–2022 overlap",
        ),
        ({"periods": "2018-2022,2015-2018"}, "2015–2018 and 2018–2022 overlap"),
        ({"periods": "-2016,-2014"}, "to 2016 and to 2014 overlap"),
        ({"periods": "2015-,2020-"}, "2015– and 2020– overlap"),
        ({"periods": "2015,2015"}, "2015 and 2015 overlap"),
        ({"growth": "2015-:2020-2024"}, "--growth 2015-:2020-2024: the first period must end before"),
    ],
)
def test_options_that_cannot_be_used(given, named):
    with pytest.raises(OptionError, match=named):
        options_from(**given)


def test_periods_keep_their_order_and_need_no_gap():
    assert list(map(str, options_from(periods="2017-2021,-2016,2023-").periods)) == [
        "2017–2021",
        "to 2016",
        "2023–",
    ]


def test_names_keep_the_order_of_the_report():
    assert names_from("--figures", "b,a", ("a", "b", "c")) == ("a", "b")
    with pytest.raises(OptionError, match="--figures x: there is a, b"):
        names_from("--figures", "x", ("a", "b"))
