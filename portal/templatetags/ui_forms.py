"""The component kit: form fields and dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms, template
from django.forms import BoundField

register = template.Library()


def _shape(widget: forms.Widget) -> str:
    if hasattr(widget, "shape"):
        return str(widget.shape)
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, forms.Select):
        return "select"
    return "area" if isinstance(widget, forms.Textarea) else "input"


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField, suffix: str = "", locked: str = "", placeholder: str = "", code: bool = False, look: str = ""
) -> dict[str, Any]:
    """A form field with label, help and errors; what was typed is kept.

    `suffix`: unit inside the box. `locked`: why it may not be changed. `look`: "cards" or "segmented", of choices.
    """
    shape = _shape(bound.field.widget)
    help_id, error_id = f"{bound.auto_id}_help", f"{bound.auto_id}_error"
    described = [help_id] if bound.help_text or locked else []
    attributes: dict[str, Any] = {"data-field": True}
    if bound.errors:
        described.append(error_id)
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if locked:
        attributes["readonly"] = True
    if placeholder:
        attributes["placeholder"] = placeholder
    if code:
        attributes |= {"class": "code", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
    return {
        "bound": bound,
        "shape": shape,
        "widget": "" if shape == "choices" else bound.as_widget(attrs=attributes),
        "help_id": help_id,
        "error_id": error_id,
        "suffix": suffix,
        "locked": locked,
        "look": look,
        "optional": not bound.field.required and shape not in ("check", "choices"),
    }


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong with the form as a whole."""
    return {"errors": form.non_field_errors(), "hidden": [e for f in form.hidden_fields() for e in f.errors]}


@register.inclusion_tag("components/confirm.html", takes_context=True)
def confirm(
    context: template.Context,
    name: str,
    title: str,
    line: str,
    action: str,
    submit: str,
    cancel: str,
    impact: Sequence[dict[str, Any]] = (),
    type_name: str = "",
    errors: Sequence[str] = (),
    hidden: dict[str, Any] | None = None,
    opened: bool = False,
) -> dict[str, Any]:
    """A dialog before something is taken away, opened by `<button data-dialog="name">` or put into `#dialog-slot`.

    `opened`: with the page, which was asked for something that has to be confirmed first.

    `impact`: rows of `text`, `figure`, optional `href` and `tone` ("danger", or "kept"). `type_name`: has to be typed.
    """
    return {
        "csrf_token": context.get("csrf_token"),
        "name": name, "title": title, "line": line, "action": action, "submit": submit, "cancel": cancel,
        "impact": impact, "type_name": type_name, "errors": errors, "hidden": hidden or {},
        "opened": opened,
    }  # fmt: skip
