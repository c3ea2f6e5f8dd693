"""The card of Submit that says what the project could start at most; it asks the pool's loop."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from orgs.access import NotVisible
from orgs.views.base import Guarded
from portal.asked import whole_number
from quotas.models import Pool
from scheduling.models import Question
from scheduling.selectors.my_work import submit_projects
from scheduling.selectors.shapes import shapes_in
from scheduling.selectors.visible import CREATE_WORK
from scheduling.services.question import question_ask


class ShapesCard(Guarded):
    """`?project=` (id) `&pool=` (name) `&fixed=1` for what may not be stopped. POST asks, GET looks for the answer."""

    permission = CREATE_WORK
    http_method_names = ["get", "post"]

    def prepare(self, **kwargs: object) -> None:
        asked = self.request.GET
        project = (
            submit_projects(self.request.user, None).filter(pk=whole_number(asked.get("project", "")) or 0).first()
        )
        name = asked.get("pool", "").replace("\x00", "")
        pool = Pool.objects.filter(cluster=project.cluster_id, name=name).first() if project else None
        if project is None or pool is None:
            raise NotVisible("There is no such pool of a project that you may submit to.")
        self.project, self.pool = project, pool

    def post(self, request: HttpRequest) -> HttpResponse:
        question_ask(pool=self.pool, kind=Question.Kind.SHAPES, about=self.project.pk)
        return self.get(request)

    def get(self, request: HttpRequest) -> HttpResponse:
        shapes = shapes_in(self.project, self.pool, preemptible="fixed" not in request.GET)
        return render(request, "scheduling/shapes_card.html", {"shapes": shapes})
