from rest_framework.routers import SimpleRouter

from orgs.api import units

router = SimpleRouter(use_regex_path=False)
router.register("clusters", units.Clusters, "clusters")
router.register("departments", units.Departments, "departments")
router.register("projects", units.Projects, "projects")

urlpatterns = router.urls
