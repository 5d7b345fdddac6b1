/* Code that makes the call from a shell and from Python. parts: the fields of the request; images are File objects. */

const PICTURE = "\0"; // stands for an image; nobody can type this character

export function curl(address, parts, auth) {
  const sent = ["-H 'Content-Type: application/json'", ...CURL_AUTH[auth]].join(" \\\n    ");
  const [pieces, files] = [around(parts), filesOf(parts)];
  if (!files.length) {
    return `curl -sS ${quoted(address)} \\\n    ${sent} \\\n    --data-binary ${quoted(pieces[0])}`;
  }
  const writes = pieces.map((piece, index) => {
    const [before, after] = [index ? '"' : "", index < files.length ? '"' : ""];
    const picture = index < files.length ? `\n  base64 < ${quoted(files[index].name)} | tr -d '\\n'` : "";
    return `  printf %s ${quoted(before + piece + after)}${picture}`;
  });
  return `{\n${writes.join("\n")}\n} | curl -sS ${quoted(address)} \\\n    ${sent} \\\n    --data-binary @-`;
}

export function python(address, parts, auth) {
  const files = filesOf(parts);
  const fields = Object.entries(parts).map(([name, value]) => `    ${JSON.stringify(name)}: ${literal(value)},\n`);
  const { uses, argument } = PYTHON_AUTH[auth](new URL(address));
  const imports = [...(files.length ? ["import base64"] : []), ...uses.standard,
    ...(files.length ? ["from pathlib import Path"] : []), "", ...uses.other, "import requests", ""];
  return [
    ...imports.slice(imports[0] === "" ? 1 : 0),
    `body = {\n${fields.join("")}}`,
    `reply = requests.post(${JSON.stringify(address)}, json=body${argument}, timeout=60)`,
    "reply.raise_for_status()",
    "print(reply.json())",
  ].join("\n");
}

const CURL_AUTH = {
  none: [],
  key: ['-H "x-api-key: $API_KEY"'],
  iam: ['--aws-sigv4 "aws:amz:${AWS_REGION:-us-east-1}:execute-api"',
    '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'],
};

const PYTHON_AUTH = {
  none: () => ({ uses: { standard: [], other: [] }, argument: "" }),
  key: () => ({
    uses: { standard: ["import os"], other: [] },
    argument: ', headers={"x-api-key": os.environ["API_KEY"]}',
  }),
  iam: ({ host }) => ({
    uses: {
      standard: ["import os"],
      other: ["from aws_requests_auth.boto_utils import BotoAWSRequestsAuth"],
    },
    argument: `,\n    auth=BotoAWSRequestsAuth(${JSON.stringify(host)}, ` +
      'os.environ.get("AWS_REGION", "us-east-1"), "execute-api")',
  }),
};

/* The parts of the request's JSON before, between and after its images. */
function around(parts) {
  const plain = Object.entries(parts).map(([name, value]) => [name, value instanceof File ? PICTURE : value]);
  return JSON.stringify(Object.fromEntries(plain)).split(JSON.stringify(PICTURE));
}

function filesOf(parts) {
  return Object.values(parts).filter((value) => value instanceof File);
}

/* A text in quotes for a POSIX shell. */
function quoted(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/* A value as Python code. */
function literal(value) {
  if (value instanceof File) {
    return `base64.b64encode(Path(${JSON.stringify(value.name)}).read_bytes()).decode()`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(", ")}]`;
  }
  return value === true ? "True" : value === false ? "False" : value === null ? "None" : JSON.stringify(value);
}
