// A page that the browser kept is older than the draft: what was answered since would look like another tab's.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// A day that is typed is the answer, so its circle is marked.
const day = document.getElementById("wished_on");
day?.addEventListener("input", () => (document.getElementById("when-date").checked = true));

// Enter goes on from the first answer of the page; nothing is sent from the last page by a stray key.
document.querySelector("#question input[type=radio]:checked")?.focus({ preventScroll: true });
