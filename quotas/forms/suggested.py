"""Which of the suggested pools are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from quotas.selectors.suggestions import Proposed


class SuggestedForm(forms.Form):
    """Which of the pools that a suggestion proposes are made, and what they are called."""

    def __init__(self, data: Any = None, *, pools: Sequence[Proposed]) -> None:
        super().__init__(data)
        self.pools = pools
        for place, pool in enumerate(pools):
            label = forms.CharField(required=False, initial=pool.value, widget=forms.HiddenInput)
            name = forms.CharField(label=f"Name of the pool for {pool.value}", initial=pool.name, required=False)
            name.widget.attrs |= {"maxlength": 63, "autocomplete": "off", "spellcheck": "false"}
            taken = forms.BooleanField(label=pool.value or "without a value", initial=True, required=False)
            self.fields |= {f"value_{place}": label, f"name_{place}": name, f"take_{place}": taken}

    @property
    def rows(self) -> list[tuple[Proposed, forms.BoundField, forms.BoundField, forms.BoundField]]:
        """Each pool with its value, name and whether it is made."""
        return [
            (pool, self[f"value_{place}"], self[f"name_{place}"], self[f"take_{place}"])
            for place, pool in enumerate(self.pools)
        ]

    def clean(self) -> dict[str, Any]:
        """Refuses rows that no longer say what they said when the page was read."""
        for place, pool in enumerate(self.pools):
            if f"value_{place}" in self.cleaned_data and self.cleaned_data[f"value_{place}"] != pool.value:
                self.add_error(f"value_{place}", "The labels of the nodes changed meanwhile. Load the page again.")
        if self.pools and not any(self.cleaned_data.get(f"take_{place}") for place in range(len(self.pools))):
            self.add_error("take_0", "No pool is chosen. Choose at least one.")
        return self.cleaned_data

    def chosen(self) -> list[tuple[int, str, str]]:
        """Place, name and label value of those that are to be made."""
        values = self.cleaned_data
        places = [place for place in range(len(self.pools)) if values[f"take_{place}"]]
        return [(place, values[f"name_{place}"], values[f"value_{place}"]) for place in places]
