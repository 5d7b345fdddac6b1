import { $ } from "./language.js";
import { Fault } from "./words.js";

/* Sends a request body and returns the reply. Throws `Fault` with the message of the server. */
export async function ask(body) {
  const address = $("endpoint").value.trim();
  const headers = { "Content-Type": "application/json" };
  if ($("key").value) {
    headers["x-api-key"] = $("key").value;
  }
  const response = await post(address, headers, JSON.stringify(body));
  const reply = await response.json().catch(() => null);
  if (!response.ok && (reply?.detail ?? reply?.message)) { // API Gateway names it `message`
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
