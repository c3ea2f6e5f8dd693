from django.urls import path

from scheduling.views import (
    cycles,
    my_work,
    overview,
    pool_choice,
    reports,
    scheduler,
    shapes,
    submit,
    tour,
    workload,
    workloads,
)

urlpatterns = [
    path("overview/", overview.OverviewPage.as_view(), name="overview"),
    path("overview/tour/close/", tour.TourSet.as_view(closed=True), name="tour_close"),
    path("overview/tour/open/", tour.TourSet.as_view(closed=False), name="tour_open"),
    path("my-work/", my_work.MyWorkPage.as_view(), name="my_work"),
    path("submit/", submit.SubmitPage.as_view(), name="submit"),
    path("submit/shapes/", shapes.ShapesCard.as_view(), name="submit_shapes"),
    path("workloads/", workloads.WorkloadsPage.as_view(), name="workloads"),
    path("workloads/<int:pk>/", workload.WorkloadPage.as_view(), name="workload"),
    path("workloads/<int:pk>/why/", workload.WorkloadAsk.as_view(), name="workload_why"),
    path("workloads/<int:pk>/stop/", workload.WorkloadAct.as_view(), {"act": "stop"}, name="workload_stop"),
    path("workloads/<int:pk>/run-again/", workload.WorkloadAct.as_view(), {"act": "resume"}, name="workload_resume"),
    path("workloads/<int:pk>/delete/", workload.WorkloadAct.as_view(), {"act": "delete"}, name="workload_delete"),
    path("settings/pools/choice/", pool_choice.PoolChoiceEdit.as_view(), name="pool_choice"),
    path("reports/", reports.ReportsPage.as_view(), name="reports"),
    path("reports.csv", reports.ReportsCsv.as_view(), name="reports_csv"),
    path("scheduler/", scheduler.SchedulerPage.as_view(), name="scheduler"),
    path("scheduler/cycles/", cycles.CyclesPage.as_view(), name="cycles"),
    path("scheduler/cycles/<int:pool>/<int:cycle>/", cycles.CyclePage.as_view(), name="cycle"),
    path("scheduler/cycles/<int:pool>/save/", cycles.CycleAsk.as_view(), name="cycle_ask"),
    path("scheduler/saved/<int:pk>/", cycles.SavedCycleFile.as_view(), name="saved_cycle"),
    path("scheduler/saved/<int:pk>/delete/", cycles.SavedCycleDelete.as_view(), name="saved_cycle_delete"),
]
