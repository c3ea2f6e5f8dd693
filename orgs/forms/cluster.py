from __future__ import annotations

from django import forms

from orgs.models import UnitKind
from orgs.names import longest_name

NAME = {"maxlength": longest_name(UnitKind.CLUSTER), "autocomplete": "off", "spellcheck": "false"}
MISSING = {"required": "The name is missing. Fill it in."}
RULE = "Lower-case letters, digits and hyphens, for example “north”."


class SimulateForm(forms.Form):
    name = forms.CharField(label="Name", help_text=RULE, widget=forms.TextInput(attrs=NAME), error_messages=MISSING)


class _Unechoed(forms.Textarea):
    """What was typed is never written back into a page: it holds secrets."""

    def format_value(self, value: object) -> str:
        return ""


class ReconnectForm(forms.Form):
    kubeconfig = forms.CharField(
        label="Kubeconfig",
        help_text="Paste what “kubectl config view --raw --flatten --minify” prints, or type “in-cluster” for the "
        "cluster that Bursar itself runs in. It is kept encrypted and never shown again: should this form come back "
        "with an error, paste it once more.",
        widget=_Unechoed(attrs={"rows": 10, "class": "code", "spellcheck": "false"}),
        error_messages={"required": "The kubeconfig is missing. Paste it."},
    )


class ConnectForm(ReconnectForm):
    name = forms.CharField(label="Name", help_text=RULE, widget=forms.TextInput(attrs=NAME), error_messages=MISSING)
    field_order = ("name", "kubeconfig")
