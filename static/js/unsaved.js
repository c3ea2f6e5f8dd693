// What was typed into a matrix and is not saved: kept in this tab until it is saved or discarded, and drawn over the
// cells. Live updates write what is saved underneath; a cell that somebody else changed meanwhile says both.
const MOST_STEPS = 20;
let steps = [];
let refused = {};
let edits = new Map();
let loaded = "";
/** What the server says that the matrix would show: parts by id, of one view of it; and over which html they were drawn. */
let parts = new Map();
let view = "";
let under = "";
let short = new Set();

export const matrix = () => document.querySelector('[role="grid"][data-store]');
export const all = () => [...edits.values()];
const keyOf = (edit) => `${edit.cell}:${edit.resource}:${edit.show}`;
const SWITCHES = ["over", "rank"];
/** What is switched does not belong to one resource; it goes by that of GPUs. */
const resourceOf = (show) => (SWITCHES.includes(show) ? "gpu" : matrix().dataset.resource);
const idOf = (cell) => cell.id.replace("cell-", "");

const mapOf = (list) => new Map(list.map((edit) => [keyOf(edit), edit]));

function load(store) {
  if (loaded === store) return;
  loaded = store;
  try {
    const kept = JSON.parse(sessionStorage.getItem(store) ?? "{}");
    edits = mapOf(kept.edits ?? []);
    steps = kept.steps ?? [];
  } catch {
    edits = new Map();
  }
}

function changed() {
  steps = steps.slice(-MOST_STEPS);
  try {
    if (edits.size) sessionStorage.setItem(loaded, JSON.stringify({ edits: all(), steps }));
    else sessionStorage.removeItem(loaded);
  } catch {
    steps = []; // there is no room for them beside the edits
    sessionStorage.setItem(loaded, JSON.stringify({ edits: all() }));
  }
  draw();
  document.dispatchEvent(new CustomEvent("unsaved"));
}

/** Everything done in `work` is one step, which `back` takes back. */
export function step(work) {
  if (!matrix()) return;
  load(matrix().dataset.store);
  const before = JSON.stringify(all());
  work();
  if (JSON.stringify(all()) === before) return draw();
  steps.push(before);
  changed();
}

export function back() {
  const before = steps.pop();
  if (before === undefined) return false;
  edits = mapOf(JSON.parse(before));
  changed();
  return true;
}

/** An edit of a cell that the page may not show: `{cell, version, text, before, label}` of the lens that is shown. */
export function put(edit) {
  const show = edit.show ?? matrix().dataset.show;
  const whole = { ...edit, show, resource: resourceOf(show) };
  delete refused[keyOf(whole)];
  edits.set(keyOf(whole), whole);
}

/** `text` in place of what the cell holds; what is saved already is no edit. */
export function type(cell, text) {
  put({ cell: idOf(cell), version: cell.dataset.version, text, before: cell.dataset.value });
  if (text === cell.dataset.value) drop(keyOf(find(cell)));
}

const RANKS = ["low", "medium", "high"];

/** Over quota on or off, or the next rank: what the lens has to switch. */
export function flip(cell) {
  const show = cell.dataset.rank ? "rank" : cell.dataset.over ? "over" : "";
  if (!show) return;
  const was = cell.dataset.rank ?? cell.dataset.over;
  const now = find(cell, show)?.text ?? was;
  const text = show === "rank" ? RANKS[(RANKS.indexOf(now) + 1) % RANKS.length] : now === "on" ? "off" : "on";
  put({ cell: idOf(cell), version: cell.dataset.version, show, text, before: was });
  if (text === was) drop(keyOf(find(cell, show)));
}

export function drop(key) {
  edits.delete(key);
  delete refused[key];
}

/** The side of a cell that was changed meanwhile is made from what is there now. */
export function rebase(key, version) {
  const edit = edits.get(key);
  if (!edit) return;
  for (const other of all().filter((one) => one.cell === edit.cell)) other.version = version;
  delete refused[key];
}

export function clear() {
  edits.clear();
  refused = {};
  steps = [];
  changed();
}

export function refuse(reasons) {
  refused = reasons;
  draw();
}

/** The edit of a cell: of the side that is shown, or of one that is switched. */
export const find = (cell, show = matrix().dataset.show) => edits.get(`${idOf(cell)}:${resourceOf(show)}:${show}`);

/** What stands in the cell: what was typed, or what is saved. */
export const textOf = (cell) => (matrix() && find(cell) ? find(cell).text : cell.dataset.value);

export const takeBack = (cell) => {
  for (const edit of all().filter((one) => one.cell === idOf(cell))) drop(keyOf(edit));
};

const saved = new WeakMap();
const MARKS = ["cell-changed", "cell-invalid", "cell-conflict", "cell-then", "unsaved"];
const STATES = ["cell-blocked", "over"];

/** Remembers a cell or sum as the server drew it, before something is drawn over it. */
function keep(element) {
  if (saved.has(element)) return;
  saved.set(element, { html: element.innerHTML, states: STATES.filter((name) => element.classList.contains(name)) });
}

