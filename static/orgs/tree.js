// Moving units in the tree: Ctrl+X on a unit and Ctrl+V on another, or dragging one onto another. Both open the dialog
// that says what would change, with the place chosen. F2 renames, Delete asks before it deletes.
let carried = null;

const row = (target) => target.closest?.("#units tbody > tr[data-unit]");
const say = (words) => (document.getElementById("said").textContent = words);
const name = (unit) => unit.querySelector(".name").textContent.trim();

function ask(unit, deed, query = "") {
  const url = unit.dataset[deed];
  if (url) htmx.ajax("GET", url + query, { target: "#dialog-slot" });
}

function carry(unit) {
  document.querySelector("#units tr.carried")?.classList.remove("carried");
  carried = unit;
  unit?.classList.add("carried");
}

function drop(target) {
  const unit = carried;
  carry(null);
  if (unit?.isConnected && target && target !== unit) ask(unit, "move", `?parent=${target.dataset.unit}`);
}

document.addEventListener("keydown", (event) => {
  const here = event.target.matches?.("#units tbody > tr") ? event.target : null;
  if (!here) return;
  const held = event.ctrlKey || event.metaKey;
  if (held && event.key === "x" && here.dataset.move) {
    carry(here);
    say(`${name(here)} is taken up. Ctrl V on a department puts it there, Escape lets it be.`);
  } else if (held && event.key === "v" && carried) {
    drop(here);
  } else if (event.key === "Escape" && carried) {
    carry(null);
  } else if (event.key === "F2") {
    ask(here, "rename");
  } else if (event.key === "Delete") {
    ask(here, "delete");
  } else return;
  event.preventDefault();
});

document.addEventListener("dragstart", (event) => {
  const unit = row(event.target);
  if (!unit?.dataset.move) return;
  carry(unit);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", name(unit));
});

document.addEventListener("dragover", (event) => {
  const target = carried && row(event.target);
  for (const other of document.querySelectorAll("#units tr.drop-here")) if (other !== target) other.classList.remove("drop-here");
  if (!target || target === carried || target.dataset.kind === "project") return;
  target.classList.add("drop-here");
  event.preventDefault();
});

document.addEventListener("drop", (event) => {
  const target = carried && row(event.target);
  if (!target) return;
  event.preventDefault();
  drop(target);
});

document.addEventListener("dragend", () => {
  document.querySelector("#units tr.drop-here")?.classList.remove("drop-here");
  carry(null);
});
