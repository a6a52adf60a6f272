// Comforts only: every page works without them.

// With Control or Command anywhere; a lone key where nobody types, and not for people who switched that off (WCAG 2.1.4).
document.addEventListener("keydown", (event) => {
  if (event.altKey) return;
  const isChord = event.ctrlKey || event.metaKey;
  if (isChord ? event.shiftKey : event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(`[data-${isChord ? "shortcut" : "lone-key"}="${CSS.escape(event.key.toLowerCase())}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// A row opens by click anywhere in it, as by the link it holds.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, label, summary, select") || String(getSelection())) return;
  row.querySelector("a[href]").click();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
  button.textContent = button.dataset.done;
});

// What went wrong with a part of the page is said on top of it, until the next try.
const problem = document.getElementById("problem");
document.addEventListener("htmx:before:request", () => problem?.replaceChildren());
document.addEventListener("htmx:error", () => problem?.replaceChildren(document.getElementById("offline").content.cloneNode(true)));

// What scrolls sideways is reached by keyboard in every browser, and says what it is.
const reach = () => document.querySelectorAll(".table-scroll, .scrolls").forEach((box) => {
  if (box.scrollWidth <= box.clientWidth) {
    box.removeAttribute("tabindex");
    return;
  }
  box.tabIndex = 0;
  box.role = "region";
  box.ariaLabel ||= (box.querySelector("caption") ?? document.querySelector("h1"))?.textContent.trim();
});
reach();
addEventListener("resize", reach);
document.addEventListener("htmx:after:swap", reach);
document.addEventListener("toggle", reach, true);

document.querySelectorAll("form[data-send-on-change]").forEach((form) => form.addEventListener("change", () => form.requestSubmit()));
document.querySelector(".problem[autofocus]")?.focus();
// On a telephone the menu and tabs are wider than the page: where one is, is in sight.
document.querySelectorAll(".menu [aria-current], .tabs [aria-current]").forEach((here) => {
  const row = here.closest(".menu, .nav");
  row.scrollLeft = here.offsetLeft + here.offsetWidth + 16 - row.clientWidth - row.offsetLeft;
});
