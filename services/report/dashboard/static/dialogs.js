/* Sheets over the page: evidence is fetched as a fragment and shown in one native dialog. */
"use strict";

(() => {
  const { text } = window.bus;
  let opener = null;

  async function show(address, options = {}) {
    const sheet = document.getElementById("sheet");
    sheet.innerHTML = `<p class="state" role="status">${text("sheet_loading")}</p>`;
    if (!sheet.open) sheet.showModal();
    const answer = await fetch(address, { headers: { accept: "text/html" }, ...options }).catch(() => null);
    if (answer?.ok) {
      sheet.innerHTML = await answer.text();
      sheet.querySelector("h2")?.focus();
    } else {
      sheet.innerHTML = `<div class="sheet-head"><h2 id="sheet-title" tabindex="-1">${text("sheet_failed")}</h2>
        <button type="button" class="plain" data-close>×</button></div>`;
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-sheet]");
    if (button) {
      opener = button.id;
      show(button.dataset.sheet);
    }
    const sheet = document.getElementById("sheet");
    if (sheet?.open && (event.target.closest?.("[data-close]") || event.target === sheet)) sheet.close();
  });
  // A form whose answer is a sheet of its own.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("[data-sheet-form]")) return;
    event.preventDefault();
    opener = event.submitter?.id ?? null;
    show(event.target.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(event.target)) });
  });
  // The button that opened the sheet may have been drawn anew in the meantime; it is found by its name.
  document.addEventListener(
    "close",
    () => opener && document.getElementById(opener)?.focus(),
    true,
  );
})();

/* Forms inside of a sheet answer with the sheet's new content. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches?.("[data-fragment]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body }).catch(() => null);
  const sheet = document.getElementById("sheet");
  if (answer?.headers.get("content-type")?.startsWith("text/html")) {
    sheet.innerHTML = await answer.text();
    sheet.querySelector("[role=status], [role=alert], h2")?.scrollIntoView({ block: "nearest" });
  } else {
    const problem = await answer?.json().catch(() => null);
    const place = document.createElement("p");
    place.className = "notice error";
    place.setAttribute("role", "alert");
    place.textContent = problem?.detail ?? window.bus.text("sheet_failed");
    form.prepend(place);
  }
});
