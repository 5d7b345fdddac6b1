"use strict";

/* The reply to a request body. Throws `Fault` with what the server says. */
async function ask(body) {
  const address = $("endpoint").value.trim();
  const headers = { "Content-Type": "application/json" };
  if ($("key").value) {
    headers["x-api-key"] = $("key").value;
  }
  const response = await post(address, headers, JSON.stringify(body));
  const reply = await response.json().catch(() => null);
  if (!response.ok && (reply?.detail ?? reply?.message)) { // API Gateway says `message`
    throw new Fault("problem", { status: response.status, detail: reply.detail ?? reply.message });
  }
  if (!response.ok || reply === null) {
    throw new Fault("notJson", { address, status: response.status });
  }
  return reply;
}

async function post(address, headers, body) {
  try {
    return await fetch(address, { method: "POST", headers, body });
  } catch {
    throw new Fault("unreachable", { address });
  }
}

/* Lets a button do its work once at a time, and says what went wrong in `status`. */
function onClick(button, status, work) {
  button.addEventListener("click", async () => {
    if (button.ariaBusy !== "true") {
      button.ariaBusy = "true";
      await attempt(status, work);
      button.ariaBusy = "false";
    }
  });
}

async function attempt(status, work) {
  status.classList.remove("fault");
  say(status, "working");
  try {
    const done = await work();
    say(status, ...(done ?? [""]));
  } catch (error) {
    if (!(error instanceof Fault)) {
      say(status, "");
      throw error;
    }
    status.classList.add("fault");
    say(status, error.message, error.values);
  }
}
