// A palette beside the field that holds a colour; whoever has no script types it.
for (const palette of document.querySelectorAll("input[type=color][data-mirrors]")) {
  const field = document.getElementById(palette.dataset.mirrors);
  const follow = () => {
    if (/^#[0-9a-f]{6}$/i.test(field.value)) palette.value = field.value;
  };
  palette.hidden = false;
  follow();
  field.addEventListener("input", follow);
  palette.addEventListener("input", () => {
    field.value = palette.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
