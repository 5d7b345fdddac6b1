/* Sends a request and reads the reply. parts: the fields of the request; images are File objects. key: an API key. */
export async function call(address, parts, key) {
  const entries = Object.entries(parts).map(async ([name, value]) =>
    [name, value instanceof File ? await base64(value) : value]);
  const body = JSON.stringify(Object.fromEntries(await Promise.all(entries)));
  const headers = { "Content-Type": "application/json", ...(key && { "x-api-key": key }) };
  const start = performance.now();
  const response = await fetch(address, { method: "POST", headers, body });
  const text = await response.text();
  return {
    status: response.status,
    ms: performance.now() - start,
    stages: stagesOf(response.headers.get("server-timing") ?? ""),
    reply: parsed(text),
  };
}

/* Parses Server-Timing: "decode;dur=1.5, queue;dur=0" becomes [["decode", 1.5], ["queue", 0]]. */
export function stagesOf(header) {
  return [...header.matchAll(/([\w-]+)\s*;\s*dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]);
}

/* Describes a failure in one line: the problem that a feature reports, or the message of a gateway. */
export function problem(status, reply) {
  const { code, detail, message, Message, request_id } = reply ?? {};
  const text = [code, detail ?? message ?? Message].filter(Boolean).join(": ");
  return `${status} ${text || (typeof reply === "string" ? reply : "")}${request_id ? ` (${request_id})` : ""}`;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function base64(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}
