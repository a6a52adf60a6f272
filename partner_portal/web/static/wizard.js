// A page that the browser kept is older than the draft: what was answered since would look like another tab's.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// A day that is typed is the answer, so its circle is marked.
const day = document.getElementById("wished_on");
day?.addEventListener("input", () => (document.getElementById("when-date").checked = true));

// Enter goes on from every question; from the last page, which files, only by its button.
const question = document.querySelector("#question[data-enter]");
question?.querySelector("input[type=radio]:checked")?.focus({ preventScroll: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && document.activeElement === document.body) question?.requestSubmit();
});
