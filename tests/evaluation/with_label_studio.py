"""Run by an interpreter that has label-studio-sdk: check tasks against it and convert them.

usage: with_label_studio.py tasks.json interface.xml folder
Writes converted.json (the converter's JSON of the tasks, predictions made annotations) and min.json.
"""

import json
import sys
from pathlib import Path


def main(tasks, interface, folder):
    """Exit with the faults that label-studio-sdk finds, or write what its converter makes of the tasks."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.label_interface import LabelInterface

    config = Path(interface).read_text("utf-8")
    checked = LabelInterface(config)
    checked.validate()
    rows = json.loads(Path(tasks).read_text("utf-8"))
    faults = []
    for row in rows:
        # Its own check of predictions inside a task is called without the prediction.
        if not checked.validate_task({"data": row["data"]}):
            faults.append("task refused")
        for prediction in row["predictions"]:
            faults += checked.validate_prediction(prediction, return_errors=True)
    if faults:
        sys.exit("\n".join(map(str, faults)))
    for number, row in enumerate(rows, 1):
        row["id"] = number
        row["annotations"] = [
            {"id": number, "completed_by": 1, "result": row.pop("predictions")[0]["result"]}
        ]
    source = Path(folder, "annotated.json")
    source.write_text(json.dumps(rows), "utf-8")
    converter = Converter(config, project_dir=folder, download_resources=False)
    converter.convert_to_json(str(source), str(Path(folder, "converted")), is_dir=False)
    converter.convert_to_json_min(str(source), str(Path(folder, "min")), is_dir=False)


if __name__ == "__main__":
    main(*sys.argv[1:4])
