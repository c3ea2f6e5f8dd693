from rest_framework.routers import SimpleRouter

from scheduling.api import workloads

router = SimpleRouter(use_regex_path=False)
router.register("workloads", workloads.Workloads, "workloads")

urlpatterns = router.urls
