// The panel beside the matrix: what unsaved changes would do, saving and discarding them, and the history of a cell.
import { go } from "./grid.js";
import { csrfHeaders } from "./http.js";
import { say } from "./matrix.js";
import { toast } from "./toasts.js";
import { all, clear, drop, matrix, put, rebase, refuse, step, textOf, would } from "./unsaved.js";

const PAUSE = 250;
const side = () => document.getElementById("side");
let asked = 0;
let timer = 0;
let batch = "";

async function post(url, body, type) {
  return fetch(url, { method: "POST", body, headers: { ...csrfHeaders(), "Content-Type": type } });
}

const sent = () => all().map(({ cell, version, resource, show, text }) => ({ cell, version, resource, show, text }));

/** Sends edits to the address of a view of the matrix, with what its bars show at full width. */
async function send(url, told) {
  const heads = matrix().querySelectorAll("th[data-scale]");
  const scales = Object.fromEntries([...heads].map((head) => [head.id.replace("head-", ""), Number(head.dataset.scale)]));
  return post(url + location.search, JSON.stringify({ ...told, scales }), "application/json");
}

/** Puts `html` into the panel; what was typed into it stays. */
function show(html, kind) {
  const panel = side();
  if (!panel) return;
  const reason = panel.querySelector("#reason");
  const [typed, focused] = [reason?.value ?? "", document.activeElement === reason];
  panel.innerHTML = html;
  panel.dataset.kind = kind;
  panel.hidden = !html;
  panel.toggleAttribute("data-drawer", kind === "history");
  const now = panel.querySelector("#reason");
  if (now) now.value = typed;
  if (focused) now?.focus();
}

document.addEventListener("unsaved", () => {
  clearTimeout(timer);
  if (!all().length) {
    asked += 1;
    if (side()?.dataset.kind === "effect") show("", "");
    return;
  }
  timer = setTimeout(look, PAUSE);
});

/** Asks for the effect of what is unsaved now; of several answers only the last counts. */
async function look() {
  const grid = matrix();
  if (!grid || !all().length) return;
  const mine = (asked += 1);
  side().ariaBusy = "true";
  try {
    const answer = await send(grid.dataset.effect, { edits: sent() });
    if (mine !== asked) return;
    await shown(answer);
  } catch {
    if (mine === asked) toast("No answer from the server. What you typed is kept here.");
  }
  side().ariaBusy = null;
}

async function shown(answer) {
  if (answer.status !== 200 && answer.status !== 422) return toast(`The server answered ${answer.status}. What you typed is kept here.`);
  const told = await answer.json();
  if (told.said) return toast(told.said);
  show(told.html, "effect");
  const short = would(told.parts);
  refuse(told.refused);
  if (Object.values(told.refused).some((one) => one.conflict)) renew();
  const count = Object.keys(told.refused).length;
  if (count) say(`${count} of ${all().length} changes cannot be saved: ${Object.values(told.refused)[0].words}`);
  else if (short.length) say(short.join("; "));
  return undefined;
}

async function save(button) {
  if (button.ariaDisabled === "true") return say("Mend or take back what is marked first.");
  const grid = matrix();
  const edits = sent();
  button.ariaDisabled = "true";
  asked += 1;
  try {
    const answer = await send(grid.dataset.save, { edits, reason: side().querySelector("#reason").value });
    if (answer.status !== 200) return await shown(answer);
    const told = await answer.json();
    batch = told.batch;
    clear();
    settle(edits, told.versions);
    show("", "");
    renew();
    const words = `${edits.length} ${edits.length === 1 ? "change" : "changes"} saved.`;
    toast(words, batch ? undo : undefined);
    say(words);
    grid.querySelector('.cell[tabindex="0"]')?.focus();
  } catch {
    toast("No answer from the server. What you typed is kept here.");
  } finally {
    button.ariaDisabled = null;
  }
  return undefined;
}

