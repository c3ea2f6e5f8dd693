// Tree grids: one tab stop, the keys of the ARIA pattern, folding by aria-expanded.
const level = (row) => Number(row.ariaLevel);
const shown = (grid) => [...grid.querySelectorAll("tbody > tr")].filter((row) => !row.hidden);
const open = (row) => row.getAttribute("aria-expanded") === "true";

function below(row) {
  const found = [];
  for (let next = row.nextElementSibling; next && level(next) > level(row); next = next.nextElementSibling) found.push(next);
  return found;
}

function fold(row, expanded) {
  if (!row.hasAttribute("aria-expanded")) return;
  row.setAttribute("aria-expanded", String(expanded));
  if (expanded) row.querySelector("a.tree-chevron")?.click();
  const closed = [];
  for (const child of below(row)) {
    while (closed.length && closed.at(-1) >= level(child)) closed.pop();
    child.hidden = !expanded || closed.length > 0;
    if (child.getAttribute("aria-expanded") === "false") closed.push(level(child));
  }
}

const opening = (link) => new URL(link.href).searchParams.get("open").split(",").at(-1);

/** Opens all of these rows; what the server has to send of them in one request. */
function unfold(rows) {
  const links = rows.filter((row) => !open(row)).map((row) => row.querySelector("a.tree-chevron")).filter(Boolean);
  rows.filter((row) => !links.some((link) => row.contains(link))).forEach((row) => fold(row, true));
  if (!links.length) return;
  links.forEach((link) => link.closest("tr").setAttribute("aria-expanded", "true"));
  const [first, ...others] = links;
  const all = first.cloneNode();
  const url = new URL(first.href);
  url.searchParams.set("open", [url.searchParams.get("open"), ...others.map(opening)].join(","));
  all.href = url.href;
  all.hidden = true;
  first.after(all);
  htmx.process(all);
  all.click();
}

function parent(row) {
  let before = row.previousElementSibling;
  while (before && level(before) >= level(row)) before = before.previousElementSibling;
  return before;
}

function go(grid, row) {
  if (!row) return;
  for (const other of grid.querySelectorAll('tbody > tr[tabindex="0"]')) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}

function letter(grid, row, key) {
  const rows = shown(grid);
  const turned = [...rows.slice(rows.indexOf(row) + 1), ...rows];
  return turned.find((other) => other.querySelector(".name")?.textContent.trim().toLowerCase().startsWith(key.toLowerCase()));
}

function press(event, grid, row) {
  const rows = shown(grid);
  const at = rows.indexOf(row);
  if (event.key === "ArrowDown") go(grid, rows[at + 1]);
  else if (event.key === "ArrowUp") go(grid, rows[at - 1]);
  else if (event.key === "Home") go(grid, rows[0]);
  else if (event.key === "End") go(grid, rows.at(-1));
  else if (event.key === "ArrowRight" && row.hasAttribute("aria-expanded")) open(row) ? go(grid, rows[at + 1]) : fold(row, true);
  else if (event.key === "ArrowLeft") open(row) ? fold(row, false) : go(grid, parent(row));
  else if (event.key === "*") unfold(rows.filter((other) => level(other) === level(row) && parent(other) === parent(row)));
  else if (event.key === "Enter" || event.key === " ") row.querySelector("a.name")?.click();
  else if (event.key.length === 1 && /\S/.test(event.key)) go(grid, letter(grid, row, event.key));
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", (event) => {
  const grid = event.target.closest?.('[role="treegrid"]');
  if (grid && event.target.matches("tbody > tr") && !event.ctrlKey && !event.metaKey && !event.altKey) press(event, grid, event.target);
});

document.addEventListener("click", (event) => {
  const row = event.target.closest?.('[role="treegrid"] tbody > tr');
  if (row && event.target.closest("a.tree-chevron")) row.setAttribute("aria-expanded", "true");
  else if (row && event.target.closest("[data-toggle]")) fold(row, !open(row));
  else if (row && !event.target.closest("a, button, input")) row.querySelector("a.name")?.click();
  const all = event.target.closest?.("[data-fold]");
  if (all) document.querySelectorAll(`#${CSS.escape(all.dataset.fold)} tbody > tr[aria-expanded]`).forEach((other) => level(other) > 1 && fold(other, false));
});

function ready() {
  for (const grid of document.querySelectorAll('[role="treegrid"]')) {
    for (const closed of grid.querySelectorAll('tbody > tr[aria-expanded="false"]')) below(closed).forEach((row) => (row.hidden = true));
    if (grid.querySelector('tbody > tr[tabindex="0"]')) continue;
    for (const row of grid.querySelectorAll("tbody > tr")) row.tabIndex = -1;
    const first = grid.querySelector('tbody > tr[aria-selected="true"]') ?? grid.querySelector("tbody > tr");
    if (first) first.tabIndex = 0;
  }
}
ready();
document.addEventListener("renewed", ready);
