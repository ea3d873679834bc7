"""Options of the recurring job that make no sense are refused before anything is asked."""

from __future__ import annotations

import pytest

from streaming.report.data_job import main


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--last", "-5", "-5 is no number of events; expected 1 or more"),
        ("--last", "0", "0 is no number of events"),
        ("--last", "many", "invalid _number value"),
        ("--every-s", "-1", "-1 is no pause; expected seconds above 0"),
        ("--every-s", "0", "0 is no pause"),
        ("--every-s", "nan", "nan is no pause"),
    ],
)
def test_a_strange_number_is_refused(option: str, value: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option, value])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "nowhere.toml"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("validate_data: nowhere.toml") and told.count("\n") == 1
