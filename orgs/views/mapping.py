"""The wizard "New organization", and what it made."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from orgs import hooks
from orgs.access import within
from orgs.forms.mapping import MOST_BY_HAND, STEPS, HandCell, MappingForm
from orgs.mapping.lines import COLUMNS, Pattern, read_lines, text_of
from orgs.mapping.plan import plan
from orgs.mapping.planned import Plan, Wish
from orgs.mapping.split import Method
from orgs.models import Mapping, OrgUnit, UnitKind
from orgs.scope import visible_units
from orgs.selectors.mapping import built_upon
from orgs.selectors.rules import grantable_roles
from orgs.services.mapping import mapping_create, mapping_undo
from orgs.views.base import Page
from orgs.views.form import FormPage, add_refusal
from orgs.words import mapping_answer, mapping_made, planned_rows
from portal.errors import Refused
from portal.notices import noticed, told

PATTERN, LIST, QUOTAS, PREVIEW = range(4)
EXAMPLES = {
    Pattern.INDIVIDUALS: ("person,name", "mira@example.org,Mira Okafor", "ben@example.org,Ben Adeyemi"),
    Pattern.UNITS: ("department,project,person", "vision,vis-3d,mira@example.org", "vision,vis-med", "speech,asr"),
    Pattern.STRUCTURE: ("department,project", "research/vision,vis-3d", "research/speech,asr", "product,chat"),
}


class NewOrganization(Page):
    """One form in four steps. Everything typed travels along, so that neither errors nor going back lose anything."""

    permission = "project:create"
    template_name = "orgs/mapping_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(self.form(), PATTERN)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wanted = request.POST.get("step", "")
        step = int(wanted) if wanted in ("0", "1", "2", "3") else PATTERN
        data = request.POST.copy()
        form = self.form(data)
        upload = request.FILES.get("upload")
        if upload is not None and step == LIST:
            try:
                data["text"] = text_of(upload.read())
            except Refused as refusal:
                add_refusal(form, refusal)
                return self.show(form, LIST, status=422)
        if request.POST.get("go") == "back":
            return self.show(self.form(data, checked=False), max(step - 1, 0))
        wish, wrong = self.wish(form, step)
        if wrong is not None:
            return self.show(form, wrong, status=422)
        if step == QUOTAS and "hand" not in data and self.by_hand(form):
            return self.show(form, QUOTAS)
        if step < PREVIEW:
            return self.show(form, step + 1, wish)
        assert wish is not None
        try:
            with noticed() as heard:
                mapping = mapping_create(actor=self.actor, wish=wish)
        except Refused as refusal:
            add_refusal(form, refusal)
            return self.show(form, PREVIEW, wish, status=422)
        messages.success(request, f"{mapping_made(mapping, 'is there', 'are there')}.")
        for warning in told(heard):
            messages.warning(request, warning)
        return redirect("mapping", mapping.pk)

    def form(self, data: Any = None, checked: bool = True) -> MappingForm:
        clusters = visible_units(self.request.user).filter(kind=UnitKind.CLUSTER)[:2]
        initial = {"target": clusters[0].pk if len(clusters) == 1 else ""}
        form = MappingForm(data, user=self.request.user, initial=initial)
        form.ask_pools([])
        target = form.fields["target"].choices.find(str(form["target"].value() or ""))  # type: ignore[attr-defined]
        if target is not None:
            form.ask_role(grantable_roles(self.request.user, target))
            form.ask_pools(hooks.pools_to_give(target))
        if not checked:
            # Going back asks nothing: what is typed stays as it is.
            form._errors = ErrorDict()  # type: ignore[attr-defined]
        return form

    def wish(self, form: MappingForm, step: int) -> tuple[Wish | None, int | None]:
        """What was told so far, and the first step up to `step` in which something is wrong."""
        form.full_clean()
        for later in range(step + 1, len(STEPS)):
            for name in form.step_fields(later):
                form.errors.pop(name, None)
        for number in range(step + 1):
            if any(name in form.errors for name in form.step_fields(number)):
                return None, number
        if step < LIST:
            return None, None
        found = form.cleaned_data
        pools = [pool.name for pool in form.pools]
        try:
            lines = read_lines(found["text"], Pattern(found["pattern"]), pools)
        except Refused as refusal:
            add_refusal(form, refusal)
            return None, LIST
        divisions = form.divisions() if step >= QUOTAS else []
        wish = Wish(
            target=found["target"],
            pattern=Pattern(found["pattern"]),
            lines=lines,
            role=found["role"],
            make_people=found["make_people"],
            divisions=divisions,
        )
        return wish, None

    def by_hand(self, form: MappingForm) -> bool:
        return any(division.method == Method.HAND for division in form.divisions())

    def show(self, form: MappingForm, step: int, wish: Wish | None = None, status: int = 200) -> HttpResponse:
        pattern = str(form["pattern"].value() or "")
        known = pattern if pattern in Pattern.values else Pattern.UNITS
        shown = form.step_fields(step)
        context: dict[str, Any] = {
            "form": form,
            "step": step,
            "steps": list(enumerate(STEPS)),
            "shown": [form[name] for name in shown],
            "carried": [form[name] for name in form.fields if name not in shown and name != "upload"],
            "patterns": Pattern.choices,
            "chosen": known,
            "columns": COLUMNS[Pattern(known)],
            "example": "\n".join(EXAMPLES[Pattern(known)]),
        }
        if step == QUOTAS:
            context |= self.quota_step(form)
        else:
            context["hand_carried"] = [(name, value) for name, value in form.data.items() if name.startswith("hand")]
        if step == PREVIEW and wish is not None:
            made = plan(user=self.request.user, wish=wish)
            pools = [division.pool.pk for division in made.divisions if division.planned_milli]
            rows = [(unit, [unit.quota.get(pool, 0) for pool in pools]) for unit in planned_rows(made)]
            context |= {"plan": made, "answer": mapping_answer(made), "rows": rows} | self.guard_words(form, made)
        return self.render_to_response(self.get_context_data(**context), status=status)

    def guard_words(self, form: MappingForm, made: Plan) -> dict[str, Any]:
        """What the guard says, and the pools that it is about. A refusal that stands above the form is told once."""
        refusals = [verdict.words for verdict in made.verdicts if verdict.refused]
        said = not set(refusals).isdisjoint(form.non_field_errors())
        return {
            "refusals": [] if said else told(refusals),
            "warnings": told([verdict.words for verdict in made.verdicts if not verdict.refused]),
            "refused_pools": {verdict.pool for verdict in made.verdicts if verdict.refused},
            "warned_pools": {verdict.pool for verdict in made.verdicts},
        }

    def quota_step(self, form: MappingForm) -> dict[str, Any]:
        """The pools with their fields and, where some are given by hand, a table of the projects."""
        pools = [(pool, form[f"method_{pool.pk}"], form[f"amount_{pool.pk}"]) for pool in form.pools]
        context: dict[str, Any] = {"pools": pools, "most_by_hand": MOST_BY_HAND}
        hand = [pool for pool, method, _ in pools if method.value() == Method.HAND]
        if not hand or not form.is_bound:
            return context
        wish, _ = self.wish(self.form(form.data), LIST)
        projects = plan(user=self.request.user, wish=wish).projects if wish else []
        if len(projects) <= MOST_BY_HAND:
            context["hand_pools"] = hand
            context["hand_rows"] = [
                (
                    unit.name,
                    [
                        HandCell(
                            f"hand_{pool.pk}_{unit.name}",
                            f"GPUs of {pool.name} for {unit.name}",
                            form.data.get(f"hand_{pool.pk}_{unit.name}", unit.amounts.get(pool.name, "")),
                        )
                        for pool in hand
                    ],
                )
                for unit in projects
            ]
        context["hand"] = True
        return context


def mapping_for(user: Any, pk: int) -> Mapping:
    """Of who may make projects where it went."""
    mappings = Mapping.objects.select_related("target", "created_by")
    return get_object_or_404(within(mappings, user, "project:create", "target"), pk=pk)


class MappingPage(Page):
    """What a mapping made, and how to take it back."""

    permission = "project:create"
    template_name = "orgs/mapping.html"

    def prepare(self, **kwargs: Any) -> None:
        self.mapping = mapping_for(self.request.user, kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        there = self.mapping.undone_at is None
        departments = OrgUnit.objects.filter(pk__in=self.mapping.ids("departments")).order_by("path")[:20]
        return super().get_context_data(
            mapping=self.mapping,
            made=mapping_made(self.mapping, "is there", "are there") if there else self.taken_back(),
            departments=departments,
            reasons=built_upon(self.mapping) if there else [],
            **kwargs,
        )

    def taken_back(self) -> str:
        return mapping_made(self.mapping, "was taken back", "were taken back")


class MappingUndo(FormPage):
    """Confirms that everything a mapping made goes again."""

    permission = "project:create"
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = Form
    title = "Take this back?"
    submit = "Take it back"

    def prepare(self, **kwargs: Any) -> None:
        self.mapping = mapping_for(self.request.user, kwargs["pk"])
        self.line = f"{mapping_made(self.mapping, 'is', 'are')} removed again, with their rules and quotas."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = [{"text": "Namespaces that the cluster made meanwhile are kept", "figure": None, "tone": "kept"}]
        return super().get_context_data(impact=kept, keep="Keep it", **kwargs)

    def save(self, form: Form) -> str:
        mapping_undo(actor=self.actor, mapping=self.mapping)
        return f"{mapping_made(self.mapping, 'was', 'were')} taken back."

    def back(self) -> str:
        return reverse("mapping", args=[self.mapping.pk])
