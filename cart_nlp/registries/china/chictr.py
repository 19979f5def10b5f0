"""The XML that the Chinese Clinical Trial Registry (ChiCTR) gives of a trial, in English and Chinese."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cart_nlp.registries.containers.xmlrecords import all_said, element, plain, said
from cart_nlp.registries.values import shapes
from cart_nlp.registries.values.trials import built
from cart_nlp.schema import Trial

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

REGISTRY = "ChiCTR"
_CHINESE = re.compile("[\u3400-\u9fff]")
_LATIN_WORD = re.compile("[A-Za-z]{3,}.*[A-Za-z]{3,}.*[A-Za-z]{3,}", re.DOTALL)
_ZH = ("_zh", "_cn", "_ch", "_Chinese")


def both_languages(texts: list[str]) -> tuple[str, str]:
    """English and Chinese among texts that say the same; the empty string for a language not there."""
    english = next((text for text in texts if not _CHINESE.search(text) or _LATIN_WORD.search(text)), "")
    chinese = next((text for text in texts if text != english and _CHINESE.search(text)), "")
    return english, chinese


def _title(main: Element, name: str) -> tuple[str, str]:
    texts = all_said(main, name)
    for suffix in _ZH:
        texts += all_said(main, name + suffix)
    return both_languages([plain(text) for text in texts])


def _items(trial: Element, path: str) -> list[str]:
    return [
        item
        for text in all_said(trial, path)
        for part in re.split("[;；]", plain(text))
        if (item := part.strip()) and not re.fullmatch(r"[\W_]+", item)
    ]


def parse(raw: bytes) -> Trial:
    """Build the trial of a <Triall> (as the registry spells it) or <trial>."""
    trial = element(raw)
    main = trial.find("main")
    if main is None:
        main = trial
    number = shapes.checked_id(said(main, "trial_id"), "an id (trial_id)")
    public, public_zh = _title(main, "public_title")
    scientific, scientific_zh = _title(main, "scientific_title")
    criteria = [
        f"{label}:\n{text}"
        for label, path in (
            ("Inclusion criteria", "inclusion_criteria"),
            ("Exclusion criteria", "exclusion_criteria"),
        )
        if (text := plain(said(trial, f"criteria/{path}")))
    ]
    utn = said(main, "utrn") or said(main, "UTRN")
    return built(
        number,
        said(main, "reg_name") or REGISTRY,
        said(main, "url"),
        shapes.sections(
            brief_title=public,
            official_title=scientific,
            acronym=said(main, "acronym"),
            brief_title_zh=public_zh,
            official_title_zh=scientific_zh,
            brief_summary=plain(said(main, "study_objective") or said(main, "objective")),
            conditions=_items(main, "hc_freetext"),
            keywords=_items(trial, "health_condition_keyword/hc_keyword"),
            interventions=_items(main, "i_freetext"),
            eligibility="\n\n".join(criteria),
            primary_outcomes=_items(trial, "primary_outcome/prim_outcome"),
            secondary_outcomes=_items(trial, "secondary_outcome/sec_outcome"),
        ),
        secondary_ids=[utn, *all_said(trial, "secondary_ids/secondary_id/sec_id")],
        phase=said(main, "phase"),
        status=said(main, "recruitment_status"),
        study_type=said(main, "study_type"),
        enrollment=said(main, "target_size"),
        start_date=said(main, "date_enrolment"),
        completion_date=said(main, "results_date_completed"),
        first_posted=said(main, "date_registration"),
        sponsor=said(main, "primary_sponsor"),
        collaborators=shapes.unique(all_said(trial, "secondary_sponsor/sponsor_name")),
        countries=all_said(trial, "countries/country2"),
        has_results=bool(said(main, "results_date_posted") or said(main, "results_url_link")),
    )
