"""What flows through the tool: Trial in, Mention and Construct inside, Record out.

Every column list, JSON Schema, field table and evaluation slot is derived from these models.
"""

from __future__ import annotations

from operator import not_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cart_nlp import markup
from cart_nlp.text import whole

CarTrial = Literal["product", "related", "mention", "no"]
INCLUDED: tuple[CarTrial, ...] = ("product", "related")
"""Levels of the trials whose fields are filled, and which `cart-nlp tag` writes."""
Format = Literal[
    "single", "tandem", "bicistronic", "bispecific", "cocktail", "sequential", "selectable", "adaptor"
]
Focus = Literal[
    "treatment",
    "toxicity_management",
    "long_term_follow_up",
    "biomarker_or_observational",
    "quality_of_life_or_cost",
    "manufacturing",
    "other",
]
GENERATIONS = (1, 2, 3, 4, 5)
DISEASE_GROUPS = ("hematological", "solid", "autoimmune", "infectious", "other")
Basis = Literal["text", "product", "registry", "default", "curator"]
ConstructBasis = Literal["text", "product", "default", "curator"]
SchemaVersion = Literal["2"]

SCHEMA_VERSION: SchemaVersion = "2"
"""Version of what is written; it changes when a reader of records would notice."""
UNREAD = "unread"
"""Key in a record's raw values that tells which of its text was too long to be read."""


class Model(BaseModel):
    """Frozen, and refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Text = Annotated[str, AfterValidator(whole)]
"""What a registry says in words; halves of characters in it become U+FFFD."""


class Reference(Model):
    """A publication that a registry lists for a trial."""

    pmid: str
    type: Literal["RESULT", "DERIVED", "BACKGROUND", ""] = Field(
        default="",
        description="RESULT, DERIVED (found by its number), BACKGROUND; empty where it is not told",
    )


class Trial(Model):
    """One registered study, from any registry, before tagging.

    `sections` maps a section key to its original text, in reading order. A key is the path of the text
    in the record: `brief_title`, `brief_summary`, `conditions[0]`, `interventions[1].name`,
    `arms[0].description`. Offsets of evidence always point into these strings.
    """

    id: str = Field(min_length=1, description="registration number, e.g. NCT01234567")
    registry: str = Field(default="", description="name of the registry that holds the record")
    url: str = Field(default="", description="page of the record")
    sections: dict[str, Text] = Field(default_factory=dict, description="section key -> original text")
    secondary_ids: tuple[str, ...] = Field(
        default=(), description="other registration numbers of the same study"
    )
    phase: str | None = Field(
        default=None, description="normalized: EARLY_PHASE1, PHASE1, PHASE1|PHASE2 … NA"
    )
    status: str | None = Field(default=None, description="normalized: RECRUITING, COMPLETED, TERMINATED …")
    study_type: str | None = Field(
        default=None, description="INTERVENTIONAL, OBSERVATIONAL or EXPANDED_ACCESS"
    )
    enrollment: int | None = Field(default=None, description="participants, planned or actual")
    start_date: str | None = Field(default=None, description="ISO date, possibly only year-month or year")
    completion_date: str | None = Field(default=None, description="ISO date, possibly partial")
    first_posted: str | None = Field(default=None, description="ISO date of first registration")
    sponsor: Text | None = Field(default=None, description="lead sponsor")
    sponsor_class: str | None = Field(
        default=None, description="INDUSTRY, NIH, FED, OTHER_GOV, NETWORK, INDIV, OTHER"
    )
    collaborators: tuple[Text, ...] = Field(default=(), description="other organizations that take part")
    collaborator_classes: tuple[str, ...] = Field(
        default=(), description="classes, aligned with collaborators"
    )
    countries: tuple[str, ...] = Field(default=(), description="names per ISO 3166, sorted")
    pmids: tuple[str, ...] = Field(default=(), description="PubMed ids of the trial's publications")
    references: tuple[Reference, ...] = Field(default=(), description="the pmids with the type of each")
    has_results: bool = Field(
        default=False,
        description="whether the registry has results; false, too, where the export does not say",
    )
    why_stopped: Text | None = Field(default=None, description="reason given for an early end")
    raw: dict[str, Text] = Field(default_factory=dict, description="raw values of normalized fields")

    def title(self) -> str:
        """The first title that the record has, or the empty string."""
        for key in ("brief_title", "official_title", "brief_title_zh", "official_title_zh"):
            if self.sections.get(key):
                return self.sections[key]
        return ""


class Mention(Model):
    """A stretch of text that names something: `trial.sections[section][start:end] == text`."""

    section: str
    start: int
    end: int
    text: str
    label: str = Field(description="antigen, ligand, product, costim, vector, cell_source, cell_type …")
    concept: str = Field(description="canonical name in the lexicon")
    role: str = Field(default="", description="what the mention does there, see roles.ROLES")
    score: float = Field(default=1.0, ge=0, le=1)
    rule: str = Field(default="", description="lexicon row, pattern or rule that fired")


class Construct(Model):
    """One distinct target set and format of the study's products."""

    targets: tuple[str, ...]
    format: Format
    basis: ConstructBasis | None = Field(
        default="text",
        description="what states the format: words, a product row, a default; null in no record that is "
        "tagged, only where one is read from a table that does not tell",
    )
    products: tuple[str, ...] = ()
    costim: tuple[str, ...] = ()


