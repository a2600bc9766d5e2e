from __future__ import annotations

import logging
import sys

import pytest

from trainer.export.convert import quiet


def test_converters_are_silenced_and_their_log_handlers_go(capsys: pytest.CaptureFixture[str]) -> None:
    """absl adds a handler to the root logger that holds whatever stderr is then."""
    before, disabled = list(logging.root.handlers), logging.root.manager.disable
    with quiet():
        logging.root.addHandler(logging.StreamHandler(sys.stderr))
        sys.stderr.write("converting")
        logging.getLogger("converter").warning("converting")
    assert logging.root.handlers == before
    assert logging.root.manager.disable == disabled
    logging.getLogger("trainer").warning("two pictures are the same")
    assert "Logging error" not in capsys.readouterr().err
