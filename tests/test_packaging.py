"""The image and the recipe say what the project's own file says, and keep to their forms."""

import re
import tomllib
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RECIPE = yaml.safe_load(
    Environment(undefined=StrictUndefined)
    .from_string((ROOT / "packaging" / "conda" / "meta.yaml").read_text("utf-8"))
    .render(PYTHON="python")
)


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_is_of_a_named_python_that_the_project_supports():
    images = [said.split()[0] for word, said in instructions() if word == "FROM"]
    assert images and len(set(images)) == 1
    version = re.fullmatch(r"python:(3\.\d+)-slim", images[0])[1]
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_the_image_runs_the_command_as_a_user_without_rights():
    last = instructions()[-6:]
    words = [word for word, _ in last]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert dict(last)["USER"] not in ("root", "0")
    assert dict(last)["ENTRYPOINT"] == '["cart-nlp"]'


def test_what_the_image_copies_is_there():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv"} <= set(ignored)
    needed = {
        "constraints.txt",
        "README.md",
        "LICENSE",
        "cart_nlp",
        "lexicons",
        "models",
        "docs",
        "benchmarks",
    }
    assert needed.isdisjoint(ignored)
    assert all((ROOT / name).exists() for name in needed)


def test_the_recipe_has_the_version_and_command_of_the_project():
    assert RECIPE["package"] == {"name": PROJECT["name"], "version": PROJECT["version"]}
    assert RECIPE["build"]["entry_points"] == [f"{k} = {v}" for k, v in PROJECT["scripts"].items()]
    assert RECIPE["build"]["noarch"] == "python"
    assert RECIPE["about"]["license"] == PROJECT["license"]
    assert (ROOT / RECIPE["about"]["license_file"]).exists()


def test_the_recipe_needs_what_the_project_needs_but_scispacy():
    wanted = {"python": PROJECT["requires-python"]}
    for each in map(Requirement, PROJECT["dependencies"]):
        if each.marker is None:
            wanted[each.name] = str(each.specifier)
    found = dict(line.partition(" ")[::2] for line in RECIPE["requirements"]["run"])
    assert found.pop("numpy") == ">=1.26"
    assert {k: set(v.split(",")) for k, v in found.items()} == {
        k: set(v.split(",")) for k, v in wanted.items()
    }


def test_the_recipe_tries_what_it_installs():
    assert RECIPE["test"]["imports"] == ["cart_nlp"]
    assert any("show" in command for command in RECIPE["test"]["commands"])
