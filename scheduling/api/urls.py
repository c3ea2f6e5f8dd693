from rest_framework.routers import SimpleRouter

from scheduling.api import decisions, reports, saved_cycles, settings, slots, workloads

router = SimpleRouter(use_regex_path=False)
router.register("workloads", workloads.Workloads, "workloads")
router.register("slots", slots.Slots, "slots")
router.register("decisions", decisions.Decisions, "decisions")
router.register("cycles", decisions.Cycles, "cycles")
router.register("saved-cycles", saved_cycles.SavedCycles, "saved-cycles")
router.register("settings", settings.Settings, "settings")
router.register("pool-orders", settings.PoolOrders, "pool-orders")
router.register("reports", reports.Reports, "reports")
router.register("pool-samples", reports.Samples, "pool-samples")

urlpatterns = router.urls
