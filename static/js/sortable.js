// Lists whose rows can be dragged into another order; buttons beside each row do the same from the keyboard.
let dragged = null;

const rowOf = (target) => target.closest?.("[data-sortable] > li");

document.addEventListener("dragstart", (event) => {
  dragged = rowOf(event.target);
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.textContent.trim());
  dragged.classList.add("dragged");
});

document.addEventListener("dragover", (event) => {
  const row = rowOf(event.target);
  if (!dragged || !row || row.parentElement !== dragged.parentElement) return;
  event.preventDefault();
  if (row === dragged) return;
  const below = row.compareDocumentPosition(dragged) & Node.DOCUMENT_POSITION_FOLLOWING;
  row[below ? "before" : "after"](dragged);
});

document.addEventListener("drop", (event) => {
  if (dragged && rowOf(event.target)) event.preventDefault();
});

document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  [...dragged.parentElement.children].forEach((row, index) => {
    const place = row.querySelector(".place");
    if (place) place.textContent = index + 1;
  });
  dragged.dispatchEvent(new Event("change", { bubbles: true }));
  dragged = null;
});
