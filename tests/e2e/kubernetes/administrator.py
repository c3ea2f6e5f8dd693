"""What an administrator does on the pages, and what they then see."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import choose_unit
from tests.factories import PASSWORD

SECONDS = 1000


class Administrator:
    """Keeps what every page showed, for the search for secrets."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.shown: list[str] = []

    def look(self) -> None:
        self.shown.append(self.page.content())

    def sign_in(self, email: str) -> None:
        self.page.goto(self.address)
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def open(self, line: str) -> None:
        """By the menu."""
        self.look()
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile(f"^{line}")).click()
        self.look()

    def visit(self, *paths: str) -> None:
        for path in paths:
            answer = self.page.goto(self.address + path)
            assert answer is not None
            assert answer.ok, path
            self.look()

    def connect_cluster(self, name: str, kubeconfig: str, *, refused: str) -> None:
        """First with one that is `refused`, for which there is an error; the name stays, the secret does not."""
        self.open("Settings")
        self.page.get_by_role("link", name="Connect a cluster").click()
        dialog = self.page.get_by_role("dialog", name="Connect a Kubernetes cluster")
        dialog.get_by_label("Name").fill(name)
        dialog.get_by_label("Kubeconfig").fill(refused)
        dialog.get_by_role("button", name="Connect cluster").click()
        expect(dialog).to_contain_text("Put the certificate of the cluster's authority in")
        expect(dialog.get_by_label("Name")).to_have_value(name)
        expect(dialog.get_by_label("Kubeconfig")).to_have_value("")
        self.look()
        # The browser tells its console of the refusal, as it should.
        assert "422" in self.page.said.pop()  # type: ignore[attr-defined]
        dialog.get_by_label("Kubeconfig").fill(kubeconfig)
        dialog.get_by_role("button", name="Connect cluster").click()
        expect(self.cluster_row(name)).to_be_visible()

    def cluster_row(self, name: str) -> Locator:
        return self.page.get_by_role("table", name="Clusters").get_by_role("row", name=name)

    def expect_cluster(self, name: str, state: str, *words: str) -> None:
        """On Settings, which renews itself."""
        row = self.cluster_row(name)
        expect(row.get_by_text(state, exact=True)).to_be_visible(timeout=40 * SECONDS)
        for word in words:
            expect(row).to_contain_text(word)
        self.look()

    def open_health(self, name: str) -> None:
        self.cluster_row(name).get_by_role("link", name=name, exact=True).click()
        expect(self.page).to_have_title(f"{name}, Settings, Bursar")
        self.look()

    def expect_health(self, heading: str, *words: str) -> None:
        """On the cluster's page, which renews itself."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading, timeout=40 * SECONDS)
        for word in words:
            expect(self.page.locator("#cluster")).to_contain_text(word, timeout=20 * SECONDS)
        self.look()

    def replace_credentials(self, kubeconfig: str) -> None:
        self.page.get_by_role("link", name="Replace credentials").click()
        dialog = self.page.get_by_role("dialog", name="Replace the credentials for")
        dialog.get_by_label("Kubeconfig").fill(kubeconfig)
        dialog.get_by_role("button", name="Replace credentials").click()
        expect(self.page.get_by_text("is being connected with the new credentials")).to_be_visible()
        self.look()

    def create_pool(self, name: str, key: str, value: str, *, nodes: int) -> None:
        self.open("Node pools")
        self.page.get_by_role("link", name="New pool").click()
        self.page.get_by_role("textbox", name="Name").fill(name)
        self.page.get_by_role("textbox", name="Label key").fill(key)
        self.page.get_by_role("textbox", name="Label value").fill(value)
        expect(self.page.locator("#matching")).to_contain_text(f"{nodes} node")
        self.page.get_by_role("button", name="Create pool").click()
        pool = self.page.get_by_role("listitem").filter(has=self.page.get_by_role("link", name=name, exact=True))
        expect(pool).to_contain_text(f"{nodes} node")

    def create_project(self, name: str) -> None:
        self.open("Organization")
        self.page.get_by_role("link", name="default", exact=True).click()
        self.page.get_by_role("link", name="New project").click()
        dialog = self.page.get_by_role("dialog", name="New project in default")
        dialog.get_by_role("textbox", name="Name", exact=True).fill(name)
        dialog.get_by_role("button", name="Create project").click()
        expect(self.page.get_by_role("treegrid", name="Organization")).to_contain_text(name)

    def set_quota(self, project: str, pool: str, gpus: int) -> None:
        self.open("Quotas")
        cell = self.page.locator(f'[data-label="{project} in {pool}, GPU quota"]')
        cell.dblclick()
        self.page.keyboard.type(str(gpus))
        self.page.keyboard.press("Enter")
        self.page.get_by_role("button", name="Save").click()
        expect(cell).to_have_attribute("data-value", str(gpus))

    def submit(self, name: str, project: str, pool: str, gpus: int) -> None:
        """A training of one pod, for the pool that is proposed because the project has a quota there."""
        self.open("My work")
        self.page.get_by_role("link", name="Submit workload").first.click()
        choose_unit(self.page, "Project", project)
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("GPUs per pod", exact=True).fill(str(gpus))
        chosen = self.page.get_by_role("group", name="Pools, in the order to try").get_by_role("listitem")
        expect(chosen).to_have_count(1)
        expect(chosen).to_contain_text(pool)
        self.look()
        self.page.get_by_role("button", name="Submit workload").click()
        expect(self.page).to_have_title(f"{name}, Workloads, Bursar")

    def expect_listed(self, name: str, *words: str, seconds: float = 30) -> None:
        """Among the workloads, whose list renews itself."""
        self.open("Workloads")
        row = self.page.get_by_role("row", name=name)
        expect(row).to_be_visible(timeout=seconds * SECONDS)
        for word in words:
            expect(row).to_contain_text(word)
        self.look()

    def open_workload(self, name: str) -> None:
        self.open("Workloads")
        self.page.get_by_role("link", name=name, exact=True).click()

    def expect_workload(self, *words: str, seconds: float = 30) -> None:
        """On the workload's page, which renews itself."""
        for word in words:
            expect(self.page.locator("#live")).to_contain_text(word, timeout=seconds * SECONDS)
        self.look()

    def expect_state(self, state: str, seconds: float = 30) -> None:
        facts = self.page.locator("#live .facts")
        expect(facts.get_by_text(state, exact=True)).to_be_visible(timeout=seconds * SECONDS)
        self.look()

    def nodes_of_pods(self) -> list[str]:
        """From the workload's tab of pods."""
        self.page.get_by_role("link", name="Pods", exact=True).click()
        table = self.page.get_by_role("table", name="Pods")
        expect(table).to_be_visible()
        self.look()
        return table.locator("td[data-name=node]").all_inner_texts()
