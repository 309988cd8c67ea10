/* Pages of branding: a picker beside the typed colour, and the chosen picture in the preview before it is uploaded. */
"use strict";

for (const typed of document.querySelectorAll("input[data-colour]")) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.setAttribute("aria-label", document.querySelector(`label[for=${typed.id}]`)?.textContent.trim() ?? "");
  const whole = (value) => /^#[0-9a-f]{6}$/i.test(value);
  if (whole(typed.value)) picker.value = typed.value;
  typed.addEventListener("input", () => { if (whole(typed.value.trim())) picker.value = typed.value.trim(); });
  picker.addEventListener("input", () => { typed.value = picker.value; }); // bubbles on: the preview hears it too
  typed.parentElement.classList.add("branding__colour");
  typed.after(picker);
}

for (const chosen of document.querySelectorAll("input[data-logo]")) {
  chosen.addEventListener("change", () => {
    const [file] = chosen.files;
    if (!file || !chosen.accept.split(",").includes(file.type)) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      for (const brand of document.querySelectorAll(".brandview .brand")) {
        const picture = new Image();
        picture.className = "brand__logo";
        picture.alt = file.name;
        picture.src = reader.result;
        brand.replaceChildren(picture);
      }
    });
    reader.readAsDataURL(file);
  });
}
