"""Run by an interpreter that has doccano: import tasks as doccano does, export them again.

usage: with_doccano.py tasks.jsonl exported.jsonl
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path


def main(source, target):
    """Import `source` into a project in a database made for the purpose, and write its export."""
    sys.path.insert(0, importlib.util.find_spec("backend").submodule_search_locations[0])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="config.settings.development",
            DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
            STANDALONE="True",
        )
        os.chdir(folder)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        copy = Path(folder, "import.jsonl")
        copy.write_bytes(Path(source).read_bytes())
        errors = _import(str(copy))
        if errors:
            sys.exit("\n".join(map(str, errors)))
        _export(target)


def _import(path):
    from data_import.datasets import load_dataset
    from data_import.pipeline.catalog import JSONL
    from data_import.pipeline.readers import FileName
    from django.contrib.auth import get_user_model
    from projects.models import Project, ProjectType, SequenceLabelingProject

    user = get_user_model().objects.create(username="curator")
    project = SequenceLabelingProject.objects.create(
        name="gold", project_type=ProjectType.SEQUENCE_LABELING, created_by=user, allow_overlapping=True
    )
    project = Project.objects.get(pk=project.pk)
    dataset = load_dataset(
        ProjectType.SEQUENCE_LABELING,
        JSONL,
        [FileName(path, "import.jsonl", "import.jsonl")],
        project,
        encoding="utf-8",
    )
    dataset.save(user, batch_size=100)
    return dataset.errors


def _export(target):
    from data_export.models import ExportedExample
    from data_export.pipeline.dataset import Dataset
    from data_export.pipeline.factories import create_comment, create_formatter, create_labels, create_writer
    from data_export.pipeline.services import ExportApplicationService
    from projects.models import Project

    project = Project.objects.get()
    examples = ExportedExample.objects.filter(project=project)
    dataset = Dataset(examples, create_labels(project, examples), create_comment(examples), True)
    service = ExportApplicationService(dataset, create_formatter(project, "JSONL"), create_writer("JSONL"))
    service.export(target)


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:3]))
