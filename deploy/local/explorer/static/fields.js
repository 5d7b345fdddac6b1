import { make, marked, say, words } from "./words.js";

const LONG = 1000; // a text field of more characters has several lines

/* A fault of a field that the browser does not find itself. */
export class FieldFault extends Error {}

/* The form fields of a feature's parameters, made from the properties of its schema. */
export class Fields {
  constructor(parent, properties, changed) {
    this.all = Object.entries(properties).map(([name, schema]) => field(name, schema));
    parent.replaceChildren(...this.all.map(({ name, control, schema, hint }) => {
      control.id = `field-${name}`;
      const title = make("span", {}, make("code", {}, name), hint ? say(make("small"), hint) : "");
      const about = make("small", { lang: "en", id: `about-${name}` }, ...marked(schema.description ?? ""));
      control.setAttribute("aria-describedby", about.id);
      return make("label", { className: `field ${control.type}` }, title, control, about);
    }));
    parent.oninput = changed;
  }

  /* values: the values of a request. Other fields get their default. */
  fill(values) {
    for (const { name, schema, write } of this.all) {
      write(values[name] ?? schema.default ?? null);
    }
  }

  /* The values that differ from the defaults, by name. Throws FieldFault. */
  get parts() {
    const parts = {};
    for (const { name, schema, read } of this.all) {
      const value = read();
      if (value !== undefined && JSON.stringify(value) !== JSON.stringify(schema.default)) {
        parts[name] = value;
      }
    }
    return parts;
  }
}

function field(name, schema) {
  const plain = (schema.anyOf ?? []).find(({ type }) => type !== "null") ?? {};
  const whole = { ...plain, ...schema };
  const kind = whole.enum ? choice : KINDS[whole.type] ?? text;
  return { name, schema: whole, ...kind(whole, name) };
}

const KINDS = { boolean: truth, integer: number, number, array: list };

function truth() {
  const control = make("input", { type: "checkbox" });
  return { control, read: () => control.checked, write: (value) => { control.checked = Boolean(value); } };
}

function choice(schema) {
  const control = make("select", {}, ...schema.enum.map((value) => {
    const option = make("option", { value: JSON.stringify(value) }, String(value));
    return value === "" ? say(option, "empty") : option;
  }));
  return {
    control,
    read: () => JSON.parse(control.value),
    write: (value) => { control.value = JSON.stringify(value ?? schema.enum[0]); },
  };
}

function number(schema) {
  const step = schema.type === "integer" ? 1 : "any";
  const limits = { min: schema.minimum ?? "", max: schema.maximum ?? "" };
  const control = make("input", { type: "number", step, inputMode: "decimal", ...limits });
  return {
    control,
    read: () => (control.value === "" ? undefined : control.valueAsNumber),
    write: (value) => { control.value = value ?? ""; },
  };
}

function text(schema) {
  const control = schema.maxLength > LONG ? make("textarea", { rows: 2 }) : make("input", { type: "text" });
  return {
    control,
    read: () => control.value || undefined,
    write: (value) => { control.value = value ?? ""; },
  };
}

function list(schema, name) {
  const control = make("textarea", { rows: 3, spellcheck: false });
  if (schema.items?.type === "string") {
    return {
      control,
      hint: "perLine",
      read: () => {
        const lines = control.value.split("\n").filter((line) => line.trim());
        return lines.length ? lines : undefined;
      },
      write: (value) => { control.value = (value ?? []).join("\n"); },
    };
  }
  const read = () => {
    try {
      return control.value.trim() ? JSON.parse(control.value) : undefined;
    } catch {
      throw new FieldFault(words("notJson", { name }));
    }
  };
  return { control, hint: "asJson", read, write: (value) => { control.value = value ? JSON.stringify(value) : ""; } };
}