class Evidence(Model):
    """The words, product row, registry field, default or curator's decision that a value came from."""

    field: str
    value: str
    basis: Basis
    section: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    rule: str = ""
    score: float = 1.0
    by: str = Field(default="", exclude_if=not_, description="basis curator: who decided")
    date: str = Field(default="", exclude_if=not_, description="basis curator: ISO date of the decision")
    note: str = Field(default="", exclude_if=not_, description="basis curator: why")
    replaced: str = Field(default="", exclude_if=not_, description="basis curator: the tool's own value")
    more: int = Field(
        default=0, ge=0, exclude_if=not_, description="further places that say the same and are not listed"
    )


class Record(Model):
    """What the tool says of one trial. Lists are sorted and without duplicates."""

    trial_id: str = Field(description="registration number, e.g. NCT01234567")
    registry: str = ""
    title: str = Field(default="", description="the first title that the record has")
    url: str = ""
    car_trial: CarTrial = Field(default="no", description="product, related, mention or no CAR at all")
    car_score: float = Field(
        default=0.0, ge=0, le=1, description="confidence that the trial is to be included"
    )
    targets: tuple[str, ...] = Field(default=(), description="antigens bound by the study's CARs")
    target_ids: tuple[str, ...] = Field(
        default=(), description="HGNC ids of the targets that are gene products"
    )
    multi_target: bool = Field(default=False, description="more than one target in the study")
    constructs: tuple[Construct, ...] = ()
    disease_markers: tuple[str, ...] = Field(
        default=(), description="antigens that the disease or the participants must carry; no targets"
    )
    products: tuple[str, ...] = ()
    costim: tuple[str, ...] = ()
    generation: tuple[int, ...] = ()
    vector: tuple[str, ...] = ()
    cell_source: tuple[str, ...] = ()
    cell_type: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    armoring: tuple[str, ...] = ()
    safety_switch: tuple[str, ...] = ()
    disease_group: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()
    indication_ids: tuple[str, ...] = Field(default=(), description="ontology ids of the indications")
    focus: Focus | None = None
    follow_up_years: float | None = Field(
        default=None,
        ge=0,
        description="longest follow-up that the text plans, in years; null where it tells none",
    )
    confidence: dict[str, float] = Field(
        default_factory=dict,
        description="field -> calibrated probability that it is right as it stands, an empty one included",
    )
    phase: str | None = None
    status: str | None = None
    study_type: str | None = None
    enrollment: int | None = None
    start_date: str | None = None
    completion_date: str | None = None
    first_posted: str | None = None
    sponsor: str | None = None
    sponsor_class: str | None = None
    funding: Literal["academic", "industry", "government", "mixed"] | None = Field(
        default=None, description="who pays, by the classes of sponsor and collaborators"
    )
    collaborators: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    pmids: tuple[str, ...] = ()
    references: tuple[Reference, ...] = Field(default=(), description="the pmids with the type of each")
    has_results: bool = False
    why_stopped: str | None = None
    secondary_ids: tuple[str, ...] = ()
    schema_version: SchemaVersion = Field(default=SCHEMA_VERSION, description="version of this schema")
    raw: dict[str, str] = Field(default_factory=dict, description="raw registry values, where normalized")
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON types, in the field order of the contract."""
        return self.model_dump(mode="json")

    def _repr_html_(self) -> str:
        """What a notebook shows: the fields that say something, each value with the words behind it."""
        return markup.record_html(self.to_json(), TAGGED_FIELDS)


TAGGED_FIELDS = (
    "targets",
    "disease_markers",
    "products",
    "costim",
    "generation",
    "vector",
    "cell_source",
    "cell_type",
    "edits",
    "armoring",
    "safety_switch",
    "disease_group",
    "indications",
    "focus",
)
"""Fields of Record whose every value has at least one Evidence entry (constructs through `targets`)."""

UNCOMPARED = ("trial_id", "schema_version", "confidence", "raw", "evidence")
"""Fields of Record that say nothing new of a trial: they go with the values of the others."""
