"use strict";

// Asks the API by an address relative to the page, as the page asks for its files, and shows what it says.
const API = "api/v1/login/status";

const state = document.getElementById("state");
const request = document.getElementById("request");

function row(name, value) {
  const line = request.tBodies[0].insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  line.append(head);
  line.insertCell().textContent = value;
}

async function show() {
  const answer = await fetch(API, { cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`${answer.url} answered ${answer.status}`);
  }
  const said = await answer.json();
  state.textContent = `The API answers: pod ${said.pod}, not signed in.`;
  row("asked for", new URL(API, document.baseURI).pathname);
  row("arrived as", said.path);
  row("encrypted to the pod by", said.tls);
  row("from", said.peer);
  row("on behalf of", said.forwardedFor || "nobody");
  request.hidden = false;
  document.body.dataset.state = "ready";
}

show().catch((problem) => {
  state.textContent = `The API does not answer: ${problem.message}`;
  document.body.dataset.state = "failed";
});
