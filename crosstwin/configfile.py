# SPDX-License-Identifier: Apache-2.0
"""A tile configuration by the name of a preset, or from a JSON file.

    {"rows": 64, "cols": 64, "lanes": 16, "adc": {"bits": 9, "bound": 12}, "device": "EcRam"}

Keys are the fields of `TileConfig` and `AdcConfig`; what is left out has its default. A device is the name of a
preset, or an object with its "model" (ConstantStep, LinearStep, SoftBounds, PiecewiseStep) and that model's fields.
"""
import json
from dataclasses import asdict, fields
from pathlib import Path

from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.device import ConstantStep, Device, LinearStep, PiecewiseStep, SoftBounds
from golden.presets import DEVICES, TILES

MODELS = {model.__name__: model for model in (ConstantStep, LinearStep, SoftBounds, PiecewiseStep)}


def named(text: str) -> TileConfig:
    """The preset of that name, or what the .json file of that name describes; ValueError says what is wrong."""
    if text in TILES:
        return TILES[text]
    if not text.endswith(".json"):
        raise ValueError(f"Configuration must be one of {', '.join(TILES)} or a .json file, not {text!r}")
    try:
        description = json.loads(Path(text).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"Configuration {text} must be a file that can be read, but: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"Configuration {text} must be JSON, but: {error}") from None
    try:
        return from_dict(description)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Configuration {text}: {error}") from None


def from_dict(description: dict) -> TileConfig:
    """A configuration from the contents of a JSON file; TypeError or ValueError."""
    values = dict(_object("Configuration", description, TileConfig))
    if "adc" in values:
        values["adc"] = AdcConfig(**_object("adc", values["adc"], AdcConfig))
    if "device" in values:
        values["device"] = _device(values["device"])
    return TileConfig(**values)


def to_dict(config: TileConfig) -> dict:
    """What `from_dict` makes the same configuration of, complete and ready for JSON."""
    return asdict(config) | {"device": {"model": type(config.device).__name__} | asdict(config.device)}


def _device(description) -> Device:
    if isinstance(description, str):
        if description not in DEVICES:
            raise ValueError(f"Device must be one of {', '.join(DEVICES)}, not {description!r}")
        return DEVICES[description]
    if not isinstance(description, dict) or description.get("model") not in MODELS:
        raise ValueError(f"Device must be the name of a preset or an object with a model of {', '.join(MODELS)}, "
                         f"not {description!r}")
    model = MODELS[description["model"]]
    values = {key: tuple(value) if isinstance(value, list) else value
              for key, value in description.items() if key != "model"}
    return model(**_object(model.__name__, values, model))


def _object(name: str, description, kind) -> dict:
    allowed = [field.name for field in fields(kind)]
    if not isinstance(description, dict):
        raise TypeError(f"{name} must be an object, not {description!r}")
    for key in description:
        if key not in allowed:
            raise ValueError(f"Keys of {name} must be of {', '.join(allowed)}, not {key!r}")
    return description