/** Until the matrix comes anew: what is typed now is made from what has just been saved. */
function settle(edits, versions) {
  for (const [key, version] of Object.entries(versions)) {
    const cell = document.getElementById(`cell-${key}`);
    if (cell?.dataset.version !== undefined) cell.dataset.version = version;
  }
  for (const { cell, resource, show, text } of edits) {
    const there = document.getElementById(`cell-${cell}`);
    const grid = matrix();
    if (!there || show !== grid.dataset.show || resource !== grid.dataset.resource) continue;
    there.dataset.value = text;
  }
}

async function undo() {
  const body = new URLSearchParams({ batch });
  try {
    const answer = await post(matrix().dataset.undo, body, "application/x-www-form-urlencoded");
    toast(answer.status === 200 || answer.status === 422 ? (await answer.json()).said : `The server answered ${answer.status}.`);
    renew();
  } catch {
    toast("No answer from the server. Nothing was taken back.");
  }
}

function renew() {
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "refresh");
}

/** What the unit of the cell has, or is to have, evenly to those right below it. */
export async function split(cell) {
  const grid = matrix();
  const query = new URLSearchParams({ resource: grid.dataset.resource, value: textOf(cell) });
  const url = `${grid.dataset.history.replace("0/0", cell.id.replace("cell-", "").replace("-", "/"))}split/?${query}`;
  try {
    const answer = await fetch(url);
    if (answer.status === 403) return toast("The quotas below it are not yours to change.");
    const told = await answer.json();
    if (answer.ok) {
      step(() => {
        for (const one of told.cells) {
          const there = document.getElementById(`cell-${one.cell}`);
          put({ cell: one.cell, version: one.version, text: one.text, before: there?.dataset.value ?? "" });
          if (there?.dataset.value === one.text) drop(`${one.cell}:${grid.dataset.resource}:quota`);
        }
      });
    }
    toast(told.said);
  } catch {
    toast("No answer from the server. Nothing was split.");
  }
  return undefined;
}

export async function showHistory(cell) {
  const grid = cell.closest('[role="grid"]');
  const answer = await fetch(grid.dataset.history.replace("0/0", cell.id.replace("cell-", "").replace("-", "/")));
  if (!answer.ok) return toast(`The server answered ${answer.status}.`);
  show(await answer.text(), "history");
  linked();
  side().querySelector("#side-title").focus();
  return undefined;
}

/** Links to a moment keep what else the address says. */
function linked() {
  for (const link of side().querySelectorAll("a[data-keep-query]")) {
    const query = new URLSearchParams(location.search);
    for (const name of ["day", "page"]) query.delete(name);
    query.set("at", new URLSearchParams(link.getAttribute("href")).get("at"));
    link.href = `?${query}`;
  }
}

async function older(button) {
  const answer = await fetch(button.dataset.older);
  if (!answer.ok) return toast(`The server answered ${answer.status}.`);
  const held = document.createElement("template");
  held.innerHTML = await answer.text();
  button.replaceWith(held.content);
  linked();
  return undefined;
}

function closeSide() {
  show("", "");
  matrix()?.querySelector('.cell[tabindex="0"]')?.focus();
  look();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#side button");
  if (!button) return;
  if (button.matches("[data-save]")) save(button);
  else if (button.matches("[data-discard]")) {
    clear();
    say("All changes discarded.");
    matrix().querySelector('.cell[tabindex="0"]')?.focus();
  } else if (button.dataset.to) {
    const cell = document.getElementById(`cell-${button.dataset.to}`);
    if (cell) go(matrix(), cell);
    else toast("It is on another page of the matrix.");
  } else if (button.dataset.mine) step(() => rebase(button.dataset.mine, button.dataset.version));
  else if (button.dataset.theirs) step(() => drop(button.dataset.theirs));
  else if (button.dataset.older) older(button);
  else if (button.matches("[data-close-side]")) closeSide();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && side()?.contains(event.target) && side().dataset.kind === "history") closeSide();
});
