from rest_framework.routers import SimpleRouter

from quotas.api import pools, quotas

router = SimpleRouter(use_regex_path=False)
router.register("pools", pools.Pools, "pools")
router.register("nodes", pools.Nodes, "nodes")
router.register("quotas", quotas.Quotas, "quotas")

urlpatterns = router.urls
