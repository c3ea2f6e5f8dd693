"""In which order pools are tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms


class PoolOrderForm(forms.Form):
    """Pools in the order to try; none: as the unit above."""

    pools = forms.MultipleChoiceField(choices=(), required=False, widget=forms.MultipleHiddenInput)
    expected = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, known: Sequence[str], own: Sequence[str]) -> None:
        super().__init__(data, initial={"pools": list(own), "expected": ",".join(own)})
        field = self.fields["pools"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, name) for name in known]
