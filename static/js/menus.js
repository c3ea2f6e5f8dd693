// Menus made of details close on a click elsewhere and on Esc; long lists in a popover are filtered while typing.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

/** Shows rows whose text holds `wanted`, and those above them in the tree, dimmed. */
function filter(list, wanted) {
  const rows = [...list.querySelectorAll("[data-text]")];
  const above = [];
  let found = 0;
  for (const row of rows) {
    const depth = Number(row.dataset.depth ?? 0);
    const hit = row.dataset.text.toLowerCase().includes(wanted);
    above.length = depth;
    above[depth] = row;
    row.parentElement.hidden = !hit;
    row.classList.remove("above");
    if (!hit) continue;
    found += 1;
    for (const ancestor of above.slice(0, depth)) {
      if (!ancestor?.parentElement.hidden) continue;
      ancestor.parentElement.hidden = false;
      ancestor.classList.add("above");
    }
  }
  const none = list.parentElement.querySelector(".scope-none");
  if (none) none.hidden = found > 0;
}

document.addEventListener("input", (event) => {
  const list = document.getElementById(event.target.dataset.filter ?? "");
  if (list) filter(list, event.target.value.trim().toLowerCase());
});

document.addEventListener("keydown", (event) => {
  const popover = event.target.closest?.(".scope-picker");
  if (!popover || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const rows = [...popover.querySelectorAll("a")].filter((row) => !row.parentElement.hidden);
  const at = rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  (rows[at] ?? popover.querySelector("input")).focus();
  event.preventDefault();
});
