// Scope pickers: lists that are filtered while typing, and the fields that fold such a list behind a button.
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

function typed(event) {
  const list = document.getElementById(event.target.dataset.filter ?? "");
  if (list) filter(list, event.target.value.trim().toLowerCase());
}

document.addEventListener("input", typed);

document.addEventListener("keydown", (event) => {
  const popover = event.target.closest?.(".scope-picker");
  if (!popover || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const rows = [...popover.querySelectorAll("a")].filter((row) => !row.parentElement.hidden);
  const at = rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  (rows[at] ?? popover.querySelector("input")).focus();
  event.preventDefault();
});

const choices = (picker) => [...picker.querySelectorAll("label > input:enabled")].filter((input) => !input.closest("li").hidden);

// From the search into the list; Enter there takes the first that is left. In a list of boxes nothing is taken unasked.
document.addEventListener("keydown", (event) => {
  const picker = event.target.matches?.("input") && event.target.closest(".scope-choices");
  if (!picker || !["ArrowDown", "Enter"].includes(event.key)) return;
  const menu = picker.closest(".scope-menu");
  const searching = event.target.type === "search";
  if (!searching && (event.key !== "Enter" || !menu)) return;
  event.preventDefault();
  if (!searching) return menu.hidePopover();
  const first = choices(picker)[0];
  first?.focus();
  if (event.key === "Enter" && first?.type === "radio" && !first.checked) first.click();
});

/** The button says what is chosen. */
function say(menu, row) {
  const shown = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"] .scope-picked`);
  const name = document.createElement("b");
  name.textContent = row.dataset.text;
  shown.replaceChildren(name);
  if (!row.dataset.inside) return;
  const inside = document.createElement("span");
  inside.className = "note";
  inside.textContent = row.dataset.inside;
  shown.append(" ", inside);
}

document.addEventListener("change", (event) => {
  const menu = event.target.type === "radio" && event.target.closest(".scope-menu");
  if (menu) say(menu, event.target.closest("label"));
});

// A click with the pointer chooses and closes; arrow keys, which click too, only choose.
document.addEventListener("click", (event) => {
  const menu = event.detail > 0 && event.target.closest?.(".scope-menu");
  if (menu && event.target.closest("label.scope-row:not(.scope-shut)")) menu.hidePopover();
});

// What is typed into the search is nothing that the form around it has to know of.
function keep(event) {
  if (event.target.type !== "search") return;
  event.stopPropagation();
  if (event.type === "input") typed(event);
}

document.addEventListener("toggle", (event) => {
  if (!event.target.matches(".scope-menu") || event.newState !== "open") return;
  for (const type of ["input", "change"]) event.target.addEventListener(type, keep);
  event.target.querySelector(":checked, input")?.scrollIntoView({ block: "nearest" });
  event.target.querySelector("input").focus();
}, true);
