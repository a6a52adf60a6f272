// A page that the browser kept is older than the draft: what was answered since would look like another tab's.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// A day that is typed is the answer, so its circle is marked.
const day = document.getElementById("wished_on");
const ownDay = document.getElementById("when-date");
day?.addEventListener("input", () => (ownDay.checked = true));
// Over a slow line it may have been typed before this script came.
if (day && day.value !== day.defaultValue && [...document.getElementsByName("when")].every((way) => way.checked === way.defaultChecked)) ownDay.checked = true;

// Enter goes on from every question; from the last page, which files, only by its button.
const question = document.querySelector("#question[data-enter]");
question?.querySelector("input[type=radio]:checked")?.focus({ preventScroll: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && document.activeElement === document.body) question?.requestSubmit();
});
