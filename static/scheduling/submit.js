// Plus and minus beside numbers. What they change is told like typing, so that the live answer follows.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const input = document.getElementById(button.dataset.for);
  const step = Number(button.dataset.step);
  const now = Number(input.value) || 0;
  // From a share of a GPU the next step is a whole one, and down from one whole is none.
  const next = step > 0 ? Math.floor(now / step + 1e-9) * step + step : Math.ceil(now / -step - 1e-9) * -step + step;
  input.value = String(Math.min(Number(input.max), Math.max(Number(input.min), next)));
  input.dispatchEvent(new Event("input", { bubbles: true }));
});
