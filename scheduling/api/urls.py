from rest_framework.routers import SimpleRouter

from scheduling.api import decisions, reports, settings, workloads

router = SimpleRouter(use_regex_path=False)
router.register("workloads", workloads.Workloads, "workloads")
router.register("decisions", decisions.Decisions, "decisions")
router.register("cycles", decisions.Cycles, "cycles")
router.register("settings", settings.Settings, "settings")
router.register("pool-orders", settings.PoolOrders, "pool-orders")
router.register("reports", reports.Reports, "reports")
router.register("pool-samples", reports.Samples, "pool-samples")

urlpatterns = router.urls
