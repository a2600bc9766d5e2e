"""Every command is built from its settings: each option is there, is explained, and takes the default that it shows."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st

import detect.commands.settings
import maskgen.dataset.settings
import maskgen.scenes.settings
import trainer.config.run
from maskgen.app import app
from maskgen.dataset.settings import EXTENSIONS
from maskgen.errors import InputError
from maskgen.io import options
from trainer.bundle import PACKAGED, open_bundle
from trainer.commands.evaluate import EvaluateOptions
from trainer.config.classifier import ALPHAS, TrainConfig
from trainer.config.detector import DetectorConfig
from trainer.config.export import ExportOptions

RECORDS = [
    ("generate", maskgen.dataset.settings.Settings, {"output", "wardrobe"}),
    ("generate", maskgen.dataset.settings.RunOptions, set()),
    ("compose", maskgen.scenes.settings.Settings, {"datasets"}),
    ("compose", maskgen.scenes.settings.RunOptions, set()),
    ("train", TrainConfig, set()),
    ("train", trainer.config.run.RunOptions, set()),
    ("train-detector", DetectorConfig, set()),
    ("train-detector", trainer.config.run.RunOptions, set()),
    ("evaluate", EvaluateOptions, set()),
    ("export", ExportOptions, set()),
    ("detect image", detect.commands.settings.Copies, set()),
    ("detect image", detect.commands.settings.Printed, set()),
    ("detect image", detect.commands.settings.Finding, set()),
    ("detect video", detect.commands.settings.FileRecorded, set()),
    ("detect video", detect.commands.settings.FramesPrinted, set()),
    ("detect video", detect.commands.settings.Looking, set()),
    ("detect webcam", detect.commands.settings.Shown, set()),
    ("detect webcam", detect.commands.settings.Recorded, set()),
    ("detect webcam", detect.commands.settings.FramesPrinted, set()),
    ("detect webcam", detect.commands.settings.Camera, set()),
    ("detect webcam", detect.commands.settings.Looking, set()),
    ("detect serve", detect.commands.settings.Page, set()),
    ("detect serve", detect.commands.settings.Live, set()),
    ("detect serve", detect.commands.settings.Looking, set()),
]
"""Command, settings record, and the fields that are an argument or found out by the command."""


def _commands(command: Any, words: str = "") -> dict[str, Any]:
    """Every command by its words."""
    if not hasattr(command, "commands"):
        return {words.strip(): command}
    return {k: v for name, one in command.commands.items() for k, v in _commands(one, f"{words} {name}").items()}


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize(("words", "record", "others"), RECORDS)
def test_every_setting_can_be_said_and_its_default_is_true(words: str, record: Any, others: set[str]) -> None:
    parameters = {parameter.name: parameter for parameter in COMMANDS[words].params}
    assert {f.name for f in dataclasses.fields(record)} - set(parameters) == others
    for field, known in options.options_of(record).items():
        parameter = parameters[field]
        default = next(f.default for f in dataclasses.fields(record) if f.name == field)
        typed = known.show(default) if known.show else default
        assert parameter.default == (",".join(map(str, typed)) if isinstance(typed, tuple) else typed), field
        assert parameter.opts[0] == options.name_of(record, field)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_is_explained_in_a_short_sentence(words: str) -> None:
    for parameter in COMMANDS[words].params:
        assert parameter.help, parameter.name
        assert len(parameter.help) <= 130, parameter.help


@pytest.mark.parametrize("words", sorted({words for words, _, _ in RECORDS}))
def test_the_help_shows_what_matters_first_and_ends_with_an_example(words: str) -> None:
    """At 100 columns; train has forty settings."""
    command = [sys.executable, "-m", "maskgen.app", *words.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment, encoding="utf-8")
    lines = done.stdout.splitlines()
    assert len(lines) <= (76 if words == "train" else 66)
    assert f"Example: maskgen {words} " in done.stdout[-320:]
    first = done.stdout.partition("─ Options")[2].partition("╰")[0]
    assert first.count("│ --") <= 16


shares = st.floats(0, 1)

SETTINGS = [
    st.builds(
        maskgen.dataset.settings.Settings,
        output=st.text(),
        masks=st.lists(st.text()).map(tuple),
        wears=st.sampled_from([(), ("correct",), ("correct", "chin")]),
        confusers=shares,
        turn=shares,
        split=st.sampled_from([(0.8, 0.1, 0.1), (1.0, 0.0, 0.0)]),
        seed=st.integers(),
        group_by=st.sampled_from([None, "folder", r"(\d+)"]),
        extension=st.sampled_from(EXTENSIONS),
        keep_masked=st.booleans(),
    ),
    st.builds(
        maskgen.scenes.settings.Settings,
        datasets=st.lists(st.text()).map(tuple),
        scenes=st.integers(1),
        backgrounds=st.lists(st.text()).map(tuple),
        quality=st.integers(1, 100),
    ),
    st.builds(
        TrainConfig,
        alpha=st.sampled_from(ALPHAS),
        weights=st.text(),
        fine_tune=st.sampled_from(["auto", "all", "none", "7"]),
        head_limit=st.none() | st.integers(1),
        balance=st.booleans(),
        wise=shares,
        lr=st.floats(1e-9, 10),
    ),
    st.builds(
        DetectorConfig,
        weights=st.text(),
        freeze=st.integers(-1, 14),
        sizes=st.lists(st.integers(2, 64).map(lambda n: 32 * n), min_size=1).map(tuple),
        mosaic=shares,
        longer_side=st.integers(0, 4096),
    ),
]


@given(st.one_of(SETTINGS))
def test_what_a_run_recorded_is_read_back(settings: Any) -> None:
    assert options.from_json(type(settings), json.loads(json.dumps(options.to_json(settings)))) == settings


@pytest.mark.parametrize("kind", [record for _, record, _ in RECORDS])
def test_a_setting_that_nobody_knows_is_named(kind: Any) -> None:
    with pytest.raises(InputError, match=r"\['flavour'\] unknown"):
        options.from_json(kind, {"flavour": 1})


@pytest.mark.parametrize("name", PACKAGED)
def test_the_settings_of_the_models_that_ship_are_read(name: str) -> None:
    bundle = open_bundle(name)
    kind = DetectorConfig if bundle.task == "detector" else TrainConfig
    assert kind.from_json(bundle.config).epochs == bundle.config["epochs"]
