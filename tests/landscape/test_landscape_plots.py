"""Figures: nothing cut off, no two labels on each other, the numbers of the tables, the same bytes again."""

import itertools
import re

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cart_nlp.landscape import Options, frame, plots, tables
from cart_nlp.landscape.plots.style import PALETTE, PHASE_COLORS, label
from cart_nlp.schema import Construct, Record

LONG = "A very long name of an organization that goes on and on, and on, without an end, Ltd."


@pytest.fixture(scope="module")
def crowded(records):
    """The records with long names everywhere, in three scripts."""
    names = [LONG, "北京大学人民医院血液病研究所" * 3, "مستشفى جامعة القاهرة " * 4, "$x_1$ & <b>"]
    changed = [
        r.model_copy(
            update={
                "sponsor": f"{names[n % 4]} {n % 20}",
                "indications": (f"{names[n % 3]} {n % 9}", "myeloma"),
                "targets": (*r.targets, f"{'T' * 30}{n % 4}"),
                "constructs": (Construct(targets=(*r.targets, "T" * 30), format="tandem"),),
            }
        )
        for n, r in enumerate(records)
    ]
    return tables(frame(changed), Options())


def boxes(figure):
    """Text -> its box in pixels, for texts that are drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # places legends and ticks
    renderer = canvas.get_renderer()
    found = []
    for axes in figure.axes:
        ticks = []
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            # matplotlib keeps labels of ticks beyond the limits, which it does not draw
            ticks += [
                t.label1
                for t in axis.get_major_ticks()
                if low <= t.get_loc() <= high and t.label1.get_visible()
            ]
        legend = axes.get_legend()
        texts = [*ticks, axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title, *axes.texts]
        texts += legend.get_texts() if legend else []
        found += [
            (t, t.get_window_extent(renderer)) for t in texts if t.get_visible() and t.get_text().strip()
        ]
    return found


def overlapping(figure):
    pairs = itertools.combinations([(t, b) for t, b in boxes(figure) if t.get_rotation() == 0], 2)
    return [
        (one.get_text(), two.get_text())
        for (one, a), (two, b) in pairs
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1.5
    ]


@pytest.mark.parametrize("data", ["found", "crowded"])
@pytest.mark.parametrize("name", plots.FIGURES)
def test_nothing_is_cut_off_or_covered(name, data, request):
    made = plots.FIGURES[name].make(request.getfixturevalue(data))
    figure = made.figure
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    assert overlapping(figure) == []


@pytest.mark.parametrize("name", plots.FIGURES)
def test_svg_png_and_data(name, found, tmp_path, monkeypatch):
    monkeypatch.setattr(plots.Plot.png, "__defaults__", (60,))  # the drawing, not its size, is tested
    made = plots.FIGURES[name].make(found)
    svg, png, data = made.save(tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG") and len(png.read_bytes()) > 2000
    text = svg.read_text(encoding="utf-8")
    assert text.count("<svg ") == 1 and "<script" not in text and not re.search(r"<dc:date>", text)
    assert len(data.read_text(encoding="utf-8").splitlines()) == len(made.data) + 1 > 1
    assert made.alt and plots.FIGURES[name].make(found).svg == made.svg


def test_bars_show_the_numbers_of_their_table(found):
    figure = plots.countries(found).figure
    shown = {
        t.get_text(): int(b.get_width())
        for t, b in zip(figure.axes[0].get_yticklabels(), figure.axes[0].patches, strict=True)
    }
    assert shown == {row[0].value: row[2].value for row in found["countries"].rows}


def test_upset_leaves_out_what_it_cannot_show_whole(found):
    made = plots.upset(found, top=40, sets=4)
    members = {name for text in made.data["targets"] for name in text.split(" + ")}
    assert len(members) <= 4
    for text, n in zip(made.data["targets"], made.data["trials"], strict=True):
        assert found["combinations"].value(text, "trials") == n


@pytest.mark.parametrize(
    "text, expected",
    [
        ("short", "short"),
        ("one two three", "one two …"),
        ("abcdefghijklmnop", "abcdefghijk…"),
        ("a\U0001f9ffb", "a□b"),
    ],
)
def test_labels_fit(text, expected):
    assert label(text, 12) == expected


def luminance(color):
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_phases_run_from_light_to_dark_so_that_a_grey_print_keeps_their_order():
    steps = [luminance(c) for c in PHASE_COLORS]
    assert steps == sorted(steps, reverse=True) and len(set(PALETTE)) == 8


def test_one_record_and_none_draw():
    for records in ([], [Record(trial_id="A", car_trial="product", start_date="2020")]):
        made = tables(frame(records), Options())
        for figure in plots.FIGURES.values():
            assert figure.make(made).png(50).startswith(b"\x89PNG")


def test_phases_of_few_countries_keep_their_regions():
    trial = Record(trial_id="A", car_trial="product", phase="PHASE1", countries=("China", "France", "Japan"))
    shown = plots.phases(tables(frame([trial]))).data["group"]
    assert list(shown) == ["China", "France", "Japan", "Asia-Pacific, other", "Europe", "in several regions"]


def test_years_between_trials_have_none():
    trials = [
        Record(trial_id=year, car_trial="product", disease_group=("solid",), start_date=year)
        for year in ("2010", "2013")
    ]
    data = plots.diseases(tables(frame(trials))).data
    assert [*zip(data["year"], data["solid"], strict=True)] == [(2010, 1), (2011, 0), (2012, 0), (2013, 1)]
