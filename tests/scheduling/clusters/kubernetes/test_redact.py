"""What is left out of objects before people see them."""

from hypothesis import given
from hypothesis import strategies as st

from scheduling.clusters.kubernetes.redact import manifest_text, redacted

SECRET = "hunter2-0xdeadbeef"

texts = st.sampled_from([SECRET, "plain"])
names = st.sampled_from(["env", "data", "stringData", "spec", "containers", "name", "metadata"])
trees = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def test_values_of_variables_and_secrets_are_hidden() -> None:
    container = {
        "env": [
            {"name": "TOKEN", "value": SECRET},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
        ],
        "image": "busybox",
    }
    pod = {"metadata": {"name": "p", "managedFields": [SECRET]}, "spec": {"initContainers": [container]}}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": SECRET, "team": "vision"}
    found = {"kind": "List", "items": [pod, {"metadata": {"annotations": applied}, "data": {"k": SECRET}}]}
    text = manifest_text(found)
    assert SECRET not in text
    for shown in ("TOKEN", "(hidden)", "secretKeyRef", "name: keys", "team: vision", "busybox", "k: (hidden)"):
        assert shown in text


@given(trees)
def test_nothing_below_a_hidden_place_is_shown(tree: object) -> None:
    hidden = {"env": [{"name": "N", "value": tree}], "data": {"key": tree}, "managedFields": tree}
    assert SECRET not in str(redacted({"spec": {"containers": [hidden]}}))


def test_a_line_cannot_hide_what_follows() -> None:
    assert "\u202e" not in manifest_text({"a": "x\u202ey"})
    assert "\x1b" not in manifest_text({"a": "x\x1b[2Jy"})
