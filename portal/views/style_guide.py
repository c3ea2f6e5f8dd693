"""Every component in every state, for eyes, axe and screenshots. All of it is made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.views.generic import TemplateView

from portal import charts
from portal.matrix import MatrixCell
from portal.node_map import Device, NodeCell
from portal.quota_bar import QuotaBar
from portal.words import Step

G = 1000
"""Milli-GPUs in a GPU."""


class ExampleForm(forms.Form):
    name = forms.SlugField(max_length=63, initial="nerf-lobby-v2")
    gpus = forms.DecimalField(label="Guaranteed GPUs", decimal_places=2, min_value=0)
    limit = forms.DecimalField(required=False, initial=24)
    memory = forms.IntegerField(initial=256, min_value=1, help_text="Default 64 per GPU.")
    pool = forms.ChoiceField(choices=[("h100", "h100"), ("a100", "a100")])
    kind = forms.ChoiceField(
        label="Type",
        widget=forms.RadioSelect,
        initial="training",
        choices=[("workspace", "Workspace"), ("training", "Training")],
    )
    over = forms.ChoiceField(
        label="Over quota",
        widget=forms.RadioSelect,
        initial="on",
        choices=[("on", "On"), ("off", "Off"), ("limit", "Limited")],
    )
    preemptible = forms.BooleanField(
        label="May be stopped for others (preemptible)",
        required=False,
        initial=True,
        help_text="Needed to run over quota.",
    )
    command = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)


BARS: list[tuple[str, QuotaBar, str]] = [
    ("In use, part idle", QuotaBar.of(8 * G, 12 * G, 24 * G), "8 of 12"),
    ("Over quota, to limit", QuotaBar.of(18 * G, 12 * G, 24 * G, limit=24 * G), "18 of 12, at most 24"),
    ("Fair share, waiting", QuotaBar.of(8 * G, 8 * G, 24 * G, fair_share=13 * G, waiting=14 * G), "8 of 8, 14 waiting"),
    ("Best effort", QuotaBar.of(4 * G, 0, 24 * G), "4 of 0"),
    ("Blocked", QuotaBar(scale=24 * G, blocked=True), "blocked"),
    ("No quota set", QuotaBar.of(0, None, 24 * G), "none"),
    ("Hardly used", QuotaBar.of(10, 12 * G, 24 * G), "0.01 of 12"),
    ("Above the scale", QuotaBar.of(32 * G, 12 * G, 24 * G), "32 of 12"),
    ("Pool: part not ready", QuotaBar(inside=94 * G, over=16 * G, free=10 * G, lost=8 * G), "110 of 120"),
    (
        "Over-subscribed",
        QuotaBar(inside=104 * G, free=2 * G, lost=8 * G, guaranteed=130 * G, scale=134 * G),
        "130 of 120",
    ),
    ("Stale", QuotaBar.of(8 * G, 12 * G, 24 * G, stale=True), "at 14:31"),
]

STATUSES = [
    ("running", "", ""),
    ("waiting", "6 GPUs short in a100", "#why"),
    ("starting", "pulling image, 40 s", ""),
    ("degraded", "1 of 2 pods restarting", "#why"),
    ("failed", "out of memory, exit 137", "#why"),
    ("stopping", "", ""),
    ("stopped", "by Tomas Lind", ""),
    ("completed", "", ""),
    ("deleting", "", ""),
    ("ready", "", ""),
    ("not ready", "since 13:51", ""),
    ("not connected", "certificate expired", "#why"),
    ("unheard of", "", ""),
]


def cells() -> list[tuple[str, MatrixCell]]:
    half, full = QuotaBar.of(8 * G, 12 * G, 24 * G), QuotaBar.of(8 * G, 20 * G, 24 * G)
    described = {
        "rest": {"value": "12", "note": "8 used, up to 24", "bar": half, "editable": True},
        "changed": {"value": "20", "before": "12", "note": "8 used", "bar": full, "state": "changed", "editable": True},
        "invalid": {"value": "4", "state": "invalid", "error": "below 8 in use", "bar": half, "editable": True},
        "over quota off": {"value": "8", "note": "8 used, capped", "bar": QuotaBar.of(8 * G, 8 * G), "editable": True},
        "best effort": {
            "value": "0", "note": "2 used", "default": "best effort", "bar": QuotaBar.of(2 * G, 0, 24 * G),
            "editable": True,
        },
        "blocked": {"state": "blocked"},
        "no right to edit": {"value": "12", "note": "8 used", "bar": half, "locked": "Tomas Lind may change it."},
        "more given than there is": {
            "value": "12", "note": "8 used", "problem": "4 too many given", "strong": True, "editable": True
        },
        "as unsaved changes make it": {"value": "16", "before": "12", "note": "8 used", "state": "then"},
        "changed by another": {
            "value": "24", "note": "24 since 14:30", "state": "conflict", "bar": half, "editable": True
        },
    }  # fmt: skip
    return [
        (name, MatrixCell(id=f"cell-{number}", label=f"Example, {name}", **given))  # type: ignore[arg-type]
        for number, (name, given) in enumerate(described.items())
    ]


def nodes() -> list[NodeCell]:
    full, lent, free, half = Device(inside=G), Device(over=G), Device(), Device(inside=500, over=250)
    shapes = [(full,) * 8, (full,) * 4 + (lent,) * 4, (full,) * 7 + (free,), (half,) + (free,) * 7, (free,) * 8]
    found = [
        NodeCell(name=f"a100-{number:02}", devices=shape, framed=number > 3, href="#node")
        for number, shape in enumerate(shapes, 1)
    ]
    found.append(NodeCell(name="a100-06", devices=(full,) * 8, ready=False))
    return found + [NodeCell(name=f"cpu-{n:02}", cpu_used=64_000 - n * 9_000, cpu_total=64_000) for n in range(1, 7)]


def tree() -> list[dict[str, Any]]:
    """Rows of `name, kind, level, position, size, used, quota`, depth first."""
    rows = [
        ("Halden Labs", "account", 1, 1, 1, 269_500, 290_000),
        ("north", "cluster", 2, 1, 1, 243_500, 266_000),
        ("language", "department", 3, 1, 2, 110_000, 92_000),
        ("lm-pretrain", "project", 4, 1, 2, 48_000, 48_000),
        ("lm-align", "project", 4, 2, 2, 50_000, 28_000),
        ("vision", "department", 3, 2, 2, 67_500, 80_000),
        ("vis-3d", "project", 4, 1, 1, 18_000, 24_000),
    ]
    keys = ("name", "kind", "level", "position", "size", "used", "quota")
    return [
        dict(zip(keys, row, strict=True))
        | {"expanded": None if row[1] == "project" else True, "scale": (300, 300, 120, 60)[row[2] - 1] * G}
        for row in rows
    ]


def chain() -> list[dict[str, Any]]:
    return [
        {
            "pool": "h100", "note": "tried 2 s ago",
            "steps": [
                Step("check", "No limit"),
                Step("weak", "4 of 12 left", "the other 12 GPUs would be over quota"),
                Step("weak", "24 of 16", "may use free GPUs only"),
                Step("cross", "12 short", "4 free, on 1 node"),
            ],
        },
        {
            "pool": "a100", "note": "closest", "tone": "wait",
            "steps": [
                Step("check", "24 of 32"),
                Step("weak", "0 of 8 left", "all 16 would be over quota"),
                Step("weak", "24 of 9.25", "may use free GPUs only"),
                Step("cross", "6 short", "10 free, but no node has 8"),
            ],
        },
        {
            "pool": "l40s", "note": "never fits", "tone": "danger",
            "steps": [
                Step("check", "No limit"),
                Step("dash", "2 of 4 left"),
                Step("dash", "not reached"),
                Step("cross", "Nodes have 4", "each worker asks for 8"),
            ],
        },
    ]  # fmt: skip


def use_chart() -> charts.Figure:
    hours = [datetime(2025, 10, 16, hour, tzinfo=UTC).isoformat() for hour in range(24)]
    inside = [160 + hour % 12 * 4 for hour in range(24)]
    figure = charts.use_over_time(hours, inside, [30 + hour % 5 for hour in range(24)], [272] * 22 + [264] * 2)
    return charts.event_mark(figure, hours[22], "a100-07 lost")


class StyleGuideView(TemplateView):
    template_name = "portal/style_guide.html"

    def get_template_names(self) -> list[str]:
        return ["portal/style_guide/live.html"] if getattr(self.request, "htmx", False) else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        typed = {
            "name": "nerf lobby",
            "gpus": "12.345",
            "limit": "24",
            "memory": "256",
            "pool": "h100",
            "kind": "training",
        }
        form = ExampleForm({**typed, "over": "on", "preemptible": "on"}, auto_id="wrong_%s")
        form.add_error(None, "2 of the 6 nodes already belong to l40s. Change the value, or narrow l40s first.")
        figure = use_chart()
        units = [SimpleNamespace(pk=n, name=name, get_kind_display=kind) for n, (name, kind) in enumerate(
            [("north", "cluster"), ("vision", "department"), ("vis-3d", "project"), ("vis-med", "project")]
        )]  # fmt: skip
        return super().get_context_data(
            bars=BARS,
            statuses=STATUSES,
            form=ExampleForm(),
            wrong=form,
            cells=cells(),
            nodes=nodes(),
            dense=[NodeCell(name=f"n-{n:03}", devices=(Device(inside=G if n % 3 else 0),) * 4) for n in range(80)],
            crowd=[NodeCell(name=f"n-{n:03}", devices=(Device(inside=G if n % 3 else 0),) * 4) for n in range(601)],
            tree=tree(),
            chain=chain(),
            page=Paginator(range(125), 25).page(2),
            events=[
                {"at": now - timedelta(hours=2), "text": "Submitted by Mira Okafor, pool order h100, a100, l40s"},
                {"at": now - timedelta(minutes=90), "text": "h100: 12 GPUs short; passed on to a100", "href": "#why"},
                {"at": now, "text": "Still waiting", "times": 2514, "now": True},
            ],
            impact=[
                {"text": "Running workloads are stopped", "figure": 4, "href": "#list", "tone": "danger"},
                {"text": "Guaranteed GPUs go back to vision", "figure": 24, "tone": "danger"},
                {"text": "Namespace and its volumes are kept", "figure": None, "tone": "kept"},
            ],
            figure=figure,
            figure_table=[
                ("Hour", "Guaranteed", "Over quota"),
                *((h, 160 + h % 12 * 4, 30 + h % 5) for h in range(24)),
            ],
            filters=[("running", "Running"), ("waiting", "Waiting"), ("failed", "Failed")],
            picker={
                "current": units[1],
                "path": units[:2],
                "rows": [{"unit": unit, "depth": depth} for unit, depth in zip(units, (0, 1, 2, 2), strict=True)],
            },
            now=now,
            earlier=now - timedelta(days=3),
            **kwargs,
        )