/** As the server drew it. */
function undraw(element) {
  if (!saved.has(element)) return;
  const { html, states } = saved.get(element);
  saved.delete(element);
  element.classList.remove(...MARKS);
  for (const name of STATES) element.classList.toggle(name, states.includes(name));
  element.ariaInvalid = null;
  element.removeAttribute("aria-describedby");
  if (!element.matches(".cell-editing")) element.innerHTML = html;
}

const viewOf = (grid) => `${grid.dataset.cluster} ${grid.dataset.resource} ${grid.dataset.show}`;

/** Takes the parts that look different with what is unsaved. Says which columns no longer add up then. */
export function would(html) {
  const held = document.createElement("template");
  held.innerHTML = html;
  parts = new Map([...held.content.children].map((part) => [part.id, part]));
  view = viewOf(matrix());
  under = "";
  draw();
  const before = short;
  short = new Set([...parts.keys()].filter((id) => parts.get(id).matches(".matrix-sum.over")));
  return [...short]
    .filter((id) => !before.has(id) && !saved.get(document.getElementById(id))?.states.includes("over"))
    .map((id) => `${parts.get(id.replace("sum", "head"))?.querySelector("b").textContent}: ${parts.get(id).querySelector(".note").textContent.trim()}`);
}

function drawParts(grid) {
  if (view !== viewOf(grid)) return;
  const there = [...parts.values()].map((part) => [grid.querySelector(`#${part.id}`), part]).filter(([element]) => element);
  for (const [element, part] of there) {
    if (element.matches(".cell-editing")) continue;
    keep(element);
    element.innerHTML = part.innerHTML;
    for (const name of STATES) element.classList.toggle(name, part.classList.contains(name));
    element.classList.add(...MARKS.filter((name) => part.classList.contains(name)));
  }
  under ||= saying(there.map(([element]) => element));
}

const saying = (elements) => elements.map((element) => saved.get(element)?.html).join();

/** Whether the view is another one, or what is saved has changed under what was drawn over it. */
function outdated(grid) {
  if (!edits.size || !view) return false;
  return view !== viewOf(grid) || under !== saying([...parts.keys()].map((id) => grid.querySelector(`#${id}`)).filter(Boolean));
}

const span = (name, text) => Object.assign(document.createElement(name), { textContent: text });

function over(cell, typed, switched) {
  keep(cell);
  const own = [typed, switched].filter(Boolean);
  const reasons = own.map((edit) => refused[keyOf(edit)]).filter(Boolean);
  const late = own.some((edit) => edit.version !== cell.dataset.version) || reasons.some((one) => one.conflict);
  cell.classList.remove("cell-blocked", "cell-then");
  cell.classList.add(late ? "cell-conflict" : reasons.length ? "cell-invalid" : "cell-changed");
  if (reasons.length || late) cell.ariaInvalid = "true";
  const value = cell.querySelector(".cell-value");
  const note = cell.querySelector(".cell-note, .cell-error") ?? value.before(span("span", "")) ?? value.previousSibling;
  note.classList.remove("cell-lock");
  if (typed) {
    const before = typed.before ? [span("s", typed.before), " "] : [];
    value.replaceChildren(...before, typed.text ? typed.text : span("i", "default"));
  } else if (cell.dataset.value && !value.textContent) value.textContent = cell.dataset.value === "blocked" ? "0" : cell.dataset.value;
  if (late || reasons.length) {
    note.className = "cell-error";
    note.id = `${cell.id}-error`;
    note.title = reasons[0]?.words ?? "";
    note.textContent = late ? `now ${cell.dataset.value || "the default"}, by somebody else` : reasons[0].words;
    cell.setAttribute("aria-describedby", note.id);
  } else if (switched) {
    note.replaceChildren(span("b", switched.show === "rank" ? `${switched.text} rank` : `over quota ${switched.text}`));
  }
}

const late = () => document.querySelectorAll(".cell-conflict").length;

const drawable = () => matrix()?.querySelectorAll(".cell, thead th, .num, .matrix-sum") ?? [];

export function draw() {
  const grid = matrix();
  if (!grid) return;
  load(grid.dataset.store);
  for (const element of drawable()) if (!element.matches(".cell-editing")) undraw(element);
  if (edits.size) drawParts(grid);
  else [parts, view, short] = [new Map(), "", new Set()];
  for (const cell of grid.querySelectorAll(".cell:not(.cell-editing)")) {
    const typed = find(cell);
    const switched = cell.dataset.rank ? find(cell, "rank") : cell.dataset.over ? find(cell, "over") : undefined;
    if (typed || switched) over(cell, typed, switched);
  }
}

document.addEventListener("renewing", () => {
  for (const element of drawable()) undraw(element);
});
document.addEventListener("renewed", () => {
  if (!matrix()) return;
  const before = late();
  draw();
  if (late() > before || outdated(matrix())) document.dispatchEvent(new CustomEvent("unsaved"));
});
if (matrix()) {
  draw();
  if (edits.size) queueMicrotask(() => document.dispatchEvent(new CustomEvent("unsaved")));
}
