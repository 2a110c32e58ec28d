"""The JSON documents that SageMaker writes into input/config."""

import json
from pathlib import Path
from typing import Any

from gaussian_processes.errors import ConfigurationError


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is no such file.

    Raises:
        ConfigurationError: the file is not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets thousands deep
        raise ConfigurationError(f"{path.name} is not JSON that can be read: {error}.") from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path.name} holds a JSON {type(document).__name__}; an object is wanted.")
    return document
