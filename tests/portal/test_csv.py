from __future__ import annotations

from portal.csv import csv_response, csv_text


def test_no_text_is_a_formula_and_numbers_stay_numbers() -> None:
    assert csv_text([["=1+1", "-x", "@a", "+1", "\tb", "plain", "", -1, None]]) == (
        "'=1+1,'-x,'@a,'+1,'\tb,plain,,-1,\r\n"
    )


def test_a_download() -> None:
    response = csv_response("units.csv", ["name"], [["vision"]])
    assert response.content == b"name\r\nvision\r\n"
    assert response["Content-Disposition"] == 'attachment; filename="units.csv"'
