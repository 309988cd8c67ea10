/* Passkeys: asks the browser for one and sends its answer with the form; the button of the sign-in page; printing. */
"use strict";

const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function readable(question) {
  const options = JSON.parse(question);
  options.challenge = bytesOf(options.challenge);
  if (options.user) options.user.id = bytesOf(options.user.id);
  for (const list of [options.allowCredentials, options.excludeCredentials]) {
    for (const each of list ?? []) each.id = bytesOf(each.id);
  }
  return options;
}

function written(credential) {
  const { response } = credential;
  const said = { clientDataJSON: textOf(response.clientDataJSON) };
  if (response.attestationObject) {
    said.attestationObject = textOf(response.attestationObject);
    said.transports = response.getTransports?.() ?? [];
  } else {
    said.authenticatorData = textOf(response.authenticatorData);
    said.signature = textOf(response.signature);
    if (response.userHandle) said.userHandle = textOf(response.userHandle);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    response: said,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function answer(form, how, question) {
  const problem = form.querySelector("[data-passkey-problem]");
  if (problem) problem.hidden = true;
  try {
    const publicKey = readable(question);
    const found = how === "create"
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
    form.elements.answer.value = written(found);
    form.submit();
  } catch {
    if (problem) problem.hidden = false;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const how = form.dataset.passkey;
  if (!how) return;
  event.preventDefault();
  let { question } = form.dataset;
  if (!question) { // the sign-in page asks for its question only when somebody wants it
    const asked = await fetch(form.dataset.ask, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    });
    if (!asked.ok) return;
    question = (await asked.json()).options;
  }
  await answer(form, how, question);
});

for (const part of document.querySelectorAll("[data-passkey-offer]")) part.hidden = !window.PublicKeyCredential;

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
