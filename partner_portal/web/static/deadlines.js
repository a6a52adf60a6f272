// Choosing rows: one box for all of the page, and the button says how many are chosen. Without script every box is ticked by hand.
const set = () => document.querySelectorAll("form[data-choose]").forEach((form) => {
  const all = form.querySelector("[data-all]");
  const boxes = [...form.querySelectorAll("input[name=service]")];
  const chosen = boxes.filter((box) => box.checked).length;
  all.hidden = false;
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  form.querySelector(".decide").classList.toggle("stays", chosen > 0);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-choose]");
  if (!form) return;
  if (event.target.matches("[data-all]")) form.querySelectorAll("input[name=service]").forEach((box) => { box.checked = event.target.checked; });
  set();
});
document.addEventListener("htmx:after:swap", set);
addEventListener("pageshow", set);
set();
